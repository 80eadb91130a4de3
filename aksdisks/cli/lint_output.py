"""How the linter's report leaves the program: for people as blocks with a place and a diff, else as one document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from aksdisks import __version__
from aksdisks.cli.terminal import ClusterPrinter
from aksdisks.inspection.lint.catalogue import catalogue
from aksdisks.inspection.lint.findings import LEVELS, FailOn, LintFinding, LintReport

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}
_Piece = tuple[str, str]
"""A text, with the ends of its lines, and its style."""


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
        pieces = [piece for finding in report.findings for piece in _block(finding)]
        self.out.print(_Pieces([*pieces, *_unseen(report), *_sum(report)]), soft_wrap=True, end="")


@dataclass(frozen=True)
class _Pieces:
    """What is printed as it stands: rich's Text takes longer to break a thousand findings than these to be found."""

    pieces: Sequence[_Piece]

    def __rich_console__(self, console: Console, _options: ConsoleOptions) -> RenderResult:
        for text, style in self.pieces:
            yield Segment(text, console.get_style(style) if style else None)


def _block(finding: LintFinding) -> Iterator[_Piece]:
    """What is said of one finding, with an empty line behind."""
    if finding.file:
        yield f"{_line(finding.file)}:{finding.line}  ", "bold"
    yield finding.level, _STYLES[finding.level]
    yield f"  {finding.rule}  ", ""
    yield f"{_line(str(finding.object))}\n", "bold"
    yield f"  {_line(finding.because)}\n", ""
    for line in finding.fix.splitlines():
        yield f"    {line}\n", _DIFF.get(line[:1], "")
    for opposed in finding.opposed_by:
        yield f"  but {_line(opposed)}\n", "dim"
    yield f"  about: aksdisks explain {finding.rule}, {finding.source}\n\n", "dim"


def _unseen(report: LintReport) -> Iterator[_Piece]:
    for each in report.unseen:
        yield "not seen", "bold magenta"
        yield f"  {_line(each.what)}: {_line(each.because)}\n", ""
        yield f"  cannot be told without it: {_line(each.limits)}\n\n", ""


def _sum(report: LintReport) -> Iterator[_Piece]:
    """`2 errors, 1 note in 3 files, 12 objects; 1 suppressed`."""
    counts = [(level, sum(each.level == level for each in report.findings)) for level in LEVELS]
    told = [(_counted(count, level), _STYLES[level]) for level, count in counts if count]
    for number, piece in enumerate(told or [("nothing was found", "green")]):
        yield (", " if number else ""), ""
        yield piece
    where = [_counted(len(report.files), "file")] if report.files else []
    yield f" in {', '.join([*where, _counted(report.objects, 'object')])}", ""
    if report.suppressed:
        yield f"; {len(report.suppressed)} suppressed", ""
    if report.bad_files:
        yield f"; {_counted(len(report.bad_files), 'problem')} of reading", "bold red"
    yield "\n", ""


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _line(text: str) -> str:
    return " ".join(text.split())
