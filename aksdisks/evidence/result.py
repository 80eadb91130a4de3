"""What a run proved, as run.json has it: rolled up into one status and exit code, read back, compared with another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from aksdisks.errors import InputError
from aksdisks.inspection.diagnosis import ObjectRef, Step
from aksdisks.inspection.diagnosis.findings import Verdict
from aksdisks.model.checks import Check, Status
from aksdisks.waiting import listed

# Worst first; "not applicable" counts as neither and shows only where nothing else does.
_SEVERITY = (Status.FAILED, Status.NOT_RUN, Status.INCONCLUSIVE, Status.PASSED, Status.NOT_APPLICABLE)

# The form of run.json; a program refuses to read a later one.
VERSION = 1

_EXIT_CODES = {"passed": 0, "not applicable": 0, "failed": 1, "not run": 1}
_EXIT_CODES |= {"refused": 2, "inconclusive": 3, "interrupted": 130}


@dataclass(frozen=True)
class CauseFound:
    """What a diagnosis found of one object after a runbook failed, before the clean-up; the fields are a Finding's."""

    cause: str
    verdict: Verdict
    object: ObjectRef
    because: str
    next: tuple[Step, ...] = ()


@dataclass(frozen=True)
class RunbookResult:
    """One runbook: `seconds` of wall time, file names relative to the run's folder, why it ended early if it did.

    Of one that failed, `findings` are what stood in the way then, problems before waits, and `unseen` is what the
    diagnosis could not see, with the reason.
    """

    name: str
    status: Status
    seconds: float = 0.0
    notebook: str | None = None
    html: str | None = None
    checks: tuple[Check, ...] = ()
    problem: str = ""
    findings: tuple[CauseFound, ...] = ()
    unseen: tuple[str, ...] = ()

    def told_findings(self) -> list[tuple[str, CauseFound]]:
        """The findings with their objects in words: objects of which the same is said stand together.

        A run is in one namespace, which its objects then need not name.
        """
        several = len({each.object.namespace for each in self.findings} - {""}) > 1
        alike: dict[tuple[str, str], list[CauseFound]] = {}
        for each in self.findings:
            alike.setdefault((each.cause, each.because), []).append(each)
        return [(listed([_named(each.object, several) for each in found]), found[0]) for found in alike.values()]


@dataclass(frozen=True)
class RunResult:
    """A whole run, as run.json tells it. Times are RFC 3339 in UTC; `teardown` says what was removed or stayed.

    `identity`: server, version and resource group of the target; `disks`: how many the resource group had before the
    run and after it.
    """

    run: str
    target: str
    status: str
    started: str
    finished: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    runbooks: tuple[RunbookResult, ...] = ()
    teardown: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    disks: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 2 refused, 3 inconclusive, 130 interrupted."""
        return _EXIT_CODES[self.status]

    def document(self) -> dict[str, Any]:
        """The content of run.json; `problem`, `findings` and `unseen` stand only where there are any."""
        document = {"version": VERSION, **asdict(self)}
        for part in (document, *document["runbooks"]):
            for optional in ("problem", "findings", "unseen"):
                if not part.get(optional, True):
                    del part[optional]
        return document


def _named(of: ObjectRef, several: bool) -> str:
    return str(of) if several else f"{of.kind} {of.name}"


def roll_up(statuses: Sequence[str]) -> Status:
    """The worst of `statuses`: failed over not run over inconclusive over passed over not applicable.

    Nothing to roll up is inconclusive: a runbook that checked nothing has proved nothing.
    """
    return min(map(Status, statuses), key=_SEVERITY.index, default=Status.INCONCLUSIVE)


def conclude(result: RunResult, problems: Sequence[str] = ()) -> RunResult:
    """The final result: its status tells of the teardown too, and of the problems that failed beside the runbooks.

    An interrupted run stays interrupted and a refused one refused; `problem` and `teardown` say the rest.
    """
    status = result.status
    if status not in ("interrupted", "refused"):
        teardown = result.teardown.get("status", "passed")
        beside = (() if teardown == "passed" else (teardown,)) + (("failed",) if problems else ())
        status = roll_up([status, *beside])
    return replace(result, status=status, problem="; ".join(filter(None, (result.problem, *problems))))


def tally(books: Sequence[RunbookResult]) -> str:
    """`5 of 5`: how many checks of runbooks passed, of those that apply."""
    counted = [check for book in books for check in book.checks if check.status != "not applicable"]
    return f"{sum(check.status == 'passed' for check in counted)} of {len(counted)}"


def seconds_shown(books: Sequence[RunbookResult]) -> str:
    """The seconds of runbooks together, to a tenth: the sum of what is shown of each, so that it adds up."""
    return f"{sum(round(book.seconds, 1) for book in books):.1f}"


def exit_code(checks: Sequence[Check]) -> int:
    """The exit code that checks come to."""
    return _EXIT_CODES[roll_up([check.status for check in checks])]


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier run: its folder and its run.json; a document that cannot be read has a `problem` instead."""

    folder: Path
    result: RunResult | None
    problem: str = ""


