"""What a run's pages say of what was not run or did not hold, and where their links lead: no browser is needed."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from aksdisks.evidence import report
from aksdisks.evidence.checks import collect_checks, not_run, unjudged
from aksdisks.evidence.folder import EvidenceFolder
from aksdisks.evidence.result import CauseFound, RunbookResult, RunResult
from aksdisks.inspection.diagnosis import ObjectRef, Step
from aksdisks.model.checks import Check, Status

MIME = "application/vnd.aksdisks.check+json"
PROBLEM = "cell 3: ValueError: no"


def notebook(*, upto: int = 9):
    """A runbook of two claims; of its cells after `upto` none was run."""
    held = {MIME: {"statement": "It holds.", "status": "passed", "seen": "yes"}, "text/html": "<p>held</p>"}
    error = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
    code = [
        new_code_cell('walk.claims("It holds.", "It lasts.")', id="claims"),
        new_code_cell("walk.claim(1, True, 'yes')", id="one", outputs=[new_output("execute_result", held)]),
        new_code_cell("%no python", id="magic", outputs=[error] if upto == 3 else []),
        new_code_cell("walk.unchanged(2, a, b)", id="two"),
        new_code_cell(" ", id="empty"),
    ]
    for number, cell in enumerate(code[:4], 1):
        cell.execution_count = number if number <= upto else None
    recap = (
        "## Recap\n\nIt held, and it lasted.\n\n**Next:** [02 · More](02-more.ipynb), not [03 · Less](03-less.ipynb)"
    )
    return new_notebook(cells=[new_markdown_cell("# 01 · Some"), *code, new_markdown_cell(recap, id="recap")])


def run(
    status: str, problem: str = "", *, finished: str | None = "now", upto: int = 9
) -> tuple[RunbookResult, RunResult]:
    checks = tuple(collect_checks(notebook(upto=upto)))
    book = RunbookResult("01-some", status, 1.26, "01-some.ipynb", "01-some.html", checks, problem)
    more = RunbookResult("02-more", "passed", 2.26, "02-more.ipynb", "02-more.html", (Check("x", Status.PASSED, ""),))
    return book, RunResult(
        "r", "lab", status, "then", finished, runbooks=(book, more, RunbookResult("03-less", "not run"))
    )


def page(status: str, problem: str = "", *, finished: str | None = "now", upto: int = 9) -> str:
    return report.html(notebook(upto=upto), *run(status, problem, finished=finished, upto=upto))


def test_claims_are_known_whether_or_not_their_cells_ran(tmp_path: Path) -> None:
    assert [(check.statement, check.status, check.cell) for check in collect_checks(notebook())] == [
        ("It holds.", "passed", "one"),
        ("It lasts.", "not run", "two"),
    ]
    claimed = [("It holds.", "not run", "one"), ("It lasts.", "not run", "two")]
    assert [(check.statement, check.status, check.cell) for check in not_run(notebook())] == claimed
    nbformat.write(notebook(), tmp_path / "01.ipynb")
    assert [(check.statement, check.status, check.cell) for check in unjudged(tmp_path / "01.ipynb")] == claimed


def test_cells_that_were_not_run_say_so_and_the_banner_leads_to_the_one_that_failed() -> None:
    cells = re.findall(r'<section class="code" id="cell-(\w+)">(.*?)</section>', page("failed", PROBLEM, upto=3), re.S)
    assert [name for name, content in cells if '<p class="not-run">not run</p>' in content] == ["two"]
    assert [name for name, content in cells if '<a id="failed"></a>' in content] == ["magic"]
    banner = re.search(r'<p class="banner">(.*?)</p>', page("failed", PROBLEM, upto=3), re.S)
    assert banner and PROBLEM in banner[1] and '<a href="#failed">' in banner[1]
    assert "not-run" not in page("passed").partition("<body>")[2]


@pytest.mark.parametrize(("upto", "failing"), [(3, "magic"), (2, "one"), (0, "claims")])
def test_the_failing_cell_is_the_one_with_an_error_or_else_the_last_that_began(upto: int, failing: str) -> None:
    """A dead kernel and a deadline leave no error."""
    assert f'id="cell-{failing}">\n<a id="failed">' in page("failed", "the kernel died", upto=upto).replace(
        '"><a id="failed">', '">\n<a id="failed">'
    )


def test_a_recap_claims_success_only_where_there_was_one() -> None:
    assert "It held, and it lasted." in page("passed")
    for status, problem in (("failed", PROBLEM), ("failed", ""), ("inconclusive", ""), ("not run", "")):
        failed = page(status, problem)
        assert "It held, and it lasted." not in failed
        told = failed.partition("Recap")[2]
        assert re.findall(r"<td>(.*?)</td>", told) == ["passed", "It holds.", "not run", "It lasts."]


def test_what_did_not_hold_is_linked_from_the_top() -> None:
    book, whole = run("failed")
    book = replace(book, checks=(Check("It holds.", Status.FAILED, "no", "one"),))
    shown = report.html(notebook(), book, whole)
    assert '<div>failed: <a href="#cell-one">It holds.</a></div>' in shown and 'id="cell-one"' in shown
    cover = report.render("index.html", replace(whole, runbooks=(book,)), [])
    assert '<p class="banner">01-some: failed: <a href="01-some.html#cell-one">It holds.</a></p>' in cover


def test_the_cover_says_what_stays_on_the_target_and_what_removes_it() -> None:
    left = "namespace aksdisks-x stays behind until you remove it: aksdisks clean -f 'a <b>.yaml'"
    teardown = {"status": "inconclusive", "uncertain": ["disk d may be left"], "left_behind": left}
    cover = report.render("index.html", replace(run("passed")[1], teardown=teardown), [])
    assert re.findall(r'<p class="banner">(.*)</p>', cover) == ["disk d may be left", "N" + html.escape(left[1:])]
    assert "stays behind" not in report.render("index.html", run("passed")[1], [])


def test_pages_link_to_each_other_as_pages_and_to_the_cover() -> None:
    def links(shown: str) -> list[str]:
        return re.findall(r'<a href="([^"#]+)"', shown)

    assert links(page("passed")) == ["index.html", "02-more.html", "02-more.html"]
    # While a run lasts, what is to come is linked as well; once it ended, a page that was never made is not.
    others = ["02-more.html", "03-less.html"]
    assert links(page("passed", finished=None)) == ["index.html", *others, *others]
    assert "03 · Less" in page("passed")


def test_a_run_that_broke_off_links_to_no_page_that_is_not_there(tmp_path: Path) -> None:
    book, whole = run("passed", finished=None)
    nbformat.write(notebook(), tmp_path / "01-some.ipynb")
    folder = EvidenceFolder(tmp_path, None)
    folder.page(book, whole)
    assert "03-less.html" in (tmp_path / "01-some.html").read_text()
    folder.finish(replace(whole, finished="now", runbooks=(book, *whole.runbooks[2:])))
    assert "03-less.html" not in (tmp_path / "01-some.html").read_text()


def test_a_notebook_says_once_how_it_ended(tmp_path: Path) -> None:
    nbformat.write(notebook(upto=3), tmp_path / "01-some.ipynb")
    folder = EvidenceFolder(tmp_path, None)
    for _ in range(2):
        folder.page(*run("failed", PROBLEM, upto=3))
    told, title, *_, recap = nbformat.read(tmp_path / "01-some.ipynb", as_version=4).cells
    assert told.source == f"> **This runbook did not end: {PROBLEM}** Cells without a number were not run."
    assert (title.source, "| not run | It lasts. |" in recap.source) == ("# 01 · Some", True)
    assert (
        "This runbook did not end"
        not in (tmp_path / "01-some.html").read_text().partition("<h1")[2].partition("Recap")[0]
    )


def test_the_cover_sums_up_and_links_everything() -> None:
    cover = report.render("index.html", run("failed", PROBLEM, upto=3)[1], [])
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in cover
    assert "<p>1 of 3 runbooks and 2 of 3 checks passed in 3.6 s on the target lab.</p>" in cover
    assert re.findall(r'<td class="number">([\d.]+)</td>', cover) == ["1.3", "2.3", "3.6"], "the sum of what is shown"
    for link in ("01-some.html", "01-some.ipynb", "run.json", "01-some.html#failed", "01-some.html#cell-two"):
        assert f'href="{link}"' in cover
    assert 'href="None"' not in cover and 'href=""' not in cover
    assert re.findall(r'class="status ([\w-]+)">[^<]*</td><td><a [^>]*>(It \w+\.)', cover) == [
        ("passed", "It holds."),
        ("not-run", "It lasts."),
    ]


def test_the_cover_says_what_the_plot_of_earlier_runs_shows() -> None:
    earlier = [replace(run("passed")[1], runbooks=(replace(run("passed")[0], seconds=seconds),)) for seconds in (4, 3)]
    cover = report.render("index.html", run("passed")[1], earlier)
    assert "</svg> the last 3 runs: 1.3 to 4.0 s</p>" in cover


FOUND = CauseFound(
    "shared-claim",
    "problem",
    ObjectRef("Pod", "shop", "db-<b>"),
    "all pods share claim data, so one disk",
    (Step("kubectl get pods", "who uses it"), Step("kubectl delete pod db-0", "it goes", "restarts")),
)


def test_what_a_diagnosis_found_stands_on_the_page_and_on_the_cover() -> None:
    book, result = run("failed", PROBLEM)
    waits = replace(FOUND, cause="attach-slow", verdict="wait", because="its disk is on its way", next=())
    alike = replace(FOUND, object=ObjectRef("Pod", "shop", "db-1"))
    book = replace(book, findings=(FOUND, alike, waits), unseen=("Azure's disks: 403 <no>",))
    result = replace(result, runbooks=(book, *result.runbooks[1:]))
    for made in (report.html(notebook(), book, result), report.render("index.html", result, ())):
        words = html.unescape(" ".join(re.sub(r"<[^>]+>", " ", made.partition("<body>")[2]).split()))
        for said in (
            "problem shared-claim Pod db-<b>, Pod db-1 all pods share claim data, so one disk",
            "next: kubectl get pods shows who uses it",
            "next: kubectl delete pod db-0 restarts pods: it goes",
            "wait attach-slow Pod db-<b> its disk is on its way",
            "not seen: Azure's disks: 403 <no>",
        ):
            assert said in words, said
        assert "db-<b>" not in made  # escaped
    assert 'class="findings"' not in page("passed") + page("failed", PROBLEM)
