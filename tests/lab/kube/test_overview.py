"""The kinds as a whole: each that can be made has a strategy, and the README's table is the one they make."""

from __future__ import annotations

from importlib import resources

from aksdisks.lab.kube import overview


def test_the_readme_s_table_of_kinds_is_the_one_that_they_make() -> None:
    text = resources.files("aksdisks.lab").joinpath("README.md").read_text()
    shown = text.partition(overview.START)[2].partition(overview.END)[0].strip()
    assert shown == overview.table(), "run: python -m aksdisks.lab.kube.overview"
