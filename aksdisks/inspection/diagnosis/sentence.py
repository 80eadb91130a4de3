"""Findings in one sentence: what a wait that lasts says of its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aksdisks.azure.compute import Azure
from aksdisks.inspection.diagnosis.findings import Diagnosis, Finding, ObjectRef
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.kube.client import Cluster

About = Callable[[ObjectRef], bool]
"""Which objects somebody waits for."""


def why_it_waits(cluster: Cluster, azure: Azure, namespace: str, time_scale: float, about: About | None = None) -> str:
    """The cause of what stands in the way in a namespace now, as `in_words` says it.

    `about`: of the objects that are awaited, if anything is found about them. Raises as `examine` does.
    """
    _, found = examine(cluster, azure, namespace, time_scale)
    return in_words(found, about)


def in_words(found: Diagnosis, about: About | None = None) -> str:
    """The first of the findings in a sentence, with the id of its cause and the next command, and how many more.

    Where nothing is found, what could not be seen; empty where all was seen and nothing is the matter.
    """
    findings = [each for each in found.findings if about is not None and about(each.object)] or found.findings
    if not findings:
        return f"no cause is found; not seen: {unseen_in_words(found)}" if found.unseen else ""
    first = findings[0]
    alike = [each for each in findings if (each.cause, each.because) == (first.cause, first.because)]
    whom = f"{first.object}" + (f" and {len(alike) - 1} more" if len(alike) > 1 else "")
    likely = "" if first.confidence == "certain" else "likely "
    words = f"{whom}: {_line(first.because)} (cause: {likely}{first.cause}{_next(first)})"
    others = sorted({each.cause for each in findings} - {first.cause})
    return words + (f"; also {', '.join(others)}" if others else "")


def unseen_in_words(found: Diagnosis) -> str:
    """What could not be seen, and why."""
    return "; ".join(f"{each.what}: {_line(each.because)}" for each in found.unseen)


def named(wanted: Iterable[str]) -> About:
    """Whether an object has one of these names."""
    known = frozenset(wanted)
    return lambda ref: ref.name in known


def _next(finding: Finding) -> str:
    return f"; next: {finding.next[0].command}" if finding.next else ""


def _line(text: str) -> str:
    return " ".join(text.split())
