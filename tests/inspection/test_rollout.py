"""Pods followed through watch events: when an act is over, in what order pods came and went, and how long each took."""

from dataclasses import replace

from aksdisks.inspection.rollout import Rollout
from aksdisks.model import Attachment, Change, KubeEvent
from tests.world import CLAIM, START, attachment, claim, disk, event, machine, multi_attach, pod, volume, world

PLACED = pod("disk-deploy-1-a", 0, ready=False)
RUNNING = replace(PLACED, ready=True)
OTHER = pod("disk-deploy-1-b", 1, ready=False)


def change(at, value, kind="MODIFIED"):
    names = {Attachment: "VolumeAttachment", KubeEvent: "Event"}
    return Change(at, kind, names.get(type(value), "Pod"), value)


def after(*changes, initial=()) -> Rollout:
    rollout = Rollout("disk-pod")
    rollout.begin(initial)
    assert list(rollout.follow([*changes, None]))[-1] is None
    return rollout


def test_an_act_is_over_when_each_pod_runs_or_was_refused():
    came = (change(0.1, PLACED, "ADDED"), change(0.1, OTHER, "ADDED"))
    assert not after(*came).settled(2)
    assert not after(*came, change(0.2, RUNNING)).settled(2)
    refused = after(*came, change(0.2, RUNNING), change(0.3, multi_attach(OTHER, PLACED.name), "ADDED"))
    assert refused.settled(2) and not refused.settled(3)
    assert refused.describe() == "disk-deploy-1-a ContainerCreating, disk-deploy-1-b ContainerCreating"


ATTACHED = event(OTHER, "SuccessfulAttachVolume", f'AttachVolume.Attach succeeded for volume "pvc-{CLAIM}" ', at=2.0)


def test_a_refusal_that_passed_ends_no_wait_in_whatever_order_its_events_are_read():
    came = (change(0.1, RUNNING, "ADDED"), change(0.1, OTHER, "ADDED"))
    told = [change(0.2, each, "ADDED") for each in (multi_attach(OTHER, PLACED.name, at=1.0), ATTACHED)]
    assert after(*came, told[0]).settled(2)
    for order in (told, told[::-1]):
        assert not after(*came, *order).settled(2)
        assert after(*came, *order, change(0.3, replace(OTHER, ready=True))).settled(2)


def test_a_pod_whose_claim_no_running_pod_elsewhere_shares_is_waited_for():
    moved = pod("disk-stateful-set-2", 1, ready=False, claim="c-2", labels={"app": "disk-pod"})
    others = [pod(f"disk-stateful-set-{n}", n % 2, claim=f"c-{n}") for n in (0, 1)]
    came = [change(0.1, each, "ADDED") for each in (*others, moved, OTHER)]
    refused = [change(0.2, multi_attach(each), "ADDED") for each in (moved, OTHER)]
    assert not after(*came[:3], refused[0]).settled(3)
    leaving = change(0.1, replace(RUNNING, deleting=START), "ADDED")
    assert not after(leaving, came[3], refused[1]).settled(2)


def test_what_another_workload_does_is_not_followed():
    assert after(change(0.1, replace(PLACED, labels={"app": "other"}), "ADDED")).settled(0)


def test_moments_are_cluster_seconds_and_belong_to_one_pod_not_to_its_name():
    old = replace(RUNNING, name="disk-stateful-set-0", uid="old")
    new = replace(PLACED, name="disk-stateful-set-0", uid="new")
    rollout = after(
        change(0.0, old),
        change(0.02, old, "DELETED"),
        change(0.03, replace(new, node=""), "ADDED"),
        change(0.05, new),
        change(0.17, attachment(), "ADDED"),
        change(0.20, replace(new, ready=True)),
        initial=[change(0.0, old, "ADDED"), change(0.0, attachment("other"), "ADDED")],
    )
    (row,) = rollout.timeline(world(pods=(new,)), 100.0)
    assert (row.pod, row.created, row.scheduled, row.attached, row.started) == (new.name, 3.0, 5.0, 17.0, 20.0)
    assert rollout.gone == [old.name]


def test_pods_that_were_there_before_have_no_row():
    assert after(initial=[change(0.0, RUNNING, "ADDED")]).timeline(world(), 100.0) == []


def test_volumes_are_held_until_their_attachment_is_gone():
    held, other = attachment(), attachment("other")
    rollout = after(change(0.1, held, "DELETED"), initial=[change(0.0, held, "ADDED"), change(0.0, other, "ADDED")])
    assert rollout.attached_volumes() == {"pvc-other"}


def test_rows_are_in_the_order_of_starting():
    pods = [pod(f"disk-stateful-set-{n}", n, claim=f"c-{n}") for n in (1, 0, 2)]
    changes = [change(0.1 * at, p, "ADDED") for at, p in enumerate(pods)]
    names = [f"c-{n}" for n in range(3)]
    inventory = world(
        pods=tuple(pods),
        claims=tuple(map(claim, names)),
        volumes=tuple(map(volume, names)),
        disks=tuple(map(disk, names)),
        machines=(machine(0),),
        events=(),
    )
    assert [row.pod[-1] for row in after(*changes).timeline(inventory, 1.0)] == ["1", "0", "2"]
