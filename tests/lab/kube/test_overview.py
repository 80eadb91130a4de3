"""The kinds as a whole: each that can be made has a strategy, and the README's table is the one they make."""

from __future__ import annotations

from aksdisks.lab.kube import overview


def test_the_readme_s_table_of_kinds_is_the_one_that_they_make() -> None:
    text = overview.README.read_text(encoding="utf-8")
    assert text == overview.written(text), "run: python -m aksdisks.lab.kube.overview"


def test_what_stands_around_the_table_stays() -> None:
    before, after = f"Kinds\n\n{overview.START}\n\n", f"\n\n{overview.END}\n\nThe rest.\n"
    assert overview.written(f"{before}| of another day |{after}") == f"{before}{overview.table()}{after}"
