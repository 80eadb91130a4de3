"""Each verdict made really, on one lab: through its API server, and in its Azure behind Kubernetes' back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.ownership import read_ownership
from aksdisks.kube.client import Cluster
from aksdisks.kube.http import path
from aksdisks.lab.server import process
from aksdisks.model import Inventory, Machine, Unknown, known
from aksdisks.model.ownership import OwnedDisk, OwnedSnapshot, Ownership
from aksdisks.parameters import validate
from aksdisks.waiting import wait
from tests.inspection.diagnosis.test_on_the_lab_snapshots import snapshot, snapshot_class
from tests.lab.breaking import Json, claim, pod, pod_spec, workload

SPEED = 100.0
"""A day is nearly a quarter of an hour: what was made just now is young."""
SPACE = "default"
CLAIMS = ("used", "kept", "retained", "left")
BY_HAND = {"location": "westeurope", "sku": {"name": "Premium_LRS"},
           "properties": {"diskSizeGB": 4, "creationData": {"createOption": "Empty"}}}  # fmt: skip
OTHERS = {"kubernetes.io-created-for-pvc-name": "data", "kubernetes.io-created-for-pvc-namespace": "default",
          "aks-managed-cluster-name": "another"}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A target in which everything was made, and the volume of each claim."""

    target: Target
    volumes: dict[str, str]

    def inventory(self, namespace: str | None = None, grace: float = 86400.0) -> Inventory:
        return read_ownership(self.target.cluster, self.target.azure, namespace, time_scale=SPEED, grace=grace)

    def ownership(self, namespace: str | None = None, grace: float = 86400.0) -> Ownership:
        found = self.inventory(namespace, grace).ownership
        assert isinstance(found, Ownership)
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    state = process.start(tmp_path_factory.mktemp("owners"), SPEED, "regional", parent=os.getpid())
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AKSDISKS_STATE_DIR", state.state_dir)
            with connect(validate({})) as target:
                volumes = _make(target.cluster)
                _by_hand(target, state.node_resource_group)
                yield Made(target, volumes)
    finally:
        process.stop(state.state_dir)


def _make(cluster: Cluster) -> dict[str, str]:
    """Five claims with their pods; all but one lose the pod, two the claim, one the volume."""
    template = {"metadata": {"name": "www"}, "spec": claim("www")["spec"]}
    web = workload("StatefulSet", "web", 1, pod_spec(), template)
    for each in (*map(claim, CLAIMS), *(pod(name, name) for name in CLAIMS), web):
        cluster.create(each, SPACE)
    pods = cluster.follow("Pod", SPACE)
    wait("all pods", pods, lambda found: sum(each.ready for each in found) == len(CLAIMS) + 1, seconds=60)
    volumes = {each.name: each.volume for each in cluster.claims(SPACE)}
    cluster.scale("StatefulSet", "web", SPACE, 0)
    for name in ("retained", "left"):
        keep = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
        cluster.request("PATCH", path("PersistentVolume", name=volumes[name]), None, keep, "merge-patch+json")
    for name in ("kept", "retained", "left"):
        cluster.delete("Pod", name, SPACE)
    wait("one attachment", cluster.follow("VolumeAttachment"), lambda found: len(found) == 1, seconds=60)
    for name in ("retained", "left"):
        cluster.delete("PersistentVolumeClaim", name, SPACE)
    wait("no claims", cluster.follow("PersistentVolumeClaim", SPACE), lambda found: len(found) == 3, seconds=60)
    cluster.delete("PersistentVolume", volumes["left"])
    wait("one volume less", cluster.follow("PersistentVolume"), lambda found: len(found) == 4, seconds=60)
    return volumes


def _by_hand(target: Target, group: str) -> None:
    """A person's disk, one of another cluster, and a static one in another group, which a volume names."""
    places = {"by-hand": group, "theirs": group, "static": "disks"}
    ids = {name: f"/subscriptions/{target.azure.subscription}/resourceGroups/{place}/providers/Microsoft.Compute/disks/"
           f"{name}" for name, place in places.items()}  # fmt: skip
    for name, id_ in ids.items():
        target.azure.act("PUT", id_, {**BY_HAND, "tags": OTHERS if name == "theirs" else {}})
        wait(name, target.azure.follow(id_), lambda found: len(found) == 1, seconds=60)
    for name, handle in (("static", ids["static"]), ("lost", f"{ids['static']}-gone")):
        target.cluster.create(_volume(name, handle))


