"""The steps in which a claim grows: which changes tell of one, and when nothing more is waited for."""

from __future__ import annotations

import pytest

from aksdisks.model import Change, Named
from aksdisks.walkthrough.grow import Step, _is_done, told
from tests.world import claim, event, pod, volume

GROW = claim("grow", capacity="30Gi")
RESIZING = "External resizer is resizing volume pvc-00c863de-f038-4521-bd6d-91db78116857"
MOUNTED = 'MountVolume.NodeExpandVolume succeeded for volume "pvc-00c863de-f038-4521-bd6d-91db78116857" aks-0'


@pytest.mark.parametrize(
    ("kind", "value", "step"),
    [
        ("PersistentVolumeClaim", GROW, ("claim", "its status says 30Gi")),
        ("PersistentVolumeClaim", claim("grow"), None),
        ("PersistentVolumeClaim", claim("other", capacity="30Gi"), None),
        ("PersistentVolume", volume("grow", capacity="30Gi"), ("volume", "its capacity is 30Gi")),
        ("PersistentVolume", volume("grow"), None),
        ("PersistentVolume", volume("other", capacity="30Gi"), None),
        ("Event", event(GROW, "Resizing", RESIZING), "Resizing: External resizer is resizing volume …"),
        (
            "Event",
            event(pod("grow-1", 0), "FileSystemResizeSuccessful", MOUNTED),
            "FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume … aks-0",
        ),
        ("Event", event(claim("growth"), "Resizing", RESIZING), None),
        ("Event", event(GROW, "ProvisioningSucceeded", "Successfully provisioned"), None),
    ],
)
def test_what_tells_of_a_step(kind: str, value: Named, step: tuple[str, str] | str | None) -> None:
    found = told(Change(1.0, "MODIFIED", kind, value), "30Gi")
    assert (found[1] if found and isinstance(step, str) else found) == step


CLAIM: Step = (1.0, "claim", "its status says 30Gi")


@pytest.mark.parametrize(
    ("steps", "elapsed", "done"),
    [
        ([], 100.0, False),
        ([(0.5, "kubelet", "FileSystemResizeSuccessful: …")], 100.0, False),
        ([CLAIM], 1.5, False),
        ([CLAIM], 3.5, True),
        ([CLAIM, (1.1, "kubelet", "FileSystemResizeSuccessful: …")], 1.2, True),
    ],
)
def test_the_last_event_is_waited_for_but_not_for_long(steps: list[Step], elapsed: float, done: bool) -> None:
    assert _is_done(steps, elapsed) is done
