"""What CSI drivers, their nodes, attachments and storage classes may not say, and every line that upstream answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import of_change, of_new

CSI = {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": "h"}}


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
