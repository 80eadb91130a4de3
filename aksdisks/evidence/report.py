"""A run's pages, which fetch nothing: each executed runbook, the cover over all, and the same for programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from aksdisks.evidence.result import RunbookResult, RunResult, seconds_shown, tally
from aksdisks.views.markup import templates

BANNER = "aksdisks-banner"
"""The id of the cell that says at a notebook's top how it ended; in its page that is no cell."""

COVER = "index.html"
FILES = (COVER, "junit.xml", "aksdisks.prom")


# From the heading of the recap to the pointer to the next runbook, or to the end.
_RECAP = re.compile(r"(?<=^## Recap$)(.*?)(?=^\*\*Next|\Z)", re.MULTILINE | re.DOTALL)
_NOTEBOOK = re.compile(r"\[([^\]]*)\]\(([\w.-]+)\.ipynb\)")


def html(content: Any, book: RunbookResult, run: RunResult) -> str:
    """The page of an executed notebook: how it ended at its top, with links to the cells that say so.

    Pages link to each other and to the cover; while the run lasts, to those of runbooks still to come as well.
    """
    concluded(content, book)
    names = [each.name for each in run.runbooks if each.html or run.finished is None]
    content.cells = [cell for cell in content.cells if cell.id != BANNER]
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = _NOTEBOOK.sub(lambda link: _as_page(link, names), cell.source)
    resources = {
        "failed": _failing_cell(content) if book.problem else "",
        "title": _title(content, book.name),
        "style": page_style(),
        "book": book,
        "findings": _findings(book) if book.findings or book.unseen else "",
        "bad": [check for check in book.checks if check.status in ("failed", "inconclusive")],
        "run": run,
        "cover": COVER,
        "names": names,
    }
    return str(_exporter().from_notebook_node(content, resources=resources)[0])


def _findings(book: RunbookResult) -> str:
    """What a diagnosis found when a runbook had failed, as HTML."""
    return templates().get_template("run/findings.html.j2").render(book=book, title="What a diagnosis found")


def concluded(content: Any, book: RunbookResult) -> None:
    """Let a notebook that did not pass say so: its recap tells what came of each claim, not what a pass would show."""
    if book.status in ("passed", "not applicable"):
        return
    ended = "did not end" if book.problem else "did not pass"
    rows = [f"| {check.status} | {_in_a_table(check.statement)} |" for check in book.checks]
    table = "\n".join(["| verdict | statement |", "|---|---|", *rows]) if rows else "Nothing was judged."
    told = f"\n\nThis runbook {ended} ({book.status}), so that there is nothing to sum up but this:\n\n{table}\n\n"
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = _RECAP.sub(lambda _: told, cell.source)


def _in_a_table(text: str) -> str:
    return escape(text, quote=False).replace("|", "\\|").replace("\n", " ")


def _as_page(link: re.Match[str], names: Sequence[str]) -> str:
    """A link to another runbook's page; its words alone where the run has no such page."""
    return f"[{link[1]}]({link[2]}.html)" if link[2] in names else link[1]


def _failing_cell(content: Any) -> str:
    """The id of the cell that ended a notebook: the one with an error, or else the last that was begun, if any was."""
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    broken = [cell.id for cell in code for output in cell.outputs if output.output_type == "error"]
    begun = [cell.id for cell in code if cell.execution_count is not None]
    return next(iter([*broken, *reversed(begun), *(cell.id for cell in code)]), "")


def _title(content: Any, fallback: str) -> str:
    """The first heading of a notebook."""
    lines = (line for cell in content.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("# ")), fallback)


@cache
def _exporter() -> Any:
    """nbconvert with our template; kept, because making one takes longer than using it."""
    from nbconvert import HTMLExporter

    return HTMLExporter(
        template_name="runbook", extra_template_basedirs=[str(files("aksdisks") / "templates")], embed_images=True
    )


@cache
def page_style() -> str:
    """The style sheet of every page, with the colours of code."""
    from pygments.formatters import HtmlFormatter

    ours = (files("aksdisks") / "templates/runbook/style.css").read_text(encoding="utf-8")
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
            tally=tally,
            seconds_shown=seconds_shown,
            timings={book.name: [each.seconds for each in ran if each.name == book.name] for book in result.runbooks},
            style=page_style(),
        )
    )
