"""`aksdisks run` as a user runs it: on a private lab, on a lab taken for a cluster, interrupted, behind a proxy."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from aksdisks.lab.server.process import LabState
from tests.cli.command import ARTICLE, PAUSE, aksdisks, article, evidence, interrupted, processes_with, proofs
from tests.cli.target import disks, filled_in, namespaces


@pytest.mark.slow
@pytest.mark.parametrize(("image", "proof"), [("", "passed"), (PAUSE, "not applicable")])
def test_the_article_passes_with_the_shipped_example_where_a_lab_is_taken_for_a_cluster(
    lab: LabState,
    lab_environment: Mapping[str, str],
    tmp_path: Path,
    bystanders: tuple[list[str], list[str]],
    image: str,
    proof: str,
) -> None:
    """In a namespace of its own; in a prepared one, with few rights, in `tests/deploy/test_least_rights.py`."""
    file = filled_in(tmp_path, context=lab.cluster_name, expect=lab.kube_url)
    other = ["-p", f"image={image}"] if image else []
    command = ["run", "-f", str(file), *other, "-o", str(tmp_path / "out")]
    done = aksdisks(*command, environment=lab_environment, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr
    result = article(tmp_path / "out", lab.client_secret)
    assert proofs(result) == {proof}
    assert "USD" in done.stderr, "what it costs a day is shown"
    assert (namespaces(lab), disks(lab)) == bystanders


def test_a_private_lab_behind_a_user_s_proxy_and_certificates(tmp_path: Path) -> None:
    foreign = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "REQUESTS_CA_BUNDLE": str(tmp_path / "other.pem"),
        "SSL_CERT_FILE": str(tmp_path / "other.pem"),
        "AKSDISKS_TEST": str(tmp_path),
    }
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"} | foreign
    done = aksdisks("run", "01", "-q", "-o", str(tmp_path / "out"), environment=environment)

    assert done.returncode == 0, done.stdout + done.stderr
    assert evidence(tmp_path / "out")[1]["target"] == "lab"
    assert processes_with("AKSDISKS_TEST", str(tmp_path)) == []


@pytest.mark.parametrize(
    ("at", "by"),
    [
        ("02-scale-out: Open the session", signal.SIGINT),
        ("01-dynamic-disk: Claim 2", signal.SIGTERM),
        pytest.param("00-overview: starting", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("03-stateful-set: ", signal.SIGHUP, marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_signal_ends_in_true_statuses_and_a_clean_target(
    lab: LabState,
    lab_environment: Mapping[str, str],
    cluster_file: Path,
    tmp_path: Path,
    bystanders: tuple[list[str], list[str]],
    at: str,
    by: signal.Signals,
) -> None:
    environment = {**lab_environment, "AKSDISKS_TEST": str(tmp_path)}
    command = ("run", "-f", str(cluster_file), "-o", str(tmp_path / "out"))
    with interrupted(*command, at=at, by=by, environment=environment) as process:
        assert process.returncode == 130

    _, result = evidence(tmp_path / "out")
    assert (result["status"], result["problem"]) == ("interrupted", f"interrupted by {by.name}")
    statuses = [runbook["status"] for runbook in result["runbooks"]]
    cut = ARTICLE.index(at.split(":")[0])
    assert statuses == ["passed"] * cut + ["not run"] * (len(ARTICLE) - cut)
    assert result["teardown"]["status"] == "passed"
    assert (namespaces(lab), disks(lab)) == bystanders
    assert processes_with("AKSDISKS_TEST", str(tmp_path)) == []


def test_what_a_killed_run_left_is_found_and_removed_and_nothing_else(
    lab: LabState,
    lab_environment: Mapping[str, str],
    cluster_file: Path,
    tmp_path: Path,
    bystanders: tuple[list[str], list[str]],
) -> None:
    environment = {**lab_environment, "AKSDISKS_TEST": str(tmp_path)}
    command = ("run", "03", "-f", str(cluster_file), "-o", str(tmp_path / "out"))
    at = "03-stateful-set: Claim 2"
    with interrupted(*command, at=at, by=signal.SIGKILL, environment=environment) as process:
        assert process.returncode == -signal.SIGKILL
    assert processes_with("AKSDISKS_TEST", str(tmp_path)) == []
    assert (namespaces(lab), disks(lab)) != bystanders

    warned = aksdisks("run", "00", "-f", str(cluster_file), "-o", str(tmp_path / "next"), environment=environment)
    assert "An earlier run left something" in warned.stderr

    told = " ".join(aksdisks("clean", "--help", environment=environment | {"COLUMNS": "200"}).stdout.split())
    assert "The volumes and disks of removed claims go with them" in told
    shown = aksdisks("clean", "-f", str(cluster_file), "--dry-run", environment=environment)
    assert "PersistentVolumeClaim" in shown.stdout, shown.stdout + shown.stderr
    assert (namespaces(lab), disks(lab)) != bystanders

    done = aksdisks("clean", "-f", str(cluster_file), environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (namespaces(lab), disks(lab)) == bystanders
