"""The linter's report as JUnit XML, for what GitLab, Jenkins and Azure Pipelines show of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from aksdisks.inspection.lint.findings import BadFile, FailOn, LintFinding, LintReport, fails
from aksdisks.views.markup import templates

CLUSTER = "cluster"
"""The suite of a cluster's objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A test case; GitLab shows `body`, Jenkins `message` as well."""

    name: str
    status: Literal["passed", "failure", "error", "skipped"] = "passed"
    message: str = ""
    type: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class _Suite:
    name: str
    cases: tuple[_Case, ...]

    @property
    def tests(self) -> int:
        return len(self.cases)

    @property
    def failures(self) -> int:
        return self._count("failure")

    @property
    def errors(self) -> int:
        return self._count("error")

    @property
    def skipped(self) -> int:
        return self._count("skipped")

    def _count(self, status: str) -> int:
        return sum(case.status == status for case in self.cases)


def junit(report: LintReport, fail_on: FailOn) -> str:
    """The document: a suite a file, a case a finding; what is below `fail_on` passes, what is suppressed is skipped.

    The names of a suite's cases differ: of several that are named alike, GitLab takes the first only. A case has no
    `file` and no `line`: the schema of Jenkins' xUnit plugin (types/model/xsd/junit-10.xsd) refuses them.
    """
    cases: defaultdict[str, list[_Case]] = defaultdict(list)
    for file in report.files:
        cases[file] = []
    for bad in report.bad_files:
        cases[bad.file].append(_bad(bad))
    for finding in (*report.findings, *report.suppressed):
        cases[finding.file].append(_case(finding, failing=fails(finding, fail_on)))
    for each in report.unseen:
        message = f"{each.because}; without it: {each.limits}"
        cases[""].append(_Case(name=f"{each.what} is seen", status="skipped", message=message, body=message))
    suites = [_Suite(_suite_name(file), tuple(_named_apart(found))) for file, found in cases.items()]
    return templates().get_template("lint/junit.xml.j2").render(suites=suites)


def _suite_name(file: str) -> str:
    return {"": CLUSTER, "-": "stdin"}.get(file, file)


def _bad(bad: BadFile) -> _Case:
    return _Case(name="it can be read", status="error", message=bad.because, body=str(bad))


def _case(finding: LintFinding, *, failing: bool) -> _Case:
    place = f"{finding.file}:{finding.line}: " if finding.file else ""
    told = [f"{place}{finding.level}: {finding.because}", finding.fix, finding.source]
    name, body = f"{finding.rule}: {finding.object}", "\n".join(filter(None, told))
    if finding.suppressed:
        message = f"suppressed: {finding.suppressed}"
        return _Case(name=name, status="skipped", message=message, body=body)
    return _Case(
        name=name,
        status="failure" if failing else "passed",
        message=finding.because,
        type=finding.level,
        body=body,
    )


def _named_apart(cases: list[_Case]) -> Iterator[_Case]:
    """With a number behind a name that was there before; a file of which nothing is said passes."""
    seen: Counter[str] = Counter()
    for case in cases or [_Case(name="nothing was found")]:
        seen[case.name] += 1
        if (number := seen[case.name]) == 1:
            yield case
        else:
            yield replace(case, name=f"{case.name} ({number})")
