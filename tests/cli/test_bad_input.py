"""What a user may get wrong: one line with the thing, what was expected and what was found; nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.evidence.seal import SUMS, verify
from aksdisks.lab.server.process import LabState
from tests.cli.command import AKSDISKS, aksdisks, evidence

PLUGIN = {
    "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", "echo no luck >&2; exit 1"],
    "interactiveMode": "Never",
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "content", "code", "said"),
    [
        (["run", "-p", "stateful_replica=3"], None, 2, ["stateful_replica", "did you mean 'stateful_replicas'?"]),
        (["run", "-p", "stateful_replicas=many"], None, 2, ["stateful_replicas", "whole number", "'many'"]),
        (["run", "-p", "size=25GB!"], None, 2, ["size", "25Gi", "'25GB!'"]),
        (["run", "-p", "redact={x: '('}"], None, 2, ["redact", "regular expressions"]),
        (["run", "-p", "replicas"], None, 2, ["-p", "NAME=VALUE", "'replicas'"]),
        (["run", "-p", "namespace=kube-system"], None, 2, ["namespace", "'kube-system'"]),
        (["run", "-p", "azure_client_secret=x"], None, 2, ["azure_client_secret", "environment"]),
        (["run", "-p", "scenario=nowhere"], None, 2, ["scenario", "nowhere"]),
        (["run", "-f", "absent.yaml"], None, 2, ["absent.yaml", "No such file"]),
        (["run", "-f", "{file}"], "a: [", 2, ["YAML"]),
        (["run", "-f", "{file}"], "- a\n- b\n", 2, ["mapping", "list"]),
        (["run", "-f", "{file}"], "size: 25Gi\nsize: 30Gi\n", 2, ["line 2", "'size' again"]),
        (["run", "-f", "{file}"], "tolerations: " + "[" * 3000, 2, ["YAML", "recursion"]),
        (["run", "-f", "{file}"], "size: 2026-99-99\n", 2, ["YAML", "month"]),
        (["run", "-f", "{file}"], 'run_id: "a\\n"\n', 2, ["run_id", "'a\\n'"]),
        (["run", "-p", "wait_timeout=.inf"], None, 2, ["wait_timeout", "at most 1e6", "inf"]),
        (["run", "-p", "arm_endpoint=https://[x"], None, 2, ["arm_endpoint", "https URL", "'https://[x'"]),
        (["run", "-f", "{file}"], "target: aks\n", 2, ["context", "target is aks"]),
        (["run", "-f", "{file}"], "target: gke\n", 2, ["target", "lab or aks", "'gke'"]),
        (["run", "-f", "{file}"], "target: aks\ncontext: x\nkubeconfig: /nowhere\n", 2, ["kubeconfig", "'/nowhere'"]),
        (["run", "07-operators"], None, 2, ["runbook", "00-overview", "'07-operators'"]),
        (["run", "-o", "{file}"], "a file", 2, ["-o", "folder"]),
        (["run", "--webhook", "https://[x/secret"], None, 2, ["webhook", "URL", "something else"]),
        (["run", "-o", "https://[x/secret"], None, 2, ["Blob", "another URL"]),
        (["deploy", "--to", "{file}"], "a file", 2, ["input.yaml", "a folder", "File exists"]),
        (["run", "-p", "size=1e999999999"], None, 2, ["size", "quantity", "'1e999999999'"]),
        (["evidence", "upload", "absent", "https://a.example/c"], None, 2, ["absent", "a run's folder"]),
        (["lab", "start", "--scenario", "nowhere"], None, 2, ["nowhere", "regional"]),
        (["lab", "start", "--speed", "0"], None, 2, ["speed", "above 0"]),
        (["lab", "stop"], None, 2, ["expected one running, found none"]),
        (["lab", "env"], None, 2, ["expected one running, found none"]),
        (["lab", "status"], None, 3, []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_line_and_an_exit_code(
    tmp_path: Path, arguments: list[str], content: str | None, code: int, said: list[str]
) -> None:
    file = tmp_path / "input.yaml"
    if content is not None:
        file.write_text(content)
    before = sorted(tmp_path.iterdir())

    filled = [argument.replace("{file}", str(file)) for argument in arguments]
    done = CliRunner().invoke(app, filled, env={"AKSDISKS_STATE_DIR": str(tmp_path / "state")})

    assert done.exit_code == code, done.output
    assert len(done.stderr.splitlines()) == bool(said), done.stderr
    for words in said:
        assert words in done.stderr
    left = [path for path in sorted(tmp_path.iterdir()) if path not in before and path.name != "state"]
    assert left == []


def test_a_class_that_is_not_there_is_refused_and_the_evidence_says_so(tmp_path: Path) -> None:
    done = aksdisks("run", "00", "-p", "storage_class=fast", "-o", str(tmp_path / "out"))
    _, result = evidence(tmp_path / "out")
    assert (done.returncode, result["status"]) == (2, "refused")
    for words in ("storage_class", "managed-premium", "'fast'"):
        assert words in result["problem"]
        assert words in done.stdout


def test_a_bundle_of_a_lab_that_was_stopped_is_named(lab_environment: Mapping[str, str], cluster_file: Path) -> None:
    cluster_file.write_text(cluster_file.read_text().partition("ca_bundle")[0])
    done = aksdisks("check", "-f", str(cluster_file), environment=lab_environment | {"AKSDISKS_CA_BUNDLE": "/gone"})
    said = "AKSDISKS_CA_BUNDLE: expected a file with certificates, found '/gone' (it is that of a lab that was stopped"
    assert (done.returncode, said in done.stderr, len(done.stderr.splitlines())) == (2, True, 1), done.stderr


def test_another_cluster_than_expected_is_refused_before_anything_is_made(
    lab: LabState, lab_environment: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(
        f"target: aks\nkubeconfig: {lab.kubeconfig}\ncontext: {lab.cluster_name}\nexpect: https://prod:443\n"
    )
    done = aksdisks("run", "-f", str(file), "-o", str(tmp_path / "out"), environment=lab_environment)
    said = f"expect: expected https://prod:443, found {lab.kube_url}"
    assert (done.returncode, said in done.stdout.splitlines()) == (2, True)
    _, result = evidence(tmp_path / "out")
    assert (result["status"], result["problem"]) == ("refused", said)


def test_a_cluster_that_does_not_answer_is_inconclusive(
    lab: LabState, lab_environment: Mapping[str, str], tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    content = Path(lab.kubeconfig).read_text().replace(lab.kube_url, f"https://127.0.0.1:{port}")
    kubeconfig.write_text(content)
    file = tmp_path / "cluster.yaml"
    file.write_text(f"target: aks\nkubeconfig: {kubeconfig}\ncontext: {lab.cluster_name}\nazure: 'off'\n")
    done = aksdisks("run", "-f", str(file), "-o", str(tmp_path / "out"), environment=lab_environment)
    said = f"https://127.0.0.1:{port}: expected a Kubernetes API, found: connection refused"
    assert (done.returncode, said in done.stdout.splitlines()) == (3, True)
    folder, result = evidence(tmp_path / "out")
    assert (result["status"], result["problem"]) == ("inconclusive", said)
    assert {"run.json", "index.html", "junit.xml", "aksdisks.prom", SUMS} < {path.name for path in folder.iterdir()}
    assert verify(folder).intact


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"current-context": None}, 0, ""),
        ({"current-context": "gone"}, 0, ""),
        ({"contexts": None}, 2, "which has none, found 'article'"),
        ({"users": []}, 3, "expected a user with a credential, found none that can be used"),
        ({"exec": PLUGIN}, 3, "expected a user with a credential, found exec: process returned 1. no luck"),
        ({"token": "a\nb"}, 3, "expected a token that fits in a header, found another"),
        ({"server": "nonsense"}, 2, "expected a server's URL, found 'nonsense'"),
        ({"server": "{server}/elsewhere"}, 3, "expected a Kubernetes API, found: GET /apis"),
    ],
)
def test_an_odd_kubeconfig(
    lab: LabState, lab_environment: Mapping[str, str], tmp_path: Path, change: dict[str, Any], code: int, said: str
) -> None:
    content = yaml.safe_load(Path(lab.kubeconfig).read_text())
    if "token" in change or "exec" in change:
        content["users"][0]["user"] = change
    elif "server" in change:
        content["clusters"][0]["cluster"]["server"] = change["server"].format(server=lab.kube_url)
    else:
        content |= change
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content))
    file = tmp_path / "cluster.yaml"
    file.write_text(f"target: aks\nkubeconfig: {tmp_path / 'kubeconfig'}\ncontext: article\nazure: 'off'\n")
    done = aksdisks("check", "-f", str(file), environment=lab_environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, bool(said)), done.stderr
    assert said in done.stderr


def test_a_namespace_that_was_not_prepared_is_refused(
    lab: LabState, lab_environment: Mapping[str, str], cluster_file: Path, tmp_path: Path
) -> None:
    load: Any = config.new_client_from_config
    core: Any = client.CoreV1Api(load(lab.kubeconfig))
    space = core.create_namespace({"metadata": {"generateName": "prepared-"}}).metadata.name
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    core.create_namespaced_persistent_volume_claim(
        space, {"metadata": {"name": "azure-managed-disk"}, "spec": {**claim, "storageClassName": "managed-premium"}}
    )
    try:
        for namespace, said in (
            ("not-there", "namespace not-there: expected a prepared one, found none"),
            (space, f"PersistentVolumeClaim azure-managed-disk in namespace {space}: expected none, found one that no"),
        ):
            options = ("-f", str(cluster_file), "-p", f"namespace={namespace}", "-q", "-o", str(tmp_path / "out"))
            done = aksdisks("run", "00", *options, environment=lab_environment)
            assert (done.returncode, said in done.stdout) == (2, True), done.stdout
        assert len(core.list_namespaced_persistent_volume_claim(space).items) == 1
    finally:
        core.delete_namespace(space)


def test_nobody_reads_on_and_the_command_ends_in_its_own_order(
    lab_environment: Mapping[str, str], cluster_file: Path, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as pipe:
        options = ("-f", str(cluster_file), "-p", "run_id=unread", "-o", str(tmp_path))
        done = subprocess.run(
            [AKSDISKS, "run", "00", *options], env=lab_environment, stdout=pipe, stderr=pipe, timeout=120, check=False
        )
    assert (done.returncode, verify(tmp_path / "unread").intact) == (0, True)


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("command", ["list", "parameters", "--help", "lab --help"])
def test_a_full_disk_under_what_is_shown_is_one_line(command: str, buffered: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {} if buffered else {"PYTHONUNBUFFERED": "1"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [AKSDISKS, *command.split()],
            env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "aksdisks: [Errno 28] No space left on device\n")


def test_a_full_disk_under_result_and_message_is_bad_input_all_the_same() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([AKSDISKS, "list"], env=environment, stdout=full, stderr=full, timeout=60, check=False)
    assert done.returncode == 2


def test_a_run_whose_progress_finds_a_full_disk_ends_in_its_own_order(
    lab_environment: Mapping[str, str], cluster_file: Path, tmp_path: Path
) -> None:
    options = ("-f", str(cluster_file), "-p", "run_id=unlogged", "-o", str(tmp_path))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [AKSDISKS, "run", "00", *options],
            env=lab_environment, stdout=subprocess.PIPE, stderr=full, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert (done.returncode, verify(tmp_path / "unlogged").intact) == (0, True)
    assert "passed: " in done.stdout


def test_a_lab_already_running_and_a_lab_that_died(start_lab: Callable[..., LabState]) -> None:
    state = start_lab()
    folder = ("--state-dir", state.state_dir)
    again = aksdisks("lab", "start", *folder)
    assert (again.returncode, str(state.pid) in again.stderr) == (2, True)

    os.kill(state.pid, signal.SIGKILL)
    os.waitpid(state.pid, 0)
    assert aksdisks("lab", "status", *folder).returncode == 3
    assert "expected one running, found none" in aksdisks("lab", "env", *folder).stderr


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = aksdisks("lab", "start", "--kube-port", port, "--state-dir", str(tmp_path / "lab"))
    assert (done.returncode, port in done.stderr) == (2, True)
    assert len(done.stderr.splitlines()) == 1
