"""The article's items: how its text is split and normalised, and whether docs/article.toml has them all.

The article is not in this repository. Whoever has its text, one paragraph, list item, or line of code on each line,
asks with `python -m tests.article FILE` whether an item is missing, and with `--list` sees each item and its hash.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aksdisks.model.checks import MIME_TYPE
from aksdisks.runner import shipped

ROOT = Path(__file__).parents[1]
HASHES = Path(__file__).parent / "golden" / "article.items"
"""The hashes of all items, in the article's order."""
TABLE, PAGE = ROOT / "docs" / "article.toml", ROOT / "docs" / "article.md"

_MANIFEST = re.compile(r"---|(- )?[\w.]+:( \S+)?|- \S+")
_TRANSCRIPT = re.compile(r"\$ |NAME |pvc-|disk-|\.\.\.$|Events:|Type |---- |Normal |Warning ")
_COMMAND = re.compile(r"kubectl ")
_END = re.compile(r"(?<!i\.e)(?<! etc)[.?!:]\s+(?=[A-Z])")
_PLAIN = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")


def items(text: str) -> list[str]:
    """A sentence, a heading or a list item is one each; so is a whole manifest, and a whole transcript."""
    found: list[str] = []
    for block in _blocks(text.splitlines()):
        found += [block] if "\n" in block or _is_code(block) else _sentences(block)
    return [normalised(item) for item in found]


def normalised(text: str) -> str:
    """Compatibility forms (NFKC), plain quotation marks and dashes, one space for any white space, no list's dash."""
    plain = unicodedata.normalize("NFKC", text.translate(_PLAIN))
    return " ".join(plain.split()).removeprefix("- ")


def digest(item: str) -> str:
    """The first 16 hexadecimal digits of an item's SHA-256."""
    return hashlib.sha256(item.encode()).hexdigest()[:16]


def digests(text: str) -> list[str]:
    return [digest(item) for item in items(text)]


@dataclass(frozen=True)
class Item:
    """A row of docs/article.toml, whose head says what each field is."""

    hash: str
    kind: str
    says: str
    shown: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    note: str = ""
    today: str = ""
    source: tuple[str, ...] = ()


def sections() -> dict[str, list[Item]]:
    """The items of each section, in the article's order; TypeError for a field that is none."""
    return {
        section["title"]: [Item(**{key: _frozen(value) for key, value in item.items()}) for item in section["item"]]
        for section in tomllib.loads(TABLE.read_text(encoding="utf-8"))["section"]
    }


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@cache
def _cells(runbook: str) -> tuple[Any, ...]:
    path = shipped.folder("runbooks") / f"{runbook}.ipynb"
    return tuple(json.loads(path.read_text(encoding="utf-8"))["cells"])


def cells(runbook: str) -> dict[str, dict[str, Any] | None]:
    """Of each cell of a runbook, the check that was recorded as its output, if it makes one."""
    return {
        cell["id"]: next((out["data"][MIME_TYPE] for out in cell.get("outputs", ()) if MIME_TYPE in out["data"]), None)
        for cell in _cells(runbook)
    }


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _anchor(runbook: str, wanted: str) -> str:
    """The last heading at or before a cell; its own where it has one."""
    found = ""
    for cell in _cells(runbook):
        headings = (
            re.findall(r"^#+ (.+)$", "".join(cell["source"]), re.MULTILINE) if cell["cell_type"] == "markdown" else []
        )
        if cell["id"] == wanted:
            return slug(headings[0]) if headings else found
        found = slug(headings[-1]) if headings else found
    raise KeyError(wanted)


_FIRST = """# The article, sentence by sentence

What *Dynamic disks in AKS* says, in our words, and what shows it here: of each runbook that is named, the checks have
passed in the recorded one, and are judged again by every run. The article is of January 2019; what is different by now
stands in the last column, with its source.

{count} items: {shown} are shown by a check of a runbook, {tested} more by a test, and {told} are advice, headings or
sentences that only lead to the next, which say what there is instead.

This page is built from `docs/article.toml` (`python -m tests.reference`), where each item has its hash. Whoever has the
article's text finds with `python -m tests.article FILE` whether one is missing.
"""


