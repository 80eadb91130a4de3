"""The tables of states: they print, and what they do not hold raises."""

from __future__ import annotations

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.compute.lifecycles import ATTACHMENT, DISK, IllegalStep


@pytest.mark.parametrize("life", [DISK, ATTACHMENT], ids=lambda life: life.name)
def test_every_state_is_reached_and_left(life):
    reached = {life.initial, *life.steps.values()}
    left = {state for state, _ in life.steps}
    assert left == reached


def test_the_table_prints():
    assert str(DISK).splitlines()[:3] == [
        "state       step                 then",
        "Unattached  attached             Attached",
        "Attached    detached             Unattached",
    ]


@pytest.mark.parametrize(
    ("life", "state", "step", "message"),
    [
        (DISK, "Attached", "attached", "disk Attached: expected detached, machine deallocated, found attached"),
        (DISK, "Unattached", "detached", "disk Unattached: expected attached, found detached"),
        (ATTACHMENT, "None", "detach", "attachment None: expected attach, found detach"),
        (ATTACHMENT, "Detaching", "attach", "attachment Detaching: expected done, failed, found attach"),
        (ATTACHMENT, "Lost", "attach", "attachment Lost: expected nothing, found attach"),
    ],
)
def test_an_illegal_step_raises(life, state, step, message):
    with pytest.raises(IllegalStep) as caught:
        life.after(state, step)
    assert str(caught.value) == message


def test_an_illegal_step_changes_nothing(cloud_of):
    disk = cloud_of(scenarios.load("regional")).disks()[0]
    before = disk.to_json()
    with pytest.raises(IllegalStep):
        disk.step("attached", managed_by="/another", now=disk.created)
    assert disk.to_json() == before
