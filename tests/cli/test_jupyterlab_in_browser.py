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


# pytest runs each runbook twice already, by nbval and by a run; in the browser one is enough, the others are slow.
IN_CI = ("01-dynamic-disk",)


def verdicts(cells: list) -> dict[str, str]:
    return {c.id: out.data[MIME_TYPE]["status"] for c in cells for out in c.outputs if MIME_TYPE in out.get("data", {})}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name not in IN_CI else ()) for name in NAMES]
)
def test_a_runbook_runs_and_runs_again(quick: Walking, page: Page, name: str) -> None:
    recorded = [
        cell for cell in nbformat.read(shipped.folder("runbooks") / f"{name}.ipynb", 4).cells if "outputs" in cell
    ]
    notebook = NotebookPage(page, quick, name)
    for _ in range(2):
        cells = notebook.run_all()
        assert [output.ename for cell in cells for output in cell.outputs if output.output_type == "error"] == []
        # No progress is left, and no other thing that was not recorded.
        assert [len(cell.outputs) for cell in cells] == [len(cell.outputs) for cell in recorded]
        # Running all cells leaves the clean-up to be run on its own, and something to try until then.
        assert verdicts(cells) == {name: status for name, status in verdicts(recorded).items() if name != "clean-up"}
    notebook.select("walk.clean_up()")
    page.wait_for_timeout(1100)
    notebook.run("Run Selected Cell and Do not Advance")
    assert verdicts(notebook.ended())["clean-up"] == "passed"
    notebook.photograph(os.environ.get("AKSDISKS_SCREENSHOTS"))


def test_a_wait_shows_what_it_awaits_and_nothing_once_it_is_over(slow: Walking, page: Page) -> None:
    notebook = NotebookPage(page, slow, "01-dynamic-disk")
    notebook.start()
    seen = page.locator(".jp-OutputArea", has=page.locator("progress")).filter(has_text="pod of app")
    expect(seen).to_contain_text("ready; disk-deploy-", timeout=30_000)
    expect(seen).to_contain_text("last seen: 0 of 1")
    if folder := os.environ.get("AKSDISKS_SCREENSHOTS"):
        seen.screenshot(path=Path(folder) / "progress.png")
    cells = notebook.ended()
    expect(page.locator("progress")).to_have_count(0)
    assert set(verdicts(cells).values()) == {"passed", "not applicable"}


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
