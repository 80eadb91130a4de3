"""What Kubernetes says of a disk or a share: the rules that both have, and their words; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from aksdisks.inspection.ownership.case import Case, ShareCase
from aksdisks.inspection.ownership.owners import set_of
from aksdisks.model import Claim, Volume, Workload
from aksdisks.model.ownership import Verdict

Judgement = tuple[Verdict, str]
Use = Case | ShareCase
C = TypeVar("C", Case, ShareCase)
_SHOWN = 2


def first_verdict(
    case: C, rules: Sequence[Callable[[C], Judgement | None]], volumes: Iterable[Volume], medium: str
) -> Judgement:
    """The verdict of the first rule that has one; the reason names the other volumes of the same disk or share."""
    verdict, because = next(found for rule in rules if (found := rule(case)))
    others = [each.name for each in volumes if each != case.volume]
    return verdict, f"{because}; also of this {medium}: volume {some(others)}" if others else because


def mounted(case: Use) -> Judgement | None:
    """A pod mounts its claim."""
    if not case.pods or not case.claim:
        return None
    ends = "; the claim is being deleted, which waits for the pod's end" if case.claim.deleting else ""
    return "in-use", f"pod {some([pod.key for pod in case.pods])} mounts claim {case.claim.key}{ends}"


def volumes_unread(case: Use) -> Judgement | None:
    """Without the volumes nothing is an orphan."""
    because = case.facts.unread("PersistentVolume")
    return ("unknown", because) if because else None


def kept(case: Use, held: str = "") -> Judgement | None:
    """A volume names it, and a claim names the volume, or the other way round; no pod mounts it."""
    if not case.volume or not case.claim:
        return None
    if because := case.facts.unread("Pod"):
        return "unknown", f"claim {case.claim.key} is there; {because}"
    return "kept", f"claim {case.claim.key} is there, and no pod mounts it{_why_no_pod(case, case.claim)}{held}"


def without_claim(case: Use) -> Judgement | None:
    """A volume names it, and no claim is there."""
    if not case.volume:
        return None
    volume = case.volume
    if because := case.facts.unread("PersistentVolumeClaim"):
        return "unknown", f"volume {volume.name} names it; {because}"
    if not volume.claim_name:
        return "kept", f"volume {volume.name} names it, and no claim has taken that yet"
    if volume.phase == "Available":
        return "kept", f"volume {volume.name} is reserved for claim {volume.claim}, which is not there yet"
    return "released", f"claim {volume.claim} is gone, and {_what_then(volume)}"


def hangs_on(case: Use) -> str:
    """What Kubernetes has that names it."""
    claim = (
        f", of claim {case.claim.key if case.claim else case.volume.claim}" if case.volume and case.namespace else ""
    )
    return f"volume {case.volume.name}{claim} names it" if case.volume else "no volume names it"


def _why_no_pod(case: Use, claim: Claim) -> str:
    """Why a claim has no pod, as far as that can be told."""
    if claim.deleting:
        return "; the claim is being deleted"
    if found := set_of(case.facts, claim):
        if int(claim.name.rpartition("-")[2]) < found.replicas:
            return f" now, of the {found.replicas} of StatefulSet {found.name}"
        return f": StatefulSet {found.name} has {_replicas(found)}, and takes it again when it grows"
    if found := next(iter(case.facts.mounting.get(claim.key, ())), None):
        of = f" has {_replicas(found)}" if found.kind in ("Deployment", "StatefulSet") else " has no pod now"
        return f": {found.kind} {found.name}{of}"
    if ended := case.facts.ended_pods_of(claim):
        return f" any more: pod {ended[0].key} has ended"
    return ""


def _replicas(workload: Workload) -> str:
    return f"{workload.replicas} replica{'' if workload.replicas == 1 else 's'}"


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _what_then(volume: Volume) -> str:
    """What becomes of a volume whose claim is gone."""
    if volume.is_left and volume.reclaim_policy == "Delete":
        return f"volume {volume.name} stays: it was made by hand, and names no provisioner that would delete it"
    if volume.phase == "Failed":
        return f"volume {volume.name} could not be deleted: {volume.message or 'it is Failed'}"
    if volume.reclaim_policy == "Delete":
        by_hand = ", made by hand," if volume.by_hand else ""
        return f"volume {volume.name}{by_hand} is to be deleted with it (policy Delete)"
    return f"volume {volume.name} stays (policy {volume.reclaim_policy})"


def moment(found: datetime) -> str:
    """A time of day in UTC."""
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def span(seconds: float) -> str:
    """A time in the largest unit that it has whole."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0 and (unit != "d" or seconds > size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
