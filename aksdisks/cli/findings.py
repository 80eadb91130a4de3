"""How findings leave the program: as a table for people, or alone on stdout as JSON or YAML."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aksdisks.cli.terminal import ClusterPrinter, indented
from aksdisks.inspection.diagnosis.asking import Question
from aksdisks.inspection.diagnosis.findings import VERDICTS, Diagnosis, Evidence, Finding, Step
from aksdisks.inspection.diagnosis.following import Change
from aksdisks.inspection.diagnosis.rows import duration

_STYLES = {"problem": "bold red", "wait": "yellow", "expected": "green"}
_RISKS = {"restarts": "ends pods that run", "data": "can lose data"}
# What the table shows of a finding; JSON has all.
_MOST_ROWS, _MOST_OBJECTS = 8, 10
_HASH = re.compile(r"\b(csi-[0-9a-f]{8})[0-9a-f]{56}\b")


class Printer(ClusterPrinter):
    """Writes a diagnosis, or its changes, in one format."""

    def __init__(self, format: str) -> None:
        """`format`: table, json or yaml."""
        super().__init__()
        self.format = format

    def diagnosis(self, found: Diagnosis, about: Question, scale: float) -> None:
        """All that was found; `scale`: cluster seconds in a real one."""
        if self.format == "table":
            self.out.print(table(found, about, scale))
        else:
            self._document(found, pretty=True)

    def change(self, change: Change) -> None:
        """A change of verdicts: the rows that changed, or the whole document (JSON: in one line)."""
        if self.format != "table":
            self._document(change.diagnosis, pretty=False)
            return
        for line in _changed(change):
            self.out.print(line, soft_wrap=True)
        self.out.file.flush()

    def _document(self, found: Diagnosis, *, pretty: bool) -> None:
        """Not through the console, which breaks lines. What is not ASCII is escaped, and so are all controls."""
        if self.format == "json":
            text = json.dumps(found.to_dict(), indent=2 if pretty else None)
        else:
            import yaml

            text = yaml.safe_dump(found.to_dict(), sort_keys=False, explicit_start=not pretty).rstrip()
        print(text, file=self.out.file, flush=True)


def table(found: Diagnosis, about: Question, scale: float) -> RenderableType:
    """Every finding as a block, the problems first; objects of which the same is said stand together."""
    parts: list[RenderableType] = []
    for alike in _together(found.findings):
        parts += [_block(alike, found.at, scale), Text()]
    for each in found.unseen:
        seen = Text.assemble(("not seen", "bold magenta"), "  ", (_line(each.what), "bold"))
        parts += [seen, *indented(_line(each.because), f"cannot be told without it: {_line(each.limits)}"), Text()]
    return Group(*parts, _sum(found, about))


def _together(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that say the same of several objects, such as a claim and the pods that wait for it."""
    grouped: defaultdict[tuple[object, ...], list[Finding]] = defaultdict(list)
    for each in findings:
        grouped[each.cause, each.verdict, each.because, each.next].append(each)
    return list(grouped.values())


def _block(alike: Sequence[Finding], now: datetime, scale: float) -> RenderableType:
    """What is found of some objects, with the evidence about the first; a pod's has more than its claim's."""
    finding = min(alike, key=lambda each: each.object.kind != "Pod")
    head = Text.assemble((finding.verdict, _STYLES[finding.verdict]), "  ", (finding.cause, "bold"))
    if finding.confidence != "certain":
        head.append(f"  {finding.confidence}", "dim")
    objects = [str(each.object) for each in alike]
    if len(objects) > _MOST_OBJECTS:
        objects[_MOST_OBJECTS:] = [f"and {len(objects) - _MOST_OBJECTS} more (--format json)"]
    named = Text("\n").join(Text(_line(each), style="bold") for each in objects)
    rows = _grid()
    for name, what in _rows(finding, now, scale):
        rows.add_row(name, what)
    return Group(head, named, *indented(_line(finding.because), rows))


def _rows(finding: Finding, now: datetime, scale: float) -> Iterator[tuple[str, RenderableType]]:
    for row in finding.evidence[:_MOST_ROWS]:
        yield row.source, _evidence(row, now, scale)
    if len(finding.evidence) > _MOST_ROWS:
        yield "", Text(f"and {len(finding.evidence) - _MOST_ROWS} more (--format json)", style="dim")
    for each in finding.ruled_out:
        yield "not", Text.assemble((each.cause, "italic"), f": {_line(each.because)}")
    if finding.also:
        yield "also", Text(", ".join(finding.also), style="italic")
    for number, step in enumerate(finding.next):
        yield "" if number else "next", _step(step)
    yield "about", Text(f"aksdisks explain {finding.cause}", style="dim")


def _evidence(row: Evidence, now: datetime, scale: float) -> Text:
    when = ""
    if row.at is not None:
        when = f" ({duration(max(0.0, (now - row.at).total_seconds() * scale))} ago)"
    return Text.assemble(f"{_line(row.object)}: {_line(row.says)}", (when, "dim"))


def _step(step: Step) -> RenderableType:
    """What to do; what it risks, if anything; what it proves."""
    risk = Text(f"{_RISKS[step.risk]}: " if step.risk != "none" else "", "bold red")
    proves = Text.assemble(risk, ("" if step.risk != "none" else "shows ", ""), _line(step.proves))
    return Group(Text(_line(step.command), style="cyan"), *indented(proves))


def _grid() -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True, style="dim")
    rows.add_column(overflow="fold")
    return rows


def _sum(found: Diagnosis, about: Question) -> Text:
    counts = [(verdict, sum(each.verdict == verdict for each in found.findings)) for verdict in VERDICTS]
    where = str(about.about) if about.about else f"namespace {about.namespace}" if about.namespace else "all namespaces"
    if not found.findings:
        return Text(f"{_line(where)}: nothing is stuck" + (", as far as could be seen" if found.unseen else ""))
    said = [Text(f"{count} {_counted(verdict, count)}", style=_STYLES[verdict]) for verdict, count in counts if count]
    return Text(f"{_line(where)}: ").append_text(Text(", ").join(said))


def _counted(verdict: str, count: int) -> str:
    return f"{verdict}s" if count > 1 and verdict != "expected" else verdict


def _changed(change: Change) -> Iterator[Text]:
    """A line for each object whose verdict or cause is another one than before."""
    clock = f"{change.diagnosis.at.astimezone(UTC):%H:%M:%SZ}  {change.elapsed:>6.0f} s  "
    for ref, was, now in change.rows:
        line = Text.assemble((clock, "dim"), (_line(str(ref)), "bold"), ": ")
        line.append(now.verdict if now else "well", _STYLES[now.verdict] if now else "green")
        if now:
            line.append(f" {now.cause}: {_line(now.because)}")
        yield line.append(f" (was {was.verdict} {was.cause})" if was else "", "dim")
    for each in change.unseen:
        yield Text.assemble((clock, "dim"), ("not seen", "magenta"), f" {_line(each.what)}: {_line(each.because)}")
    if change.well:
        yield Text.assemble((clock, "dim"), ("all is well", "green"))


def _line(text: str) -> str:
    """A text in one line; an attachment's hash is as good as its beginning."""
    return _HASH.sub(r"\1…", " ".join(text.split()))
