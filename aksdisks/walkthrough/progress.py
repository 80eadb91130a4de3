"""What a person sees while a cell waits: in a notebook a bar for as long as the wait, elsewhere what a runner shows.

Headless runs (papermill, nbval, nbconvert, the recorder) have none of it in their outputs. They are told apart by what
the frontend says with every cell that it sends: whether somebody there could answer a question (`allow_stdin`). The
kernels of a runner send it as messages of a Jupyter comm, which are no outputs either.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aksdisks.views.markup import macro
from aksdisks.waiting import Waiting

COMM = "aksdisks.progress"
"""The comm's target name, and what a runner's kernels have in KERNEL_VARIABLE."""
KERNEL_VARIABLE = "AKSDISKS_PROGRESS"

# A cell that begins sooner after the one before it was not chosen by a person, but sent with it; real seconds.
_AT_ONCE = 1.0
_MADE_BY_A_CELL = "The name is made by a cell above: run those first (Run > Run All Above Selected Cell)."


def progress(said: Waiting | str) -> None:
    """Show a wait, or another line, in place of what was shown; empty: take it away."""
    if _attended() is None:
        if os.environ.get(KERNEL_VARIABLE) == COMM:
            _send(said)
        return
    from IPython.display import clear_output, display

    clear_output(wait=True)  # it goes when something takes its place: the next state, the result or the error
    if said:
        display({"text/plain": f"… {said}", "text/html": _html(said)}, raw=True)


def received(data: Mapping[str, Any]) -> Waiting | str:
    """What a kernel said, from its comm message."""
    return Waiting(**data["waiting"]) if "waiting" in data else str(data.get("text", ""))


def _send(said: Waiting | str) -> None:
    from comm import create_comm, get_comm_manager

    data = {"waiting": asdict(said)} if isinstance(said, Waiting) else {"text": said}
    manager: Any = get_comm_manager()
    opened = next((each for each in manager.comms.values() if each.target_name == COMM), None)
    if opened is None:
        create_comm(target_name=COMM, data=data)
    else:
        opened.send(data)


class _Cells:
    """When the cells of this kernel began and ended, by time.monotonic."""

    ended, gap = float("-inf"), float("inf")

    def begin(self, _info: Any = None) -> None:
        self.gap = time.monotonic() - self.ended

    def end(self, _result: Any = None) -> None:
        self.ended = time.monotonic()


_cells = _Cells()


def watch_cells() -> None:
    """From now on know when cells begin and end: what `run_with_others` tells of. May be called again."""
    shell = _attended()
    if shell is not None and _cells.begin not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _cells.begin)
        shell.events.register("post_run_cell", _cells.end)


def run_with_others() -> bool:
    """Whether somebody sits there and runs this cell together with others, as *Run All Cells* does."""
    return _attended() is not None and _cells.gap < _AT_ONCE


def load_ipython_extension(shell: Any) -> None:
    """Explain the error of a cell that is run before those above it; kernels of `aksdisks walk` load this."""

    def explain(shell: Any, kind: Any, error: Any, trace: Any, tb_offset: Any = None) -> None:
        error.add_note(_MADE_BY_A_CELL)
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)

    shell.set_custom_exc((NameError,), explain)


def _attended() -> Any:
    """The shell of the notebook, if somebody sits at it."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    kernel = getattr(shell, "kernel", None)
    asked = kernel.get_parent() if kernel is not None else {}
    return shell if asked.get("content", {}).get("allow_stdin") else None


def _html(said: Waiting | str) -> str:
    wait = said if isinstance(said, Waiting) else Waiting(said, "", 0.0, 0.0)
    counted = re.search(r"\b([1-9]\d*) of (\d+)\b", wait.seen)
    return macro("waiting", wait, *(counted.groups() if counted else ("", "")))
