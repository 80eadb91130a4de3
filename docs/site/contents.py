"""Which pages the site has, in which sections, and where each stands in the repository and on the site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Section:
    """A part of the site: its address, its title, what it is for, and its pages by their paths in the repository.

    It begins with the page `first`, else with title and promise; what its pages are about comes below.
    """

    name: str
    title: str
    promise: str
    pages: tuple[str, ...]
    first: str = ""


SECTIONS = (
    Section(
        "runbooks",
        "Runbooks",
        "Notebooks that walk the article and what it leaves out, with the outputs that were recorded on the lab. Each "
        "predicts, acts and looks, and lets the answers of Kubernetes and of Azure be compared.",
        (
            "docs/article.md",
            *(f"runbooks/{path.name}" for path in sorted((ROOT / "runbooks").glob("[0-9]*.ipynb"))),
        ),
    ),
    Section(
        "on-call",
        "On call",
        "A pod is stuck, a disk costs and nobody knows whose it is, a change is about to go wrong.",
        (
            "docs/symptoms.md",
            "docs/diagnose.md",
            "docs/causes.md",
            "docs/inventory.md",
            "docs/orphans.md",
            "docs/prices.md",
            "docs/lint.md",
            "docs/rules.md",
        ),
        first="docs/on-call.md",
    ),
    Section(
        "guides",
        "Guides",
        "How the runbooks, the lab and the library are put to use.",
        (
            "docs/first-hour.md",
            "docs/volumes.md",
            "docs/schedule.md",
            "docs/evidence.md",
            "docs/comparing.md",
            "docs/lab.md",
            "aksdisks/lab/README.md",
            "docs/control-plane.md",
            "docs/testing.md",
            "docs/operator.md",
        ),
    ),
    Section(
        "reference",
        "Reference",
        "What can be called, how the project is built, and what changed.",
        ("docs/cli.md", "docs/reference.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    ),
)
SPLIT = ("docs/causes.md", "docs/rules.md")
"""Their sections are pages of their own, so that a search finds each and a link leads to it alone."""

HOME = "docs/index.md"
SYMPTOMS = "docs/symptoms.md"
"""Made of what the causes say of themselves."""

_ELSEWHERE = {
    "README.md": "index.md",
    "docs/reference.md": "library.md",
    "aksdisks/lab/README.md": "emulated.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}


def pages() -> set[str]:
    """All pages by their paths in the repository."""
    return {HOME} | {page for section in SECTIONS for page in (*section.pages, section.first) if page}


def place(page: str) -> str:
    """Where a page of the repository stands on the site, such as `emulated.md`."""
    return _ELSEWHERE.get(page, page.removeprefix("docs/"))
