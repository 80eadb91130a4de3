"""What a person at a notebook sees while a cell waits: a bar that comes with the wait and goes with it.

Headless runs (papermill, nbval, nbconvert, the recorder) have none of it in their outputs. They are told apart by what
the frontend says with every cell that it sends: whether somebody there could answer a question (`allow_stdin`).
"""

from __future__ import annotations

import re
import sys
from html import escape
from typing import Any

_BOX = "border-left:4px solid #357fc0;padding:.3em .8em;margin:.5em 0"
_MADE_BY_A_CELL = "The name is made by a cell above: run those first (Run > Run All Above Selected Cell)."


def progress(text: str) -> None:
    """Show what is awaited and what was last seen, `AWAITED: SEEN`, in place of what was shown; empty: take it away."""
    shell = _attended()
    if shell is None:
        return
    from IPython.display import clear_output, display

    clear_output(wait=True)  # it goes when something takes its place: the next state, the result or the error
    if text:
        display({"text/plain": f"… {text}", "text/html": _html(text)}, raw=True)


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


def _html(text: str) -> str:
    awaited, _, seen = text.partition(": ")
    counted = re.search(r"\b([1-9]\d*) of (\d+)\b", seen)  # a bar without a value moves by itself
    value = f' value="{counted[1]}" max="{counted[2]}"' if counted else ""
    return (
        f'<div style="{_BOX}">waiting for <b>{escape(awaited)}</b>'
        f'<br><progress style="width:24em;max-width:100%"{value}></progress>'
        f'<br><span style="opacity:.75">last seen: {escape(seen or "nothing yet")}</span></div>'
    )
