"""How the repository's pages become the site's sources: links, parts as pages, notebooks, what is made of others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from aksdisks.inspection.diagnosis.catalogue import catalogue
from docs.site.contents import ROOT, SECTIONS, pages, place
from docs.site.stage import Stage

pytestmark = pytest.mark.quick

FENCED = re.compile(r"^ *```\w*\n.*?^ *```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged")
    Stage(folder).fill()
    return folder


def test_every_page_of_docs_is_in_a_section_and_each_stands_once() -> None:
    listed = [page for section in SECTIONS for page in section.pages]
    assert len(listed) == len(set(listed))
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= pages()
    assert len({place(page) for page in pages()}) == len(pages())


def test_a_cause_has_a_page_with_headings_and_links_to_those_that_it_is_told_apart_from(staged: Path) -> None:
    text = (staged / "causes" / "shared-claim.md").read_text()
    assert text.startswith(f"# shared-claim: {catalogue()['shared-claim'].title}\n\n*problem*, as `aksdisks explain")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == list(catalogue()["shared-claim"].headings)
    assert "([`holder-lost`](holder-lost.md))" in text


def test_an_issue_named_in_short_is_a_link(staged: Path) -> None:
    text = (staged / "causes" / "denied-by-policy.md").read_text()
    assert "([CSI#2349](https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/2349), [k/k#71940](" in text
    assert "ARO-RP#423" in text and "[ARO-RP" not in text


def test_links_follow_the_pages(staged: Path) -> None:
    cells = json.loads((staged / "runbooks" / "07-stuck.ipynb").read_text())["cells"]
    stuck = "".join("".join(cell["source"]) for cell in cells)
    assert "](../causes/shared-claim.md)" in stuck and "docs/causes" not in stuck
    assert "[Rules](rules.md)\nhas all rules" in (staged / "lint.md").read_text()
    assert "](files/docs/diagnosis.schema.json)" in (staged / "on-call.md").read_text()
    assert (staged / "files/docs/diagnosis.schema.json").read_bytes() == (
        ROOT / "docs/diagnosis.schema.json"
    ).read_bytes()


def test_what_stands_in_a_block_stays_as_it_is(staged: Path) -> None:
    for page in pages():
        if page.endswith(".md") and (ROOT / page).exists() and place(page) not in ("causes.md", "rules.md"):
            written = FENCED.findall((ROOT / page).read_text())
            assert FENCED.findall((staged / place(page)).read_text())[: len(written)] == written, page


def test_a_notebook_keeps_its_cells_and_can_be_had_as_it_was(staged: Path) -> None:
    name = "runbooks/01-dynamic-disk.ipynb"
    was, now = (json.loads((folder / name).read_text())["cells"] for folder in (ROOT, staged))
    assert [cell["id"] for cell in now] == [cell["id"] for cell in was]
    kinds = {kind for cell in now for output in cell.get("outputs", ()) for kind in output["data"]}
    assert kinds == {"text/html", "text/plain"}
    assert "`aksdisks run 01` runs it" in now[0]["source"]
    assert (staged / "files" / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_page_of_symptoms_leads_to_every_cause(staged: Path) -> None:
    text = (staged / "symptoms.md").read_text()
    assert set(re.findall(r"\]\(causes/([\w-]+)\.md\)", text)) == set(catalogue())
    words, _, states = text.partition("## Where no words show it")
    assert re.search(
        r"\| `Multi-Attach error [^`]+ pod\(s\) …` \| \[shared-claim\]\(causes/shared-claim\.md\): Several pods", words
    )
    assert "[starting]" in states and "[shared-claim]" not in states


def test_a_picture_is_shown_for_the_pages_colours(staged: Path) -> None:
    text = (staged / "index.md").read_text()
    assert re.findall(r"!\[.+\]\((\S+)\)\{(\S+)\}", text) == [
        ("files/docs/pictures/chain-light.svg", ".only-light"),
        ("files/docs/pictures/chain-dark.svg", ".only-dark"),
    ]
