"""The pages of docs/ that are built from the code: python -m tests.reference.

`reference.md` is what `aksdisks` re-exports, `causes.md` what a diagnosis can find, `rules.md` what the linter can,
`cli.md` the help of the commands, and `article.md` the table of docs/article.toml.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aksdisks
from aksdisks.inspection.diagnosis import catalogue as causes_catalogue
from aksdisks.inspection.diagnosis.cause import Cause
from aksdisks.inspection.lint import catalogue as rules_catalogue
from aksdisks.inspection.lint.rule import Rule
from aksdisks.model.frames import COLUMNS
from docs.site import picture
from tests import article, commands

DOCS = Path(__file__).parents[1] / "docs"
PAGE, CAUSES, RULES = DOCS / "reference.md", DOCS / "causes.md", DOCS / "rules.md"
_FIRST = """# The library

What `import aksdisks` offers; each name is loaded when it is first used. Any other module may change without notice.
This page is built from the docstrings (`python -m tests.reference`).
"""

_FIRST_OF_CAUSES = """# Causes

What `aksdisks diagnose` can find, by id; `aksdisks explain ID` prints the same. A *problem* is somebody's to mend, a
*wait* ends by itself (one that takes too long is found as a problem), and what is *expected* is as it should be.
This page is built from the causes' files in `aksdisks/inspection/diagnosis/causes` (`python -m tests.reference`).
"""

_FIRST_OF_RULES = """# Rules

What `aksdisks lint` can find, by id; `aksdisks explain ID` prints the same. An *error* does not work as it is written,
a *warning* works until something ordinary happens, and a *note* is worth knowing; `docs/lint.md` has the rest.
This page is built from the rules' files in `aksdisks/inspection/lint/rules` (`python -m tests.reference`).
"""


def page() -> str:
    """The whole page."""
    entries = (part for name in aksdisks.__all__ for part in _entry(name, getattr(aksdisks, name)))
    return "\n".join([_FIRST, *entries, _frames()])


def causes() -> str:
    """The whole page of causes: a table of all, then each."""
    return _pages(_FIRST_OF_CAUSES, "cause | verdict", causes_catalogue.catalogue())


def rules() -> str:
    """The whole page of rules, likewise."""
    return _pages(_FIRST_OF_RULES, "rule | level", rules_catalogue.catalogue())


def _pages(first: str, columns: str, found: Mapping[str, Cause] | Mapping[str, Rule]) -> str:
    rows = [f"| [{each.id}](#{each.id}) | {each.rank} | {_plain(each.title)} |" for each in found.values()]
    head = [f"| {columns} | what it is |", "|---|---|---|"]
    return "\n".join([first, *head, *rows, "", *(_page(each) for each in found.values())])


def _page(page: Cause | Rule) -> str:
    sections = [f"**{heading}**\n\n{_section(heading, text)}" for heading, text in page.sections.items()]
    return "\n\n".join([f"## {page.id}", f"*{page.rank}*: {_plain(page.title)}.", *sections]) + "\n"


def _section(heading: str, text: str) -> str:
    lines = [_plain(line.strip()) for line in text.splitlines()]
    return "\n".join(f"- <{line}>" for line in lines if line) if heading == "Links" else "\n".join(lines)


def _plain(text: str) -> str:
    """Without what Markdown would take for a tag, outside of code."""
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(text.split("`")))


def _frames() -> str:
    """The columns of each frame with pandas' types."""
    lines = ["## Frames of an inventory\n"]
    lines += ["The columns of `Inventory.frame(name)`; what is missing is NA, sizes are in GiB, times in UTC.\n"]
    for name, columns in COLUMNS.items():
        lines += [f"- `{name}`: " + ", ".join(f"{column} ({kind})" for column, kind in columns.items())]
    return "\n".join(lines) + "\n"


def _entry(name: str, value: Any) -> Iterator[str]:
    yield f"## {name}\n"
    if not inspect.isclass(value):
        yield f"```python\n{name}{_signature(value)}\n```\n"
    elif len(value.__mro__) > 2 and value.__mro__[1].__name__ in aksdisks.__all__:
        yield f"A subclass of [{value.__mro__[1].__name__}](#{value.__mro__[1].__name__.lower()}).\n"
    yield f"{inspect.getdoc(value)}\n"
    if inspect.isclass(value):
        yield from _members(value)


def _members(cls: type) -> Iterator[str]:
    """Fields with their types, then properties and methods with the first lines of their docstrings."""
    rows = [f"- `{name}: {kind}`{said}" for name, kind, said in _fields(cls)]
    for name, member in _public(cls):
        if isinstance(member, property):
            rows.append(f"- `{name}: {member.fget.__annotations__['return']}`: {_told(member)}")
        elif inspect.isfunction(member) or isinstance(member, classmethod | staticmethod):
            function = getattr(cls, name)
            rows.append(f"- `{name}{_signature(function, skip_self=inspect.isfunction(member))}`: {_told(function)}")
    if rows:
        yield "\n".join(rows) + "\n"


def _fields(cls: Any) -> Iterator[tuple[str, str, str]]:
    if hasattr(cls, "model_fields"):
        for name, field in cls.model_fields.items():
            unit = (field.json_schema_extra or {}).get("unit", "")
            yield name, str(cls.__annotations__[name]), f": {field.description}{f' ({unit})' if unit else ''}"
        return
    if hasattr(cls, "__dataclass_fields__"):
        for name, field in cls.__dataclass_fields__.items():
            yield name, field.type, ""


def _public(cls: type) -> Iterator[tuple[str, Any]]:
    """The public members of a class and of those of its bases that are ours, by the order of their definition."""
    seen: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("aksdisks."):
            seen |= {name: member for name, member in vars(base).items() if not name.startswith("_")}
    yield from seen.items()


def _signature(function: Any, *, skip_self: bool = False) -> str:
    """The signature as it is written; of a default that is a function, its name."""
    signature = inspect.signature(function)
    parameters = []
    for each in list(signature.parameters.values())[skip_self:]:
        if each.annotation is not each.empty:
            each = each.replace(annotation=_Written(each.annotation))
        if inspect.isfunction(each.default):
            each = each.replace(default=_Written(each.default.__name__))
        parameters.append(each)
    return str(signature.replace(parameters=parameters, return_annotation=_Written(signature.return_annotation)))


def _told(member: Any) -> str:
    return " ".join((inspect.getdoc(member) or "").split())


class _Written:
    """A text that is shown without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    CAUSES.write_text(causes(), encoding="utf-8")
    RULES.write_text(rules(), encoding="utf-8")
    commands.PAGE.write_text(commands.page(), encoding="utf-8")
    article.PAGE.write_text(article.page(), encoding="utf-8")
    picture.write()
