"""JUnit XML as GitLab and Jenkins read it: what fails, what passes, names that differ, and nothing that is no XML."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from aksdisks.inspection.diagnosis.findings import ObjectRef, Unseen
from aksdisks.inspection.lint.findings import BadFile, FailOn, LintReport
from aksdisks.views.junit import junit
from tests.inspection.lint.twins import ERROR

NOTE = replace(ERROR, rule="no-anti-affinity", level="note", line=9)
REPORT = LintReport.of(
    [
        ERROR,
        replace(ERROR, line=20),
        NOTE,
        replace(NOTE, suppressed="shards <without> copies"),
        replace(ERROR, file="", line=0),
        replace(ERROR, file="-"),
    ],
    bad_files=[BadFile(file="bad.yaml", line=3, because="not YAML")],
    unseen=[Unseen("Node", "nodes is forbidden", "how full nodes are")],
    files=["web.yaml", "good.yaml", "bad.yaml", "-"],
    objects=9,
)


def parsed(report: LintReport, fail_on: FailOn = "error") -> ElementTree.Element:
    return ElementTree.fromstring(junit(report, fail_on).encode())


def test_a_suite_a_file_and_a_case_a_finding_whose_names_differ() -> None:
    root = parsed(REPORT)
    shown = {
        suite.get("name"): [(case.get("name"), case[0].tag if len(case) else "") for case in suite.iter("testcase")]
        for suite in root
    }
    replicas = "rwo-replicas: Deployment shop/web"
    assert shown == {
        "web.yaml": [
            (replicas, "failure"),
            ("no-anti-affinity: Deployment shop/web", "system-out"),
            (f"{replicas} (2)", "failure"),
            ("no-anti-affinity: Deployment shop/web (2)", "skipped"),
        ],
        "good.yaml": [("nothing was found", "")],
        "bad.yaml": [("it can be read", "error")],
        "stdin": [(replicas, "failure")],
        "cluster": [(replicas, "failure"), ("Node is seen", "skipped")],
    }
    assert {name for case in root.iter("testcase") for name in case.attrib} == {"classname", "name", "time"}
    assert root.attrib == {"name": "aksdisks lint", "tests": "9", "failures": "4", "errors": "1"}
    for suite in root:
        cases = list(suite.iter("testcase"))
        assert {case.get("classname") for case in cases} == {suite.get("name")}
        counts = {tag: str(len(suite.findall(f"testcase/{tag}"))) for tag in ("failure", "error", "skipped")}
        assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
            str(len(cases)), counts["failure"], counts["error"], counts["skipped"],
        )  # fmt: skip


def test_a_failure_has_the_sentence_the_place_the_diff_and_the_source() -> None:
    failure = parsed(REPORT).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib == {"message": "4 replicas share claim data", "type": "error"}
    assert failure.text == (
        "web.yaml:8: error: 4 replicas share claim data\n"
        "--- a/web.yaml\n+++ b/web.yaml\n@@ -8 +8 @@\n-  replicas: 4\n+  replicas: 1\n\nhttps://example.org/"
    )
    skipped = parsed(REPORT).find("testsuite/testcase/skipped")
    assert skipped is not None and skipped.get("message") == "suppressed: shards <without> copies"


@pytest.mark.parametrize(("fail_on", "failures"), [("error", "1"), ("warning", "2"), ("never", "0")])
def test_what_is_below_the_level_passes(fail_on: FailOn, failures: str) -> None:
    report = LintReport.of([ERROR, replace(ERROR, level="warning"), NOTE], files=["web.yaml"])
    assert parsed(report, fail_on).get("failures") == failures


def test_what_no_xml_can_hold_is_left_out_and_what_turns_a_text_around_is_marked() -> None:
    hostile = "a\x1b[2J\x00b\ufffe<c>&\"'d\u202e\u2066"
    found = replace(ERROR, file=hostile, object=ObjectRef("Pod", hostile, hostile), because=hostile, fix=hostile)
    root = parsed(LintReport.of([found, replace(found, suppressed=hostile)], files=[hostile]))
    shown = "a[2Jb<c>&\"'d\ufffd\ufffd"
    assert [suite.get("name") for suite in root] == [shown]
    assert [case.get("name") for case in root.iter("testcase")] == [
        f"rwo-replicas: Pod {shown}/{shown}",
        f"rwo-replicas: Pod {shown}/{shown} (2)",
    ]
