"""The linter's values: their order, what fails a build, and the document that leaves the program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from aksdisks.inspection.diagnosis.findings import Unseen
from aksdisks.inspection.lint.findings import BadFile, FailOn, Level, LintReport
from tests.inspection.lint.twins import ERROR

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "lint.schema.json").read_text("utf-8"))


def test_findings_are_ordered_by_file_line_and_rule_and_suppressed_ones_stand_apart() -> None:
    live = replace(ERROR, file="", line=0)
    places = [("b.yaml", 1, "a"), ("a.yaml", 10, "b"), ("a.yaml", 10, "a"), ("a.yaml", 9, "c")]
    found = [replace(ERROR, file=file, line=line, rule=rule) for file, line, rule in places]
    report = LintReport.of([*found, live, replace(ERROR, suppressed="one writer at a time")])
    assert [(each.file, each.line, each.rule) for each in report.findings] == [
        ("", 0, "rwo-replicas"),
        ("a.yaml", 9, "c"),
        ("a.yaml", 10, "a"),
        ("a.yaml", 10, "b"),
        ("b.yaml", 1, "a"),
    ]
    assert [each.suppressed for each in report.suppressed] == ["one writer at a time"]


@pytest.mark.parametrize(
    ("levels", "fail_on", "code"),
    [
        ([], "error", 0),
        (["warning", "note"], "error", 0),
        (["warning", "error"], "error", 1),
        (["note"], "warning", 0),
        (["warning"], "warning", 1),
        (["error"], "warning", 1),
        (["error", "warning", "note"], "never", 0),
    ],
)
def test_what_is_at_or_above_the_level_fails(levels: list[Level], fail_on: FailOn, code: int) -> None:
    found = [replace(ERROR, level=level) for level in levels]
    assert LintReport.of(found).exit_code(fail_on) == code
    assert LintReport.of([replace(each, suppressed="on purpose") for each in found]).exit_code(fail_on) == 0
    bad = BadFile(file="x.yaml", line=3, because="it is not YAML")
    unseen = [Unseen("Node", "nodes is forbidden", "in which zones nodes stand")]
    harmless = [replace(each, hides=False) for each in unseen]
    assert LintReport.of(found, bad_files=[bad], unseen=unseen).exit_code(fail_on) == 2
    assert LintReport.of(found, unseen=unseen).exit_code(fail_on) == (code if code or fail_on == "never" else 3)
    assert LintReport.of(found, unseen=harmless).exit_code(fail_on) == code


def test_the_document_is_what_the_issue_gives_and_keeps_to_the_closed_schema() -> None:
    report = LintReport.of(
        [ERROR, replace(ERROR, suppressed="one writer at a time")],
        bad_files=[BadFile(file="x.yaml", line=3, because="it is not YAML")],
        unseen=[Unseen("CSINode", "csinodes is forbidden", "how full nodes are")],
        files=["web.yaml", "x.yaml"],
        objects=2,
    )
    document = report.to_dict()
    finding = {
        "rule": "rwo-replicas",
        "level": "error",
        "file": "web.yaml",
        "line": 8,
        "object": {"kind": "Deployment", "namespace": "shop", "name": "web"},
        "because": "4 replicas share claim data",
        "fix": "--- a/web.yaml\n+++ b/web.yaml\n@@ -8 +8 @@\n-  replicas: 4\n+  replicas: 1\n",
        "source": "https://example.org/",
        "opposed_by": ["kube-score (`deployment-replicas`) asks for two."],
    }
    assert document == {
        "schema": "aksdisks/lint/v1",
        "findings": [finding],
        "suppressed": [finding | {"reason": "one writer at a time"}],
        "bad_files": [{"file": "x.yaml", "line": 3, "because": "it is not YAML"}],
        "unseen": [{"what": "CSINode", "because": "csinodes is forbidden", "limits": "how full nodes are"}],
        "files": 2,
        "objects": 2,
    }
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)
    for key in document:
        with pytest.raises(jsonschema.ValidationError, match="required"):
            jsonschema.validate({name: value for name, value in document.items() if name != key}, SCHEMA)
    for key in finding:
        lacking = document | {"findings": [{name: value for name, value in finding.items() if name != key}]}
        with pytest.raises(jsonschema.ValidationError, match="required"):
            jsonschema.validate(lacking, SCHEMA)


def test_a_bad_file_is_said_as_compilers_say_it() -> None:
    assert str(BadFile(file="web.yaml", line=3, because="a key twice")) == "web.yaml:3: a key twice"
    assert str(BadFile(file="web.yaml", line=0, because="no such file")) == "web.yaml: no such file"
