"""The tables of states: they print, and what they do not hold raises."""

from __future__ import annotations

import pytest

from aksdisks.lab.lifecycles import ATTACHMENT, CLAIM, DISK, VOLUME, IllegalStep


@pytest.mark.parametrize("life", [DISK, ATTACHMENT, CLAIM, VOLUME], ids=lambda life: life.name)
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


@pytest.mark.parametrize(
    ("life", "state", "then", "message"),
    [
        (CLAIM, "Bound", "Lost", ""),
        (CLAIM, "Bound", "Bound", ""),
        (CLAIM, "Lost", "Bound", ""),
        (CLAIM, "Bound", "Available", "claim Bound: expected Lost, Pending, found Available"),
        (VOLUME, "Released", "Available", ""),
        (VOLUME, "Failed", "Available", ""),
        (VOLUME, "Bound", "Failed", "volume Bound: expected Available, Released, found Failed"),
        (VOLUME, "Available", "Pending", "volume Available: expected Bound, Released, found Pending"),
        (VOLUME, "Sold", "Bound", ""),
    ],
)
def test_a_phase_follows_another_by_a_step_of_the_table(life, state, then, message):
    if not message:
        life.check(state, then)
        return
    with pytest.raises(IllegalStep) as caught:
        life.check(state, then)
    assert str(caught.value) == message
