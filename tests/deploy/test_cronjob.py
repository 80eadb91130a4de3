"""The manifests are applied as the schedule page says, and the CronJob's own command runs as its pod would run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from aksdisks.lab.server.process import LabState
from tests.cli.command import AKSDISKS, PAUSE, evidence, proofs
from tests.programs import needs

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "aksdisks" / "deploy"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def kubectl(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(["kubectl", *arguments], env=dict(environment), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_a_pod(mounts: Mapping[str, tuple[str, Path]]) -> list[str]:
    """bwrap arguments for a read-only root with a scratch /tmp and `mounts` (place → how, from where)."""
    command = [
        "bwrap",
        "--unshare-pid",
        "--die-with-parent",
        "--tmpfs",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
    ]
    for entry in sorted(Path("/").iterdir()):
        if entry.name in ("dev", "proc", "tmp", "run", "var", "evidence", "etc"):
            continue
        command += (
            ["--symlink", str(entry.readlink()), str(entry)] if entry.is_symlink() else ["--ro-bind", *[str(entry)] * 2]
        )
    for entry in sorted(Path("/etc").iterdir()):
        command += ["--ro-bind-try", str(entry), str(entry)]
    for place in (str(ROOT), sys.base_prefix):
        command += ["--ro-bind", place, place]
    for place, (how, source) in mounts.items():
        command += [how, str(source), place]
    return [*command, "--remount-ro", "/"]


# One runbook, which proves bytes too, shows what the container allows; test_least_rights runs all with these rights.
@needs("bwrap", "kubectl")  # bubblewrap stands in for the pod's sandbox
@pytest.mark.parametrize(
    ("names", "image", "proof"),
    [
        (["04"], "", "passed"),
        pytest.param([], "", "passed", marks=pytest.mark.slow),
        pytest.param([], PAUSE, "not applicable", marks=pytest.mark.slow),
    ],
)
def test_the_job_s_command_passes_under_its_account_in_a_read_only_container(
    lab: LabState, lab_environment: Mapping[str, str], tmp_path: Path, names: list[str], image: str, proof: str
) -> None:
    for name in ("namespace", "serviceaccount", "role", "clusterrole", "bindings", "cronjob"):
        kubectl(lab_environment, "apply", "-f", str(DEPLOY / f"{name}.yaml"))
    job = json.loads(kubectl(lab_environment, "get", "cronjob", "aksdisks", "-n", "aksdisks", "-o", "json"))
    settings = json.loads(kubectl(lab_environment, "get", "configmap", "aksdisks", "-n", "aksdisks", "-o", "json"))
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]

    account, parameters, output = tmp_path / "account", tmp_path / "parameters", tmp_path / "evidence"
    for folder in (account, parameters, output):
        folder.mkdir()
    token = kubectl(lab_environment, "create", "token", "aksdisks", "-n", "aksdisks")
    (account / "token").write_text(token)
    (account / "namespace").write_text("aksdisks")
    shutil.copy(lab.ca_bundle, account / "ca.crt")
    # What stands for the public cloud: the lab's Resource Manager, with the same DefaultAzureCredential.
    azure = {"arm_endpoint": lab.arm_url, "authority": lab.authority, "ca_bundle": f"{ACCOUNT}/ca.crt"}
    values = yaml.safe_load(settings["data"]["parameters.yaml"]) | azure
    (parameters / "parameters.yaml").write_text(yaml.safe_dump(values))

    server = urlsplit(lab.kube_url)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/tmp",
        "XDG_STATE_HOME": "/tmp/state",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "KUBERNETES_SERVICE_HOST": server.hostname or "",
        "KUBERNETES_SERVICE_PORT": str(server.port),
        **{name: value for name, value in lab.environment().items() if name.startswith("AZURE_")},
        **({"AKSDISKS_PARAM_IMAGE": image} if image else {}),
    }
    pod = in_a_pod(
        {
            ACCOUNT: ("--ro-bind", account),
            "/etc/aksdisks": ("--ro-bind", parameters),
            "/evidence": ("--bind", output),
        }
    )
    command = [*pod, "--chdir", "/tmp", AKSDISKS, *container["args"], *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    _, result = evidence(output)
    assert (result["status"], result["identity"]["user"]) == ("passed", "system:serviceaccount:aksdisks:aksdisks")
    assert proofs(result) == {proof}
    assert token not in "".join(path.read_text() for path in output.rglob("*") if path.is_file())
    kubectl(lab_environment, "delete", "namespace", "aksdisks", "--wait")
    for name in ("clusterrole", "bindings"):
        kubectl(lab_environment, "delete", "-f", str(DEPLOY / f"{name}.yaml"), "--ignore-not-found")
