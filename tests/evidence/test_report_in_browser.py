"""A run's pages as a browser shows them: read by axe-core (WCAG 2.1 AA), light and dark, wide and narrow.

With AKSDISKS_SCREENSHOTS=FOLDER each page is left there as a picture.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from aksdisks.parameters import Parameters
from aksdisks.runner import shipped
from aksdisks.runner.runner import run_runbooks
from tests.cli.jupyterlab import CHROMIUM, chromium
from tests.programs import needs

EXECUTABLE = shutil.which(CHROMIUM)
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
# What is folded is read too.
UNFOLD = "() => document.querySelectorAll('details').forEach(part => part.open = true)"

pytestmark = needs(CHROMIUM)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run that passed; and one whose first runbook ends once it has shown all, and whose second fails a check."""
    tmp = tmp_path_factory.mktemp("runs")
    books = {
        "passed": shipped.runbooks(["01"]),
        "failed": [
            _changed(tmp, "02", "verdicts", "walk", "[][0]\nwalk"),
            _changed(tmp, "05", "claim-2", "count=count", "count=-1"),
        ],
    }
    found = {}
    for status, paths in books.items():
        result = run_runbooks(paths, Parameters(), tmp / "out")
        assert result.status == status
        found[status] = tmp / "out" / result.run
    return found


def _changed(folder: Path, name: str, cell: str, was: str, now: str) -> Path:
    """A shipped runbook with one cell that goes wrong."""
    (path,) = shipped.runbooks([name])
    content = nbformat.read(path, as_version=4)
    (found,) = (each for each in content.cells if each.id == cell)
    assert was in found.source
    found.source = found.source.replace(was, now)
    nbformat.write(content, folder / path.name)
    return folder / path.name


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    assert EXECUTABLE
    with chromium(EXECUTABLE) as shown:
        yield shown


# Colours depend on the scheme alone, what fits on the width alone: two pairs have each of them once.
@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1280),
        ("dark", 420),
        pytest.param("light", 420, marks=pytest.mark.slow),
        pytest.param("dark", 1280, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("status", ["passed", "failed"])
def test_no_page_breaks_wcag_or_runs_off_the_screen(
    folders: dict[str, Path], page: Page, status: str, scheme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    names = sorted(path.name for path in folders[status].glob("*.html"))
    assert len(names) == {"passed": 2, "failed": 3}[status] and "index.html" in names
    for name in names:
        page.goto((folders[status] / name).as_uri())
        if folder := os.environ.get("AKSDISKS_SCREENSHOTS"):
            picture = Path(folder) / f"{status}-{scheme}-{width}-{Path(name).stem}.png"
            page.screenshot(path=picture, full_page=True)
        page.evaluate(UNFOLD)
        found = Axe().run(page, options=WCAG).response["violations"]
        assert [(each["id"], node["target"], node["failureSummary"]) for each in found for node in each["nodes"]] == []
        assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0, name


def test_every_link_of_a_page_leads_somewhere(folders: dict[str, Path], page: Page) -> None:
    for folder in folders.values():
        for name in sorted(path.name for path in folder.glob("*.html")):
            page.goto((folder / name).as_uri())
            for link in page.evaluate("() => [...document.links].map(link => link.getAttribute('href'))"):
                file, _, part = link.partition("#")
                assert (folder / (file or name)).is_file(), f"{name}: {link}"
                assert not part or f'id="{part}"' in (folder / (file or name)).read_text(), f"{name}: {link}"


def test_a_chain_stands_upright_where_the_screen_is_narrow(folders: dict[str, Path], page: Page) -> None:
    page.goto((folders["passed"] / "01-dynamic-disk.html").as_uri())
    boxes = "[...document.querySelectorAll('.chains td > div')]"
    tops = f"() => {boxes}.map(box => Math.round(box.getBoundingClientRect().EDGE))"
    for width, along, across in ((1280, "left", "top"), (420, "top", "left")):
        page.set_viewport_size({"width": width, "height": 900})
        places, same = page.evaluate(tops.replace("EDGE", along)), page.evaluate(tops.replace("EDGE", across))
        assert len(set(places)) == len(places) == 5 and places == sorted(places)
        assert width == 1280 or len(set(same)) == 1


def test_text_of_charts_has_the_colours_of_the_page(folders: dict[str, Path], page: Page) -> None:
    page.goto((folders["passed"] / "01-dynamic-disk.html").as_uri())
    colours = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        label = page.get_by_text("attaching the disk", exact=True)
        colours[scheme] = label.evaluate("(label) => getComputedStyle(label).color")
        assert colours[scheme] == page.evaluate("() => getComputedStyle(document.body).color")
    assert colours["light"] != colours["dark"]