def page() -> str:
    """docs/article.md: a table for each section."""
    found = sections()
    items = [item for section in found.values() for item in section]
    shown = sum(bool(item.shown) for item in items)
    tested = sum(bool(item.tests) and not item.shown for item in items)
    parts = [_FIRST.format(count=len(items), shown=shown, tested=tested, told=len(items) - shown - tested)]
    number = 0
    for title, section in found.items():
        parts.append(f"## {title}\n\n| no. | what it says | what shows it | besides |\n|---|---|---|---|")
        for item in section:
            number += 1
            says = item.says if item.kind == "sentence" else f"*{item.kind}:* {item.says}"
            parts.append(f"| {number} | {says} | {_evidence(item)} | {_besides(item)} |")
        parts.append("")
    return "\n".join(parts)


def _evidence(item: Item) -> str:
    """Checks by their statements, tests, and where none shows it, the cells in which it is told."""
    checks = [f"{_link(at)} {(cells(at.split('#')[0])[at.split('#')[1]] or {})['statement']}" for at in item.shown]
    tests = [f"`{test}`" for test in item.tests]
    told = [] if checks else [f"told in {_link(at)}" for at in item.told]
    return "<br>".join([*checks, *tests, *told])


def _link(at: str) -> str:
    runbook, cell = at.split("#")
    return f"[{runbook[:2]}](../runbooks/{runbook}.ipynb#{_anchor(runbook, cell)})"


def _besides(item: Item) -> str:
    sources = ", ".join(f"[{number}]({url})" for number, url in enumerate(item.source, 1))
    today = f"**Today:** {item.today} (Source: {sources})" if item.today else ""
    return "<br>".join(filter(None, (item.note, today)))


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Lines of prose alone; those of a manifest or of a transcript together, without the article's indentation."""
    block: list[str] = []
    kind: re.Pattern[str] | None = None
    for line in filter(None, (line.strip() for line in lines)):
        if kind and kind.match(line) and not line.startswith("$ ") and (kind is _TRANSCRIPT or kind.fullmatch(line)):
            block.append(line)
            continue
        if block:
            yield "\n".join(block)
        kind = _MANIFEST if line.startswith("apiVersion:") else _TRANSCRIPT if line.startswith("$ ") else None
        block = [line]
    if block:
        yield "\n".join(block)


def _is_code(block: str) -> bool:
    return bool(_TRANSCRIPT.match(block) or _COMMAND.match(block))


def _sentences(paragraph: str) -> list[str]:
    """Cut after a stop, a question or exclamation mark or a colon before a capital, but not after i.e. and etc."""
    ends = [match.start() + 1 for match in _END.finditer(paragraph)]
    return [paragraph[a:b] for a, b in zip([0, *ends], [*ends, len(paragraph)], strict=True)]


def main(arguments: list[str]) -> int:
    """Exit code 0: the text has every item and no other; 1: it has not; 2: no such text."""
    files = [each for each in arguments if each != "--list"]
    if len(files) != 1 or not Path(files[0]).is_file():
        print(f"python -m tests.article [--list] FILE: expected a file, found {' '.join(files) or 'none'}")
        return 2
    text = Path(files[0]).read_text(encoding="utf-8")
    if "--list" in arguments:
        for number, item in enumerate(items(text), 1):
            print(number, digest(item), item)
        return 0
    known, found = HASHES.read_text(encoding="utf-8").split(), digests(text)
    for number, (item, each) in enumerate(zip(items(text), found, strict=True), 1):
        if each not in known:
            print(f"{number}: not in {HASHES.name}: {item}")
    for gone in (each for each in known if each not in found):
        print(f"not in {files[0]}: {gone}")
    print(f"{len(found)} items, {len(known)} expected")
    return int(found != known)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
