"""What the check of a built site finds, and what it lets pass: rows of pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.site.check import problems

pytestmark = pytest.mark.quick

GOOD = """<html><head><link rel="stylesheet" href="look.css?digest=1"><link rel="next" href="other.html"></head>
<body><h1 id="top">Here</h1><a href="other.html#Part%201">there</a> <a href="#top">up</a>
<a href="https://kubernetes.io/docs/concepts/storage/volumes/#csi">elsewhere</a>
<img src="data:image/png;base64,AAAA"></body></html>"""


def found(folder: Path, page: str, css: str = "") -> list[str]:
    (folder / "index.html").write_text(page)
    (folder / "other.html").write_text("<h2 id='Part 1'>There</h2>")
    (folder / "look.css").write_text(css)
    return list(problems(folder))


def test_a_good_site_has_none(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD, "a { background: url('data:image/png;base64,AA') }") == []


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ('<a href="gone.html">', "gone.html: no such page"),
        ('<a href="other.html#part">', "other.html#part: no such anchor"),
        ('<a href="#part">', "#part: no such anchor"),
        ('<a href="https:/kubernetes.io">', "https:/kubernetes.io: is no address"),
        ('<a href="file:///etc/passwd">', "file:///etc/passwd: is no address"),
        ('<img src="gone.svg">', "gone.svg: no such page"),
        ('<script src="https://cdn.example/x.js"></script>', "https://cdn.example/x.js: asks another host"),
        ('<link rel="preconnect" href="//fonts.example">', "//fonts.example: asks another host"),
    ],
)
def test_what_is_wrong_is_named_with_its_page(tmp_path: Path, page: str, why: str) -> None:
    assert found(tmp_path, page) == [f"index.html: {why}"]


def test_a_style_sheet_that_loads_from_elsewhere_is_named(tmp_path: Path) -> None:
    css = "@import 'https://fonts.example/a.css'; b { background: url(//cdn.example/b.png) }"
    assert found(tmp_path, GOOD, css) == [
        "look.css: https://fonts.example/a.css: asks another host",
        "look.css: //cdn.example/b.png: asks another host",
    ]
