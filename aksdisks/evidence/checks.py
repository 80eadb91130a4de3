"""The checks that a notebook shows, and the claims that its cells announce and judge, read from their source."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aksdisks.model.checks import MIME_TYPE, Check, Status

# The calls on a walk that judge the claim of the number given first.
_JUDGES = ("claim", "agree", "unchanged")
_UNSEEN = "nothing: its cell did not run"


def collect_checks(notebook: Any) -> list[Check]:
    """The checks among a notebook's outputs, in order, and after them the claims that were never judged."""
    judged = [
        Check.from_dict(bundle[MIME_TYPE], cell.get("id", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if MIME_TYPE in (bundle := output.get("data", {}))
    ]
    statements = {check.statement for check in judged}
    return judged + [check for check in not_run(notebook) if check.statement not in statements]


def not_run(notebook: Any) -> list[Check]:
    """Every claim of a notebook as a check that was not run, with the cell that would judge it."""
    statements: list[str] = []
    cells: dict[int, str] = {}
    for cell, call in _calls(notebook):
        given = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name == "claims":
            statements = [value for value in given if isinstance(value, str)]
        elif name in _JUDGES and given and isinstance(given[0], int):
            cells.setdefault(given[0], cell.get("id", ""))
    return [
        Check(statement, Status.NOT_RUN, _UNSEEN, cells.get(number, ""))
        for number, statement in enumerate(statements, 1)
    ]


def unjudged(runbook: Path) -> tuple[Check, ...]:
    """The same for the notebook in this file."""
    import nbformat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cells without an id get one
        return tuple(not_run(nbformat.read(runbook, as_version=4)))


def _calls(notebook: Any) -> Iterator[tuple[Any, ast.Call]]:
    """Every call in a notebook's code, in order; a cell that is no Python has none."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except (SyntaxError, ValueError, RecursionError):  # a magic, or what was edited until it is none
            continue
        yield from ((cell, node) for node in ast.walk(tree) if isinstance(node, ast.Call))
