"""Volumes: which of them a provisioner made, and which of them anything deletes."""

from typing import Any

import pytest

from aksdisks.model import Volume, decode

pytestmark = pytest.mark.quick

DRIVER = "disk.csi.azure.com"
MADE = {"csi": {"driver": DRIVER, "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": "1-2-x"}}}
BY_HAND: dict[str, Any] = {"csi": {"driver": DRIVER, "volumeHandle": "/disks/d"}}
PROVISIONED = {"pv.kubernetes.io/provisioned-by": DRIVER}
IN_TREE = {"volumehelper.VolumeDynamicallyCreatedByKey": "azure-disk-dynamic-provisioner"}


@pytest.mark.parametrize(
    ("annotations", "spec", "by_hand", "provisioner", "is_left"),
    [
        pytest.param(PROVISIONED, MADE, False, DRIVER, False, id="made by the driver"),
        pytest.param({}, MADE, False, "", False, id="made by it, restored without its annotations"),
        pytest.param({}, BY_HAND, True, "", True, id="by hand"),
        pytest.param(PROVISIONED, BY_HAND, True, DRIVER, False, id="by hand as AKS's documentation has it"),
        pytest.param(
            IN_TREE, {"azureDisk": {"diskURI": "/disks/d"}}, False, "", False, id="made by the in-tree driver"
        ),
        pytest.param({}, {"azureDisk": {"diskURI": "/disks/d"}}, True, "", True, id="in-tree, by hand"),
        pytest.param({}, BY_HAND | {"claimRef": {"uid": "u"}}, False, "", False, id="named after its claim"),
    ],
)
def test_who_made_a_volume_and_who_deletes_it(
    annotations: dict[str, str], spec: dict[str, Any], by_hand: bool, provisioner: str, is_left: bool
) -> None:
    raw = {
        "metadata": {"name": "pvc-u", "annotations": annotations},
        "spec": {"persistentVolumeReclaimPolicy": "Delete", **spec},
    }
    volume: Volume = decode("PersistentVolume", raw)
    assert (volume.by_hand, volume.provisioner, volume.is_left) == (by_hand, provisioner, is_left)
    kept: Volume = decode("PersistentVolume", raw | {"spec": {**spec, "persistentVolumeReclaimPolicy": "Retain"}})
    assert kept.is_left
