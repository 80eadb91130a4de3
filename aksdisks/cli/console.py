"""What a terminal, or a job's log, shows of a run: progress on stderr, the result on stdout."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.status import Status as Spinner
from rich.table import Table
from rich.text import Text

from aksdisks.cli.terminal import TerminalConsole
from aksdisks.evidence.report import COVER
from aksdisks.evidence.result import RunbookResult, RunResult, seconds_shown, tally
from aksdisks.model.checks import Check
from aksdisks.parameters import Parameters
from aksdisks.runner.reporter import Reporter
from aksdisks.waiting import Waiting

NOTHING = "(empty)"
# Columns that the summary takes; a narrower terminal breaks its lines, and cuts no name.
_NARROWEST = 60
# How often a log has a line of one long wait; seconds.
_LOG_EVERY = 15.0
_STYLES = {"passed": "green", "failed": "bold red", "not applicable": "dim"}


def _mark(status: str, width: int = 0) -> str:
    return f"[{_STYLES.get(status, 'yellow')}]{status}[/]{' ' * (width - len(status))}"


class ConsoleReporter(Reporter):
    """Says what goes on: a live line on a terminal, a line for each step in a log, nothing but the end when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        """Colours follow rich's rules: none where output is not a terminal or NO_COLOR is set."""
        self.out = TerminalConsole()
        self.out.width = max(self.out.width, _NARROWEST)
        self.err = TerminalConsole(stderr=True, quiet=quiet)
        self._live: Spinner | None = None
        self._runbook = ""
        self._step = ""
        self._began = time.monotonic()
        self._said = self._began
        self._last: Waiting | str = ""

    def say(self, text: str) -> None:
        """A line for people."""
        self.err.print(escape(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """A line that is shown even when quiet."""
        TerminalConsole(stderr=True).print(escape(text), soft_wrap=True)

    def runbook(self, name: str) -> None:
        """A runbook starts."""
        self._runbook, self._step = name, ""
        self._show("starting")

    def step(self, heading: str) -> None:
        """A code cell under `heading` starts."""
        if heading != self._step:
            self._step = heading
            self._show(heading)

    def progress(self, said: Waiting | str) -> None:
        """A look at a wait, the runner's own or a cell's: live on a terminal, in a log now and then.

        A log has a line of a long wait four times a minute, and at once when its cause is found.
        """
        before, self._last = self._last, said
        if self._animated:
            self._show(said or self._step)
        elif isinstance(said, Waiting):
            known = isinstance(before, Waiting) and before.cause
            if (said.cause and said.cause != known) or time.monotonic() - self._said >= _LOG_EVERY:
                self._show(f"waiting for {said}")
        elif said and said != before:
            self._show(said)

    def finished(self, result: RunbookResult) -> None:
        """A runbook ended."""
        self._stop_live()
        line = f"{result.name:<18} {_mark(result.status)}  {tally([result])} checks  {result.seconds:.1f} s"
        self.err.print(line, soft_wrap=True)
        if result.problem:
            self.err.print(f"  {escape(result.problem)}", soft_wrap=True)

    def summary(self, result: RunResult, folder: Path) -> None:
        """The whole run: a table, what did not pass, and where the evidence lies."""
        self._stop_live()
        table = Table("runbook", "status", "checks", "seconds", box=None, pad_edge=False, header_style="bold")
        table.columns[3].justify = "right"
        for book in result.runbooks:
            seconds = seconds_shown([book]) if book.seconds else ""
            table.add_row(book.name, _mark(book.status), f"{tally([book])} checks", seconds)
        books = result.runbooks
        table.add_row("total", _mark(result.status), f"{tally(books)} checks", seconds_shown(books), style="bold")
        self.out.print(table)
        bad = ("failed", "inconclusive")
        self.answers([check for runbook in result.runbooks for check in runbook.checks if check.status in bad])
        for runbook in result.runbooks:
            if runbook.problem:
                self.out.print(f"[red]{escape(f'{runbook.name}: {runbook.problem}')}[/]", soft_wrap=True)
            self._findings(runbook)
        left = [line for key in ("problems", "uncertain") for line in result.teardown.get(key, ())]
        for problem in (result.problem, *left):
            if problem:
                self.out.print(f"[red]{escape(problem)}[/]", soft_wrap=True)
        where = escape(str(folder / COVER)) if folder.exists() else "nothing was written"
        self.out.print(f"{_mark(result.status)}: {where}", soft_wrap=True)

    def _findings(self, runbook: RunbookResult) -> None:
        """What a diagnosis found when a runbook had failed: the cause, of what, why, and what to do next."""
        for objects, each in runbook.told_findings():
            style = "bold red" if each.verdict == "problem" else "yellow"
            what = f"{runbook.name}: [bold]{escape(each.cause)}[/]: {escape(each.because)}"
            self.out.print(f"[{style}]{each.verdict:<12}[/]  {what}", soft_wrap=True)
            self.out.print(f"{'':<12}  of {escape(objects)}", soft_wrap=True)
            if each.next:
                self.out.print(f"{'':<12}  next: {escape(each.next[0].command)}", soft_wrap=True)
        for line in runbook.unseen:
            self.out.print(f"{'not seen':<12}  {runbook.name}: {escape(line)}", soft_wrap=True)

    def left_behind(self, text: str) -> None:
        """What stays on the target, and the command that removes it: the last line, where there is one."""
        self.out.print(f"[bold red]{escape(text[:1].upper() + text[1:])}[/]", soft_wrap=True)

    def answers(self, answers: Iterable[Check], *, aside: bool = False) -> None:
        """Checks, one a line: the result, or `aside`, on the way to it."""
        self._stop_live()
        for answer in answers:
            line = f"{_mark(answer.status, len('inconclusive'))}  {escape(answer.statement)}: {escape(answer.seen)}"
            (self.err if aside else self.out).print(line, soft_wrap=True)

    @property
    def _animated(self) -> bool:
        return self.err.is_terminal and not self.err.is_dumb_terminal

    def _show(self, said: Waiting | str) -> None:
        if not self._animated:
            line = f"{self._runbook}: {said}" if self._runbook else str(said)
            self._said = time.monotonic()
            self.err.print(f"{self._said - self._began:6.1f} s  {escape(line)}", soft_wrap=True)
            return
        shown = Group(*self._lines(said))
        if self._live is None:
            self._live = self.err.status(shown)
            self._live.start()
        else:
            self._live.update(shown)

    def _lines(self, said: Waiting | str) -> Iterator[Text]:
        """The live lines: where the run is, and what a cell waits for; at most about three for each thing said."""
        where = [self._runbook, self._step] if isinstance(said, Waiting) else [self._runbook, said]
        lines = [Text(": ".join(filter(None, where)))]
        if isinstance(said, Waiting):
            lines += [
                Text(f"{said.time}: waiting for {said.awaited}"),
                Text(f"last seen: {said.seen or 'nothing yet'}"),
            ]
            lines += [Text(f"cause: {said.cause}", style="yellow")] if said.cause else []
        for line in lines:
            line.truncate(3 * max(10, self.err.width - 4), overflow="ellipsis")
            yield line

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def show_parameters(parameters: Parameters, sources: Mapping[str, str]) -> None:
    """Every parameter: its value and where that came from, and below it what it means."""
    out = TerminalConsole()
    for name, field in type(parameters).model_fields.items():
        extra = field.json_schema_extra
        about = [str(extra[key]) for key in ("unit", "expected")] if isinstance(extra, dict) else []
        value, source = str(getattr(parameters, name)), Path(sources.get(name, "default")).name
        out.print(f"[bold]{name}[/] = {escape(value or NOTHING)}  [dim]({escape(source)})[/]", soft_wrap=True)
        what = "; ".join(filter(None, [field.description, *about, f"default: {str(field.default) or NOTHING}"]))
        out.print(Padding(escape(what), (0, 0, 0, 4)))
