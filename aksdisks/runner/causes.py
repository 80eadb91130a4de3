"""Why a runbook failed, as a diagnosis of its namespace finds it before the clean-up; it never fails the run itself."""

from __future__ import annotations

from aksdisks.evidence.result import CauseFound
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.session.session import Session
from aksdisks.waiting import at_most

# How long its requests may take; real seconds.
_PATIENCE = 30.0


def find_causes(session: Session) -> tuple[tuple[CauseFound, ...], tuple[str, ...]]:
    """What stands in the way in the session's namespace, and what could not be seen; what is expected is left out."""
    try:
        with at_most(_PATIENCE):
            _, found = examine(session.cluster, session.azure, session.namespace, session.time_scale)
    except Exception as error:
        # Whatever it is, a defect of our own as well: the failure that it was to explain is what counts.
        return (), (f"the cause: {str(error) or repr(error)}",)
    causes = [each for each in found.findings if each.verdict != "expected"]
    return (
        tuple(CauseFound(each.cause, each.verdict, each.object, each.because, each.next) for each in causes),
        tuple(f"{each.what}: {each.because}" for each in found.unseen),
    )
