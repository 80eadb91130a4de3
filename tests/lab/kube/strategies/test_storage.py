"""What volumes, claims, classes, attachments and drivers may not say, and every line that upstream answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import of_change, of_new

CSI = {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": "h"}}
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
ZONE = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "Exists"}]}]}
REGION = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/region", "operator": "Exists"}]}]}


def volume(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "v"},
        "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, **spec},
    }


def claim(**spec: Any) -> dict[str, Any]:
    size = {"requests": {"storage": "2Gi"}}
    return {"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": size, **spec}}


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


SOURCE = {"kind": "PersistentVolumeClaim", "name": "a"}


@pytest.mark.parametrize(
    ("obj", "problems"),
    [
        (claim(dataSource=SOURCE, dataSourceRef=SOURCE), []),
        (claim(accessModes=["ReadWriteOncePod", "ReadWriteMany"]),
         ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"]),
        (claim(dataSource={"kind": "Pod", "name": "p"}), []),
        (claim(dataSourceRef={"kind": "Pod", "name": "p"}),
         [f"spec.{key}: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup"
          for key in ("dataSource", "dataSourceRef")]),
        (claim(dataSource=SOURCE, dataSourceRef={**SOURCE, "name": "b"}),
         ["spec: Invalid value: {}: must match dataSourceRef"]),
        (claim(volumeMode="Tape", storageClassName="A_b"),
         [f'spec.storageClassName: Invalid value: "A_b": {SUBDOMAIN}',
          'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"']),
        (claim(selector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
         ["spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or "
          "'NotIn'"]),
    ],
)  # fmt: skip
def test_claims(obj: dict[str, Any], problems: list[str]) -> None:
    assert of_new("persistentvolumeclaims", obj) == problems


BOUND = {"phase": "Bound", "capacity": {"storage": "2Gi"}}


@pytest.mark.parametrize(
    ("base", "change", "problems"),
    [
        (claim(), {"spec": {"storageClassName": "late"}}, []),
        (claim(volumeAttributesClassName="gold"), {"spec": {"volumeAttributesClassName": ""}},
         ["spec.volumeAttributesClassName: Forbidden: update from non-nil value to an empty string is forbidden"]),
        (claim(volumeName="v"), {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, []),
    ],
)  # fmt: skip
def test_changes_of_claims(base: dict[str, Any], change: dict[str, Any], problems: list[str]) -> None:
    assert of_change("persistentvolumeclaims", base, change, BOUND) == problems


@pytest.mark.parametrize(
    ("status", "problems"),
    [
        ({"capacity": {"storage": "-1Gi"}},
         ["status.capacity[storage]: Invalid value: -1073741824: must be a valid resource quantity"]),
    ],
)  # fmt: skip
def test_statuses_of_claims(status: dict[str, Any], problems: list[str]) -> None:
    assert of_change("persistentvolumeclaims", claim(), {"status": status}, subresource="status") == problems


def attachment(**source: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"attacher": "d", "nodeName": "n", "source": source}}


INLINE = {"accessModes": ["ReadWriteOnce"], **CSI}
DRIVER = {"metadata": {"name": "d"}, "spec": {}}


@pytest.mark.parametrize(
    ("resource", "obj", "problems"),
    [
        ("volumeattachments", attachment(inlineVolumeSpec=INLINE), []),
        ("volumeattachments", attachment(inlineVolumeSpec=INLINE, persistentVolumeName="v"),
         ["spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName"]),
        ("csinodes", {"metadata": {"name": "n"}, "spec": {"drivers": [
            {"name": "d", "nodeID": "i", "topologyKeys": ["a", "a"]}]}}, ['spec.drivers[0]: Duplicate value: "a"']),
        ("csidrivers", {"metadata": {"name": "d"}, "spec": {"nodeAllocatableUpdatePeriodSeconds": 1}},
         ["spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 1: must be greater than or equal to 10 seconds"]),
        ("storageclasses", {"metadata": {"name": "s"}, "provisioner": "p", "allowedTopologies": [
            {"matchLabelExpressions": [{"key": "z", "values": ["1", "1"]}, {"key": "z", "values": []}]}]},
         ['allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "1"',
          "allowedTopologies[0].matchLabelExpressions[1].values: Required value",
          'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "z"']),
    ],
)  # fmt: skip
def test_other_kinds(resource: str, obj: dict[str, Any], problems: list[str]) -> None:
    assert of_new(resource, obj) == problems


@pytest.mark.parametrize(
    ("resource", "base", "change", "problems"),
    [
        ("volumeattachments", attachment(persistentVolumeName="v"), {"spec": {"nodeName": "m"}},
         ['spec: Invalid value: {"attacher":"d","nodeName":"m","source":{"persistentVolumeName":"v"}}: field is '
          "immutable"]),
        ("volumeattachments", attachment(persistentVolumeName="v"), {"spec": {"attacher": ""}},
         ["spec.attacher: Required value", "spec.attacher: Required value",
          'spec: Invalid value: {"attacher":"","nodeName":"n","source":{"persistentVolumeName":"v"}}: field is '
          "immutable"]),
        ("csidrivers", DRIVER, {"spec": {"attachRequired": False}},
         ["spec.attachedRequired: Invalid value: false: field is immutable"]),
        ("csinodes", {"metadata": {"name": "n"}, "spec": {"drivers": [{"name": "d", "nodeID": "i"}]}},
         {"spec": {"drivers": [{"name": "d", "nodeID": "i", "allocatable": {"count": 3}}]}}, []),
        ("csinodes", {"metadata": {"name": "n"}, "spec": {"drivers": [{"name": "d", "nodeID": "i"}]}},
         {"spec": {"drivers": [{"name": "d", "nodeID": "i"}, {"name": "e"}]}},
         ["spec.drivers[1].nodeID: Required value", "spec.drivers[1].nodeID: Required value"]),
        ("csinodes", {"metadata": {"name": "n"}, "spec": {"drivers": [{"name": "d", "nodeID": "i"}]}},
         {"spec": {"drivers": [{"name": "d", "nodeID": "j"}]}},
         ['spec.drivers: Invalid value: {"name":"d","nodeID":"j"}: field is immutable']),
    ],
)  # fmt: skip
def test_changes_of_other_kinds(
    resource: str, base: dict[str, Any], change: dict[str, Any], problems: list[str]
) -> None:
    assert of_change(resource, base, change) == problems
