"""The linter's report as SARIF 2.1.0, in the subset that GitHub code scanning documents."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aksdisks.inspection.lint.findings import LEVELS, LintFinding, LintReport
from aksdisks.inspection.lint.reading import STDIN
from aksdisks.inspection.lint.rule import Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 5000
"""How many results of a run GitHub shows (docs.github.com, SARIF support for code scanning)."""
_ROOT = "%SRCROOT%"
# What GitHub takes of a rule's description.
_LONGEST = 1024
_NO_END = "\\ No newline at end of file"
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? ")
_SEVERITIES = {"error": "error", "warning": "warning", "note": "recommendation"}


def sarif(report: LintReport, rules: Sequence[Rule], version: str, folder: Path) -> dict[str, Any]:
    """The document; paths in `folder`, which is where the command runs, are relative to it.

    Suppressed findings are left out, and counted: GitHub shows a result with `suppressions` as an open alert
    (github.com/github/codeql-action/issues/1230). So are those above `MOST_RESULTS`, the least severe first.
    """
    worst_first = sorted(report.findings, key=lambda each: LEVELS.index(each.level))[:MOST_RESULTS]
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    files = {each.file for each in worst_first} | {each.file for each in report.bad_files}
    places = {file: _artifact(file, folder) for file in files if file}
    seen: Counter[str] = Counter()
    run = {
        "tool": {
            "driver": {
                "name": "aksdisks lint",
                "semanticVersion": version,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which aksdisks lint ran."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.bad_files,
                "toolExecutionNotifications": list(_notifications(report, len(worst_first), places)),
            }
        ],
        "results": [_result(each, numbers[each.rule], places, seen) for each in worst_first],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": f"{rule.title}."[:_LONGEST]},
        "fullDescription": {"text": " ".join(rule.sections["Why it hurts"].split())[:_LONGEST]},
        "help": {"text": rule.text(), "markdown": _markdown(rule.sections)},
        "helpUri": rule.docs,
        "defaultConfiguration": {"level": rule.level},
        "properties": {
            "tags": ["kubernetes", "storage"],
            "precision": "high",
            "problem.severity": _SEVERITIES[rule.level],
        },
    }


def _markdown(sections: Mapping[str, str]) -> str:
    parts = (f"**{heading}**\n\n{_unindented(text)}" for heading, text in sections.items())
    return "\n\n".join(parts)


def _unindented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines())


def _result(finding: LintFinding, rule: int, places: Mapping[str, Any], seen: Counter[str]) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": finding.object.name, "fullyQualifiedName": str(finding.object), "kind": "resource"}
        ]
    }
    if finding.file:
        region = {"startLine": finding.line, "startColumn": 1, "endLine": finding.line}
        region["endColumn"] = len(finding.text) + 1
        location["physicalLocation"] = {"artifactLocation": places[finding.file], "region": region}
    replacements = list(_replacements(finding.fix))
    change = {"artifactLocation": places.get(finding.file), "replacements": replacements}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": finding.level,
        "message": {"text": f"{finding.object}: {finding.because}."},
        "locations": [location],
        "partialFingerprints": {"aksdisks/v1": _fingerprint(finding, seen)},
        "fixes": [{"artifactChanges": [change]}] if finding.file not in ("", STDIN) and replacements else [],
        "properties": {"fix": finding.fix, "source": finding.source, "opposedBy": list(finding.opposed_by)},
    }


def _replacements(fix: str) -> Iterator[dict[str, Any]]:
    """What editors do with a unified diff: each run of changed lines as a region and the text that takes its place.

    None for a file whose last line has no end: there the region would end on a line that is not there.
    """
    if not fix.startswith("--- ") or _NO_END in fix:
        return
    line, removed, added = 0, 0, ""
    for each in [*re.findall(r"[^\n]*\n", fix)[2:], " "]:
        if each[0] == "-":
            removed += 1
            continue
        if each[0] == "+":
            added += each[1:]
            continue
        if removed or added:
            yield _replacement(line, removed, added)
        line, removed, added = line + removed + 1, 0, ""
        if hunk := _HUNK.match(each):
            line = int(hunk[1]) + (hunk[2] == "0")


def _replacement(line: int, removed: int, text: str) -> dict[str, Any]:
    region = {"startLine": line, "startColumn": 1, "endLine": line + removed, "endColumn": 1}
    return {"deletedRegion": region, "insertedContent": {"text": text}}


def _artifact(file: str, folder: Path) -> dict[str, str]:
    """Where the file is: relative to the folder, links resolved as GitHub asks for; else its absolute address."""
    if file == STDIN:
        return {"uri": "stdin"}
    path, root = Path(file).resolve(), folder.resolve()
    if path.is_relative_to(root):
        return {"uri": quote(os.fsencode(path.relative_to(root))), "uriBaseId": _ROOT}
    return {"uri": path.as_uri()}


def _fingerprint(finding: LintFinding, seen: Counter[str]) -> str:
    """What stays the same when lines move: the rule, the object, and which of its findings by this rule it is.

    Not GitHub's own `primaryLocationLineHash`: its upload action adds that, and warns of any other value.
    """
    about = f"{finding.rule} {finding.object}"
    seen[about] += 1
    return hashlib.sha256(f"{about} {seen[about]}".encode()).hexdigest()[:32]


def _notifications(report: LintReport, shown: int, places: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for bad in report.bad_files:
        physical: dict[str, Any] = {"artifactLocation": places[bad.file]}
        if bad.line:
            physical["region"] = {"startLine": bad.line}
        yield _notification("error", str(bad)) | {"locations": [{"physicalLocation": physical}]}
    for each in report.unseen:
        yield _notification("warning", f"not seen: {each.what}: {each.because}; without it: {each.limits}")
    if left_out := len(report.findings) - shown:
        yield _notification("warning", f"{left_out} of {len(report.findings)} findings were left out, the least severe")
    if report.suppressed:
        yield _notification("note", f"{len(report.suppressed)} findings are suppressed by annotations")


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}
