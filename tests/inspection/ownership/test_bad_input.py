"""What either side may say that nobody expects: a table is made of it all the same, and no orphan."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from aksdisks.inspection.diagnosis.reading import inventory_of
from aksdisks.inspection.ownership.facts import Facts
from aksdisks.inspection.ownership.table import ownership
from aksdisks.model import Disk, DiskSnapshot, Machine, Unknown, decode
from aksdisks.model.ownership import Ownership
from aksdisks.model.ownership_rows import disk_rows, snapshot_rows
from aksdisks.prices import PriceList
from tests.inspection.diagnosis.test_bad_input import DISK, GROUP, changed, world

AZURE: dict[str, type[Disk | DiskSnapshot | Machine]] = {"disks": Disk, "snapshots": DiskSnapshot, "machines": Machine}
TAGS = {"k8s-azure-created-by": "kubernetes-azure-dd", "kubernetes.io-created-for-pvc-name": "data",
        "kubernetes.io-created-for-pvc-namespace": "shop", "kubernetes.io-created-for-pv-name": "pvc-1",
        "aks-managed-cluster-name": "article"}  # fmt: skip
OWNED = {"metadata": {"name": "web-1", "namespace": "shop",
                      "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}]},
         "spec": {"replicas": 2, "volumeClaimTemplates": [{"metadata": {"name": "www"}}],
                  "template": {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}}}}  # fmt: skip
CONTENT = {"metadata": {"name": "c"}, "spec": {"driver": "disk.csi.azure.com", "deletionPolicy": "Delete",
           "volumeSnapshotRef": {"name": "s", "namespace": "shop", "uid": "u"}},
           "status": {"snapshotHandle": f"{GROUP}/snapshots/s"}}  # fmt: skip
WORKLOADS = ("StatefulSet", "ReplicaSet", "CronJob")


def both_sides() -> dict[str, list[Any]]:
    machine = f"{GROUP}/virtualMachines/vm-0"
    held = {"lun": 0, "managedDisk": {"id": DISK}}
    of_disk = {"diskState": "Attached", "diskSizeGB": 25, "timeCreated": "2020-01-01T00:00:00Z",
               "LastOwnershipUpdateTime": "2020-01-02T00:00:00Z", "provisioningState": "Succeeded", "tier": "P4",
               "diskIOPSReadWrite": 120, "diskMBpsReadWrite": 25, "uniqueId": "u"}  # fmt: skip
    of_copy = {"creationData": {"sourceResourceId": DISK}, "timeCreated": "2020-01-01T00:00:00Z", "diskSizeGB": 25,
               "completionPercent": 100.0, "incremental": True, "provisioningState": "Succeeded"}  # fmt: skip
    sku = {"name": "Premium_LRS"}
    return world() | {
        **{kind: [OWNED] for kind in WORKLOADS},
        "VolumeSnapshotContent": [CONTENT],
        "VolumeSnapshot": [{"metadata": {"name": "s", "namespace": "shop", "uid": "u"}}],
        "disks": [{"id": DISK, "name": "pvc-1", "managedBy": machine, "sku": sku, "tags": TAGS, "zones": ["1"],
                   "location": "westeurope", "properties": of_disk}],
        "snapshots": [{"id": f"{GROUP}/snapshots/s", "name": "s", "sku": sku, "tags": TAGS, "properties": of_copy}],
        "machines": [{"id": machine, "name": "vm-0", "properties": {
            "osProfile": {"computerName": "aks-0"}, "storageProfile": {"dataDisks": [held]}}}],
    }  # fmt: skip


def judged(raw: dict[str, list[Any]]) -> Ownership:
    found = {kind: tuple(decode(kind, item) for item in items) for kind, items in raw.items() if kind not in AZURE}
    of_azure: dict[str, Any] = {kind: tuple(map(make.of, raw[kind])) for kind, make in AZURE.items()}
    inventory = replace(
        inventory_of(found, None), disks=of_azure["disks"], machines=of_azure["machines"],
        workloads=tuple(each for kind in WORKLOADS for each in found[kind]),
    )  # fmt: skip
    facts = Facts(
        inventory=inventory, volumes=found["PersistentVolume"], attachments=found["VolumeAttachment"],
        scope=GROUP.partition("/providers")[0], contents=found["VolumeSnapshotContent"],
        snapshots=of_azure["snapshots"], cluster="article",
    )  # fmt: skip
    return ownership(facts, PriceList.builtin())


def verdicts(found: Ownership) -> list[str]:
    assert not isinstance(found.disks, Unknown) and not isinstance(found.snapshots, Unknown)
    return [*(each.verdict for each in found.disks), *(each.verdict for each in found.snapshots)]


def test_both_sides_as_they_are() -> None:
    assert verdicts(judged(both_sides())) == ["in-use", "kept"]


@pytest.mark.parametrize("kind", [kind for kind, items in both_sides().items() if items and kind != "Event"])
def test_whatever_is_missing_null_or_of_another_type_is_no_error_and_no_orphan(kind: str) -> None:
    raw = both_sides()
    tried = 0
    for wrong in changed(copy.deepcopy(raw[kind][0])):
        found = judged(raw | {kind: [wrong, *raw[kind][1:]]})
        assert "orphan" not in verdicts(found), wrong
        assert all(row["because"] for row in (*disk_rows(found.disks).rows, *snapshot_rows(found.snapshots).rows))
        tried += 1
    assert tried > 10


@pytest.mark.parametrize("kind", AZURE)
def test_of_a_disk_that_nothing_names_no_odd_field_is_an_error(kind: str) -> None:
    raw = both_sides() | {
        key: [] for key in ("Pod", "PersistentVolumeClaim", "PersistentVolume", "VolumeSnapshotContent")
    }
    for item in (raw["disks"][0], *raw["machines"]):
        item.pop("managedBy", None)
        item["properties"] |= {"diskState": "Unattached", "storageProfile": {}}
    assert verdicts(judged(raw)) == ["orphan", "kept"]
    for wrong in changed(copy.deepcopy(raw[kind][0])):
        assert all(verdict != "in-use" for verdict in verdicts(judged(raw | {kind: [wrong]}))), wrong
