"""A VolumeAttributesClass through kubectl: a disk is changed under its pod, and what Azure does not do is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.breaking import broken_lab, claim, pod
from tests.programs import needs

pytestmark = needs("kubectl")


def attributes(name: str, **parameters: str) -> dict[str, Any]:
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": name}}
    return {**kind, "driverName": "disk.csi.azure.com", "parameters": parameters}


def test_a_disk_is_changed_while_a_pod_uses_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    with broken_lab(tmp_path_factory.mktemp("attributes"), 400.0, "three-zones") as lab:
        lab.apply(
            attributes("first", skuName="PremiumV2_LRS", cachingMode="None"),
            attributes("fast", DiskIOPSReadWrite="5000", DiskMBpsReadWrite="300"),
            attributes("other", skuName="Premium_LRS"),
        )
        wanted = claim("data")
        wanted["spec"]["volumeAttributesClassName"] = "first"
        lab.apply(wanted, pod("user", "data"))
        lab.running("user")
        name = lab.volume("data")
        change = json.dumps({"spec": {"volumeAttributesClassName": "fast"}})
        lab.kubectl("patch", "pvc", "data", "--patch", change)
        lab.told("VolumeModifySuccessful external resizer modified volume data with vac fast successfully", "data")
        disk = lab.azure.disks.get(lab.state.node_resource_group, name)
        assert (disk.sku.name, disk.disk_iops_read_write, disk.disk_m_bps_read_write) == ("PremiumV2_LRS", 5000, 300)

        lab.kubectl("patch", "pvc", "data", "--patch", change.replace("fast", "other"))
        lab.told(r"VolumeModifyFailed rpc error: code = Internal desc = PATCH https://\S+/disks/" + name, "data")
        reason = '{.status.conditions[?(@.type=="ModifyVolumeError")].message}'
        assert f"Cannot change the storage account type of disk {name} while it is attached" in lab.get(
            reason, "pvc", "data"
        )
        told = lab.kubectl("patch", "pvc", "data", "--patch", change.replace('"fast"', "null"), code=1)
        assert "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil" in told
        lab.kubectl("delete", "pod", "user", "--wait=false")
        lab.wait("jsonpath={.status.currentVolumeAttributesClassName}=other", "pvc/data")
