"""The console that every command writes to: it survives its reader, and shows nothing that a terminal would act on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from aksdisks.views.markup import printable
from aksdisks.waiting import Waiting

_WIDEST = 120


@dataclass(frozen=True)
class _Printable:
    """What is rendered, with nothing in it that a terminal would act on: names and messages are other people's."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.content, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


class _Printables(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Printable(each) for each in renderables]


class TerminalConsole(Console):
    """A console that goes on without its reader: `aksdisks run | head` ends in its own order and with its exit code.

    Progress, on stderr, may be lost to a full disk as well: no run ends half done for want of a log. What a terminal
    would act on is shown as a mark, see `printable`.
    """

    def __init__(self, **options: Any) -> None:
        """As rich's."""
        super().__init__(highlight=False, **options)
        self.push_render_hook(_Printables())

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's. Raises OSError where a result, on stdout, cannot be written."""
        try:
            super().print(*objects, **options)
        except OSError:
            if not self.stderr:
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Say nothing more, here or when Python ends."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class ClusterPrinter:
    """What a command says that reads one cluster: its document alone on stdout; on stderr which cluster, and retries.

    What is shown in columns takes at most 120 of a terminal's.
    """

    def __init__(self) -> None:
        """Colours follow rich's rules: none where output is not a terminal or NO_COLOR is set."""
        self.out = TerminalConsole()
        self.out.width = min(self.out.width, _WIDEST)
        self.err = TerminalConsole(stderr=True)

    def cluster(self, name: str, server: str) -> None:
        """The first line: which cluster is asked."""
        self.err.print(Text(f"cluster: {name} ({server})"), soft_wrap=True)

    def document(self, text: str) -> None:
        """A whole document, as bytes: no console breaks it into lines, no locale encodes it."""
        typer.echo(text.encode(), nl=False)

    def progress(self, said: Waiting | str) -> None:
        """That a request is tried again."""
        if said:
            self.err.print(Text(str(said)), soft_wrap=True)


def indented(*parts: RenderableType) -> Iterator[RenderableType]:
    """The parts, each a little to the right."""
    for part in parts:
        yield Padding(Text(part) if isinstance(part, str) else part, (0, 0, 0, 2), expand=False)
