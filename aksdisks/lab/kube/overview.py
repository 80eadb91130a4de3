"""The table of kinds in the lab's README: `python -m aksdisks.lab.kube.overview` writes it anew."""

from __future__ import annotations

from pathlib import Path

import aksdisks.lab
from aksdisks.lab.kube.strategies.catalog import STRATEGIES

README = Path(aksdisks.lab.__path__[0]) / "README.md"
START, END = "<!-- kinds: start -->", "<!-- kinds: end -->"
"""What stands around the table in the README."""
_HEAD = (
    "Kind",
    "API",
    "Subresources",
    "Defaults",
    "Rules",
    "Changes refused",
    "Status",
    "Warnings",
    "Columns",
    "Fields",
)


def table() -> str:
    """One row a kind, in Markdown; numbers are those of entries in the kind's tables, `-` is nothing of that."""
    rows = [_HEAD, tuple("---" for _ in _HEAD)]
    for strategy in sorted(STRATEGIES.values(), key=lambda one: (one.resource.kind, one.resource.group)):
        kind = strategy.resource
        rows.append(
            (
                kind.kind,
                f"`{kind.api_version}`",
                ", ".join(kind.subresources) or "-",
                _number(len(strategy.defaults)),
                _number(len(strategy.rules)),
                _number(len(strategy.changes)),
                _number(len(strategy.status_changes)),
                "yes" if strategy.warnings else "-",
                _number(len(strategy.columns)),
                _number(len(kind.selectable)),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def written(text: str) -> str:
    """The README's text with the table of today."""
    before, _, rest = text.partition(START)
    return f"{before}{START}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def _number(count: int) -> str:
    return str(count) if count else "-"


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
