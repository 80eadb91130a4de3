"""The README of the lab lists what the storage provider refuses: words and sources, as the builders have them."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path

from aksdisks import lab
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.storage import refusals

README = Path(lab.__file__).parent / "README.md"
START, END = "<!-- storage refusals: start -->", "<!-- storage refusals: end -->"


def builders():
    """In the order of the module."""
    found = [value for name, value in vars(refusals).items() if inspect.isfunction(value) and not name.startswith("_")]
    return [each for each in found if each.__module__ == refusals.__name__ and each is not refusals.storage_time]


def sample(build) -> CloudError:
    """With the names of what is filled in."""
    given = []
    for name, parameter in inspect.signature(build).parameters.items():
        if name == "now":
            given.append(datetime(2026, 12, 1, tzinfo=UTC))
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            given += ["kind", "sku"]
        else:
            given.append(f"<{name}>")
    return build(*given)


def table() -> str:
    rows = ["| when | answer | words | source |", "|---|---|---|---|"]
    for build in builders():
        when, *more = (inspect.getdoc(build) or "").split("\n\n")
        source = " ".join(more[-1].removeprefix("Source: ").split()).removesuffix(".")
        error = sample(build)
        words = error.message.replace("\n", " ").partition(" RequestId:")[0]
        rows.append(f"| {when.removesuffix('.')} | {error.status} {error.code} | `{words}` | {source} |")
    return "\n".join(rows)


def test_the_readme_has_each_refusal_with_its_source():
    text = README.read_text(encoding="utf-8")
    shown = text.partition(START)[2].partition(END)[0].strip()
    assert shown == table(), f"{README}: expected between the marks\n{table()}"


def test_each_source_is_named():
    for build in builders():
        assert "\nSource: " in (inspect.getdoc(build) or ""), build.__name__
