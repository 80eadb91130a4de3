"""The walk in JupyterLab as a person sees it: opened in Chromium, all cells run, run again, waited for, tried.

With AKSDISKS_SCREENSHOTS=FOLDER each runbook is left there as a picture, light and dark.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from aksdisks.model.checks import MIME_TYPE
from aksdisks.runner import shipped
from tests.cli.jupyterlab import CHROMIUM, NotebookPage, Walking, chromium, walking
from tests.programs import needs

NAMES = [path.stem for path in shipped.runbooks()]
EXECUTABLE = shutil.which(CHROMIUM)

pytestmark = needs(CHROMIUM)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    assert EXECUTABLE
    with chromium(EXECUTABLE) as shown:
        yield shown


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walking]:
    with walking(tmp_path_factory.mktemp("quick"), "--speed", "100") as walk:
        yield walk


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walking]:
    with walking(tmp_path_factory.mktemp("slow")) as walk:
        yield walk


def verdicts(cells: list) -> dict[str, str]:
    return {c.id: out.data[MIME_TYPE]["status"] for c in cells for out in c.outputs if MIME_TYPE in out.get("data", {})}


def is_as_recorded(cells: list, name: str) -> None:
    """All cells of a runbook but its clean-up, which is run on its own, after something to try."""
    recorded = [
        cell for cell in nbformat.read(shipped.folder("runbooks") / f"{name}.ipynb", 4).cells if "outputs" in cell
    ]
    assert [output.ename for cell in cells for output in cell.outputs if output.output_type == "error"] == []
    # No progress is left, and no other thing that was not recorded.
    assert [len(cell.outputs) for cell in cells] == [len(cell.outputs) for cell in recorded]
    assert verdicts(cells) == {name: status for name, status in verdicts(recorded).items() if name != "clean-up"}


def is_run_again(notebook: NotebookPage, name: str) -> None:
    """All cells once more, and the clean-up in the end."""
    is_as_recorded(notebook.run_all(), name)
    notebook.select("walk.clean_up()")
    notebook.page.wait_for_timeout(1100)
    notebook.run("Run Selected Cell and Do not Advance")
    assert verdicts(notebook.ended())["clean-up"] == "passed"
    notebook.photograph(os.environ.get("AKSDISKS_SCREENSHOTS"))


# pytest runs each runbook twice already, by nbval and by a run: in the browser these are slow, but for the next test's.
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_runs_and_runs_again(quick: Walking, page: Page, name: str) -> None:
    notebook = NotebookPage(page, quick, name)
    is_as_recorded(notebook.run_all(), name)
    is_run_again(notebook, name)


def test_a_wait_shows_what_it_awaits_and_nothing_once_it_is_over_and_the_runbook_runs_again(
    slow: Walking, page: Page
) -> None:
    name = "01-dynamic-disk"
    notebook = NotebookPage(page, slow, name)
    notebook.start()
    seen = page.locator(".jp-OutputArea", has=page.locator("progress")).filter(has_text="pod of app")
    expect(seen).to_contain_text("ready; disk-deploy-", timeout=30_000)
    expect(seen).to_contain_text("last seen: 0 of 1")
    if folder := os.environ.get("AKSDISKS_SCREENSHOTS"):
        seen.screenshot(path=Path(folder) / "progress.png")
    is_as_recorded(notebook.ended(), name)
    expect(page.locator("progress")).to_have_count(0)
    is_run_again(notebook, name)


def test_a_terminal_reaches_the_lab_and_what_is_tried_there_is_judged(slow: Walking, page: Page) -> None:
    notebook = NotebookPage(page, slow, "02-scale-out")
    cell = notebook.select("walk.tried(")
    notebook.run("Run Selected Cell and Do not Advance")
    expect(cell).to_contain_text("The name is made by a cell above: run those first")

    notebook.run("Run All Above Selected Cell")
    notebook.run("Run Selected Cell and Do not Advance")
    expect(cell).to_contain_text("not tried yet")
    notebook.terminal(cell.locator("code", has_text="--replicas=1").inner_text().removeprefix("$ "))
    while "not tried yet" in cell.inner_text() or "failed" in cell.inner_text():
        notebook.run("Run Selected Cell and Do not Advance")
    expect(cell).to_contain_text("passed The pod that stays is one that runs")
