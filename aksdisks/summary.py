"""A run's cover: one page with the verdict first, and the same for programs as JUnit XML and Prometheus text."""

from __future__ import annotations

from collections.abc import Sequence

from aksdisks.evidence import RunResult
from aksdisks.markup import templates
from aksdisks.report import page_style

COVER = "index.html"
FILES = (COVER, "junit.xml", "aksdisks.prom")


def render(name: str, result: RunResult, earlier: Sequence[RunResult]) -> str:
    """One of FILES, from the template of its name; the cover has timings beside those of `earlier` runs."""
    ran = [book for run in (*earlier, result) for book in run.runbooks if book.seconds]
    about = {"target": result.target, "started": result.started, "finished": result.finished or ""}
    about["teardown"] = result.teardown.get("status", "not run")
    return (
        templates()
        .get_template(f"run/{name}.j2")
        .render(
            result=result,
            facts=about | dict(sorted(result.versions.items())),
            timings={book.name: [each.seconds for each in ran if each.name == book.name] for book in result.runbooks},
            style=page_style(),
        )
    )
