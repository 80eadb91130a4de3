"""What a table of owners reads: pages of each kind, Azure beside them, a disk elsewhere by its id, no event."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from aksdisks.azure.compute import Azure
from aksdisks.errors import NotAllowed, NotFound, NotReachable
from aksdisks.inspection.ownership import read_ownership
from aksdisks.model import NotServed, Unknown
from aksdisks.model.ownership import Ownership
from aksdisks.targets.credentials import AzureSettings
from aksdisks.waiting import seconds_left
from tests.inspection.diagnosis.test_bad_input import GROUP, world
from tests.inspection.diagnosis.test_reading import Api

ELSEWHERE = "/subscriptions/s/resourceGroups/data/providers/Microsoft.Compute/disks/by-hand"
TAGS = {"kubernetes.io-created-for-pvc-name": "gone", "kubernetes.io-created-for-pvc-namespace": "shop"}


def disk(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": id_.rpartition("/")[2], "sku": {"name": "Premium_LRS"}, **more,
            "properties": {"diskState": "Unattached", "timeCreated": "2020-01-01T00:00:00Z"}}  # fmt: skip


def volume(name: str, disk_id: str) -> dict[str, Any]:
    spec = {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": disk_id}}
    return {"metadata": {"name": name}, "spec": spec, "status": {"phase": "Available"}}


class Arm(Azure):
    """An Azure of these disks, which notes what it is asked, and how long that may take."""

    def __init__(self, *disks: dict[str, Any]) -> None:
        super().__init__(AzureSettings("https://arm", object, {}), "s", "MC_g")  # type: ignore[arg-type]
        self.own = [each for each in disks if each["id"] != ELSEWHERE]
        self.other = [each for each in disks if each["id"] == ELSEWHERE]
        self.asked: list[str] = []
        self.limits: list[float] = []

    def _send(self, url: str, _query: Any) -> Any:
        path = url.removeprefix("https://arm")
        self.asked.append(path.rpartition("/MC_g")[2] or path)
        self.limits.append(seconds_left(1000.0))
        if path.endswith("/resourceGroups/MC_g"):
            return {"id": path, "name": "MC_g", "tags": {"aks-managed-cluster-name": "article"}}
        if "/data/" in path.lower():
            return self.other[0]
        return {"value": self.own if path.endswith("/disks") else []}


def test_each_kind_is_read_once_and_no_event() -> None:
    api, arm = Api(world()), Arm()
    inventory = read_ownership(api, arm, None)
    assert len(api.asked) == len(set(api.asked)) and "Event" not in api.asked
    assert inventory.unreadable == {"Event": "nothing needed them"}
    compute = "/providers/Microsoft.Compute"
    assert arm.asked == [f"{compute}/{kind}" for kind in ("disks", "snapshots", "virtualMachines",
                                                          "virtualMachineScaleSets")]  # fmt: skip
    assert max(arm.limits) <= 180.0
    with_events = read_ownership(api, arm, None, everything=True)
    assert (with_events.unreadable, bool(with_events.events)) == ({}, True)


def test_a_disk_elsewhere_is_asked_for_once_whoever_names_it() -> None:
    raw = world()
    raw["PersistentVolume"] += [volume("a", ELSEWHERE), volume("b", ELSEWHERE.upper()), volume("c", "http://blob.vhd")]
    arm = Arm(disk(ELSEWHERE))
    found = read_ownership(Api(raw), arm, None).ownership
    assert not isinstance(found, Unknown) and not isinstance(found.disks, Unknown)
    assert [each.lower() for each in arm.asked if "/data/" in each.lower()] == [ELSEWHERE.lower()]
    rows = {each.name: (each.verdict, each.because) for each in found.disks}
    assert rows["by-hand"][0] == "unknown" and rows["by-hand"][1].startswith("it is outside the node resource group")
    assert "'http://blob.vhd' is no id of a managed disk" in rows["blob.vhd"][1]


def test_where_nothing_tells_the_resource_group_no_disk_is_said_to_be_outside_of_it() -> None:
    raw = world() | {"Pod": []}
    found = read_ownership(Api(raw), Azure(Unknown("azure is off")), None).ownership
    assert not isinstance(found, Unknown) and not isinstance(found.disks, Unknown)
    assert [(each.verdict, each.because) for each in found.disks] == [
        ("unknown", "azure is off; volume pvc-1, of claim shop/data names it")
    ]


@pytest.mark.parametrize(
    ("name", "verdict"), [("article", "orphan"), ("Article", "orphan"), ("other", "unknown"), ("", "orphan")]
)
def test_the_group_is_asked_for_the_cluster_s_name_only_where_a_tag_names_one(name: str, verdict: str) -> None:
    tags = TAGS | ({"aks-managed-cluster-name": name} if name else {})
    arm = Arm(disk(f"{GROUP}/disks/left", tags=tags))
    found = read_ownership(Api(world()), arm, None).ownership
    assert not isinstance(found, Unknown)
    assert ("left", verdict) in [(each.name, each.verdict) for each in found.disks]
    assert any("resourceGroups" in each and "Compute" not in each for each in arm.asked) == bool(name)


class Forbids(Api):
    """An API server that does not let these kinds be read, or does not know them."""

    def __init__(self, raw: Any, error: Exception, *kinds: str) -> None:
        super().__init__(raw)
        self.error, self.kinds = error, kinds

    def request(self, method: str, url: str, query: Any = None, *rest: Any) -> Any:
        answer = super().request(method, url, query, *rest)
        if self.asked[-1] in self.kinds:
            raise self.error
        return answer


@pytest.mark.parametrize("kind", ["PersistentVolume", "PersistentVolumeClaim", "Pod", "Node"])
def test_a_kind_that_may_not_be_read_makes_no_orphan(kind: str) -> None:
    arm = Arm(disk(f"{GROUP}/disks/left", tags=TAGS))
    api = Forbids(world(), NotAllowed(f"{kind} is forbidden"), kind)
    inventory = read_ownership(api, arm, None)
    assert inventory.unreadable[kind] == f"{kind} is forbidden"
    assert not isinstance(inventory.ownership, Unknown)
    verdicts = {each.name: each.verdict for each in inventory.ownership.disks}
    assert verdicts["left"] == ("unknown" if kind.startswith("PersistentVolume") else "orphan")


def test_a_cluster_without_snapshots_or_cron_jobs_has_none() -> None:
    missing = ("VolumeSnapshot", "VolumeSnapshotContent", "CronJob")
    inventory = read_ownership(Forbids(world(), NotFound("no such kind", status=404), *missing), Arm(), None)
    assert isinstance(inventory.volume_snapshots, NotServed) and set(inventory.unreadable) == {"Event"}
    assert isinstance(inventory.ownership, Ownership) and inventory.ownership.snapshots == ()


def test_a_cluster_that_does_not_answer_is_raised() -> None:
    with pytest.raises(NotReachable, match="gone"):
        read_ownership(Forbids(world(), NotReachable("gone"), "PersistentVolume"), Arm(), None)


def test_azure_is_read_beside_kubernetes() -> None:
    """Neither side waits for the other's lists: each is held up until the other was asked."""
    disks_asked, volumes_asked = threading.Event(), threading.Event()

    class Slow(Arm):
        def _send(self, url: str, query: Any) -> Any:
            disks_asked.set()
            assert volumes_asked.wait(10), "Azure was asked after all of Kubernetes"
            return super()._send(url, query)

    class Waits(Api):
        def request(self, method: str, url: str, query: Any = None, *rest: Any) -> Any:
            answer = super().request(method, url, query, *rest)
            if "persistentvolumes" in url:
                volumes_asked.set()
                assert disks_asked.wait(10), "Kubernetes was asked after Azure"
            return answer

    found = read_ownership(Waits(world()), lambda _nodes: Slow(), None).ownership
    assert not isinstance(found, Unknown) and not isinstance(found.disks, Unknown)
