"""Runs of runbooks that a test makes up, on a lab taken for a cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from aksdisks.evidence.delivery import Container
from aksdisks.evidence.result import RunResult
from aksdisks.lab.server.process import LabState
from aksdisks.parameters import Parameters
from aksdisks.runner.interruption import Interruption
from aksdisks.runner.reporter import Reporter
from aksdisks.runner.runner import run_runbooks


@pytest.fixture
def run(lab: LabState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[RunResult, Path]]:
    """Runs notebooks of these cells, each list one runbook."""
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)

    def run(
        *books: list[str],
        key: Path | None = None,
        share: bool = False,
        container: Container | None = None,
        webhook: str = "",
        reporter: Reporter | None = None,
        interruption: Interruption | None = None,
        **changed: object,
    ):  # type: ignore[no-untyped-def]
        parameters = Parameters(
            target="aks",
            kubeconfig=lab.kubeconfig,
            context=lab.cluster_name,
            arm_endpoint=lab.arm_url,
            authority=lab.authority,
            ca_bundle=lab.ca_bundle,
            **changed,
        )
        paths = [_notebook(tmp_path / f"{number:02}-book.ipynb", cells) for number, cells in enumerate(books)]
        how = {"share": share, "key": key, "container": container, "webhook": webhook}
        how |= {"reporter": reporter, "interruption": interruption}
        result = run_runbooks(paths, parameters, tmp_path / "out", **how)
        return result, tmp_path / "out" / result.run

    return run


def _notebook(path: Path, cells: list[str]) -> Path:
    content = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in ["target: str = 'lab'", *cells]]
    )
    content.cells[0].metadata["tags"] = ["parameters"]
    content.cells.insert(0, nbformat.v4.new_markdown_cell("# A book"))
    content.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(content, path)
    return path
