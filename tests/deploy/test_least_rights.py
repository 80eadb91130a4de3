"""The walk passes with exactly the rights of aksdisks/deploy, and each one taken away is named beforehand."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from aksdisks import parameters
from aksdisks.cli.main import app
from aksdisks.errors import NotAllowed
from aksdisks.inspection import preflight
from aksdisks.inspection.connection import Target, connect
from aksdisks.lab.server import process
from tests.cli.command import aksdisks, article, proofs
from tests.cli.target import filled_in
from tests.lab.kube import accounts
from tests.lab.kube.wire import Wire
from tests.programs import require

DEPLOY = Path(__file__).parents[2] / "aksdisks" / "deploy"
MANIFESTS = ("serviceaccount.yaml", "role.yaml", "clusterrole.yaml", "bindings.yaml")
ROLES = {
    "role.yaml": "/apis/rbac.authorization.k8s.io/v1/namespaces/aksdisks/roles/aksdisks",
    "clusterrole.yaml": "/apis/rbac.authorization.k8s.io/v1/clusterroles/aksdisks",
}
Right = tuple[str, str, str]


def granted(file: str) -> list[Right]:
    """(verb, resource, API group) of each right in a manifest."""
    rules = yaml.safe_load((DEPLOY / file).read_text())["rules"]
    return [
        (verb, resource, group)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
        for group in rule["apiGroups"]
    ]


ACTIONS: list[str] = json.loads((DEPLOY / "azure-role.json").read_text())["Actions"]
SECRET = "not-a-secret-of-anybody"
CLUSTER_ID = (
    "/subscriptions/6a1d5f4e-93c7-4b0e-8f52-2d7c1b9e4a60/resourceGroups/disks"
    "/providers/Microsoft.ContainerService/managedClusters/article"
)


def principal(missing: str = "") -> str:
    """The id of the client that has the Azure role, without one of its actions."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"least rights without {missing}"))


def scenario(folder: Path) -> Path:
    """The default scenario with those clients."""
    roles = [
        {
            "client_id": principal(missing),
            "client_secret": SECRET,
            "roles": [
                {"name": "aksdisks", "actions": [action for action in ACTIONS if action != missing], "scope": group}
                for group in ("disks", "MC_disks_article_westeurope")
            ],
        }
        for missing in ("", *ACTIONS)
    ]
    file = folder / "least.yaml"
    file.write_text(yaml.safe_dump({"base": "regional", "principals": roles}))
    return file


RIGHTS = [(file, right) for file in ROLES for right in granted(file)]


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A lab of its own, prepared by its administrator as the manifests say."""
    require("kubectl")
    folder = tmp_path_factory.mktemp("lab")
    lab = process.start(folder / "state", 100.0, str(scenario(folder)), parent=os.getpid())
    admin = ["kubectl", "--kubeconfig", lab.kubeconfig]
    files = [part for name in MANIFESTS for part in ("-f", str(DEPLOY / name))]
    for command in (["create", "namespace", "aksdisks"], ["apply", *files]):
        subprocess.run([*admin, *command], check=True, capture_output=True, timeout=60)
    yield Wire(lab)
    process.stop(lab.state_dir)


@pytest.fixture(scope="module")
def file(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parameters that take that lab for a cluster in which we are the service account."""
    folder, lab = tmp_path_factory.mktemp("user"), wire.lab
    config = accounts.kubeconfig(lab, accounts.token(wire, "aksdisks", "aksdisks"), folder / "kubeconfig")
    chosen = folder / "cluster.yaml"
    chosen.write_text(
        f"target: aks\nkubeconfig: {config}\ncontext: lab\nexpect: {lab.kube_url}\nnamespace: aksdisks\n"
        f"arm_endpoint: {lab.arm_url}\nauthority: {lab.authority}\nca_bundle: {lab.ca_bundle}\n"
    )
    return chosen


@pytest.fixture(scope="module")
def connection(file: Path) -> Iterator[Target]:
    opened = connect(parameters.resolve(file)[0])
    yield opened
    opened.close()


@contextmanager
def taken_away(wire: Wire, file: str, right: Right) -> Iterator[None]:
    """While it lasts, the role is without one right."""
    role = yaml.safe_load((DEPLOY / file).read_text())
    left = [{"verbs": [v], "resources": [r], "apiGroups": [g]} for v, r, g in granted(file) if (v, r, g) != right]
    assert len(left) == len(granted(file)) - 1
    assert wire("PUT", ROLES[file], {**role, "rules": left}).status == 200
    yield
    assert wire("PUT", ROLES[file], role).status == 200


@pytest.mark.parametrize(("role", "right"), RIGHTS, ids=[" ".join(right) for _, right in RIGHTS])
def test_a_right_taken_away_is_named(wire: Wire, connection: Target, role: str, right: Right) -> None:
    verb, resource, group = right
    with taken_away(wire, role, right):
        answer = preflight.rights(connection)
    assert (answer.status, answer.seen) == ("failed", f"missing: {verb} {resource}{f'.{group}' if group else ''}")


