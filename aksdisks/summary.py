"""A run's cover: one page with the verdict first, and the same for programs as JUnit XML and Prometheus text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from xml.etree import ElementTree

from aksdisks.archive import Past
from aksdisks.evidence import RunbookResult, RunResult
from aksdisks.report import page_style

_COLOURS = {"passed": "#258a4d", "not applicable": "#7a7a7a", "failed": "#d64541", "interrupted": "#d64541"}


def index(result: RunResult, earlier: Sequence[Past]) -> str:
    """The cover page: verdict, each runbook's claims, timings beside those of `earlier` runs (oldest first)."""
    passed = sum(book.status == "passed" for book in result.runbooks)
    facts = {
        "target": result.target,
        "started": result.started,
        "finished": result.finished or "",
        "teardown": result.teardown.get("status", "not run"),
        **{name: result.versions[name] for name in sorted(result.versions)},
    }
    body = [
        f"<h1>{_mark(result.status)} {escape(result.run)}</h1>",
        f"<p>{passed} of {len(result.runbooks)} runbooks passed. {escape(result.problem)}</p>",
        *(f"<p>Left behind: {escape(line)}</p>" for line in result.teardown.get("problems", ())),
        *(_runbook(book, [past.seconds.get(book.name) for past in earlier]) for book in result.runbooks),
        "<h2>Where and with what</h2><table>",
        *(f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in facts.items()),
        "</table>",
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(result.run)}: '
        f"{escape(result.status)}</title><style>{page_style()}</style></head><body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def junit(result: RunResult) -> str:
    """One test suite a runbook, one test case a check; a runbook that ended early is an error of its suite."""
    suites = ElementTree.Element("testsuites", name=f"aksdisks {result.run}")
    for book in result.runbooks:
        states = [str(check.status) for check in book.checks]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=book.name,
            time=f"{book.seconds:.3f}",
            tests=str(len(states) + 1),
            failures=str(states.count("failed")),
            skipped=str(sum(state not in ("passed", "failed") for state in states) + (book.status == "not run")),
            errors=str(int(book.status == "failed" and "failed" not in states)),
        )
        for check in book.checks:
            case = ElementTree.SubElement(suite, "testcase", classname=book.name, name=check.statement)
            if check.status == "failed":
                ElementTree.SubElement(case, "failure", message=check.seen)
            elif check.status != "passed":
                ElementTree.SubElement(case, "skipped", message=f"{check.status}: {check.seen}")
        whole = ElementTree.SubElement(suite, "testcase", classname=book.name, name="the runbook ran to its end")
        if book.status == "not run":
            ElementTree.SubElement(whole, "skipped", message=book.problem or "not run")
        elif book.status == "failed" and "failed" not in states:
            ElementTree.SubElement(whole, "error", message=book.problem)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def prometheus(result: RunResult) -> str:
    """Outcome and timings for the textfile collector: 1 for each status that is the case."""
    lines = [
        "# HELP aksdisks_run_passed 1 when the last run passed, 0 otherwise.",
        "# TYPE aksdisks_run_passed gauge",
        f'aksdisks_run_passed{{target="{result.target}"}} {int(result.status == "passed")}',
        "# HELP aksdisks_runbook_passed 1 when the runbook passed in the last run, 0 otherwise.",
        "# TYPE aksdisks_runbook_passed gauge",
        *(f'aksdisks_runbook_passed{{runbook="{b.name}"}} {int(b.status == "passed")}' for b in result.runbooks),
        "# HELP aksdisks_runbook_seconds Wall time of the runbook in the last run.",
        "# TYPE aksdisks_runbook_seconds gauge",
        *(f'aksdisks_runbook_seconds{{runbook="{b.name}"}} {b.seconds:.3f}' for b in result.runbooks),
    ]
    return "\n".join(lines) + "\n"


def _mark(status: str) -> str:
    return f'<span style="color:{_COLOURS.get(status, "#a37017")}">{escape(status)}</span>'


def _runbook(book: RunbookResult, earlier: Sequence[float | None]) -> str:
    link = f'<a href="{escape(book.html)}">{escape(book.name)}</a>' if book.html else escape(book.name)
    known = [seconds for seconds in earlier if seconds]
    timing = f"{book.seconds:.1f} s {_spark([*known, book.seconds])}" if book.seconds else ""
    rows = "".join(
        f"<tr><td>{_mark(check.status)}</td><td>{escape(check.statement)}</td><td>{escape(check.seen)}</td></tr>"
        for check in book.checks
    )
    problem = f"<p>{escape(book.problem)}{_first_failure(book)}</p>" if book.problem else ""
    return f"<h2>{_mark(book.status)} {link}</h2><p>{timing}</p>{problem}<table>{rows}</table>"


def _first_failure(book: RunbookResult) -> str:
    return f' (<a href="{escape(book.html)}#failed">the first failing cell</a>)' if book.html else ""


def _spark(seconds: Sequence[float]) -> str:
    """A small plot of timings, the last of them marked; nothing where there is nothing to compare with."""
    if len(seconds) < 2:
        return ""
    shown, top = seconds[-30:], max(seconds[-30:]) or 1.0
    points = [(4 + 6 * n, 22 - 18 * value / top) for n, value in enumerate(shown)]
    line = " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    label = f"the last {len(shown)} runs: {min(shown):.1f} to {max(shown):.1f} s"
    return (
        f'<svg width="{8 + 6 * len(shown)}" height="24" role="img" aria-label="{label}"><title>{label}</title>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" opacity=".5"/>'
        f'<circle cx="{x:.0f}" cy="{y:.1f}" r="3" fill="#0b62c4"/></svg>'
    )
