"""What a cluster may say that nobody expects: a diagnosis is made of it all the same, and says what is not known."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aksdisks.azure.compute import Azure
from aksdisks.inspection.connection import azure_of
from aksdisks.inspection.diagnosis.findings import Diagnosis
from aksdisks.inspection.diagnosis.reading import KINDS, SNAPSHOTS, examine, inventory_of, judge
from aksdisks.model import Disk, Inventory, Machine, Node, Unknown, decode
from aksdisks.targets.credentials import AzureSettings
from aksdisks.targets.target import TargetSettings

NOW = datetime.now(UTC)
MADE = (NOW - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
GROUP = "/subscriptions/s/resourceGroups/MC_g/providers/Microsoft.Compute"
DISK = f"{GROUP}/disks/pvc-1"
META = {"namespace": "shop", "creationTimestamp": MADE}
REFUSED = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) one'


def pod(name: str, node: str, *, ready: bool) -> dict[str, Any]:
    state = {"running": {"startedAt": MADE}} if ready else {"waiting": {"reason": "ContainerCreating"}}
    return {
        "metadata": {
            **META, "name": name, "uid": name, "labels": {"app": "x"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "uid": "rs", "controller": True}],
        },
        "spec": {
            "nodeName": node, "containers": [{"name": "c"}], "securityContext": {"fsGroup": 1000},
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        },
        "status": {
            "phase": "Running" if ready else "Pending",
            "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": MADE},
                           {"type": "PodScheduled", "status": "True", "lastTransitionTime": MADE}],
            "containerStatuses": [{"name": "c", "ready": ready, "restartCount": 0, "state": state, "lastState": {}}],
        },
    }  # fmt: skip


def event(number: int = 0, **changes: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "namespace": "shop", "name": "two", "uid": "two"}
    times = {"firstTimestamp": MADE, "lastTimestamp": MADE, "eventTime": None, "count": 1}
    plain = {"metadata": {**META, "name": f"two.{number}", "uid": f"event-{number}"}, "involvedObject": about}
    return {**plain, **times, "type": "Warning", "reason": "FailedAttachVolume", "message": REFUSED, **changes}


def world() -> dict[str, list[dict[str, Any]]]:
    """Two pods on one claim, as the API server lists them."""
    ready = {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": MADE}]}
    terms = [{"matchExpressions": [{"key": "topology.disk.csi.azure.com/zone", "operator": "In", "values": [""]}]}]
    return {
        "Pod": [pod("one", "aks-0", ready=True), pod("two", "aks-1", ready=False)],
        "PersistentVolumeClaim": [
            {
                "metadata": {**META, "name": "data", "uid": "data", "finalizers": ["kubernetes.io/pvc-protection"]},
                "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "pvc-1", "storageClassName": "managed",
                         "resources": {"requests": {"storage": "25Gi"}}},
                "status": {"phase": "Bound", "capacity": {"storage": "25Gi"}},
            }
        ],
        "PersistentVolume": [
            {
                "metadata": {"name": "pvc-1", "uid": "pv", "creationTimestamp": MADE},
                "spec": {"capacity": {"storage": "25Gi"}, "accessModes": ["ReadWriteOnce"],
                         "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "managed",
                         "claimRef": {"namespace": "shop", "name": "data", "uid": "data"},
                         "csi": {"driver": "disk.csi.azure.com", "volumeHandle": DISK},
                         "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}},
                "status": {"phase": "Bound"},
            }
        ],
        "VolumeAttachment": [
            {
                "metadata": {"name": "csi-1", "uid": "va", "creationTimestamp": MADE},
                "spec": {"attacher": "disk.csi.azure.com", "nodeName": "aks-0",
                         "source": {"persistentVolumeName": "pvc-1"}},
                "status": {"attached": True, "attachmentMetadata": {"LUN": "0"}},
            }
        ],
        "Event": [event()],
        "Node": [
            {"metadata": {"name": f"aks-{n}", "uid": f"aks-{n}", "labels": {"topology.disk.csi.azure.com/zone": ""}},
             "spec": {"providerID": f"azure://{GROUP.lower()}/virtualMachines/vm_{n}", "taints": [{"key": "k"}]},
             "status": ready}
            for n in (0, 1)
        ],
        "CSINode": [
            {"metadata": {"name": f"aks-{n}"},
             "spec": {"drivers": [{"name": "disk.csi.azure.com", "allocatable": {"count": 8}}]}}
            for n in (0, 1)
        ],
        "StorageClass": [
            {"metadata": {"name": "managed"}, "provisioner": "disk.csi.azure.com", "parameters": {"skuname": "x"}}
        ],
        "VolumeSnapshot": [
            {"metadata": {"name": "first", "uid": "first", "finalizers": ["a"], **META},
             "spec": {"source": {"persistentVolumeClaimName": "data"}, "volumeSnapshotClassName": "plain"},
             "status": {"readyToUse": True, "boundVolumeSnapshotContentName": "c", "creationTime": MADE,
                        "restoreSize": "25Gi", "error": {"message": "it was busy", "time": MADE}}}
        ],
    }  # fmt: skip


class Cluster:
    """An API server that has nothing but this."""

    server = "https://api"

    def __init__(self, raw: dict[str, list[dict[str, Any]]]) -> None:
        self.raw = raw
        self.calls = 0

    def readable(self, kind: str, _namespace: str = "") -> tuple[Any, ...]:
        self.calls += 1
        return tuple(decode(kind, item) for item in self.raw.get(kind, []))


def found(raw: dict[str, list[dict[str, Any]]], azure: Any = None) -> tuple[Inventory, Diagnosis]:
    unasked: Any = azure or Azure(Unknown("azure is off"))
    return examine(Cluster(raw), unasked, "shop")  # type: ignore[arg-type]


def causes(raw: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {each.object.name: each.cause for each in found(raw)[1].findings}


def changed(value: Any) -> Iterator[Any]:
    """The value with one part of it missing, null, or of another type, each in turn."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {other: value[other] for other in value if other != key}
            for wrong in (None, [], {}, 7, "x"):
                yield {**value, key: wrong}
            for each in changed(inner):
                yield {**value, key: each}
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            for each in (None, *changed(inner)):
                yield [*value[:number], each, *value[number + 1 :]]