@pytest.mark.parametrize(
    ("role", "right"),
    [
        ("role.yaml", ("create", "leases", "coordination.k8s.io")),
        ("role.yaml", ("create", "persistentvolumeclaims", "")),
        ("clusterrole.yaml", ("list", "nodes", "")),
        ("clusterrole.yaml", ("list", "storageclasses", "storage.k8s.io")),
    ],
)
def test_nothing_is_made_where_a_right_is_missing(
    wire: Wire,
    file: Path,
    role: str,
    right: Right,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in user(wire, tmp_path).items():
        monkeypatch.setenv(name, value)
    with taken_away(wire, role, right):
        ended = CliRunner().invoke(app, ["check", "-f", str(file)])
    shown = ended.output
    assert ended.exit_code == 3, shown
    assert f"missing: {right[0]} {right[1]}" in " ".join(shown.split())
    assert left(wire) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_an_azure_action_taken_away_is_named(
    wire: Wire, file: Path, action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in user(wire, tmp_path, missing=action).items():
        monkeypatch.setenv(name, value)
    if "managedClusters" in action:
        with pytest.raises(NotAllowed, match=action):
            connect(parameters.resolve(file, {"expect": CLUSTER_ID})[0])
        return
    answers = preflight.preflight(parameters.resolve(file)[0])
    (answer,) = (answer for answer in answers if answer.statement.startswith("Azure shows"))
    assert answer.status == "inconclusive"
    assert f"does not have authorization to perform action '{action}'" in answer.seen


def test_the_expected_cluster_is_found_with_the_azure_role(
    wire: Wire, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in user(wire, tmp_path).items():
        monkeypatch.setenv(name, value)
    connect(parameters.resolve(file, {"expect": CLUSTER_ID})[0]).close()


def test_the_walk_passes_with_the_shipped_example_and_these_rights_alone(
    wire: Wire, file: Path, tmp_path: Path
) -> None:
    """In a prepared namespace."""
    config, lab = parameters.resolve(file)[0].kubeconfig, wire.lab
    example = filled_in(tmp_path, context="lab", expect=lab.kube_url, kubeconfig=config, namespace="aksdisks")
    environment = os.environ | lab.environment() | user(wire, tmp_path)
    asked = aksdisks("check", "-f", str(example), environment=environment)
    assert asked.returncode == 0, asked.stdout + asked.stderr

    done = aksdisks("run", "-f", str(example), "-o", str(tmp_path / "out"), environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    result = article(tmp_path / "out", SECRET)
    assert (result["teardown"]["problems"], proofs(result)) == ([], {"passed"})
    assert result["identity"]["user"] == "system:serviceaccount:aksdisks:aksdisks"
    assert "USD" in done.stderr, "what it costs a day is shown"
    assert left(wire) == []

    cleaned = aksdisks("clean", "-f", str(example), environment=environment)
    assert (cleaned.returncode, "were not looked for" in cleaned.stdout) == (0, True), cleaned.stdout + cleaned.stderr


def test_a_pod_of_the_cluster_needs_nothing_but_its_account(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cluster: in-cluster`, with the files and variables that every pod has."""
    from kubernetes.config import incluster_config

    host, _, port = wire.lab.kube_url.removeprefix("https://").partition(":")
    (tmp_path / "token").write_text(accounts.token(wire, "aksdisks", "aksdisks"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", wire.lab.ca_bundle)
    values = {"target": "aks", "cluster": "in-cluster", "azure": "off", "namespace": "aksdisks"}
    opened = connect(parameters.validate(values))
    assert opened.cluster.identity() == "system:serviceaccount:aksdisks:aksdisks"
    assert preflight.rights(opened).status == "passed"


def user(wire: Wire, folder: Path, missing: str = "") -> Mapping[str, str]:
    """What a user's shell has for Azure, and a place for journals."""
    azure = {"AZURE_TENANT_ID": wire.lab.tenant_id, "AZURE_CLIENT_SECRET": SECRET}
    azure["AZURE_CLIENT_ID"] = principal(missing)
    return azure | {"AKSDISKS_STATE_DIR": str(folder / "state"), "NO_PROXY": "127.0.0.1"}


def left(wire: Wire) -> list[Any]:
    """What is in the prepared namespace of the kinds that a run makes."""
    kinds = {
        "/api/v1": ("persistentvolumeclaims", "pods"),
        "/apis/apps/v1": ("deployments", "statefulsets"),
        "/apis/coordination.k8s.io/v1": ("leases",),
    }
    paths = [f"{group}/namespaces/aksdisks/{kind}" for group, plurals in kinds.items() for kind in plurals]
    return [item for path in paths for item in wire("GET", path).json()["items"]]
