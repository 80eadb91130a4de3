"""One notebook through papermill in a kernel of ours: what comes back, whatever happens in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from aksdisks.model.checks import Check, Status
from aksdisks.runner import execution
from aksdisks.runner.execution import Execution, Kernel, execute
from aksdisks.waiting import Waiting

SHOWN = (
    "from IPython.display import display; display({'application/vnd.aksdisks.check+json': "
    "{'statement': 'size', 'status': 'passed', 'seen': size}, 'text/plain': 'ok'}, raw=True)"
)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    asyncio.set_event_loop(None)  # as asyncio.run leaves a thread
    kernel = Kernel({"AKSDISKS_TEST": "here"})
    yield kernel
    kernel.close()
    assert not kernel.directory.exists()


def notebook(folder: Path, *cells: str) -> Path:
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    content.cells[0].metadata["tags"] = ["parameters"]
    content.cells.insert(1, nbformat.v4.new_markdown_cell("## First claim"))
    content.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(content, folder / "in.ipynb")
    return folder / "in.ipynb"


def test_parameters_go_in_and_checks_come_out(tmp_path: Path, kernel: Kernel) -> None:
    steps: list[str] = []
    runbook = notebook(tmp_path, "size = '1Gi'", SHOWN)
    execution = execute(runbook, tmp_path / "out.ipynb", {"size": "2Gi"}, kernel, cell_timeout=30, on_step=steps.append)
    assert (execution.completed, execution.problem) == (True, "")
    assert execution.checks == [Check("size", Status.PASSED, "2Gi")]
    assert steps[-1] == "First claim"


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("raise ValueError('no disk')", "cell 3: ValueError: no disk"),
        ("import os; os._exit(1)", "the kernel died"),
        ("import threading; threading.Event().wait()", "a cell did not end within 1 s"),
    ],
    ids=["error", "death", "hang"],
)
def test_what_ends_early_keeps_its_checks_and_says_why(tmp_path: Path, kernel: Kernel, cell: str, problem: str) -> None:
    runbook = notebook(tmp_path, "size = '1Gi'", SHOWN, cell, "print('never')")
    execution = execute(runbook, tmp_path / "out.ipynb", {}, kernel, cell_timeout=1, on_step=lambda _: None)
    assert (execution.completed, execution.problem) == (False, problem)
    assert execution.checks == [Check("size", Status.PASSED, "1Gi")]
    assert "never" not in "".join(
        str(c.outputs) for c in nbformat.read(tmp_path / "out.ipynb", 4).cells if "outputs" in c
    )


def test_an_error_that_is_meant_for_a_person_is_one_line(tmp_path: Path, kernel: Kernel) -> None:
    cell = "from aksdisks.errors import NotReachable\nraise NotReachable('nobody answers', hint='aksdisks lab start')"
    runbook = notebook(tmp_path, "size = '1Gi'", cell)
    execution = execute(runbook, tmp_path / "out.ipynb", {}, kernel, cell_timeout=30, on_step=lambda _: None)
    assert execution.problem == "cell 2: NotReachable: nobody answers (aksdisks lab start)"
    error = nbformat.read(tmp_path / "out.ipynb", 4).cells[-1].outputs[0]
    assert error.traceback == ["\x1b[31mNotReachable\x1b[0m: nobody answers (aksdisks lab start)"]


def test_a_full_disk_ends_the_runbook_and_keeps_what_was_saved(tmp_path: Path, kernel: Kernel) -> None:
    fill = "import pathlib; pathlib.Path(fill).unlink(missing_ok=True); pathlib.Path(fill).symlink_to('/dev/full')"
    runbook = notebook(tmp_path, f"size, fill = '1Gi', {str(tmp_path / '.out.ipynb')!r}", SHOWN, fill, "print('never')")
    execution = execute(runbook, tmp_path / "out.ipynb", {}, kernel, cell_timeout=30, on_step=lambda _: None)
    assert execution.problem == f"{tmp_path / 'out.ipynb'} cannot be saved: No space left on device"
    assert execution.checks == [Check("size", Status.PASSED, "1Gi")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ipynb", "out.ipynb"]


def test_an_interrupt_from_outside_ends_the_cell(tmp_path: Path, kernel: Kernel) -> None:
    runbook = notebook(tmp_path, "size = '1Gi'", "import threading; threading.Event().wait()")
    waits = threading.Event()

    def on_step(heading: str) -> None:
        if heading:
            waits.set()

    def interrupt() -> None:
        waits.wait(30)
        threading.Timer(0.3, kernel.interrupt).start()

    threading.Thread(target=interrupt, daemon=True).start()
    execution = execute(runbook, tmp_path / "out.ipynb", {}, kernel, cell_timeout=30, on_step=on_step)
    assert execution.problem.startswith("cell 2: KeyboardInterrupt")


def test_what_a_cell_waits_for_is_heard_at_once_and_is_no_output(tmp_path: Path, kernel: Kernel) -> None:
    cell = (
        "from aksdisks.walkthrough import progress as live; from aksdisks.waiting import Waiting\n"
        "live.progress(Waiting('4 pods', '1 of 4 ready', 12.0, 900.0, 'Multi-Attach')); live.progress('')"
    )
    heard: list[Waiting | str] = []
    runbook = notebook(tmp_path, "size = '1Gi'", cell, cell)
    how: dict[str, Any] = {"cell_timeout": 30, "on_step": lambda _: None, "on_progress": heard.append}
    execution = execute(runbook, tmp_path / "out.ipynb", {}, kernel, **how)
    assert execution.problem == ""
    assert heard == [Waiting("4 pods", "1 of 4 ready", 12.0, 900.0, "Multi-Attach"), ""] * 2
    assert [c.outputs for c in nbformat.read(tmp_path / "out.ipynb", 4).cells if c.cell_type == "code"] == [[]] * 3


def test_what_warms_a_kernel_runs_without_a_trace() -> None:
    """A kernel only logs what its first lines raise."""
    done = subprocess.run([sys.executable, "-c", execution._WARM_UP], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("checks", "problem", "error", "status"),
    [
        (["passed"], "", "", "passed"),
        ([], "", "", "inconclusive"),
        (["passed"], "cell 3: ValueError: no", "ValueError", "failed"),
        (["passed"], "cell 3: ValueError: the pod says: NotReachable: no", "ValueError", "failed"),
        (["passed"], "the kernel died", "", "failed"),
        (["passed"], "cell 3: NotReachable: https://x", "NotReachable", "inconclusive"),
        (["passed"], "cell 3: NamespaceBusy: by another", "NamespaceBusy", "inconclusive"),
        (["passed"], "cell 3: ApiError: 500", "ApiError", "failed"),
        (["failed"], "cell 3: NotReachable: https://x", "NotReachable", "failed"),
    ],
)
def test_a_runbook_that_ended_early_has_not_passed(checks: list[str], problem: str, error: str, status: str) -> None:
    results = [Check("statement", Status(check), "seen") for check in checks]
    assert Execution(checks=results, problem=problem, error=error, completed=not problem).status == status
