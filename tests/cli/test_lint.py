"""`aksdisks lint` as users, pre-commit and CI call it: files, folders, standard input, exit codes, bad input."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from aksdisks.cli.main import app
from tests.cli.command import AKSDISKS
from tests.programs import needs

ROOT = Path(__file__).parents[2]
ARTICLE = ROOT / "tests" / "lab" / "article"
SCHEMA = json.loads((ROOT / "docs" / "lint.schema.json").read_text())
DEPLOYMENT = (ARTICLE / "dynamic-with-deploy.yaml").read_text()


def lint(*arguments: str, stdin: str | bytes = "", where: Mapping[str, str] | None = None) -> Any:
    """The command in this process, with nothing in the environment but `where`."""
    gone = {name: None for name in os.environ if name.startswith(("AKSDISKS_", "AZURE_")) or name == "KUBECONFIG"}
    return CliRunner().invoke(app, ["lint", *arguments], input=stdin, env=gone | {"NO_COLOR": "1"} | dict(where or {}))


def found(done: Any) -> list[tuple[str, str, int]]:
    """Level, rule and line of each finding of a JSON document that stands alone on stdout and keeps to the schema."""
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)
    return [(each["level"], each["rule"], each["line"]) for each in document["findings"]]


def test_the_articles_files() -> None:
    first = lint(str(ARTICLE / "dynamic-with-deploy.yaml"), "--format", "json")
    assert [(level, rule) for level, rule, _ in found(first)] == [("error", "rwo-rolling-update")]
    assert first.exit_code == 1
    scaled = lint("-", "--format", "json", stdin=DEPLOYMENT.replace("replicas: 1", "replicas: 4"))
    assert {rule for _, rule, _ in found(scaled)} == {"rwo-rolling-update", "rwo-replicas"}
    second = lint(str(ARTICLE / "dynamic-with-stateful.yaml"), "--format", "json")
    assert [(level, rule) for level, rule, _ in found(second)] == [("note", "no-anti-affinity")]
    assert second.exit_code == 0


@pytest.mark.parametrize(
    ("rule", "fail_on", "code"),
    [
        ("rwo-rolling-update", "error", 1),
        ("rwo-rolling-update", "never", 0),
        ("fsgroup-recursive", "error", 0),
        ("fsgroup-recursive", "warning", 1),
        ("no-anti-affinity", "warning", 0),
    ],
)
def test_the_exit_code_is_1_at_or_above_the_level(rule: str, fail_on: str, code: int) -> None:
    file = ROOT / "tests" / "inspection" / "lint" / "fixtures" / rule / "bad.yaml"
    done = lint(str(file), "--fail-on", fail_on)
    assert (done.exit_code, rule in done.stdout, done.stderr) == (code, True, "")


def test_a_folder_is_read_with_all_below_it_and_places_are_those_that_editors_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "k8s" / "db").mkdir(parents=True)
    claim, deployment = DEPLOYMENT.split("---\n")
    (tmp_path / "k8s" / "claim.yml").write_text(claim)
    (tmp_path / "k8s" / "db" / "deploy.yaml").write_text(deployment)
    (tmp_path / "k8s" / "README.md").write_text("{{ no YAML }}")
    monkeypatch.chdir(tmp_path)
    done = lint("k8s")
    assert re.match(
        r"k8s/db/deploy\.yaml:\d+  error  rwo-rolling-update  Deployment default/disk-deploy\n", done.stdout
    )
    assert done.stdout.splitlines()[-1] == "1 error in 2 files, 2 objects"


@needs("patch")
def test_the_diff_that_is_printed_mends_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(DEPLOYMENT)
    (finding,) = json.loads(lint("web.yaml", "--format", "json").stdout)["findings"]
    subprocess.run(["patch", "-p1"], input=finding["fix"], text=True, check=True, capture_output=True, timeout=60)
    assert (lint("web.yaml").exit_code, lint("web.yaml").stdout) == (0, "nothing was found in 1 file, 2 objects\n")


def test_what_a_pipe_prints_is_read_by_a_process() -> None:
    done = subprocess.run(
        [AKSDISKS, "lint", "-", "--format", "json"],
        input=DEPLOYMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "")
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["file"], finding["fix"].splitlines()[0]) == ("-", "--- a/stdin")


def test_of_bad_files_each_is_named_with_its_line_and_the_others_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("chart.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n")
    Path("twice.yaml").write_text("apiVersion: v1\nkind: Pod\nkind: Service\n")
    Path("web.yaml").write_text(DEPLOYMENT)
    done = lint("chart.yaml", "twice.yaml", "web.yaml", "--format", "json", "--fail-on", "never")
    assert done.exit_code == 2
    assert [rule for _, rule, _ in found(done)] == ["rwo-rolling-update"]
    chart, twice = done.stderr.splitlines()
    assert chart.startswith("aksdisks: chart.yaml:4: ") and "helm template" in chart
    assert twice.startswith("aksdisks: twice.yaml:3: ") and "'kind'" in twice
    assert [each["file"] for each in json.loads(done.stdout)["bad_files"]] == ["chart.yaml", "twice.yaml"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "lint: expected files, folders, - for standard input, or --cluster, found none of them"),
        (["-", "web.yaml"], "-: expected no files beside standard input, found - web.yaml"),
        (["nothing.yaml"], "nothing.yaml: expected a file or a folder, found neither"),
        (["."], ".: expected a folder with files that end in .yaml, .yml, .json, found none"),
        (["-"], "standard input: expected Kubernetes objects, found none"),
        (["-n", "shop", "web.yaml"], "-n, -A, -f and --context: expected --cluster beside them, found files alone"),
        (["--cluster", "-n", "shop", "-A", "--context", "x"], "-n and -A: expected one of them, found both"),
    ],
)
def test_what_cannot_be_meant_is_one_line_with_exit_code_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = lint(*arguments, where={"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)})
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_files_without_objects_are_nothing_wrong(tmp_path: Path) -> None:
    """pre-commit hands all YAML files of a commit over."""
    file = tmp_path / "values.yaml"
    file.write_text("replicas: 4\n")
    done = lint(str(file))
    assert (done.exit_code, done.stdout) == (0, "nothing was found in 1 file, 0 objects\n")


@pytest.mark.parametrize(
    ("format", "shown"),
    [
        ("table", "a\ufffd.yaml:19  error  rwo-rolling-update"),
        ("json", '"file": "a\\udcff.yaml"'),
        ("sarif", '"uri": "a%FF.yaml"'),
        ("junit", 'classname="a.yaml"'),
    ],
)
def test_a_files_name_that_is_not_utf_8_is_printed_in_each_format(
    format: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    claim, deployment = DEPLOYMENT.split("---\n")
    Path("claim.yaml").write_text(claim)
    Path(os.fsdecode(b"a\xff.yaml")).write_text(f"\n\n\n\n\n\n\n\n\n\n\n\n{deployment}")
    done = lint(".", "--format", format)
    assert (done.exit_code, shown in done.stdout) == (1, True), done.stdout


def test_the_schema_is_printed() -> None:
    done = lint("--schema")
    assert (done.exit_code, json.loads(done.stdout)) == (0, SCHEMA)


def test_the_help_has_the_exit_codes() -> None:
    told = " ".join(lint("--help", where={"COLUMNS": "200", "TERM": "dumb"}).stdout.split())
    assert "0 nothing at or above --fail-on, 1 something is, 2 bad input" in told


def test_the_hook_that_other_repositories_use_calls_the_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["language"], hook["types"], hook["pass_filenames"]) == (
        "aksdisks-lint", "python", ["yaml"], True,
    )  # fmt: skip
    program, *arguments = hook["entry"].split()
    assert program == "aksdisks" and CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_the_workflow_uploads_what_the_command_writes() -> None:
    workflow = yaml.safe_load((ROOT / "aksdisks" / "deploy" / "github-actions-lint.yaml").read_text())
    job = workflow["jobs"]["lint"]
    assert workflow["permissions"]["security-events"] == "write"
    (command,) = [step["run"] for step in job["steps"] if step.get("run", "").startswith("aksdisks")]
    (upload,) = [step for step in job["steps"] if "upload-sarif" in step.get("uses", "")]
    assert upload["if"] == "always()"  # findings end the step before it with exit code 1
    assert command.split(" > ") == ["aksdisks lint manifests --format sarif", upload["with"]["sarif_file"]]
