"""SARIF as its consumers read it: what GitHub's documentation demands, paths that it can match, and its limits."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aksdisks.inspection.diagnosis.findings import ObjectRef, Unseen
from aksdisks.inspection.lint.catalogue import catalogue
from aksdisks.inspection.lint.findings import LEVELS, BadFile, Level, LintFinding, LintReport
from aksdisks.views.sarif import MOST_RESULTS, sarif
from tests.inspection.lint.twins import ERROR, FIXTURES, linted
from tests.programs import needs

RULES = list(catalogue().values())


def run(report: LintReport, folder: Path = Path()) -> dict[str, Any]:
    document = json.loads(json.dumps(sarif(report, RULES, "0.1.0", folder)))
    assert (document["$schema"], document["version"]) == ("https://json.schemastore.org/sarif-2.1.0.json", "2.1.0")
    (only,) = document["runs"]
    return only


def at(path: str, given: Any) -> Any:
    for part in path.split("."):
        given = given[int(part)] if part.isdigit() else given[part]
    return given


@pytest.mark.parametrize("path", ["id", "shortDescription.text", "fullDescription.text", "help.text", "help.markdown",
                                  "helpUri", "defaultConfiguration.level", "name"])  # fmt: skip
def test_a_rule_has_what_github_requires_or_recommends(path: str) -> None:
    """docs.github.com, SARIF support for code scanning: reportingDescriptor object."""
    for rule in run(LintReport.of([ERROR]))["tool"]["driver"]["rules"]:
        value = at(path, rule)
        assert value and len(value) <= (1024 if "Description" in path else 255 if path == "name" else 10**6), rule["id"]
        assert rule["helpUri"].startswith("https://")
        assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")
        assert len(rule["properties"]["tags"]) <= 10


def test_a_result_has_what_github_requires() -> None:
    found = run(LintReport.of([ERROR]))
    (result,) = found["results"]
    assert found["tool"]["driver"]["name"] == "aksdisks lint"
    assert found["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "rwo-replicas"
    assert (result["level"], result["message"]) == (
        "error",
        {"text": "Deployment shop/web: 4 replicas share claim data."},
    )
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "web.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 8, "startColumn": 1, "endLine": 8, "endColumn": 14},
    }
    assert set(result["partialFingerprints"]) == {"aksdisks/v1"}
    assert "%SRCROOT%" in found["originalUriBaseIds"]


@pytest.mark.parametrize(
    ("file", "where"),
    [
        ("web.yaml", {"uri": "web.yaml", "uriBaseId": "%SRCROOT%"}),
        ("./a/../b/web.yaml", {"uri": "b/web.yaml", "uriBaseId": "%SRCROOT%"}),
        ("{folder}/b/web.yaml", {"uri": "b/web.yaml", "uriBaseId": "%SRCROOT%"}),
        ("link/web.yaml", {"uri": "b/web.yaml", "uriBaseId": "%SRCROOT%"}),
        ("b/ü 1#2%.yaml", {"uri": "b/%C3%BC%201%232%25.yaml", "uriBaseId": "%SRCROOT%"}),
        ("../out.yaml", {"uri": "file://{parent}/out.yaml"}),
        ("/etc/web.yaml", {"uri": "file:///etc/web.yaml"}),
        ("-", {"uri": "stdin"}),
    ],
)
def test_paths_are_relative_to_the_working_folder(
    file: str, where: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    (folder / "b").mkdir(parents=True)
    (folder / "link").symlink_to("b")
    monkeypatch.chdir(folder)
    found = run(LintReport.of([replace(ERROR, file=file.format(folder=folder))]), folder)
    expected = {key: value.format(parent=tmp_path) for key, value in where.items()}
    assert at("results.0.locations.0.physicalLocation.artifactLocation", found) == expected


def test_an_object_of_a_cluster_has_a_logical_location_alone() -> None:
    found = run(LintReport.of([replace(ERROR, file="", line=0)]))
    assert at("results.0.locations", found) == [
        {"logicalLocations": [{"name": "web", "fullyQualifiedName": "Deployment shop/web", "kind": "resource"}]}
    ]


def test_fingerprints_stay_when_lines_move_and_differ_within_a_report() -> None:
    two = [
        ERROR,
        replace(ERROR, line=20, because="another"),
        replace(ERROR, object=ObjectRef("Deployment", "b", "web")),
    ]
    before, after = (
        [each["partialFingerprints"]["aksdisks/v1"] for each in run(LintReport.of(found))["results"]]
        for found in (two, [replace(each, line=each.line + 5) for each in two])
    )
    assert before == after
    assert len(set(before)) == 3


def test_of_more_than_5000_results_the_least_severe_are_left_out_and_it_says_so() -> None:
    levels: list[Level] = ["note"] * 3000 + ["warning"] * 3000 + ["error"] * 10
    found = run(LintReport.of([replace(ERROR, level=level, line=n) for n, level in enumerate(levels, 1)]))
    assert len(found["results"]) == MOST_RESULTS
    assert Counter(each["level"] for each in found["results"]) == {"error": 10, "warning": 3000, "note": 1990}
    told = at("invocations.0.toolExecutionNotifications", found)
    assert [each["message"]["text"] for each in told] == ["1010 of 6010 findings were left out, the least severe"]


def test_what_was_bad_unseen_or_suppressed_is_told_and_no_result() -> None:
    found = run(
        LintReport.of(
            [replace(ERROR, suppressed="one writer at a time")],
            bad_files=[
                BadFile(file="x.yaml", line=3, because="not YAML"),
                BadFile(file="y.yaml", line=0, because=""),
            ],
            unseen=[Unseen("Node", "nodes is forbidden", "how full nodes are")],
        )
    )
    assert found["results"] == []
    (invocation,) = found["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [(each["level"], each["message"]["text"]) for each in invocation["toolExecutionNotifications"]] == [
        ("error", "x.yaml:3: not YAML"),
        ("error", "y.yaml: "),
        ("warning", "not seen: Node: nodes is forbidden; without it: how full nodes are"),
        ("note", "1 findings are suppressed by annotations"),
    ]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/bad.yaml")), ids=lambda path: path.parent.name)
@needs("patch")
def test_editors_make_of_a_fix_what_patch_makes_of_its_diff(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for each in path.parent.glob("*.yaml"):
        (tmp_path / each.name).write_bytes(each.read_bytes())
    report = linted(Path("bad.yaml"))
    before = Path("bad.yaml").read_text()
    for finding, result in zip(worst_first(report), run(report, tmp_path)["results"], strict=True):
        assert bool(result["fixes"]) == finding.fix.startswith("--- ")
        if not result["fixes"]:
            continue
        done = subprocess.run(
            ["patch", "-p1", "-o", "-"], input=finding.fix, text=True, capture_output=True, check=True, timeout=60
        )
        (change,) = result["fixes"][0]["artifactChanges"]
        assert change["artifactLocation"]["uri"] == "bad.yaml"
        assert replaced(before, change["replacements"]) == done.stdout


def worst_first(report: LintReport) -> list[LintFinding]:
    return sorted(report.findings, key=lambda each: LEVELS.index(each.level))


def replaced(text: str, replacements: list[dict[str, Any]]) -> str:
    """A text with regions of whole lines replaced, the last first."""
    lines = text.splitlines(keepends=True)
    for each in reversed(replacements):
        region = each["deletedRegion"]
        assert (region["startColumn"], region["endColumn"]) == (1, 1)
        lines[region["startLine"] - 1 : region["endLine"] - 1] = [each["insertedContent"]["text"]]
    return "".join(lines)


def test_a_command_a_file_without_an_end_and_standard_input_have_no_fix_for_editors() -> None:
    command = replace(ERROR, fix="kubectl patch deployment web", file="", line=0)
    no_end = replace(ERROR, fix=f"{ERROR.fix}\\ No newline at end of file\n")
    piped = replace(ERROR, file="-")
    assert [each["fixes"] for each in run(LintReport.of([command, no_end, piped]))["results"]] == [[], [], []]
