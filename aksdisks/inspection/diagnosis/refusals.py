"""What a standing message refuses: which act on which object, with Azure's answer; for the causes that say why."""

from __future__ import annotations

from dataclasses import dataclass

from aksdisks.inspection.diagnosis.arm import ArmError, arm_error
from aksdisks.inspection.diagnosis.case import Case, Saying
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.words import heard

OVER_ACTS = (
    "provisioning",
    "attach-slow",
    "starting",
    "volume-released",
    "resize-pending",
    "resize-failed",
    "modify-failed",
    "delete-failed",
    "detach-failed",
    "detach-pending",
    "impossible-request",
    "snapshot-failed",
)
"""The causes that say which act failed or takes its time; why it does is more specific."""

_CONSEQUENCES = frozenset({"azure-silent", "bind-timed-out", "attach-timeout"})
# The word before the colon of a message, an event's reason or a field of a status: what was being done.
_ACTS = {
    "ProvisioningFailed": "make", "FailedAttachVolume": "attach", "attachError": "attach", "detachError": "detach",
    "VolumeFailedDelete": "delete", "Failed": "delete", "Released": "delete", "VolumeResizeFailed": "expand",
    "ControllerResizeError": "expand", "NodeResizeError": "expand", "FileSystemResizeFailed": "expand",
    "VolumeModifyFailed": "change", "ModifyVolumeError": "change", "FailedMount": "mount", "FailedMapVolume": "mount",
    "status.error": "snapshot",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """One message that refuses an act, such as `attach`, and what it quotes of Azure's answer."""

    saying: Saying
    act: str
    what: str
    arm: ArmError

    @property
    def evidence(self) -> Evidence:
        """The message."""
        return self.saying.evidence

    @property
    def words(self) -> str:
        """What Azure says, else the message itself, in a line."""
        return in_a_line(self.evidence.says.partition(": ")[2], self.arm)


def refused(case: Case, *ids: str) -> Refusal | None:
    """The last standing message with one of these ids, if no later one about the same act says something else."""
    if not case.messages:
        return None
    found = case.says(*ids)
    if found is None:
        return None
    act, at = act_of(found.evidence), found.evidence.at
    later = [row for row in case.messages if at and row.at and row.at > at and act_of(row) == act]
    # A consequence of it says nothing new; words that the table does not know do.
    if any(not said or not said <= _CONSEQUENCES for said in ({each.id for each in heard(r.says)} for r in later)):
        return None
    # Events are cut off where the error in an object's status is whole.
    same = (each for each in case.sayings if each.id in ids and act_of(each.evidence) == act)
    answers = [arm_error(each.evidence.says) for each in (found, *same)]
    arm = max(answers, key=lambda each: (bool(each.scope), bool(each.message)))
    return Refusal(found, act, _what(case, act), arm)


def in_a_line(text: str, arm: ArmError | None = None) -> str:
    """What a message quotes of Azure, else the message itself, in one line of at most 300 characters."""
    answer = arm or arm_error(text)
    line = answer.message or " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"


def act_of(row: Evidence) -> str:
    """What was being done; the reason itself for others."""
    reason = row.says.partition(":")[0]
    return _ACTS.get(reason, reason)


def _what(case: Case, act: str) -> str:
    """The act as a phrase, such as `attach pvc-1 to aks-0`."""
    claim = f"claim {case.claim.name}" if case.claim else "its claim"
    volume = case.volume.name if case.volume else "the volume"
    snapshot = case.snapshot.name if case.snapshot else "it"
    return {
        "make": f"make the {case.medium} of {claim}",
        "attach": f"attach {volume} to {case.pod.node}" if case.pod and case.pod.node else f"attach {volume}",
        "detach": f"detach {volume}",
        "delete": f"delete the {case.medium} of {volume}",
        "expand": f"expand {claim}",
        "change": f"change the {case.medium} of {claim}",
        "mount": f"mount {volume}",
        "snapshot": f"take snapshot {snapshot}",
    }.get(act, f"go on with {volume if case.volume else claim}")
