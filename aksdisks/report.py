"""A run's pages, which fetch nothing: each executed runbook, the cover over all, and the same for programs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from aksdisks.evidence import RunResult
from aksdisks.markup import templates

COVER = "index.html"
FILES = (COVER, "junit.xml", "aksdisks.prom")


def write_html(notebook: Path, page: Path, *, banner: str = "") -> None:
    """Write `notebook` as `page`; `banner` says at the top why it is not a finished run, if it is not."""
    import nbformat

    content = nbformat.read(notebook, as_version=4)
    failed = (cell.id for cell in content.cells for output in cell.get("outputs", ()) if output.output_type == "error")
    resources = {
        "failed": next(failed, ""),
        "title": _title(content, notebook.stem),
        "style": page_style(),
        "banner": banner,
    }
    html, _ = _exporter().from_notebook_node(content, resources=resources)
    page.write_text(html, encoding="utf-8")


def _title(content: Any, fallback: str) -> str:
    """The first heading of a notebook."""
    lines = (line for cell in content.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("# ")), fallback)


@cache
def _exporter() -> Any:
    """nbconvert with our template; kept, because making one takes longer than using it."""
    from nbconvert import HTMLExporter

    return HTMLExporter(
        template_name="aksdisks", extra_template_basedirs=[str(files("aksdisks") / "templates")], embed_images=True
    )


@cache
def page_style() -> str:
    """The style sheet of every page, with the colours of code."""
    from pygments.formatters import HtmlFormatter

    ours = (files("aksdisks") / "templates/aksdisks/style.css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    own_background = ".highlight, .highlight pre { background: transparent !important; }"
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{ours}\n{own_background}"


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
