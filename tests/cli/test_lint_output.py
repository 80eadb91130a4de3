"""How the linter's report is printed: the table as a whole, JSON alone on stdout, nothing that a terminal acts on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from aksdisks.cli.lint_output import LintPrinter
from aksdisks.inspection.diagnosis.findings import ObjectRef, Unseen
from aksdisks.inspection.lint.findings import BadFile, FailOn, LintFinding, LintReport
from tests.inspection.lint.twins import ERROR

NODE = LintFinding(
    rule="slots-nearly-full",
    level="warning",
    file="",
    line=0,
    object=ObjectRef("Node", "", "aks-1"),
    because="it takes 1 more, of 8 disks",
    source="https://example.org/slots",
)
REPORT = LintReport.of(
    [ERROR, replace(NODE), replace(ERROR, suppressed="one writer at a time")],
    bad_files=[BadFile(file="bad.yaml", line=3, because="not YAML")],
    unseen=[Unseen("CSINode", "csinodes is forbidden", "how many disks a node takes")],
    files=["web.yaml", "bad.yaml"],
    objects=3,
)
TABLE = """\
warning  slots-nearly-full  Node aks-1
  it takes 1 more, of 8 disks
  about: aksdisks explain slots-nearly-full, https://example.org/slots

web.yaml:8  error  rwo-replicas  Deployment shop/web
  4 replicas share claim data
    --- a/web.yaml
    +++ b/web.yaml
    @@ -8 +8 @@
    -  replicas: 4
    +  replicas: 1
  but kube-score (`deployment-replicas`) asks for two.
  about: aksdisks explain rwo-replicas, https://example.org/

not seen  CSINode: csinodes is forbidden
  cannot be told without it: how many disks a node takes

1 error, 1 warning in 2 files, 3 objects; 1 suppressed; 1 problem of reading
"""


def printed(
    report: LintReport,
    format: str,
    capsys: pytest.CaptureFixture[str],
    environment: Mapping[str, str],
    fail_on: FailOn = "error",
) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        code = LintPrinter(format, fail_on).report(report)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_table_breaks_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(REPORT, "table", capsys, {"COLUMNS": "40", "NO_COLOR": "1"})
    assert shown == (2, TABLE, "aksdisks: bad.yaml:3: not YAML\n")


def test_nothing_found_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    report = LintReport.of([], files=["web.yaml"], objects=1)
    assert printed(report, "table", capsys, {"NO_COLOR": "1"}) == (0, "nothing was found in 1 file, 1 object\n", "")


def test_hundreds_of_findings_are_all_shown_with_a_line_between_them(capsys: pytest.CaptureFixture[str]) -> None:
    report = LintReport.of([replace(NODE, object=ObjectRef("Node", "", f"aks-{number:03}")) for number in range(250)])
    code, out, _ = printed(report, "table", capsys, {"NO_COLOR": "1"}, "warning")
    blocks = out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks[:-1]] == [
        f"warning  slots-nearly-full  Node aks-{number:03}" for number in range(250)
    ]
    assert (code, blocks[-1]) == (1, "250 warnings in 0 objects\n")


def test_json_stands_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = printed(REPORT, "json", capsys, {})
    assert (code, json.loads(out), err) == (2, REPORT.to_dict(), "aksdisks: bad.yaml:3: not YAML\n")


@pytest.mark.parametrize("format", ["table", "json", "sarif", "junit"])
def test_nothing_in_names_and_files_reaches_the_terminal_as_a_control(
    format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\x1b[2Jb\x1b]8;;https://evil\x07c\x9b31md\u202ee\rf\x00g[red]h[/]\nnext line"
    file = hostile.replace("\x00", "")  # which no file has in its name
    evil = replace(ERROR, file=file, object=ObjectRef("Pod", hostile, hostile), because=hostile, fix=hostile)
    bad = BadFile(file=file, line=1, because=hostile)
    report = LintReport.of([evil], bad_files=[bad], unseen=[Unseen(hostile, hostile, hostile)], files=[file])
    shown = "".join(printed(report, format, capsys, {"NO_COLOR": "1"})[1:])
    harmless = "\n\r" if format == "junit" else "\n"
    assert not {each for each in shown if ord(each) < 32 and each not in harmless}
    if format != "junit":  # which is XML for programs; it has what XML can hold
        assert not {each for each in shown if 127 <= ord(each) < 160 or each == "\u202e"}
    assert "[red]h[/]" in shown  # no markup of ours either
