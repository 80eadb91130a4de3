"""A lost node followed through watch events: what counts as over, and when each step happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aksdisks.inspection.node_loss import LossMoments, NodeLoss
from aksdisks.model import Attachment, Change, Node
from aksdisks.model.kubernetes import Taint
from tests.world import START, attachment, node, pod

TAINT = "node.kubernetes.io/out-of-service"
OLD = pod("set-0", 1, claim="c-0")
NEW = replace(OLD, uid="uid-new", node="aks-0", ready=False)
HELD = attachment("c-0", 1)
MARKED = replace(node(1, ready=False), taints=(Taint(key=TAINT, value="nodeshutdown", effect="NoExecute"),))


def change(at: float, value: Any, kind: str = "MODIFIED") -> Change:
    names = {Attachment: "VolumeAttachment", Node: "Node"}
    return Change(at, kind, names.get(type(value), "Pod"), value)  # type: ignore[arg-type]


def lost(*changes: Change) -> NodeLoss:
    """What is known after these, of a node with one pod."""
    seen = NodeLoss("aks-1", TAINT, {OLD.name: OLD.uid}, {HELD.volume: OLD.name})
    seen.begin([change(0.0, each, "ADDED") for each in (node(1), node(0), OLD, HELD)])
    assert list(seen.follow([*changes, None]))[-1] is None
    return seen


STEPS = (
    change(1.0, node(1, ready=False)),
    change(2.0, replace(OLD, ready=False, deleting=START)),
    change(3.0, MARKED),
    change(3.5, replace(HELD, deleting=START)),
    change(3.6, replace(OLD, deleting=START), "DELETED"),
    change(3.7, NEW, "ADDED"),
    change(4.0, replace(HELD, name="csi-other", node="aks-0"), "ADDED"),
    change(5.0, replace(NEW, ready=True)),
)


@pytest.mark.parametrize(
    ("steps", "ready", "terminating", "back", "described"),
    [
        (0, True, False, False, "node Ready, set-0 Running"),
        (1, False, False, False, "node NotReady, set-0 Running"),
        (2, False, True, False, "node NotReady, set-0 Running"),
        (5, False, True, False, "node NotReady, set-0 gone"),
        (6, False, True, False, "node NotReady, set-0 Running"),
        (8, False, True, True, "node NotReady, set-0 Running"),
    ],
)
def test_what_has_come_about(steps: int, ready: bool, terminating: bool, back: bool, described: str) -> None:
    seen = lost(*STEPS[:steps])
    assert (seen.ready, seen.terminating, seen.back, seen.describe()) == (ready, terminating, back, described)


def test_the_moments_are_of_the_node_and_of_the_pod_that_has_the_name_elsewhere() -> None:
    seen = lost(*STEPS)
    seen.moments["stopped", "aks-1"] = 0.5
    assert seen.timeline(10.0) == [LossMoments("set-0", 5.0, 10.0, 20.0, 30.0, 40.0, 50.0)]
    assert lost(*STEPS[:2]).timeline(10.0) == [LossMoments("set-0", None, 10.0, 20.0, None, None, None)]


def test_other_nodes_and_their_pods_are_not_followed() -> None:
    other = [change(1.0, node(0, ready=False)), change(1.0, replace(pod("b", 0), deleting=START))]
    seen = lost(*other, change(1.0, replace(attachment("b", 0), deleting=None), "ADDED"))
    assert (seen.ready, seen.moments) == (True, {})
