"""Records runbooks on a lab with a fixed seed and a fixed run id: what still differs between two records is time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aksdisks.errors import CheckFailed
from aksdisks.inspection.run_objects import RUN_ID_VARIABLE
from aksdisks.parameters import Parameters
from aksdisks.runner.execution import Kernel, execute
from aksdisks.targets.lab import lab_in
from aksdisks.waiting import silent

RUN_ID = "20260101-000000-k7x2p"
_SEED = 1
_CELL_TIMEOUT = 120


@contextmanager
def repeatable_lab() -> Iterator[dict[str, str]]:
    """A new lab that gives the same names and uids each time, and the environment of kernels that work on it.

    It is for one runbook: in a lab that was used before, objects of the same name get other uids. Raises NotReachable
    where it does not start.
    """
    parameters = Parameters()
    with (
        TemporaryDirectory(prefix="aksdisks-record-") as folder,
        lab_in(folder, parameters.speed, parameters.scenario, ephemeral=True, seed=_SEED),
    ):
        yield {"AKSDISKS_STATE_DIR": folder, RUN_ID_VARIABLE: RUN_ID}


def record(runbooks: Sequence[Path]) -> None:
    """Execute each runbook in a fresh kernel on a fresh lab, and keep all its outputs in it, or none.

    A runbook stays as it was where its outputs differ in nothing but what nbval overlooks, and where it ended early or
    a check did not pass: then CheckFailed is raised.
    """
    import nbformat

    for path in runbooks:
        old = nbformat.read(path, as_version=4)
        with repeatable_lab() as environment, TemporaryDirectory(prefix="aksdisks-record-") as folder:
            executed = Path(folder) / path.name
            _execute(path, executed, environment)
            new = nbformat.read(executed, as_version=4)
        _tidy(new, old.metadata["kernelspec"])
        if _compared(old, patterns := _patterns(path)) == _compared(new, patterns):
            _take_outputs(new, old)
        text = nbformat.writes(new, indent=1) + "\n"
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")


def _execute(path: Path, output: Path, environment: dict[str, str]) -> None:
    kernel = Kernel(environment)
    try:
        done = execute(path, output, {}, kernel, cell_timeout=_CELL_TIMEOUT, on_step=silent)
    finally:
        kernel.close()
    if done.problem:
        raise CheckFailed(f"{path.stem}: {done.problem}")
    for check in done.checks:
        if check.status not in ("passed", "not applicable"):
            raise CheckFailed(
                object=f"{path.stem}", expected="every check to pass", found=f"{check.status}: {check.statement}"
            )


def _tidy(notebook: Any, kernelspec: Any) -> None:
    """Drop what papermill adds: it is of this execution alone."""
    notebook.metadata = {"kernelspec": kernelspec, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}


def _take_outputs(new: Any, old: Any) -> None:
    before = {cell.id: cell for cell in old.cells}
    for cell in new.cells:
        if cell.cell_type == "code":
            cell.outputs = before[cell.id].outputs


def _compared(notebook: Any, patterns: Iterable[tuple[str, str]]) -> list[Any]:
    """Each code cell with its outputs as nbval compares them: the patterns applied to texts.

    What a cell shows is left out where its tag says that nbval is not to compare it.
    """
    seen: list[Any] = []
    for cell in notebook.cells:
        ignored = "nbval-ignore-output" in cell.metadata.get("tags", ())
        for output in () if ignored else cell.get("outputs", ()):
            texts = {**output.get("data", {}), "text": output.get("text", "")}
            for pattern, replacement in patterns:
                texts = {k: re.sub(pattern, replacement, v) if isinstance(v, str) else v for k, v in texts.items()}
            seen.append({**texts, "type": output["output_type"], "count": output.get("execution_count")})
        seen.append((cell.id, cell.get("execution_count")))
    return seen


def _patterns(path: Path) -> list[tuple[str, str]]:
    """nbval's sanitising patterns of the checkout that the runbook is in; none where it has none."""
    file = path.resolve().parent.parent / "tests" / "nbval.cfg"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)
