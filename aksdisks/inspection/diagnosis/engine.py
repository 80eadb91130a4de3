"""Finds one cause for each object and volume: cases out of an inventory, all rules on each, and which prevails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.catalogue import catalogue, causes_of
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import VERDICTS, Finding, ObjectRef, RuledOut, ordered
from aksdisks.inspection.diagnosis.seen import Seen
from aksdisks.inspection.index import ENDED
from aksdisks.model import Claim, Inventory, Pod, known

# They fit whatever does not run, so beside another cause they say nothing.
_NO_CAUSES = ("unknown", "starting")


def diagnose(inventory: Inventory) -> tuple[Finding, ...]:
    """One cause for each object and volume that is not as it should be, or that waits; pure.

    Sorted by verdict (problem, wait, expected), kind, namespace and name. A claim has the cause of the pods that wait
    for it. An empty result means that nothing was found in what the inventory holds: what it could not read stands in
    its `unreadable`, and in `disks` and `machines` that are Unknown.
    """
    seen = Seen(inventory)
    of_pods = [found for pod in inventory.pods for found in _of_pod(seen, pod)]
    waiting: defaultdict[str, list[Finding]] = defaultdict(list)
    for case, found in of_pods:
        if case.claim is not None:
            waiting[case.claim.key].append(found)
    findings = [found for _, found in of_pods]
    for claim in inventory.claims:
        found_of_claim = _of_claim(seen, claim, waiting[claim.key])
        findings += [found_of_claim] if found_of_claim else []
    for volume in inventory.volumes:
        decided = decide(Case(seen, "PersistentVolume", volume=volume))
        findings += [decided] if decided else []
    for snapshot in known(inventory.volume_snapshots):
        decided = decide(Case(seen, "VolumeSnapshot", snapshot=snapshot))
        findings += [decided] if decided else []
    return ordered(findings)


def _of_pod(seen: Seen, pod: Pod) -> list[tuple[Case, Finding]]:
    """The findings about a pod, one for each of its volumes that has a cause of its own, else one at most."""
    # One that has ended needs no volume any more; that it succeeds or fails is its owner's business.
    if pod.phase in ENDED or (pod.ready and not pod.deleting):
        return []
    found = [(case, finding) for case in _cases(seen, pod) if (finding := decide(case))]
    own = [(case, finding) for case, finding in found if not catalogue()[finding.cause].of_pod]
    return own or found[:1]


def _cases(seen: Seen, pod: Pod) -> Iterator[Case]:
    for key, name in zip(pod.claim_keys, pod.claims, strict=True):
        claim = seen.claim(key)
        volume = seen.volume(claim.volume) if claim and claim.volume else None
        yield Case(seen, "Pod", pod=pod, claim=claim, volume=volume, claim_name=name)
    if not pod.claims:
        yield Case(seen, "Pod", pod=pod)


def _of_claim(seen: Seen, claim: Claim, waiting: Sequence[Finding]) -> Finding | None:
    """The cause of the pods that wait for the claim, else its own."""
    bound = claim.phase == "Bound"
    same = [each for each in waiting if not (bound and catalogue()[each.cause].of_pod)]
    volume = seen.volume(claim.volume) if claim.volume else None
    own = decide(Case(seen, "PersistentVolumeClaim", claim=claim, volume=volume))
    first = min(same, key=lambda each: VERDICTS.index(each.verdict), default=None)
    if first is None or (own and VERDICTS.index(own.verdict) < VERDICTS.index(first.verdict)):
        return own
    return replace(first, object=ObjectRef.of("PersistentVolumeClaim", claim))


@dataclass(frozen=True, slots=True)
class _Fit:
    """A cause that fits, with what its rule found."""

    cause: Cause
    match: Match

    @property
    def rank(self) -> tuple[object, ...]:
        """What prevails where no cause stands over another: the specific, the certain, the worse."""
        verdict = self.match.verdict or self.cause.verdict
        certain = self.match.confidence == "certain"
        return (self.cause.fallback, not certain, VERDICTS.index(verdict), self.cause.id)


def decide(case: Case) -> Finding | None:
    """The most specific cause that fits a case; None where none does."""
    fits: list[_Fit] = []
    ruled_out: list[RuledOut] = []
    for cause in causes_of(case.kind):
        answer = cause.rule(case)
        if answer is None:
            continue
        if isinstance(answer, Match):
            fits.append(_Fit(cause, answer))
        else:
            ruled_out.append(RuledOut(cause.id, answer.because))
    for no_cause in _NO_CAUSES:
        fits = [fit for fit in fits if fit.cause.id != no_cause] or fits
    if not fits:
        return None
    beaten = {id_ for fit in fits for id_ in fit.cause.over}
    first, *others = sorted(fits, key=lambda fit: (fit.cause.id in beaten, *fit.rank))
    about = case.volume.name if case.volume else case.claim.name if case.claim else case.claim_name
    return Finding(
        cause=first.cause.id,
        verdict=first.match.verdict or first.cause.verdict,
        confidence=first.match.confidence,
        object=case.ref,
        because=first.match.because,
        evidence=first.match.evidence,
        next=first.match.next,
        ruled_out=tuple(ruled_out),
        also=tuple(sorted(other.cause.id for other in others)),
        docs=first.cause.docs,
        volume="" if first.cause.of_pod else about,
        needs=first.cause.needs if first.match.needs is None else first.match.needs,
    )
