"""The page of the ownership table as a browser shows it: read by axe-core, sorted, filtered, narrow, dark, offline.

With AKSDISKS_SCREENSHOTS=FOLDER each page is left there as a picture.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from aksdisks.views import ownership_page
from aksdisks.views.ownership_page import page
from tests.cli.jupyterlab import CHROMIUM, chromium
from tests.owned import HOSTILE, SHARES, owned, ownership, price, used
from tests.programs import needs

EXECUTABLE = shutil.which(CHROMIUM)
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}
UNFOLD = "() => document.querySelectorAll('details').forEach(part => part.open = true)"
OVERFLOW = "() => document.documentElement.scrollWidth - window.innerWidth"
NAMES = "() => [...document.querySelectorAll('#disks > tbody th')].map(head => head.textContent)"
TEXT, VERDICT, NAMESPACE = "input[name=text]", "select[name=verdict]", "select[name=namespace]"
SAID = "output[role=status]"

pytestmark = needs(CHROMIUM)


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    assert EXECUTABLE
    with chromium(EXECUTABLE) as shown:
        yield shown


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page"))


def written(folder: Path, **parts: Any) -> Path:
    found = ownership(**{"shares": SHARES} | parts)
    text = page(found, namespace=None, target="https://api:443", unseen={"Pod": "no right"})
    (folder / "disks.html").write_text(text, encoding="utf-8")
    return folder / "disks.html"


def shown(browser: Page, file: Path, *, width: int = 1280, scheme: str = "light") -> None:
    browser.set_viewport_size({"width": width, "height": 900})
    browser.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    browser.goto(file.as_uri())


def violations(browser: Page) -> list[Any]:
    found = Axe().run(browser, options=WCAG).response["violations"]
    return [(each["id"], node["target"], node["failureSummary"]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize(
    ("scheme", "width", "verdict"),
    [("light", 1280, ""), ("dark", 320, ""), ("dark", 1280, "orphan")],
)
def test_the_page_breaks_no_rule_of_wcag_and_does_not_run_off_the_screen(
    browser: Page, file: Path, scheme: str, width: int, verdict: str
) -> None:
    shown(browser, file, width=width, scheme=scheme)
    browser.locator(VERDICT).select_option(verdict)
    if folder := os.environ.get("AKSDISKS_SCREENSHOTS"):
        browser.screenshot(path=Path(folder) / f"disks-{scheme}-{width}.png", full_page=True)
    browser.evaluate(UNFOLD)
    assert violations(browser) == []
    assert browser.evaluate(OVERFLOW) <= 0
    if folder:
        browser.screenshot(path=Path(folder) / f"disks-{scheme}-{width}-open.png", full_page=True)
    assert browser.title() == "Disks in MC_disks_article_westeurope"  # no name of a disk's has run


def test_rows_are_filtered_by_text_verdict_and_namespace_and_the_counts_announced(browser: Page, file: Path) -> None:
    shown(browser, file)
    said = browser.locator(SAID)
    assert said.text_content() == "8 of 8 disks, 2 of 2 snapshots, 2 of 2 shares; 34.18 USD a month"
    browser.locator(VERDICT).select_option("orphan")
    assert browser.evaluate(NAMES) == ["pvc-left"]
    assert said.text_content() == "1 of 8 disks, 1 of 2 snapshots, 1 of 2 shares; 6.53 USD a month"
    browser.locator(NAMESPACE).select_option("shop")
    assert said.text_content() == "0 of 8 disks, 1 of 2 snapshots, 0 of 2 shares; 1.25 USD a month"
    browser.get_by_role("button", name="Show all").click()
    browser.locator(TEXT).fill("statefulset/db LOGS")
    assert browser.evaluate(NAMES) == ["pvc-logs"]
    browser.locator(TEXT).fill("onerror=")
    assert browser.evaluate(NAMES) == ["pvc-hostile"]
    browser.locator(TEXT).fill("")
    browser.locator(NAMESPACE).select_option("-")
    assert said.text_content() == "1 of 8 disks, 0 of 2 snapshots, 1 of 2 shares; 0.00 USD a month"
    assert HOSTILE in browser.locator(NAMESPACE).inner_text()


def test_columns_are_sorted_by_buttons_and_what_is_missing_comes_last(browser: Page, tmp_path: Path) -> None:
    disks = [used(f"d{number}", 0, price=price(amount)) for number, amount in ((2, 9.5), (10, 80.0), (1, 100.25))]
    shown(browser, written(tmp_path, disks=(*disks, ownership().disks[-1])))
    name, cost = (browser.locator("#disks thead th", has_text=text) for text in ("disk", "a month"))
    for button, order in ((name, ["pvc-d1", "pvc-d2", "pvc-d10", "pvc-logs"]),
                          (cost, ["pvc-d2", "pvc-d10", "pvc-d1", "pvc-logs"])):  # fmt: skip
        button.get_by_role("button").click()
        assert browser.evaluate(NAMES) == order
        assert button.get_attribute("aria-sort") == "ascending"
    cost.get_by_role("button").press("Enter")
    assert browser.evaluate(NAMES) == ["pvc-d1", "pvc-d10", "pvc-d2", "pvc-logs"]
    assert (cost.get_attribute("aria-sort"), name.get_attribute("aria-sort")) == ("descending", None)
    browser.locator(TEXT).fill("pvc-d1")
    assert browser.evaluate(NAMES) == ["pvc-d1", "pvc-d10"]  # still sorted


def test_a_row_opens_to_its_chain_by_keyboard(browser: Page, file: Path) -> None:
    shown(browser, file)
    row = browser.locator("#disks tbody", has_text="pvc-data").first
    assert not row.locator("ol").is_visible()
    row.locator("summary").press("Enter")
    links = row.locator("ol > li")
    assert [links.nth(number).locator("i").inner_text() for number in range(5)] == [
        "pod", "claim", "volume", "disk", "machine"
    ]  # fmt: skip
    assert links.first.is_visible() and "data-0" in links.first.inner_text()


def test_a_printed_page_is_as_wide_as_the_paper_and_has_no_controls(browser: Page, file: Path) -> None:
    shown(browser, file, width=1032)  # A4 across, less its margins, at 96 dots an inch
    browser.emulate_media(media="print")
    assert browser.evaluate(OVERFLOW) <= 0
    assert not browser.locator("#filter").is_visible()
    browser.emulate_media(media="screen")


def test_nothing_is_asked_of_anybody(browser: Page, file: Path) -> None:
    asked: list[str] = []
    browser.on("request", lambda request: asked.append(request.url))
    shown(browser, file)
    browser.locator(TEXT).fill("pvc")
    assert asked == [file.as_uri()]


def test_without_javascript_it_is_a_plain_table(browser: Page, file: Path) -> None:
    whole = browser.context.browser
    assert whole
    with whole.new_context(java_script_enabled=False) as context:
        plain = context.new_page()
        plain.goto(file.as_uri())
        assert plain.locator("#disks > tbody").count() == 8
        assert not plain.locator("#filter").is_visible()
        assert plain.locator("button:visible").count() == 0
        assert plain.get_by_text("made for claim billing/left, no volume names it").is_visible()


def many(count: int) -> dict[str, Any]:
    disks = [used(f"data-{number:05}", 0, price=price(number % 300)) for number in range(count)]
    return {"disks": (owned("left", "orphan", "left behind", space="billing"), *disks)}


def test_more_rows_than_the_page_begins_with_are_shown_step_by_step(
    browser: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership_page, "FIRST", 120)
    shown(browser, written(tmp_path, **many(230)))
    assert browser.locator("#disks > tbody").count() == 100
    browser.get_by_role("button", name="Show 100 more of 131").click()
    assert browser.locator("#disks > tbody").count() == 200
    assert browser.evaluate("() => document.activeElement.closest('tbody').querySelector('th').textContent") == (
        "pvc-data-00099"
    )
    browser.locator(TEXT).fill("data-00200")  # one that a script alone shows
    assert browser.evaluate(NAMES) == ["pvc-data-00200"]
    browser.locator(TEXT).fill("")
    browser.emulate_media(media="print")
    browser.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert browser.locator("#disks > tbody").count() == 231
    browser.emulate_media(media="screen")


# What an act takes in the page until all is laid out again, in ms: the least of five, as the machine has other work.
TIMED = """(act) => {
  const times = [1, 2, 3, 4, 5].map(() => {
    const began = performance.now();
    new Function(act)();
    document.body.getBoundingClientRect();
    return performance.now() - began;
  });
  return Math.min(...times);
}"""
TYPED = """
  const input = document.querySelector("input[name=text]");
  input.value = "%s";
  input.dispatchEvent(new Event("input", {bubbles: true}));
"""


@pytest.mark.slow
def test_ten_thousand_rows_are_filtered_in_no_time_and_sorted_in_half_a_second(browser: Page, tmp_path: Path) -> None:
    file = written(tmp_path, **many(10_000))
    assert file.stat().st_size < 20 * 2**20
    # What a test runs in the page is text, which the page's own policy would not let run.
    with browser.context.browser.new_context(bypass_csp=True) as context:  # type: ignore[union-attr]
        large = context.new_page()
        large.goto(file.as_uri())
        took = {text: large.evaluate(TIMED, TYPED % text) for text in ("data-0", "data-09999", "db", "nothing", "")}
        assert max(took.values()) < 200, took
        assert large.evaluate(TIMED, "document.querySelector('#disks thead button').click()") < 500
