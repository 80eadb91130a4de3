"""Objects about disks that the article has not: what is changed of a claim, and that the claim given stays as it is."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from aksdisks import manifests
from aksdisks.manifests.disks import attributes_class, changed_claim, static_volume
from aksdisks.model import Disk
from aksdisks.parameters import Parameters

CLAIM = manifests.objects_for(Parameters(), {"l": "v"}).claim


def test_a_changed_claim_is_the_claim_but_for_what_is_given() -> None:
    before = deepcopy(CLAIM)
    changed = changed_claim(CLAIM, size="30Gi", attributes_class="fast")
    assert before == CLAIM
    assert changed["spec"].pop("volumeAttributesClassName") == "fast"
    assert changed_claim(CLAIM, volume="pv")["spec"]["volumeName"] == "pv"
    assert changed["spec"]["resources"] == {"requests": {"storage": "30Gi"}}
    changed["spec"]["resources"] = before["spec"]["resources"]
    assert changed == before == changed_claim(CLAIM)


def test_a_class_of_attributes_asks_the_disk_driver() -> None:
    made = attributes_class("fast", "Premium_LRS")
    assert (made["driverName"], made["parameters"]) == ("disk.csi.azure.com", {"skuName": "Premium_LRS"})


DISK = Disk(id="/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d", name="d", size_gib=20, sku="S")


def test_a_volume_names_the_disk_and_the_claim_that_it_is_for() -> None:
    assert static_volume("v", DISK, ("shop", "orders"), "managed-csi", {"l": "v"}) == {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": "v",
            "labels": {"l": "v"},
            "annotations": {"pv.kubernetes.io/provisioned-by": "disk.csi.azure.com"},
        },
        "spec": {
            "capacity": {"storage": "20Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "managed-csi",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": "shop",
                "name": "orders",
            },
            "csi": {"driver": "disk.csi.azure.com", "volumeHandle": DISK.id, "volumeAttributes": {"fsType": "ext4"}},
        },
    }


def test_a_disk_of_a_zone_admits_its_nodes_alone_and_one_of_2019_is_named_in_tree() -> None:
    zoned = static_volume("v", replace(DISK, zones=("2",), location="westeurope"), ("a", "b"), "c", {})
    (term,) = zoned["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "topology.disk.csi.azure.com/zone", "operator": "In", "values": ["westeurope-2"]}
    ]
    old = static_volume("v", DISK, ("a", "b"), "c", {}, in_tree=True)
    assert old["metadata"]["annotations"] == {"pv.kubernetes.io/provisioned-by": "kubernetes.io/azure-disk"}
    assert old["spec"]["azureDisk"] == {"kind": "Managed", "diskName": "d", "diskURI": DISK.id}
    assert "csi" not in old["spec"]
