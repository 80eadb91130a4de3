"""What volumes may not say, and every line that upstream answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import SUBDOMAIN, of_change, of_new

CSI = {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": "h"}}
ZONE = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "Exists"}]}]}
REGION = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/region", "operator": "Exists"}]}]}


def volume(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "v"},
        "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, **spec},
    }


@pytest.mark.parametrize(
    ("obj", "problems"),
    [
        (volume(**CSI, volumeAttributesClassName="gold"), []),
        (volume(iscsi={"targetPortal": "t", "iqn": "iqn.2015-02.example.com:test", "lun": 1}), []),
        (volume(capacity={"storage": "-1"}, **CSI),
         ["spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
          'spec.capacity[storage]: Invalid value: "-1": must be greater than zero']),
        (volume(capacity={"cpu": "1"}, **CSI),
         ['spec.capacity: Unsupported value: {"cpu":"1"}: supported values: "storage"']),
        (volume(**CSI, hostPath={"path": "/a"}), ["spec.hostPath: Forbidden: may not specify more than 1 volume type"]),
        (volume(csi={"driver": "a_b"}),
         [f'spec.csi.driver: Invalid value: "a_b": {SUBDOMAIN}', "spec.csi.volumeHandle: Required value"]),
        (volume(nfs={"server": "s", "path": "p"}),
         ['spec.nfs.path: Invalid value: "p": must be an absolute path']),
        (volume(local={"path": "/a/../b"}, nodeAffinity={"required": ZONE}),
         ["spec.local.path: Invalid value: \"/a/../b\": must not contain '..'"]),
        (volume(azureFile={"secretName": "s"}), ["spec.azureFile.shareName: Required value"]),
        (volume(hostPath={"path": "/a"}, volumeAttributesClassName=""),
         ["spec.volumeAttributesClassName: Required value: an empty string is disallowed",
          "spec.csi: Required value: has to be specified when using volumeAttributesClassName"]),
        (volume(**CSI, nodeAffinity={}),
         ["spec.nodeAffinity.required: Required value: must specify required node constraints"]),
    ],
)  # fmt: skip
def test_volumes(obj: dict[str, Any], problems: list[str]) -> None:
    assert of_new("persistentvolumes", obj) == problems


@pytest.mark.parametrize(
    ("base", "change", "problems"),
    [
        (CSI, {"csi": {"controllerExpandSecretRef": {"name": "s", "namespace": "n"}}}, []),
        ({**CSI, "nodeAffinity": {"required": ZONE}}, {"nodeAffinity": {"required": REGION}},
         ['nodeAffinity: Invalid value: {"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":'
          '"topology.kubernetes.io/region","operator":"Exists"}]}]}}: field is immutable, except for updating from '
          "beta label to GA"]),
        ({**CSI, "volumeAttributesClassName": "gold"}, {"volumeAttributesClassName": None},
         ["spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden"]),
        ({**CSI, "volumeMode": "Block"}, {"volumeMode": "Filesystem"},
         ['volumeMode: Invalid value: "Filesystem": field is immutable']),
    ],
)  # fmt: skip
def test_changes_of_volumes(base: dict[str, Any], change: dict[str, Any], problems: list[str]) -> None:
    assert of_change("persistentvolumes", volume(**base), {"spec": change}) == problems
