"""Each rule on its two files: the bad one is found on the lines that say so, its diff mends it; the good one is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from aksdisks.inspection.lint import rules
from aksdisks.inspection.lint.catalogue import catalogue, rule
from aksdisks.inspection.lint.findings import LintFinding, LintReport
from aksdisks.inspection.lint.rule import HEADINGS, Rule
from tests.inspection.lint.twins import FIXTURES, linted
from tests.programs import needs

pytestmark = pytest.mark.quick

RULES = [pytest.param(each, id=each.id) for each in catalogue().values()]


def own(report: LintReport, one: Rule) -> list[LintFinding]:
    return [each for each in report.findings if each.rule == one.id]


@pytest.mark.parametrize("one", RULES)
def test_the_bad_file_is_found_where_it_says_so(one: Rule) -> None:
    path = FIXTURES / one.id / "bad.yaml"
    bad = [number for number, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# bad")]
    report = linted(path)
    assert [each.line for each in own(report, one)] == bad != []
    assert report.bad_files == () and report.suppressed == ()
    # A second rule may apply as well, but nothing that ends a build: a bad file has one thing in it to learn.
    assert [each.rule for each in report.findings if each.rule != one.id and each.level != "note"] == []


@pytest.mark.parametrize("one", RULES)
def test_the_good_file_is_not_found(one: Rule) -> None:
    report = linted(FIXTURES / one.id / "good.yaml")
    assert own(report, one) == [] and report.objects > 0 and report.bad_files == ()
    assert [each.rule for each in report.findings if each.level == "error"] == []


@pytest.mark.parametrize("one", RULES)
@pytest.mark.parametrize(
    "apply",
    [pytest.param(["patch", "-s", "-p1", "-i"], marks=needs("patch")), ["git", "apply"]],
    ids=["patch", "git-apply"],
)
def test_the_diff_applies_and_mends(
    one: Rule, apply: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for each in (FIXTURES / one.id).glob("*.yaml"):
        (tmp_path / each.name).write_bytes(each.read_bytes())
    before = own(linted(Path("bad.yaml")), one)
    fixes = [each.fix for each in before if each.fix.startswith("--- a/bad.yaml")]
    for number, diff in enumerate(fixes):
        Path(f"{number}.diff").write_text(diff)
        subprocess.run([*apply, f"{number}.diff"], check=True, timeout=60)
    assert len(own(linted(Path("bad.yaml")), one)) == len(before) - len(fixes)


@pytest.mark.parametrize("one", RULES)
def test_a_page_has_the_fixed_headings_and_links(one: Rule) -> None:
    assert tuple(one.sections) == HEADINGS
    assert all(text.strip() for text in one.sections.values())
    assert one.title and one.docs.startswith("https://")


def test_a_rule_is_a_file_of_its_id() -> None:
    files = {path.stem for path in Path(rules.__path__[0]).glob("[a-z]*.py")}
    assert files == {id_.replace("-", "_") for id_ in catalogue()}
    assert {path.name for path in FIXTURES.iterdir()} == set(catalogue())


def test_a_rule_that_is_not_there() -> None:
    from aksdisks.errors import InputError

    with pytest.raises(InputError, match="rwo-replicas"):
        rule("rwo-replica")
