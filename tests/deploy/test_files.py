"""What is deployed: the files come out as they are, fit each other, and hold the rules that the schedule page gives."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from aksdisks.parameters import validate
from tests.cli.command import aksdisks

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "aksdisks" / "deploy"


@pytest.fixture(scope="module")
def objects() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((DEPLOY / "cronjob.yaml").read_text())
    return {document["kind"]: document for document in documents}


def test_the_files_are_listed_and_written_out_and_not_over_others(tmp_path: Path) -> None:
    listed = aksdisks("deploy").stdout.split()
    assert listed == sorted(path.name for path in DEPLOY.iterdir() if path.is_file() and path.suffix != ".py")
    assert aksdisks("deploy", "--to", str(tmp_path / "new")).returncode == 0
    for name in listed:
        assert (tmp_path / "new" / name).read_bytes() == (DEPLOY / name).read_bytes()
    again = aksdisks("deploy", "--to", str(tmp_path / "new"))
    assert (again.returncode, "expected no file, found one" in again.stderr) == (2, True)


def test_the_job_outlives_the_run_and_its_teardown(objects: dict[str, dict[str, Any]]) -> None:
    parameters = validate(yaml.safe_load(objects["ConfigMap"]["data"]["parameters.yaml"]))
    spec = objects["CronJob"]["spec"]
    job, pod = spec["jobTemplate"]["spec"], spec["jobTemplate"]["spec"]["template"]["spec"]
    assert (spec["concurrencyPolicy"], job["backoffLimit"], pod["restartPolicy"]) == ("Forbid", 0, "Never")
    assert job["activeDeadlineSeconds"] > parameters.run_deadline + parameters.teardown_deadline
    assert pod["terminationGracePeriodSeconds"] > parameters.teardown_deadline
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert pod["serviceAccountName"] == yaml.safe_load((DEPLOY / "serviceaccount.yaml").read_text())["metadata"]["name"]


def test_the_image_starts_runs_as_fast_as_the_tests() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (pinned,) = [each for each in extras["test"] if each.startswith("jsonschema")]
    assert f"'{pinned}'" in (ROOT / "aksdisks" / "deploy" / "Dockerfile").read_text()


def test_a_wheel_has_runbooks_parameters_and_deployment_and_works_without_the_lab(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    content = zipfile.ZipFile(wheel)
    names = content.namelist()
    for wanted in (
        "_runbooks/01-dynamic-disk.ipynb",
        "_parameters/lab.yaml",
        "_docs/inventory.schema.json",
        "_docs/lint.schema.json",
        "deploy/cronjob.yaml",
        "lab/kube/openapi/",
    ):
        assert any(name.startswith(f"aksdisks/{wanted}") for name in names), wanted

    # As the Dockerfile does: the package of the wheel, less the lab.
    content.extractall(tmp_path / "site", [name for name in names if not name.startswith("aksdisks/lab/")])

    def aksdisks(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "aksdisks.cli", *arguments]
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "NO_COLOR": "1"}
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    listed = aksdisks("list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == sorted(
        path.stem for path in (ROOT / "runbooks").glob("*.ipynb")
    )
    for arguments, code, said in (
        (("lab", "status"), 2, "No such command 'lab'"),
        (("run", "-o", str(tmp_path / "out")), 3, "pip install 'aksdisks[lab]'"),
        (("check", "-p", "storage_clas=x"), 2, "storage_clas"),
        (("lint", str(ROOT / "tests" / "lab" / "article")), 1, "rwo-rolling-update"),
    ):
        ended = aksdisks(*arguments)
        told = ended.stdout + ended.stderr
        assert (ended.returncode, said in told, "Traceback" in told) == (code, True, False), ended
