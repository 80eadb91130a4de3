"""What is wrong with the pages of a built site: links and anchors that lead nowhere, and requests to another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_EXTERNAL = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/[^\s<>\"]*)?$")
_LOADED = {"img": ("src", "srcset"), "script": ("src",), "link": ("href",), "source": ("src", "srcset"),
           "iframe": ("src",), "object": ("data",), "video": ("src",), "audio": ("src",)}  # fmt: skip
_NOT_LOADED = {"next", "prev", "search", "index", "canonical"}
_OF_CSS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")]+)")


@dataclass
class _Page(HTMLParser):
    """What a page names, and what can be named of it."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read one tag."""
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and values.get("rel") in _NOT_LOADED:
            self.links.append(values["href"])
        else:
            self.loads += [values[name] for name in _LOADED.get(tag, ()) if values.get(name)]


def problems(folder: Path) -> Iterator[str]:
    """A line for each thing that is wrong, by the page."""
    pages = {path.resolve(): _read(path) for path in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        here = path.relative_to(folder.resolve())
        for link in page.links:
            if why := _wrong(link, path, pages):
                yield f"{here}: {link}: {why}"
        for link in page.loads:
            if urlsplit(link).netloc:
                yield f"{here}: {link}: asks another host"
            elif not link.startswith("data:") and (why := _wrong(link, path, pages)):
                yield f"{here}: {link}: {why}"
    for path in sorted(folder.rglob("*.css")):
        for link in _OF_CSS.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(folder)}: {link}: asks another host"


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _wrong(link: str, path: Path, pages: dict[Path, _Page]) -> str:
    """Why a link leads nowhere; empty where it does, or leads to another host and looks like it."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return "" if _EXTERNAL.match(link) else "is no address"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "no such page"
    fragment = unquote(parts.fragment)
    return "no such anchor" if fragment and target in pages and fragment not in pages[target].ids else ""
