"""The runs in an evidence folder: read from their run.json, listed, and compared two by two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aksdisks.errors import InputError
from aksdisks.evidence import VERSION


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier run: its folder and its run.json; a document that cannot be read has a `problem` instead."""

    folder: Path
    document: dict[str, Any]
    problem: str = ""

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time of each runbook that ran, by name."""
        return {book["name"]: book["seconds"] for book in self.document.get("runbooks", ()) if book["seconds"]}


def runs(output: Path) -> list[Past]:
    """The runs in a folder, the oldest first. Raises InputError where there is no such folder."""
    if not output.is_dir():
        raise InputError(f"{output}: expected a folder of evidence, found none")
    return [read(folder) for folder in sorted(output.iterdir()) if (folder / "run.json").is_file()]


def read(folder: Path) -> Past:
    """One run; what is half-written, of a newer version or no run at all is told as a problem."""
    try:
        document = json.loads((folder / "run.json").read_bytes())
        version = document.get("version", VERSION)
        if version > VERSION:
            return Past(folder, {}, f"run.json is of version {version}, this program knows up to {VERSION}")
        if not _is_run(document):
            return Past(folder, {}, "run.json is not that of a run")
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        return Past(folder, {}, f"run.json cannot be read: {error}")
    return Past(folder, document)


def _is_run(document: dict[str, Any]) -> bool:
    """Whether all is there that is read here; the whole schema would take too long for a thousand runs."""
    books = document["runbooks"]
    words = [document["target"], document["status"], *(book[key] for book in books for key in ("name", "status"))]
    words += [check[key] for book in books for check in book["checks"] for key in ("statement", "status")]
    return (
        all(isinstance(word, str) for word in words)
        and all(isinstance(book["seconds"], (int, float)) for book in books)
        and all(isinstance(document.get(kind, {}), dict) for kind in ("versions", "parameters", "disks"))
    )


def find(output: Path, name: str) -> Past:
    """The run of this id, or of the only one whose id begins so; a path to its folder does too."""
    direct = Path(name)
    if (direct / "run.json").is_file():
        found = [read(direct)]
    else:
        found = [past for past in runs(output) if past.folder.name.startswith(name)]
    if len(found) != 1 or found[0].problem:
        seen = "none" if not found else found[0].problem or f"{len(found)}"
        raise InputError(f"run {name}: expected one in {output}, found {seen}")
    return found[0]


def outcome_before(folder: Path, started: str) -> str | None:
    """The outcome of the run that started last before this one, among those in the same folder; None if there is none.

    RFC 3339 in UTC with milliseconds, as runs write it, sorts as text.
    """
    past = [each for each in runs(folder.parent) if not each.problem] if folder.parent.is_dir() else []
    earlier = [(str(each.document.get("started")), each.document["status"]) for each in past]
    return max((each for each in earlier if each[0] < started), default=(None, None))[1]


def compare(before: Past, after: Past) -> Iterator[tuple[str, str, str]]:
    """What changed between two runs, as rows (what, before, after): outcome, checks, timing, versions, disks."""
    one, two = before.document, after.document
    for key in ("target", "status"):
        if one[key] != two[key]:
            yield key, one[key], two[key]
    books, others = ({book["name"]: book for book in run["runbooks"]} for run in (one, two))
    for name in sorted(books | others):
        yield from _compare_runbooks(name, books.get(name), others.get(name))
    for kind in ("versions", "parameters", "disks"):
        for key in sorted(one.get(kind, {}) | two.get(kind, {})):
            first, second = one.get(kind, {}).get(key, "-"), two.get(kind, {}).get(key, "-")
            # A run's own id is no change.
            if first != second and f"{kind} {key}" != "parameters run_id":
                yield f"{kind} {key}", str(first), str(second)


def _compare_runbooks(
    name: str, one: dict[str, Any] | None, two: dict[str, Any] | None
) -> Iterator[tuple[str, str, str]]:
    status, other = (book["status"] if book else "-" for book in (one, two))
    if status != other:
        yield name, status, other
    if not one or not two:
        return
    # A fifth and a quarter of a second: less is the machine's noise.
    if abs(one["seconds"] - two["seconds"]) > max(0.25, 0.2 * one["seconds"]):
        yield f"{name} seconds", f"{one['seconds']:.1f}", f"{two['seconds']:.1f}"
    checks, others = ({check["statement"]: check for check in book["checks"]} for book in (one, two))
    for statement in checks | others:
        was, now = (found[statement]["status"] if statement in found else "-" for found in (checks, others))
        if was != now:
            yield f"{name}: {statement}", was, now
