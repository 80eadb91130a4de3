"""Re-records runbooks on a lab at the default parameters; outputs that differ only in what varies stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aksdisks.errors import CheckFailed
from aksdisks.parameters import Parameters
from aksdisks.runner.execution import Kernel, execute
from aksdisks.targets.target import prepared
from aksdisks.waiting import silent

_CELL_TIMEOUT = 120


def record(runbooks: Sequence[Path]) -> None:
    """Execute each runbook in a fresh kernel and keep its outputs in it.

    Raises CheckFailed for one that ended early or whose checks did not all pass; it stays as it was.
    """
    import nbformat

    with prepared(Parameters()), TemporaryDirectory(prefix="aksdisks-record-") as folder:
        for path in runbooks:
            old = nbformat.read(path, as_version=4)
            executed = Path(folder) / path.name
            _execute(path, executed)
            new = nbformat.read(executed, as_version=4)
            _settle(old, new, _patterns(path))
            text = nbformat.writes(new, indent=1) + "\n"
            if text != path.read_text(encoding="utf-8"):
                path.write_text(text, encoding="utf-8")


def _execute(path: Path, output: Path) -> None:
    kernel = Kernel({})
    try:
        done = execute(path, output, {}, kernel, cell_timeout=_CELL_TIMEOUT, on_step=silent)
    finally:
        kernel.close()
    if done.problem:
        raise CheckFailed(f"{path.stem}: {done.problem}")
    for check in done.checks:
        if check.status not in ("passed", "not applicable"):
            raise CheckFailed(f"{path.stem}: expected every check to pass, found {check.status}: {check.statement}")


def _settle(old: Any, new: Any, patterns: Iterable[tuple[str, str]]) -> None:
    """Put back the old outputs that differ only in what nbval overlooks; drop what is of this run alone."""
    new.metadata = {"kernelspec": old.metadata["kernelspec"], "language_info": {"name": "python"}}
    before = {cell.id: cell for cell in old.cells}
    for cell in new.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if cell.cell_type != "code":
            continue
        former = before[cell.id].get("outputs", [])
        if _compared(former, patterns) == _compared(cell.outputs, patterns):
            cell.outputs = former
            for output in former:
                if "execution_count" in output:
                    output["execution_count"] = cell.execution_count


def _compared(outputs: Sequence[Any], patterns: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """The outputs as nbval compares them: without counts, and with the patterns applied to texts."""
    seen = []
    for output in outputs:
        texts = {**output.get("data", {}), "text": output.get("text", "")}
        for pattern, replacement in patterns:
            texts = {k: re.sub(pattern, replacement, v) if isinstance(v, str) else v for k, v in texts.items()}
        seen.append({**texts, "type": output["output_type"]})
    return seen


def _patterns(path: Path) -> list[tuple[str, str]]:
    """nbval's sanitising patterns of the checkout that the runbook is in; none where it has none."""
    file = path.resolve().parent.parent / "tests" / "nbval.cfg"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)
