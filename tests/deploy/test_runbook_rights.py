"""Runbook 06 passes with exactly the rights of its own role files beside the others; a missing one is named before."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from aksdisks import parameters
from aksdisks.inspection import preflight
from aksdisks.inspection.connection import connect
from aksdisks.lab.server.process import LabState
from tests.cli.command import aksdisks, evidence
from tests.deploy.test_least_rights import ACTIONS, DEPLOY, MANIFESTS, SECRET, principal
from tests.lab.kube import accounts
from tests.lab.kube.wire import Wire
from tests.programs import needs

OWN = "06-clusterrole.yaml"
OWN_ACTIONS: list[str] = json.loads((DEPLOY / "06-azure-role.json").read_text())["Actions"]

pytestmark = needs("kubectl")


@pytest.fixture
def wire(start_lab, tmp_path: Path) -> Wire:  # type: ignore[no-untyped-def]
    """A lab prepared by its administrator as the manifests say, for the pool `agentpool`."""
    group = "MC_disks_article_westeurope"
    roles = [{"name": "aksdisks", "actions": [*ACTIONS, *OWN_ACTIONS], "scope": group}]
    user = {"client_id": principal(), "client_secret": SECRET, "roles": roles}
    file = tmp_path / "least.yaml"
    file.write_text(yaml.safe_dump({"base": "regional", "principals": [user]}))
    lab: LabState = start_lab(scenario=str(file))
    kubectl(lab, "create", "namespace", "aksdisks")
    kubectl(lab, "apply", *(part for name in (*MANIFESTS, OWN) for part in ("-f", str(DEPLOY / name))))
    return Wire(lab)


def kubectl(lab: LabState, *arguments: str) -> None:
    command = ["kubectl", "--kubeconfig", lab.kubeconfig, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_a_machine_is_lost_with_these_rights_alone(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = wire.lab
    config = accounts.kubeconfig(lab, accounts.token(wire, "aksdisks", "aksdisks"), tmp_path / "kubeconfig")
    file = tmp_path / "cluster.yaml"
    file.write_text(
        f"target: aks\nkubeconfig: {config}\ncontext: lab\nexpect: {lab.kube_url}\nnamespace: aksdisks\n"
        f"arm_endpoint: {lab.arm_url}\nauthority: {lab.authority}\nca_bundle: {lab.ca_bundle}\n"
        "node_pool: agentpool\nstateful_replicas: 1\n"
    )
    user = {
        "AZURE_TENANT_ID": lab.tenant_id,
        "AZURE_CLIENT_ID": principal(),
        "AZURE_CLIENT_SECRET": SECRET,
        "AKSDISKS_STATE_DIR": str(tmp_path / "state"),
        "NO_PROXY": "127.0.0.1",
    }
    done = aksdisks("run", "06", "-f", str(file), "-o", str(tmp_path / "out"), environment=os.environ | user)
    assert done.returncode == 0, done.stdout + done.stderr
    (book,) = evidence(tmp_path / "out")[1]["runbooks"]
    assert {check["status"] for check in book["checks"]} == {"passed", "not applicable"}
    assert [check["statement"] for check in book["checks"] if check["status"] == "not applicable"] == [
        "A drained node has no pod of ours"
    ]
    kubectl(lab, "delete", "-f", str(DEPLOY / OWN))
    for name, value in user.items():
        monkeypatch.setenv(name, value)
    connection = connect(parameters.resolve(file)[0])
    assert preflight.rights(connection).seen == "missing: patch nodes"
    connection.close()