def runs(output: Path) -> list[Past]:
    """The runs in a folder, the oldest first. Raises InputError where there is no such folder."""
    if not output.is_dir():
        raise InputError(object=f"{output}", expected="a folder of evidence", found="none")
    return [read(folder) for folder in sorted(output.iterdir()) if (folder / "run.json").is_file()]


def outcome_before(folder: Path, started: str) -> str | None:
    """The outcome of the run that started last before this one, among those in the same folder; None if there is none.

    RFC 3339 in UTC with milliseconds, as runs write it, sorts as text.
    """
    others = results(folder.parent, but=folder) if folder.parent.is_dir() else []  # a run may have written nothing
    earlier = [run for run in others if run.started < started]
    return max(earlier, key=lambda run: run.started).status if earlier else None


def results(output: Path, but: Path) -> list[RunResult]:
    """The runs in a folder that can be read, the oldest first, without the one in the folder `but`."""
    return [past.result for past in runs(output) if past.result and past.folder != but]


def read(folder: Path) -> Past:
    """One run; what is half-written, of a newer version or no run at all is told as a problem."""
    try:
        document = json.loads((folder / "run.json").read_bytes())
        version = document.pop("version", VERSION)
        if version > VERSION:
            return Past(folder, None, f"run.json is of version {version}, this program knows up to {VERSION}")
        return Past(folder, _run().validate_python(document))
    except ValidationError as error:
        first = error.errors()[0]
        return Past(folder, None, f"run.json is not that of a run: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        return Past(folder, None, f"run.json cannot be read: {error}")


@cache
def _run() -> TypeAdapter[RunResult]:
    return TypeAdapter(RunResult)


def find(output: Path, name: str) -> RunResult:
    """The run of this id, or of the only one whose id begins so; a path to its folder does too."""
    direct = Path(name)
    if (direct / "run.json").is_file():
        found = [read(direct)]
    else:
        found = [past for past in runs(output) if past.folder.name.startswith(name)]
    result = found[0].result if len(found) == 1 else None
    if result is None:
        seen = "none" if not found else found[0].problem or f"{len(found)}"
        raise InputError(object=f"run {name}", expected=f"one in {output}", found=f"{seen}")
    return result


def differences(before: RunResult, after: RunResult) -> Iterator[tuple[str, str, str]]:
    """What changed between two runs, as rows (what, before, after): outcome, checks, timing, versions, disks."""
    for key in ("target", "status"):
        yield from _change(key, getattr(before, key), getattr(after, key))
    books, others = ({book.name: book for book in run.runbooks} for run in (before, after))
    for name in sorted(books | others):
        yield from _runbook_differences(name, books.get(name), others.get(name))
    for kind in ("versions", "parameters", "disks"):
        one, two = getattr(before, kind), getattr(after, kind)
        for key in sorted(one | two):
            if f"{kind} {key}" != "parameters run_id":  # a run's own id is no change
                yield from _change(f"{kind} {key}", one.get(key, "-"), two.get(key, "-"))


def _runbook_differences(
    name: str, one: RunbookResult | None, two: RunbookResult | None
) -> Iterator[tuple[str, str, str]]:
    yield from _change(name, one.status if one else "-", two.status if two else "-")
    if not one or not two:
        return
    # A fifth and a quarter of a second: less is the machine's noise.
    if abs(one.seconds - two.seconds) > max(0.25, 0.2 * one.seconds):
        yield f"{name} seconds", f"{one.seconds:.1f}", f"{two.seconds:.1f}"
    was, now = ({check.statement: check.status.value for check in book.checks} for book in (one, two))
    for statement in was | now:
        yield from _change(f"{name}: {statement}", was.get(statement, "-"), now.get(statement, "-"))


def _change(what: str, was: object, now: object) -> Iterator[tuple[str, str, str]]:
    if was != now:
        yield what, str(was), str(now)
