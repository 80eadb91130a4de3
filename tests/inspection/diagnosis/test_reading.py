"""What a diagnosis asks for: pages and no object by itself, Azure only where a finding needs it."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlsplit

import pytest

from aksdisks.azure.compute import Azure
from aksdisks.errors import InputError, NotAllowed, NotFound
from aksdisks.inspection.diagnosis.asking import Asked, Question
from aksdisks.inspection.diagnosis.findings import ObjectRef
from aksdisks.inspection.diagnosis.reading import KINDS, examine
from aksdisks.kube.client import Cluster
from aksdisks.kube.http import KINDS as PLACES
from aksdisks.kube.http import PAGE
from aksdisks.model import NotServed, Unknown
from aksdisks.targets.credentials import AzureSettings
from aksdisks.waiting import seconds_left
from tests.inspection.diagnosis.test_bad_input import GROUP, event, pod, world


class Api(Cluster):
    """An API server of these objects, which gives them in pages and counts how often it is asked."""

    def __init__(self, raw: dict[str, list[dict[str, Any]]]) -> None:
        self.server, self.gone, self.progress = "https://api", "", lambda _said: None
        self.raw = raw
        self.asked: list[str] = []

    def request(self, _method: str, url: str, query: Any = None, *_rest: Any) -> Any:
        plural = urlsplit(url).path.rpartition("/")[2]
        kind = next(kind for kind, (_, name, _) in PLACES.items() if name == plural)
        self.asked.append(kind)
        items, start = self.raw.get(kind, []), int(query.get("continue") or 0)
        more = start + PAGE if start + PAGE < len(items) else ""
        return {"items": items[start : start + PAGE], "metadata": {"resourceVersion": "1", "continue": str(more)}}


@pytest.mark.parametrize("pods", [10, 1100])
def test_the_number_of_calls_grows_with_pages_and_not_with_what_is_stuck(pods: int) -> None:
    raw = world()
    for number in range(pods):
        made = pod(f"more-{number}", "aks-1", ready=number % 2 == 0)
        raw["Pod"].append(made)
        raw["Event"].append(
            event(number + 1, involvedObject={"kind": "Pod", "namespace": "shop", "uid": made["metadata"]["uid"]})
        )
    api = Api(raw)
    _, diagnosis = examine(api, Azure(Unknown("azure is off")), "shop")
    assert len(diagnosis.findings) > pods / 2
    counted = {kind: api.asked.count(kind) for kind in KINDS}
    assert counted == {kind: max(1, math.ceil(len(raw[kind]) / PAGE)) for kind in KINDS}
    # What a finding needs besides is asked for once.
    assert all(api.asked.count(kind) == 1 for kind in set(api.asked) - set(KINDS))


def test_azure_is_not_asked_where_nothing_needs_it() -> None:
    raw = world()
    raw["Pod"], raw["Event"] = raw["Pod"][:1], []

    def azure(_nodes: object) -> Azure:
        raise AssertionError("Azure was asked")

    _, diagnosis = examine(Api(raw), azure, "shop")
    assert (diagnosis.findings, diagnosis.unseen, diagnosis.exit_code) == ((), (), 0)


class Arm(Azure):
    """An Azure of two instances of a scale set and one VM, which notes what it is asked."""

    def __init__(self, state: str = "Succeeded") -> None:
        super().__init__(AzureSettings("https://arm", object, {}), "s", "MC_g")  # type: ignore[arg-type]
        self.asked: list[str] = []
        self.state = state

    def _send(self, url: str, query: Any) -> Any:
        path = url.rpartition("/Microsoft.Compute/")[2]
        view = {"instanceView": {"statuses": [{"code": "PowerState/stopped"}]}} if "$expand" in query else {}
        self.asked.append(path + ("?view" if view else ""))

        def machine(id_: str, name: str) -> dict[str, Any]:
            properties = {"provisioningState": self.state, "osProfile": {"computerName": name}, **view}
            return {"id": f"{GROUP}/{id_}", "name": name, "properties": properties}

        instances = "virtualMachineScaleSets/aks/virtualMachines"
        return {
            "virtualMachines": {"value": [machine("virtualMachines/vm-0", "vm-0")]},
            "virtualMachineScaleSets": {"value": [{"id": f"{GROUP}/virtualMachineScaleSets/aks", "name": "aks"}]},
            instances: {"value": [machine(f"{instances}/{n}", f"aks-{n}") for n in (0, 1)]},
        }.get(path) or machine(path, path.rpartition("/")[2])


@pytest.mark.parametrize(
    ("in_question", "state", "views"),
    [
        ((), "Succeeded", []),
        (("aks-1",), "Succeeded", ["virtualMachineScaleSets/aks/virtualMachines?view"]),
        (("VM-0",), "Succeeded", ["virtualMachineScaleSets/aks/virtualMachines?view", "virtualMachines/vm-0?view"]),
        ((), "Updating", ["virtualMachineScaleSets/aks/virtualMachines/0?view",
                          "virtualMachineScaleSets/aks/virtualMachines/1?view", "virtualMachines/vm-0?view"]),
    ],
)  # fmt: skip
def test_a_machines_power_is_asked_for_only_where_it_is_in_question(
    in_question: tuple[str, ...], state: str, views: list[str]
) -> None:
    arm = Arm(state)
    machines = arm.machines(in_question)
    assert not isinstance(machines, Unknown)
    assert sorted(each for each in arm.asked if each.endswith("?view")) == views
    asked_for = {each.name for each in machines if each.power == "stopped"}
    assert asked_for >= {name.lower() for name in in_question}


def test_shares_are_asked_for_once_where_a_pod_does_not_get_its_share_and_only_then() -> None:
    account = f"{GROUP.rpartition('/')[0]}/Microsoft.Storage/storageAccounts/f1"

    class Files(Arm):
        def _send(self, url: str, query: Any) -> Any:
            if "Microsoft.Storage" not in url:
                return super()._send(url, query)
            self.asked.append(url.rpartition("/")[2])
            listed = [{"id": account, "name": "f1"}] if url.endswith("storageAccounts") else []
            return {"value": listed}

    raw = world() | {"VolumeAttachment": [], "Event": []}
    (volume,) = raw["PersistentVolume"]
    volume["spec"]["csi"] = {"driver": "file.csi.azure.com", "volumeHandle": "MC_g#f1#docs###shop"}
    arm = Files()
    stuck = event(9, reason="FailedMount", message="x: Output: mount error(2): No such file or directory")
    examine(Api(raw | {"Pod": raw["Pod"][:1]}), arm, "shop")
    assert arm.asked == []
    inventory, diagnosis = examine(Api(raw | {"Event": [stuck]}), arm, "shop")
    assert {each.cause for each in diagnosis.findings} == {"share-missing"}
    assert all(each.confidence == "certain" for each in diagnosis.findings)
    assert arm.asked == ["storageAccounts", "shares"] and inventory.files
    # A claim that no pod mounts has no other word than Azure's that its share is gone.
    kept = Files()
    _, diagnosis = examine(Api(raw | {"Pod": []}), kept, "shop")
    assert {each.cause for each in diagnosis.findings} == {"share-missing"}
    assert kept.asked == ["storageAccounts", "shares"]


def test_azures_lists_have_a_limit_together_after_which_they_are_not_seen() -> None:
    left: list[float] = []

    class Slow(Arm):
        def _send(self, url: str, query: Any) -> Any:
            left.append(seconds_left(120.0))
            return {"value": []} if url.endswith("/disks") else super()._send(url, query)

    raw = world() | {"Event": []}
    raw["VolumeAttachment"][0]["spec"]["nodeName"] = "aks-1"
    raw["VolumeAttachment"][0]["status"] = {"attached": False}
    raw["Pod"] = raw["Pod"][1:]
    examine(Api(raw), Slow(), "shop")
    assert left and max(left) <= 60.0
    assert seconds_left(120.0) == 120.0


class Lacking(Api):
    """An API server that does not know a kind, or does not let it be read."""

    def __init__(self, raw: dict[str, list[dict[str, Any]]], kind: str, error: Exception) -> None:
        super().__init__(raw)
        self.kind, self.error = kind, error

    def request(self, method: str, url: str, query: Any = None, *rest: Any) -> Any:
        if url.endswith(("/snapshot.storage.k8s.io/v1", "/storage.k8s.io/v1")):
            return {"resources": [{"name": PLACES[self.kind][1]}]}
        answer = super().request(method, url, query, *rest)
        if self.asked[-1] == self.kind:
            raise self.error
        return answer


NOT_SERVED = NotFound("GET: the server could not find the requested resource", status=404)
SNAPSHOT = ObjectRef("VolumeSnapshot", "shop", "first")


def test_a_cluster_without_snapshots_hides_nothing_and_has_none_to_ask_about() -> None:
    quiet = world() | {"Event": []}
    quiet["Pod"] = quiet["Pod"][:1]
    api = Lacking(quiet, "VolumeSnapshot", NOT_SERVED)
    inventory, diagnosis = examine(api, Azure(Unknown("azure is off")), "shop")
    assert isinstance(inventory.volume_snapshots, NotServed) and inventory.unreadable == {}
    assert (diagnosis.unseen, diagnosis.exit_code) == ((), 0)
    with pytest.raises(InputError, match=r"a cluster that has such objects, found this cluster does not serve"):
        Asked(api, Azure(Unknown("azure is off")), 1.0).diagnosis(Question("shop", SNAPSHOT))


def test_snapshots_that_may_not_be_read_hide_a_problem_only_where_one_was_asked_about() -> None:
    quiet = world() | {"Event": []}
    quiet["Pod"] = quiet["Pod"][:1]
    api = Lacking(quiet, "VolumeSnapshot", NotAllowed("volumesnapshots is forbidden"))
    asked = Asked(api, Azure(Unknown("azure is off")), 1.0)
    for about, code in ((None, 0), (SNAPSHOT, 3)):
        _, diagnosis = asked.diagnosis(Question("shop", about))
        assert [(each.what, each.because) for each in diagnosis.unseen] == [
            ("VolumeSnapshot", "volumesnapshots is forbidden")
        ]
        assert diagnosis.exit_code == code


def test_contents_are_read_once_where_a_claim_is_to_be_filled_and_only_then() -> None:
    raw = world()
    source = {"kind": "VolumeSnapshot", "name": "first", "apiGroup": "snapshot.storage.k8s.io"}
    spec = {"storageClassName": "managed", "dataSource": source, "accessModes": ["ReadWriteOnce"]}
    waits = {"metadata": {"name": "restored", "namespace": "shop", "uid": "r"}, "spec": spec,
             "status": {"phase": "Pending"}}  # fmt: skip
    for claims, times in (([], 0), ([waits], 1)):
        api = Api(raw | {"PersistentVolumeClaim": [*raw["PersistentVolumeClaim"], *claims]})
        examine(api, Azure(Unknown("azure is off")), "shop")
        assert api.asked.count("VolumeSnapshotContent") == times and api.asked.count("VolumeSnapshot") == 1


def test_the_events_of_contents_are_read_where_a_snapshot_is_to_go() -> None:
    about = {"kind": "VolumeSnapshotContent", "name": "c", "uid": "c"}
    refused = event(1, involvedObject=about, reason="SnapshotDeleteError", message="Failed to delete snapshot")
    status = {"boundVolumeSnapshotContentName": "c", "readyToUse": True}
    for going, causes in ({}, []), ({"deletionTimestamp": "2026-11-30T11:23:12Z"}, ["snapshot-protected"]):
        snapshot = {"metadata": {"name": "first", "namespace": "shop", "uid": "f", **going}, "status": status}
        api = Api(world() | {"VolumeSnapshot": [snapshot], "Event": [refused]})
        _, diagnosis = examine(api, Azure(Unknown("azure is off")), "shop", about=SNAPSHOT)
        assert [(each.cause, each.verdict) for each in diagnosis.findings] == [(each, "problem") for each in causes]
        assert api.asked.count("Event") == 1 + len(causes)
