"""How large a module, a function and a class of the package may be: CONTRIBUTING.md states the same numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import aksdisks

LINES_OF_A_MODULE, LINES_OF_A_FUNCTION, METHODS_OF_A_CLASS = 400, 50, 20
PROPERTIES = ("property", "cached_property")

pytestmark = pytest.mark.quick


def too_large(name: str, text: str) -> Iterator[str]:
    """What of a module is above the limits, a line each; lines are physical ones, and properties do not count."""
    if (lines := len(text.splitlines())) > LINES_OF_A_MODULE:
        yield f"{name}: {lines} lines, expected at most {LINES_OF_A_MODULE}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_OF_A_FUNCTION:
                yield f"{name}:{node.lineno} {node.name}: {lines} lines, expected at most {LINES_OF_A_FUNCTION}"
        elif isinstance(node, ast.ClassDef):
            public = sum(is_public_method(entry) for entry in node.body)
            if public > METHODS_OF_A_CLASS:
                yield f"{name}:{node.lineno} {node.name}: {public} methods, expected at most {METHODS_OF_A_CLASS}"


def is_public_method(node: ast.stmt) -> bool:
    """A property is none: it is read as a value's field is."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return False
    return not any(isinstance(mark, ast.Name) and mark.id in PROPERTIES for mark in node.decorator_list)


def test_nothing_is_too_large():
    package = Path(aksdisks.__file__).parent
    found = [
        line
        for path in sorted(package.rglob("*.py"))
        for line in too_large(str(path.relative_to(package.parent)), path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("limit", "text", "shown"),
    [
        (LINES_OF_A_MODULE, "x = 1\n", "m.py: {} lines, expected at most 400"),
        (LINES_OF_A_FUNCTION, "def f():\n{}", "m.py:1 f: {} lines, expected at most 50"),
        (METHODS_OF_A_CLASS, "class C:\n{}", "m.py:1 C: {} methods, expected at most 20"),
    ],
    ids=["module", "function", "class"],
)
def test_what_is_one_above_a_limit_is_named(limit, text, shown):
    def of(size: int) -> str:
        if "def f" in text:
            return text.format("    pass\n" * (size - 1))
        if "class C" in text:
            others = "    def _own(self): ...\n    @property\n    def value(self): ...\n"
            return text.format(others + "".join(f"    async def m{number}(self): ...\n" for number in range(size)))
        return text * size

    assert list(too_large("m.py", of(limit))) == []
    assert list(too_large("m.py", of(limit + 1))) == [shown.format(limit + 1)]
