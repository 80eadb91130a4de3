"""Healthy states that look like trouble: nothing is found of them, or what waits by itself or is expected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import diagnose
from aksdisks.model import Condition, ContainerState, Inventory, Node, NotAsked, Workload
from tests.inspection.diagnosis.test_causes_provisioning import (
    CLASS,
    FRESH,
    HELD,
    LOST,
    NOT_ALLOWED,
    PENDING,
    PLACED,
    RUNS,
    SILENT,
    UNPLACED,
    UNUSED,
    ago,
    deleting,
    growing,
    making,
    placing,
    rpc,
    told,
)
from tests.world import (
    CLAIM,
    SPACE,
    attachment,
    claim,
    disk,
    machine,
    multi_attach,
    node,
    pod,
    storage_class,
    volume,
    world,
)

PV = f"pvc-{CLAIM}"
NEW = replace(PLACED, created=ago(20))
HERE = {"disks": (disk(on=1),), "machines": (machine(0), machine(1, disk(on=1)))}
ATTACHED = {"attachments": (attachment(to=1),)} | HERE
SUCCEEDED = f'AttachVolume.Attach succeeded for volume "{PV}" '
REFUSED = replace(multi_attach(NEW), first=ago(15), last=ago(15))
TIMED_OUT = "Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition"
LEAVING = replace(RUNS, ready=False, deleting=ago(5), status="Terminating")
CORDONED = (node(0, schedulable=False, taints=()), node(1))
# A StatefulSet of three that was scaled to one, and a Deployment that is rolled out without a claim of its own.
KEPT = tuple(claim(f"www-web-{n}", created=ago(7200)) for n in range(3))
OF_SET = tuple(volume(f"www-web-{n}") for n in range(3))
FIRST = pod("web-0", 0, claim="www-web-0", created=ago(7200), owner="StatefulSet/web")
PULLING = ContainerState(name="busy", reason="ContainerCreating")
STARTED = ContainerState(name="busy", running=True)


def starting(*, events: Any = (), **parts: Any) -> Inventory:
    """A pod that was placed a moment ago, on the node that has its disk."""
    return world(**{"pods": (NEW,), "events": events} | ATTACHED | parts)


def moved() -> Inventory:
    """A pod that was refused at first and got its disk then."""
    attached = told(NEW, "SuccessfulAttachVolume", SUCCEEDED, at=5, normal=True)
    return starting(events=(REFUSED, attached))


def kubelet(reason: str, message: str, at: float = 5) -> Any:
    return told(NEW, reason, message, at=at, normal=True)


def nodes(**changes: Any) -> tuple[Node, ...]:
    return (node(0, **changes), node(1))


ROWS = [
    ("a pod that runs", world(pods=(RUNS,), events=()), set()),
    ("a pod that just moved", moved(), {"starting"}),
    ("a pod that just moved and runs", world(pods=(replace(NEW, ready=True),), events=(REFUSED,), **ATTACHED), set()),
    (
        "a disk on its way from a node that is well",
        world(pods=(NEW,), events=(REFUSED,), attachments=(attachment(to=0, deleting=ago(10)),)),
        {"detach-pending"},
    ),
    (
        "a disk that is being attached",
        world(
            pods=(NEW,),
            events=(),
            attachments=(attachment(to=1, attached=False, created=ago(10)),),
            disks=(disk(on=None),),
        ),
        {"attach-slow"},
    ),
    ("a mount that timed out once", starting(events=(told(NEW, "FailedMount", TIMED_OUT, at=3),)), {"starting"}),
    ("an image that is being pulled", starting(pods=(replace(NEW, container_states=(PULLING,)),)), {"starting"}),
    ("a probe that is not answered yet", starting(pods=(replace(NEW, container_states=(STARTED,)),)), {"starting"}),
    ("a claim that waits for its first pod", world(**UNUSED | {"claims": (FRESH,)}), {"no-consumer"}),
    (
        "a claim whose only pod has ended",
        world(pods=(replace(RUNS, phase="Succeeded", ready=False),), events=()),
        {"claim-kept"},
    ),
    ("a disk that is being made", making(), {"provisioning"}),
    ("a first attempt that timed out", making(SILENT, of=replace(PENDING, created=ago(40))), {"azure-failing"}),
    (
        "a disk that was refused before it was made",
        world(pods=(RUNS,), events=(told(PENDING, "ProvisioningFailed", rpc(NOT_ALLOWED)),)),
        set(),
    ),
    (
        "a set that was scaled down",
        world(
            pods=(FIRST,),
            claims=KEPT,
            volumes=OF_SET,
            events=(),
            attachments=(attachment("www-web-0"),),
            disks=tuple(disk(f"www-web-{n}", on=0 if n == 0 else None) for n in range(3)),
        ),
        {"claim-kept"},
    ),
    (
        "a claim that was deleted while it is used",
        world(pods=(RUNS,), claims=(claim(deleting=ago(9)),), events=()),
        {"claim-protected"},
    ),
    ("a disk that is being deleted", deleting(), {"volume-released"}),
    (
        "a deletion whose first attempt came too early",
        deleting(HELD, at=20, disks=(disk(on=None),)),
        {"volume-released"},
    ),
    (
        "a volume that is retained",
        deleting(volumes=(volume(phase="Released", reclaim_policy="Retain"),)),
        {"volume-released"},
    ),
    (
        "a volume made by hand that nobody has claimed",
        world(**UNUSED | {"claims": (), "volumes": (volume(phase="Available", claim_name="", claim_namespace=""),)}),
        set(),
    ),
    (
        "a claim of no class that is bound",
        world(pods=(RUNS,), claims=(claim(storage_class="by-hand"),), events=()),
        set(),
    ),
    ("a claim that grows", growing(resize_status="ControllerResizeInProgress"), {"resize-pending"}),
    ("a claim that has grown", growing("it failed once", capacity="30Gi"), set()),
    (
        "a claim that is changed",
        growing(requested="25Gi", modify_status="InProgress", attributes_class="gold"),
        {"modify-pending"},
    ),
    ("a drain: a pod that ends", world(pods=(LEAVING,), nodes=CORDONED, events=()), set()),
    (
        "a drain: its pod's successor",
        world(pods=(LEAVING, NEW), nodes=CORDONED, events=(), attachments=(attachment(),)),
        {"detach-pending", "attach-slow", "starting", "holder-lost"},
    ),
    (
        "a rolling update with maxSurge 0",
        world(
            pods=(NEW,),
            events=(),
            attachments=(attachment(to=0, deleting=ago(3)),),
            workloads=(
                Workload(
                    kind="Deployment", name="disk-deploy", namespace=SPACE, strategy="RollingUpdate", max_surge="0"
                ),
            ),
        ),
        {"detach-pending", "attach-slow", "starting"},
    ),
    ("a pod that was made a moment ago", placing("", ("",), pods=(replace(UNPLACED, created=ago(3)),)), {"starting"}),
    (
        "a pod before its claim is applied",
        world(**UNUSED | {"pods": (replace(UNPLACED, created=ago(2)),), "claims": ()}),
        {"starting"},
    ),
    (
        "a pod for which a node is added",
        placing(
            "0/2 nodes are available: 2 Insufficient cpu.",
            ("",),
            events=(
                told(UNPLACED, "FailedScheduling", "0/2 nodes are available: 2 Insufficient cpu."),
                told(UNPLACED, "TriggeredScaleUp", "pod triggered scale-up", normal=True),
            ),
        ),
        {"no-node"},
    ),
    (
        "a node that is NotReady and whose pods have gone",
        world(pods=(replace(RUNS, node="aks-1"),), nodes=nodes(ready=False), events=(), **ATTACHED),
        set(),
    ),
    (
        "two pods on one node that share a claim",
        world(pods=(RUNS, replace(RUNS, name="b", uid="uid-b")), events=()),
        set(),
    ),
    (
        "Azure that nothing needs",
        world(pods=(RUNS,), events=(), disks=NotAsked("not needed"), machines=NotAsked("not needed")),
        set(),
    ),
    (
        "an earlier pod's refusal",
        world(pods=(RUNS,), events=(replace(multi_attach(RUNS), object_uid="uid-earlier"),)),
        set(),
    ),
    (
        "a zone-redundant disk",
        placing(
            "",
            ("westeurope-1", "westeurope-2", ""),
            pods=(replace(UNPLACED, created=ago(40)),),
            nodes=nodes(disk_zone="westeurope-2"),
        ),
        {"starting"},
    ),
    (
        "a condition that is over",
        growing(capacity="30Gi", conditions=(Condition(type="Resizing", status="False"),)),
        set(),
    ),
    (
        "a default class beside a claim that named none",
        making(
            of=replace(PENDING, storage_class="", selected_node="", created=ago(3)),
            classes=(CLASS, storage_class(name="default", is_default=True)),
            events=(),
            pods=(),
        ),
        set(),
    ),
]


@pytest.mark.parametrize(("inventory", "causes"), [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_no_problem_is_found(inventory: Inventory, causes: set[str]) -> None:
    findings = diagnose(inventory)
    assert {each.verdict for each in findings} <= {"wait", "expected"}, findings
    assert {each.cause for each in findings} <= causes, findings
    assert bool(findings) == bool(causes), findings


def test_a_lost_claim_is_none_of_them() -> None:
    """The rows above would pass on rules that find nothing: one change makes a problem of each kind."""
    broken = (world(pods=(), claims=(LOST,), volumes=(), events=()), making(rpc(NOT_ALLOWED)), deleting(HELD))
    assert all(any(each.verdict == "problem" for each in diagnose(inventory)) for inventory in broken)
