"""The lifecycles of disks, their attachments, claims and volumes as tables of states; an illegal step raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class IllegalStep(ValueError):  # noqa: N818 - the field's words: a step that is not legal
    """A step that the state does not allow; nothing has changed."""


@dataclass(frozen=True)
class Lifecycle:
    """Which step leads from which state to which; printable."""

    name: str
    initial: str
    steps: Mapping[tuple[str, str], str]

    def after(self, state: str, step: str) -> str:
        """The state after `step`. Raises `IllegalStep`."""
        try:
            return self.steps[state, step]
        except KeyError:
            allowed = ", ".join(sorted(known for at, known in self.steps if at == state)) or "nothing"
            raise IllegalStep(f"{self.name} {state}: expected {allowed}, found {step}") from None

    def check(self, state: str, then: str) -> None:
        """A step must lead from one state to the other, unless it stays. Raises `IllegalStep`.

        A state that the table does not know was written by somebody else: any may follow it.
        """
        reached = sorted({result for (at, _), result in self.steps.items() if at == state})
        if reached and then not in (state, *reached):
            raise IllegalStep(f"{self.name} {state}: expected {', '.join(reached)}, found {then}")

    def __str__(self) -> str:
        rows = [(state, step, result) for (state, step), result in self.steps.items()]
        rows.insert(0, ("state", "step", "then"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )


DISK = Lifecycle(
    "disk",
    "Unattached",
    {
        ("Unattached", "attached"): "Attached",
        ("Attached", "detached"): "Unattached",
        ("Attached", "machine deallocated"): "Reserved",
        ("Reserved", "machine started"): "Attached",
        ("Reserved", "detached"): "Unattached",
    },
)
"""`properties.diskState` (facts E). While it is being attached a disk still reads Unattached (k/k#82714)."""

ATTACHMENT = Lifecycle(
    "attachment",
    "None",
    {
        ("None", "attach"): "Attaching",
        ("Attaching", "done"): "Attached",
        ("Attaching", "failed"): "None",
        ("Attached", "detach"): "Detaching",
        ("Detaching", "done"): "None",
        ("Detaching", "failed"): "DetachFailed",
        ("DetachFailed", "detach"): "Detaching",
    },
)
"""A disk's place on a machine: Azure shows it by a data disk's `toBeDetached` and the machine's provisioningState."""

CLAIM = Lifecycle(
    "claim",
    "Pending",
    {
        ("Pending", "volume found"): "Bound",
        ("Pending", "volume gone"): "Lost",
        ("Bound", "volume gone"): "Lost",
        ("Bound", "mark of binding taken away"): "Pending",
        ("Lost", "volume back"): "Bound",
        ("Lost", "mark of binding taken away"): "Pending",
    },
)
"""A PersistentVolumeClaim's `status.phase` (K pkg/controller/volume/persistentvolume/pv_controller.go, syncClaim)."""

VOLUME = Lifecycle(
    "volume",
    "Pending",
    {
        ("Pending", "no claim"): "Available",
        ("Pending", "claim found"): "Bound",
        ("Pending", "claim gone"): "Released",
        ("Available", "claim found"): "Bound",
        ("Available", "claim gone"): "Released",
        ("Bound", "claim gone"): "Released",
        ("Bound", "claimRef taken away"): "Available",
        ("Released", "not to be deleted"): "Failed",
        ("Released", "claimRef taken away"): "Available",
        ("Released", "claimRef changed"): "Bound",
        ("Failed", "claimRef taken away"): "Available",
        ("Failed", "claimRef changed"): "Bound",
    },
)
"""A PersistentVolume's `status.phase` (the same, syncVolume); what is to be deleted is Released until it is gone."""
