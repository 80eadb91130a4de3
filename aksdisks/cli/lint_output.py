"""How the linter's report leaves the program: for people as blocks with a place and a diff, else as one document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from aksdisks import __version__
from aksdisks.cli.terminal import ClusterPrinter
from aksdisks.inspection.lint.catalogue import catalogue
from aksdisks.inspection.lint.findings import LEVELS, FailOn, LintFinding, LintReport

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}
# Findings that are rendered at once: thousands one by one take longer than finding them.
_AT_ONCE = 100


class LintPrinter(ClusterPrinter):
    """Writes a report to stdout in one format; to stderr what could not be read, and which cluster is asked."""

    def __init__(self, format: str, fail_on: FailOn) -> None:
        """`format`: table, json, sarif or junit."""
        super().__init__()
        self.format, self.fail_on = format, fail_on

    def report(self, report: LintReport) -> int:
        """Print it all; the exit code."""
        for bad in report.bad_files:
            self.err.print(Text(f"aksdisks: {bad}"), soft_wrap=True)
        if self.format == "table":
            self._table(report)
        else:
            print(self._document(report), file=self.out.file, flush=True)
        return report.exit_code(self.fail_on)

    def _document(self, report: LintReport) -> str:
        """What is not ASCII is escaped in JSON, and so are all controls; in XML they are left out."""
        if self.format == "junit":
            from aksdisks.views.junit import junit

            return junit(report, self.fail_on)
        if self.format == "json":
            return json.dumps(report.to_dict(), indent=2)
        from aksdisks.views.sarif import sarif

        return json.dumps(sarif(report, list(catalogue().values()), __version__, Path.cwd()), indent=2)

    def _table(self, report: LintReport) -> None:
        """Lines are not broken, so that places and diffs stay whole."""
        for start in range(0, len(report.findings), _AT_ONCE):
            blocks = (_block(finding) for finding in report.findings[start : start + _AT_ONCE])
            self.out.print(Text("\n").join(blocks), soft_wrap=True)
        for each in report.unseen:
            line = Text.assemble(("not seen", "bold magenta"), f"  {_line(each.what)}: {_line(each.because)}\n")
            self.out.print(line.append(f"  cannot be told without it: {_line(each.limits)}\n"), soft_wrap=True)
        self.out.print(_sum(report), soft_wrap=True)


def _block(finding: LintFinding) -> Text:
    """What is said of one finding, with the end of a line behind."""
    text = Text()
    if finding.file:
        text.append(f"{_line(finding.file)}:{finding.line}  ", "bold")
    text.append(finding.level, _STYLES[finding.level]).append(f"  {finding.rule}  ")
    text.append(_line(str(finding.object)), "bold").append(f"\n  {_line(finding.because)}\n")
    for line in finding.fix.splitlines():
        text.append(f"    {line}\n", _DIFF.get(line[:1], ""))
    for opposed in finding.opposed_by:
        text.append(f"  but {_line(opposed)}\n", "dim")
    return text.append(f"  about: aksdisks explain {finding.rule}, {finding.source}\n", "dim")


def _sum(report: LintReport) -> Text:
    """`2 errors, 1 note in 3 files, 12 objects; 1 suppressed`."""
    counts = [Text(part, style) for part, style in _counts(report)]
    text = Text(", ").join(counts or [Text("nothing was found", "green")]).append(" in ")
    where = [_counted(len(report.files), "file")] if report.files else []
    text.append(", ".join([*where, _counted(report.objects, "object")]))
    if report.suppressed:
        text.append(f"; {len(report.suppressed)} suppressed")
    if report.bad_files:
        text.append("; ").append(f"{_counted(len(report.bad_files), 'problem')} of reading", "bold red")
    return text


def _counts(report: LintReport) -> Iterator[tuple[str, str]]:
    for level in LEVELS:
        if count := sum(each.level == level for each in report.findings):
            yield _counted(count, level), _STYLES[level]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _line(text: str) -> str:
    return " ".join(text.split())
