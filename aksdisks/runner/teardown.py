"""The end of a run on its target: what it made is removed, and what could not be removed is named."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aksdisks.errors import AksdisksError
from aksdisks.model.checks import check
from aksdisks.session.cleanup import CleanUp
from aksdisks.session.session import Session
from aksdisks.targets import target


def tear_down(session: Session, clean: str) -> tuple[dict[str, Any], Exception | None]:
    """The `teardown` of run.json, and a defect of our own, if one came between; it never raises.

    `clean` is the command that removes what is left behind on a target that others use.
    """
    parameters, defect = session.parameters, None
    try:
        report = session.clean_up(parameters.teardown_deadline)
    except Exception as error:
        known = isinstance(error, AksdisksError)
        report = CleanUp(problems=(str(error) if known else repr(error),))
        defect = None if known else error
    status = check("nothing of the run is left", report.complete, "").status
    teardown = {"status": str(status), **asdict(report)}
    namespace = f"namespace {session.namespace}"
    stays = target.is_shared(parameters) and namespace.capitalize() not in report.removed
    if stays and status != "passed":
        left = namespace if parameters.namespace == "create" else f"what this run made in {namespace}"
        teardown["left_behind"] = f"{left} stays behind until you remove it: {clean}"
    return teardown, defect
