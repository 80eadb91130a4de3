"""What could not be seen, why, and whether that lets an exit code of 0 stand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import Diagnosis, diagnose
from aksdisks.inspection.diagnosis.unseen import VOLUME_EVENTS, unseen
from aksdisks.model import Inventory, NotAsked, Unknown
from tests.inspection.diagnosis.test_causes_provisioning import PLACED, RUNS, UNPLACED, ago, making, told
from tests.world import START, attachment, world

HEALTHY = world(pods=(RUNS,), events=())
WAITING = making()
UNASKED = NotAsked("nothing needed Azure")
KINDS = (
    "Pod",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "VolumeAttachment",
    "Node",
    "CSINode",
    "StorageClass",
    "Event",
    VOLUME_EVENTS,
)


def examined(inventory: Inventory) -> Diagnosis:
    findings = diagnose(inventory)
    return Diagnosis(target="x", at=START, findings=findings, unseen=unseen(inventory, findings))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_may_not_be_read_is_said(kind: str) -> None:
    (row,) = examined(replace(HEALTHY, unreadable={kind: "403 Forbidden"})).unseen
    assert (row.what, row.because) == (kind, "403 Forbidden") and row.limits


@pytest.mark.parametrize(
    ("inventory", "code"),
    [
        pytest.param(HEALTHY, 0, id="all is seen and well"),
        pytest.param(replace(HEALTHY, disks=UNASKED, machines=UNASKED), 0, id="Azure, which nothing needed"),
        pytest.param(replace(HEALTHY, unreadable={"Pod": "403"}), 3, id="pods could be stuck"),
        pytest.param(replace(HEALTHY, unreadable={"StorageClass": "403"}), 0, id="classes, and nothing waits"),
        pytest.param(replace(WAITING, unreadable={"Event": "403"}), 3, id="events, and something waits"),
        pytest.param(WAITING, 0, id="a wait alone"),
        pytest.param(replace(WAITING, disks=Unknown("403")), 3, id="Azure was asked, and something waits"),
        pytest.param(replace(world(), unreadable={"CSINode": "403"}), 1, id="a problem, whatever else"),
    ],
)
def test_exit_codes(inventory: Inventory, code: int) -> None:
    assert examined(inventory).exit_code == code


OLD = replace(UNPLACED, created=ago(7200))
STARTS: dict[str, Any] = {"attachments": (attachment(to=1),), "events": ()}


@pytest.mark.parametrize(
    ("inventory", "said"),
    [
        pytest.param(world(pods=(replace(PLACED, created=ago(7200)),), **STARTS), True, id="older, and no event"),
        pytest.param(world(pods=(replace(PLACED, created=ago(600)),), **STARTS), False, id="younger"),
        pytest.param(
            world(pods=(OLD,), **STARTS | {"events": (told(OLD, "FailedScheduling", "0/2 nodes"),)}),
            False,
            id="an event",
        ),
        pytest.param(world(pods=(RUNS,), events=()), False, id="old, and well"),
        pytest.param(world(pods=(), attachments=(), events=()), False, id="a claim that is kept"),
    ],
)
def test_events_that_have_expired(inventory: Inventory, said: bool) -> None:
    assert [row.what for row in examined(inventory).unseen] == (["expired events"] if said else [])


def test_expired_events_of_many_objects_are_one_row() -> None:
    pods = tuple(replace(PLACED, name=f"p-{n}", uid=f"u-{n}", created=ago(7200)) for n in range(3))
    (row,) = examined(world(pods=pods, **STARTS)).unseen
    assert "Pod walk/p-0 and 2 more" in row.because
