"""Re-records runbooks on a lab at the default parameters; outputs that differ only in what varies stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from aksdisks.checks import MIME_TYPE, Status
from aksdisks.errors import CheckFailed
from aksdisks.execution import Kernel
from aksdisks.parameters import Parameters
from aksdisks.targets import prepared

_PICTURES = ("image/png",)
_CELL_TIMEOUT = 120


def record(runbooks: Sequence[Path]) -> None:
    """Execute each runbook in a fresh kernel and keep its outputs in it; raises CheckFailed and keeps nothing new of a
    runbook whose checks did not all pass."""
    import nbformat

    with prepared(Parameters()):
        for path in runbooks:
            old = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
            new = _execute(deepcopy(old))
            _expect_passed(path, new)
            _settle(old, new, _patterns(path))
            text = nbformat.writes(new, indent=1) + "\n"  # type: ignore[no-untyped-call]
            if text != path.read_text(encoding="utf-8"):
                path.write_text(text, encoding="utf-8")


def _execute(notebook: Any) -> Any:
    from nbclient import NotebookClient

    kernel = Kernel({})
    try:
        return NotebookClient(notebook, km=kernel.manager, timeout=_CELL_TIMEOUT, record_timing=False).execute()
    finally:
        kernel.close()


def _expect_passed(path: Path, notebook: Any) -> None:
    for output in _outputs(notebook.cells):
        found = output.get("data", {}).get(MIME_TYPE, {"status": Status.PASSED})
        if found["status"] != Status.PASSED:
            raise CheckFailed(
                f"{path.stem}: expected every check to pass, found {found['status']}: {found['statement']}"
            )


def _settle(old: Any, new: Any, patterns: Iterable[tuple[str, str]]) -> None:
    """Put back the old outputs that differ only in what nbval overlooks; drop what is of this run alone."""
    new.metadata = {"kernelspec": old.metadata["kernelspec"], "language_info": {"name": "python"}}
    before = {cell.id: cell for cell in old.cells}
    for cell in new.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        former = before[cell.id].get("outputs", [])
        if _compared(former, patterns) == _compared(cell.outputs, patterns):
            cell.outputs = former
            for output in _outputs([cell]):
                if "execution_count" in output:
                    output["execution_count"] = cell.execution_count


def _compared(outputs: Sequence[Any], patterns: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """The outputs as nbval compares them: without counts and pictures, and with the patterns applied to texts."""
    seen = []
    for output in outputs:
        data = {kind: value for kind, value in output.get("data", {}).items() if kind not in _PICTURES}
        texts = {**data, "text": output.get("text", "")}
        for pattern, replacement in patterns:
            texts = {k: re.sub(pattern, replacement, v) if isinstance(v, str) else v for k, v in texts.items()}
        seen.append(
            {**texts, "type": output["output_type"], "pictures": sorted({*output.get("data", {})} & {*_PICTURES})}
        )
    return seen


def _patterns(path: Path) -> list[tuple[str, str]]:
    """nbval's sanitising patterns of the checkout that the runbook is in; none where it has none."""
    file = path.resolve().parent.parent / "tests" / "nbval.cfg"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)


def _outputs(cells: Iterable[Any]) -> list[Any]:
    return [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