def test_the_world_is_that_of_a_shared_claim() -> None:
    assert causes(world()) == {"data": "shared-claim", "two": "shared-claim"}


@pytest.mark.parametrize("kind", [*KINDS, SNAPSHOTS])
def test_whatever_is_missing_null_or_of_another_type_is_no_error(kind: str) -> None:
    raw = world()
    tried = 0
    for number, item in enumerate(raw[kind]):
        for wrong in changed(copy.deepcopy(item)):
            items = [*raw[kind][:number], wrong, *raw[kind][number + 1 :]]
            json.dumps(found(raw | {kind: items})[1].to_dict())
            tried += 1
    assert tried > 10


def test_fields_that_nobody_knows_are_left_aside() -> None:
    raw, more = world(), world()
    for items in more.values():
        for item in items:
            item["unheardOf"] = {"x": [1]}
            item["metadata"]["unheardOf"] = "x"
    assert causes(more) == causes(raw)


def test_events_without_times_still_stand() -> None:
    timeless = event(firstTimestamp=None, lastTimestamp=None, eventTime=None, count=None)
    del timeless["metadata"]["creationTimestamp"]
    raw = world()
    assert causes(raw | {"Event": [timeless]}) == causes(raw)


def test_thousands_of_events_of_one_pod_say_no_more_than_the_last() -> None:
    raw = world()
    many = [event(n, message=f"unheard of {n}", reason="Odd", type="Normal") for n in range(5000)]
    many += [event(n + 5000, message=f"Readiness probe failed: {n}", reason="Unhealthy") for n in range(5000)]
    assert causes(raw | {"Event": [*many, event(10001)]}) == causes(raw)


def test_a_claim_whose_volume_is_gone() -> None:
    raw = world() | {"PersistentVolume": [], "VolumeAttachment": [], "Event": []}
    raw["PersistentVolumeClaim"][0]["status"]["phase"] = "Lost"
    assert causes(raw)["data"] == "claim-lost"


MACHINES = tuple(Machine(id=f"{GROUP}/virtualMachines/vm_{n}", name=f"vm_{n}", node=f"aks-{n}") for n in (0, 1))


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="ids that differ in case"),
        pytest.param(
            [Disk(id=DISK.replace("MC_g", "other"), name="pvc-1", resource_group="other", state="Unattached")],
            id="two disks of one name in two groups",
        ),
    ],
)
def test_a_disk_is_found_by_its_whole_id_without_case(others: list[Disk]) -> None:
    mine = Disk(id=DISK.upper(), name="pvc-1", state="Attached", managed_by=f"{GROUP}/VIRTUALMACHINES/VM_0".upper())
    inventory = replace(
        inventory_of({kind: [decode(kind, item) for item in items] for kind, items in world().items()}, "shop"),
        disks=(*others, mine),
        machines=MACHINES,
    )
    whole, diagnosis = judge(inventory, Cluster({}), Azure(Unknown("off")))  # type: ignore[arg-type]
    assert {each.object.name for each in diagnosis.findings if each.verdict == "problem"} >= {"data", "two"}
    assert not {"disk-gone", "disk-elsewhere"} & {each.cause for each in diagnosis.findings}
    chain = next(each for each in whole.chains if each.pod and each.pod.name == "one")
    assert (chain.disk, chain.machine) == (mine, MACHINES[0])


@pytest.mark.parametrize(
    ("ids", "because"),
    [
        (["", ""], "the nodes' providerIDs name 0 Azure resource groups, expected 1"),
        (["kind://x", ""], "the nodes' providerIDs name 0 Azure resource groups, expected 1"),
        (
            [f"azure://{GROUP}/virtualMachines/a", f"azure://{GROUP.replace('MC_g', 'other')}/virtualMachines/b"],
            "the nodes' providerIDs name 2 Azure resource groups, expected 1",
        ),
    ],
)
def test_nodes_that_do_not_say_where_azure_has_them_leave_azure_unseen(ids: list[str], because: str) -> None:
    settings: Any = AzureSettings("https://arm", lambda: None, {})  # type: ignore[arg-type,return-value]
    target = TargetSettings(lambda: None, settings, 1.0, "", None)  # type: ignore[arg-type]

    def azure(nodes: tuple[Node, ...] | Unknown) -> Azure:
        return azure_of(target, nodes, lambda _said: None)

    raw = world() | {"Event": []}
    for node, provider_id in zip(raw["Node"], ids, strict=True):
        node["spec"]["providerID"] = provider_id
    # An attachment that hangs is a matter for Azure.
    raw["VolumeAttachment"][0]["spec"]["nodeName"] = "aks-1"
    raw["VolumeAttachment"][0]["status"] = {"attached": False}
    raw["Pod"] = raw["Pod"][1:]
    _, diagnosis = found(raw, azure)
    assert diagnosis.findings
    assert because in [each.because for each in diagnosis.unseen]