def _volume(name: str, handle: str) -> Json:
    spec = {"capacity": {"storage": "4Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "disk.csi.azure.com", "volumeHandle": handle}}  # fmt: skip
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def rows(found: Ownership) -> dict[str, OwnedDisk]:
    assert not isinstance(found.disks, Unknown)
    return {each.name: each for each in found.disks}


def test_each_verdict_is_found_with_its_reason(made: Made) -> None:
    found, volumes = rows(made.ownership()), made.volumes
    told = {name: (row.verdict, row.because) for name, row in found.items()}
    machines = {name: told.pop(name) for name, row in found.items() if "OsDisk" in name or row.verdict == "foreign"}
    assert told.pop(volumes["used"]) == ("in-use", "pod default/used mounts claim default/used")
    assert told.pop(volumes["kept"]) == ("kept", "claim default/kept is there, and no pod mounts it")
    scaled = "StatefulSet web has 0 replicas, and takes it again when it grows"
    assert told.pop(volumes["www-web-0"]) == (
        "kept", f"claim default/www-web-0 is there, and no pod mounts it: {scaled}",
    )  # fmt: skip
    assert told.pop(volumes["retained"]) == (
        "released", f"claim default/retained is gone, and volume {volumes['retained']} stays (policy Retain)",
    )  # fmt: skip
    verdict, because = told.pop(volumes["left"])
    assert verdict == "young" and because.startswith("it was made for claim default/left, no volume names it")
    assert told.pop("theirs") == ("unknown", "its tag aks-managed-cluster-name names another cluster, another")
    verdict, because = told.pop("static")
    assert verdict == "unknown" and because.startswith("it is outside the node resource group")
    assert machines.pop("by-hand") == ("foreign", "no tag says that it was made for a claim")
    assert len(machines) == 3 and all(
        because.endswith("starts from it: it has the operating system") for _, because in machines.values()
    )
    assert told == {}


def test_what_is_older_than_the_grace_is_an_orphan_and_only_that(made: Made) -> None:
    orphans = [name for name, row in rows(made.ownership(grace=0.0)).items() if row.verdict == "orphan"]
    assert orphans == [made.volumes["left"]]


def test_a_row_has_both_sides_of_a_disk(made: Made) -> None:
    row = rows(made.ownership())[made.volumes["used"]]
    assert row.claim and row.volume and row.attachment and isinstance(row.machine, Machine)
    assert ([each.name for each in row.pods], row.workload) == (["used"], "Pod/used")
    assert (row.machine.node, row.lun) == (row.attachment.node, row.attachment.lun)


def test_a_namespace_has_its_own_disks_and_no_other(made: Made) -> None:
    inventory = made.inventory("default")
    assert isinstance(inventory.ownership, Ownership)
    assert set(rows(inventory.ownership)) == {*made.volumes.values(), "theirs"}
    assert rows(made.ownership("kube-system")) == {}


def test_beside_the_table_stand_what_has_no_disk_and_free_slots(made: Made) -> None:
    found = made.ownership()
    (lost,) = found.without_disk
    assert lost[0] == "PersistentVolume lost" and lost[1].endswith("/disks/static-gone")
    assert found.disagreements == ()
    assert {(each.limit, each.by_kubernetes == each.by_azure) for each in found.slots} == {(8, True)}
    assert sum(each.limit - each.by_azure for each in found.slots if each.limit and each.by_azure is not None) == 1


def test_connect_s_inventory_is_the_same_table(made: Made) -> None:
    found = made.target.inventory().ownership
    assert isinstance(found, Ownership)
    again = made.ownership()
    assert [(each.id, each.verdict) for each in rows(found).values()] == [
        (each.id, each.verdict) for each in rows(again).values()
    ]
    assert found.snapshots == again.snapshots == ()


def test_a_snapshot_in_another_resource_group_has_a_row(made: Made) -> None:
    cluster, group = made.target.cluster, "disks"
    body = snapshot_class("abroad", "Delete") | {"parameters": {"resourceGroup": group}}
    for each in (body, snapshot("tuesday", "used", volumeSnapshotClassName="abroad")):
        cluster.create(each, SPACE if each["kind"] == "VolumeSnapshot" else "")
    tuesday = cluster.follow("VolumeSnapshot", SPACE)
    wait("the snapshot", tuesday, lambda found: len(found) == 1 and found[0].ready, seconds=60)
    (row,) = snapshots(made.ownership())
    assert (row.verdict, row.because) == ("kept", "VolumeSnapshot default/tuesday is there")
    assert f"/resourcegroups/{group}/" in row.snapshot.id.lower()
    cluster.delete("VolumeSnapshot", "tuesday", SPACE)
    wait("no snapshot", cluster.follow("VolumeSnapshotContent"), lambda found: not found, seconds=60)
    assert snapshots(made.ownership()) == ()
    cluster.delete("VolumeSnapshotClass", "abroad")


def test_a_snapshot_is_kept_then_released_then_left(made: Made) -> None:
    """Last, because Azure's snapshot stays: its class retains it."""
    cluster = made.target.cluster
    for each in (snapshot_class("keeps", "Retain"), snapshot("monday", "used", volumeSnapshotClassName="keeps")):
        cluster.create(each, SPACE if each["kind"] == "VolumeSnapshot" else "")
    monday = cluster.follow("VolumeSnapshot", SPACE)
    wait("the snapshot", monday, lambda found: len(found) == 1 and found[0].ready, seconds=60)
    inventory = made.target.inventory()
    (kept,), (content,) = inventory.frame("snapshots").itertuples(), known(inventory.volume_snapshot_contents)
    assert (kept.verdict, kept.because) == ("kept", "VolumeSnapshot default/monday is there")
    assert (kept.volume_snapshot, kept.source.rpartition("/")[2]) == ("default/monday", made.volumes["used"])
    assert list(inventory.frame("volume_snapshots")["content"]) == [content.name]
    assert list(inventory.frame("volume_snapshot_classes")["deletion_policy"]) == ["Retain"]

    cluster.delete("VolumeSnapshot", "monday", SPACE)
    wait("no snapshot", cluster.follow("VolumeSnapshot", SPACE), lambda found: not found, seconds=60)
    (released,) = snapshots(made.ownership(grace=0.0))
    gone = f"VolumeSnapshot default/monday is gone, and content {content.name} names it still (policy Retain)"
    assert (released.verdict, released.because) == ("released", gone)

    cluster.delete("VolumeSnapshotContent", content.name)
    wait("no content", cluster.follow("VolumeSnapshotContent"), lambda found: not found, seconds=60)
    (left,) = snapshots(made.ownership(grace=0.0))
    because = "is there; no VolumeSnapshotContent of VolumeSnapshot monday names it any more"
    assert left.verdict == "kept" and left.because.endswith(because)


def snapshots(found: Ownership) -> tuple[OwnedSnapshot, ...]:
    assert not isinstance(found.snapshots, Unknown)
    return found.snapshots
