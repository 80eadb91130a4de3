"""The site as its command builds it, and as a browser shows it from a folder: linked, searched, read by axe-core.

The tools are installed beside the tests' own packages, at the first use. With AKSDISKS_SCREENSHOTS=FOLDER each page
that is looked at is left there as a picture.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from aksdisks.inspection.diagnosis.catalogue import catalogue as causes
from aksdisks.inspection.lint.catalogue import catalogue as rules
from docs.site.picture import PICTURES
from tests.cli.jupyterlab import CHROMIUM, chromium
from tests.docs.tools import ROOT, installed
from tests.programs import needs

WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}
# The links to the pages before and after are cut off, not scrolled.
OVERFLOW = """() => Math.max(
  document.documentElement.scrollWidth,
  ...[...document.querySelectorAll(".prev-next-area *")].map(each => Math.floor(each.getBoundingClientRect().right))
) - window.innerWidth"""
UNFOLD = "() => document.querySelectorAll('article details').forEach(part => part.open = true)"
# Of each kind of page one; what the theme makes of the others is the same, and so it is of most in the other scheme.
IN_LIGHT = ("index", "on-call", "runbooks/01-dynamic-disk")
IN_DARK = ("symptoms", "causes/machine-stuck", "runbooks/01-dynamic-disk")
ALL = "each page of the site"
# Each of the words as a message of somebody's: those whose row it does not leave in sight.
NOT_FOUND = """() => {
  const input = document.querySelector("#message");
  return [...document.querySelector("table").tBodies[0].rows].map(row => {
    const words = row.querySelector("code").textContent;
    input.value = `Warning: ${words.replace(/…/g, "some-1").replace(/\\bN\\b|\\d+/g, "27")} (x8 over 17m)`;
    input.dispatchEvent(new Event("input"));
    return row.hidden ? input.value : "";
  }).filter(Boolean);
}"""
# Of each text how much room its box leaves to its right, in the picture's units.
BEYOND = """() => {
  const boxes = [...document.querySelectorAll("rect")].map(each => each.getBBox()).filter(box => box.height > 50);
  return [...document.querySelectorAll("text")].map(each => each.getBBox()).map(text => {
    const around = boxes.filter(box => box.x < text.x && text.x < box.x + box.width
                                       && box.y <= text.y && text.y < box.y + box.height);
    return Math.min(...around.map(box => box.x + box.width)) - text.x - text.width;
  });
}"""


@pytest.fixture(scope="module")
def python(request: pytest.FixtureRequest) -> Path:
    """A Python that can build the site."""
    assert request.config.cache
    return installed(Path(request.config.cache.mkdir("docs")))


@pytest.fixture(scope="module")
def site(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    done = subprocess.run(
        [python, "-m", "docs.site", out], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert list(out.parent.iterdir()) == [out], "nothing is left beside the site"
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium(shutil.which(CHROMIUM) or "") as shown:
        yield shown


def test_every_runbook_cause_and_rule_has_a_page(site: Path) -> None:
    wanted = {f"runbooks/{path.stem}" for path in (ROOT / "runbooks").glob("*.ipynb")}
    wanted |= {f"causes/{name}" for name in causes()} | {f"rules/{name}" for name in rules()}
    assert wanted <= {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")}
    assert len(wanted) > 70


@needs(CHROMIUM)
@pytest.mark.parametrize(
    ("scheme", "width", "names"),
    [
        ("light", 1280, IN_LIGHT),
        ("dark", 400, IN_DARK),
        pytest.param("light", 400, ALL, marks=pytest.mark.slow),
        pytest.param("dark", 1280, ALL, marks=pytest.mark.slow),
    ],
)
def test_no_page_breaks_wcag_runs_off_the_screen_or_asks_anybody(
    browser: Page, site: Path, scheme: str, width: int, names: tuple[str, ...]
) -> None:
    asked: list[str] = []
    browser.on("request", lambda request: asked.append(request.url))
    browser.set_viewport_size({"width": width, "height": 900})
    browser.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    if names is ALL:
        names = tuple(str(path.relative_to(site).with_suffix("")) for path in sorted(site.rglob("*.html")))
    for name in names:
        browser.goto((site / f"{name}.html").as_uri())
        browser.evaluate(UNFOLD)
        if folder := os.environ.get("AKSDISKS_SCREENSHOTS"):
            picture = Path(folder) / f"site-{scheme}-{width}-{name.replace('/', '-')}.png"
            browser.screenshot(path=picture, full_page=True)
        assert browser.evaluate("() => document.documentElement.dataset.theme") == scheme
        found = Axe().run(browser, options=WCAG).response["violations"]
        assert [(name, each["id"], node["target"]) for each in found for node in each["nodes"]] == []
        assert browser.evaluate(OVERFLOW) <= 0, name
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@needs(CHROMIUM)
def test_three_clicks_lead_from_the_first_page_to_the_cause_of_what_kubectl_shows(browser: Page, site: Path) -> None:
    browser.set_viewport_size({"width": 1280, "height": 900})
    browser.goto((site / "index.html").as_uri())
    browser.locator("article a", has_text="stuck").first.click()
    row = browser.locator("tr", has_text="is already used by pod(s)")
    row.get_by_role("link", name="shared-claim").click()
    assert browser.url == (site / "causes" / "shared-claim.html").as_uri()


@needs(CHROMIUM)
def test_a_message_with_its_own_names_and_numbers_leads_to_its_cause(browser: Page, site: Path) -> None:
    browser.goto((site / "symptoms.html").as_uri())
    message, said = browser.get_by_label("A message that you have"), browser.get_by_role("status")
    shown = browser.locator("table").first.locator("tbody tr:visible")
    whole = shown.count()
    message.fill('Multi-Attach error for volume "pvc-d53e" Volume is already used by pod(s) web-0, web-1')
    expect(said).to_have_text(f"2 of {whole} fit")
    expect(shown.get_by_role("link")).to_have_text(["shared-claim", "holder-lost"])
    assert browser.evaluate(NOT_FOUND) == []
    message.fill("no such words")
    expect(said).to_have_text(f"0 of {whole} fit")
    message.fill("")
    assert shown.count() == whole > 50


@needs(CHROMIUM)
def test_paper_is_light_and_shows_what_is_folded(browser: Page, site: Path) -> None:
    browser.emulate_media(color_scheme="dark")
    browser.goto((site / "runbooks" / "01-dynamic-disk.html").as_uri())
    folded = browser.locator("article details:not([open])").count()
    browser.emulate_media(media="print")
    expect(browser.locator("html")).to_have_attribute("data-theme", "light")
    assert folded and browser.locator("article details:not([open])").count() == 0
    assert browser.evaluate(OVERFLOW) <= 0
    browser.emulate_media(media="screen")
    expect(browser.locator("html")).to_have_attribute("data-theme", "dark")
    assert browser.locator("article details:not([open])").count() == folded


@needs(CHROMIUM)
def test_no_text_of_the_picture_leaves_its_box(browser: Page) -> None:
    browser.goto(PICTURES["light"].as_uri())
    room = browser.evaluate(BEYOND)
    assert len(room) > 20 and min(room) >= 2


@needs(CHROMIUM)
@pytest.mark.parametrize(
    ("typed", "page"),
    [("Volume is already used by pod", "causes/shared-claim.html"), ("rwo-replicas", "rules/rwo-replicas.html")],
)
def test_a_message_is_found_without_a_server(browser: Page, site: Path, typed: str, page: str) -> None:
    browser.goto((site / "search.html").as_uri() + "?q=" + typed.replace(" ", "+"))
    links = browser.locator("#search-results a")
    expect(links.first).to_be_visible()
    assert page in {re.sub(r"[?#].*", "", link.get_attribute("href") or "") for link in links.all()[:5]}


@needs(CHROMIUM)
@pytest.mark.parametrize(
    ("typed", "causes"),
    [
        (
            'Multi-Attach error for volume "pvc-d5" Volume is already used by pod(s) disk-deploy-6d-79',
            ["shared-claim", "holder-lost"],
        ),
        ("3 node(s) exceed max volume count", ["no-disk-slot"]),
        ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", ["zone-mismatch", "no-node"]),
        (
            "results in exceeding approved PremiumDiskCount quota. Additional details - Location: westeurope, "
            "Current Limit: 1, Current Usage: 1, Additional Required: 1",
            ["disk-quota"],
        ),
        ("pod has unbound immediate PersistentVolumeClaims", ["provisioning"]),
        ("AuthorizationFailed", ["not-authorized"]),
        ("Pending", []),
        ("rwo-replicas", []),
    ],
)
def test_a_search_shows_first_which_causes_have_these_words(
    browser: Page, site: Path, typed: str, causes: list[str]
) -> None:
    browser.goto(f"{(site / 'search.html').as_uri()}?{urlencode({'q': typed})}")
    expect(browser.locator("#known tr:visible a")).to_have_text(causes)


def test_a_warning_and_a_dead_link_fail_the_build(python: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "index.md").write_text('# Here\n\n[there](there.md) <a href="gone.html">gone</a>\n')
    program = "import sys; from pathlib import Path; from docs.site.__main__ import built; "
    program += "sys.exit(not built(Path(sys.argv[1]), Path(sys.argv[2])))"
    done = subprocess.run(
        [python, "-c", program, tmp_path / "source", tmp_path / "out"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "index.md:3: WARNING: 'myst' cross-reference target not found: 'there.md'" in done.stderr
    assert "\nindex.html: gone.html: no such page\n" in done.stderr


def test_another_folder_is_left_as_it_is(python: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")
    done = subprocess.run(
        [python, "-m", "docs.site", tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path}: expected a folder that is empty or has a site, found other files\n"
    assert (tmp_path / "letter.txt").read_text() == "Dear"
