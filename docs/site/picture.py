"""The picture that says what this is: a chain and its check, as runbook 01 recorded them, for light and dark pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURES = {scheme: ROOT / "docs" / "pictures" / f"chain-{scheme}.svg" for scheme in ("light", "dark")}
_RECORD, _CELL = ROOT / "runbooks" / "01-dynamic-disk.ipynb", "claim-3"

# The names are those of the colours in aksdisks/templates/runbook/style.css.
_COLOURS = {
    "light": {"paper": "#ffffff", "ink": "#1d2433", "soft": "#5b6475", "line": "#d9dee8",
              "green": "#1a7340", "blue": "#0b62c4"},
    "dark": {"paper": "#14181f", "ink": "#e3e7ef", "soft": "#9aa4b6", "line": "#333b49",
             "green": "#5cc98a", "blue": "#6cb1ff"},
}  # fmt: skip
# Where each part stands; the machine below its pod, so that what is compared stands in one line.
_PLACES = {"pod": (8, 34), "claim": (147, 34), "volume": (286, 34), "disk": (286, 186), "machine": (8, 186)}
_AZURE = ("disk", "machine")
_WIDE, _HIGH = 118, 92
_LINE = 13
"""As many characters of a name stand in a line."""


def picture(scheme: str) -> str:
    """The SVG document for pages of a scheme, `light` or `dark`."""
    colours = _COLOURS[scheme]
    parts, check = _recorded()
    drawn = [*_sides(colours), *_arrows(colours), *_comparison(colours)]
    for kind, name, state in parts:
        drawn += _box(kind, name, state, colours)
    drawn += _verdict(check, colours)
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 412 388" width="412" height="388" role="img" '
        'font-family="system-ui, -apple-system, \'Segoe UI\', Roboto, sans-serif" font-size="13">',
        "<title>From the pod to the machine, and the check that compares both sides</title>",
        f'<rect width="412" height="388" rx="8" fill="{colours["paper"]}"/>',
        *drawn,
        "</svg>\n",
    ])  # fmt: skip


def _recorded() -> tuple[list[tuple[str, str, str]], dict[str, str]]:
    """Kind, name and state of each part of the recorded chain; and the check below it."""
    cells = json.loads(_RECORD.read_text(encoding="utf-8"))["cells"]
    (data,) = (output["data"] for cell in cells if cell["id"] == _CELL for output in cell["outputs"])
    found = re.findall(r"^[ └─]*(\w+) (\S+) \((.+)\)$", "".join(data["text/plain"]), re.MULTILINE)
    return found, data["application/vnd.aksdisks.check+json"]


def _sides(colours: dict[str, str]) -> Iterator[str]:
    for text, y, colour in (("Kubernetes says", 24, "green"), ("Azure says", 300, "blue")):
        yield f'<text x="8" y="{y}" fill="{colours[colour]}" font-weight="600">{text}</text>'


def _box(kind: str, name: str, state: str, colours: dict[str, str]) -> Iterator[str]:
    x, y = _PLACES[kind]
    colour = colours["blue" if kind in _AZURE else "green"]
    yield (
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="4" fill="none" stroke="{colours["line"]}"/>'
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="4" rx="2" fill="{colour}"/>'
    )
    names = ((line, colours["ink"], 12, 600) for line in _name(name))
    lines = [(kind, colour, 13, 400), *names, (state.split(", ")[0], colours["soft"], 13, 400)]
    for number, (text, fill, size, weight) in enumerate(lines):
        yield (
            f'<text x="{x + 9}" y="{y + 23 + 19 * number}" fill="{fill}" font-size="{size}" font-weight="{weight}">'
            f"{escape(text)}</text>"
        )


def _name(name: str) -> tuple[str, str]:
    """A name in two lines, broken after a hyphen; of a longer one its beginning and its end."""
    breaks = [place + 1 for place, letter in enumerate(name) if letter == "-"]
    for place in reversed(breaks):
        if place <= _LINE and len(name) - place <= _LINE:
            return name[:place], name[place:]
    first, end = name[: max(place for place in breaks if place <= _LINE + 1) - 1], name[breaks[-1] :]
    return first, f"…{end if len(end) < _LINE - 3 else end[-7:]}"


def _arrows(colours: dict[str, str]) -> Iterator[str]:
    """From the pod to the right, down to Azure, and back to the machine below the pod."""
    middle = _HIGH // 2
    for x1, y1, x2, y2 in (
        (129, 34 + middle, 143, 34 + middle),
        (268, 34 + middle, 282, 34 + middle),
        (345, 130, 345, 182),
        (282, 186 + middle, 130, 186 + middle),
    ):
        back, across = (5 if x2 > x1 else -5 if x2 < x1 else 0), (5 if y2 > y1 else 0)
        tip = f"M{x2 - back - across} {y2 - across - back}L{x2} {y2}L{x2 - back + across} {y2 - across + back}"
        yield (
            f'<path d="M{x1} {y1}L{x2} {y2}{tip}" fill="none" stroke="{colours["soft"]}" stroke-width="1.5" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )


def _comparison(colours: dict[str, str]) -> Iterator[str]:
    """What the two sides say of one place, held against each other."""
    yield (
        f'<path d="M67 130V182" stroke="{colours["soft"]}" stroke-width="1.5" stroke-dasharray="3 4"/>'
        f'<text x="78" y="161" fill="{colours["soft"]}">the same machine?</text>'
    )


def _verdict(check: dict[str, str], colours: dict[str, str]) -> Iterator[str]:
    """The check as the runbook shows it."""
    assert check["status"] == "passed", check
    words, lines = check["statement"].split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 44:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    yield f'<rect x="8" y="314" width="4" height="62" fill="{colours["green"]}"/>'
    yield f'<text x="24" y="329" fill="{colours["green"]}" font-weight="600">✔ passed</text>'
    for number, line in enumerate(lines):
        yield f'<text x="{24 if number else 96}" y="{329 + 19 * number}" fill="{colours["ink"]}">{escape(line)}</text>'
    yield (f'<text x="24" y="{329 + 19 * len(lines)}" fill="{colours["soft"]}">seen: {escape(check["seen"])}</text>')


def write() -> None:
    """Write both pictures anew."""
    for scheme, path in PICTURES.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture(scheme), encoding="utf-8")


if __name__ == "__main__":
    write()
