"""The linter on a cluster: live objects, files against what is live, fixes that kubectl takes, and missing rights."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.inspection.lint.live import KINDS, read_cluster
from aksdisks.kube.client import Cluster
from aksdisks.kube.http import KINDS as PATHS
from aksdisks.targets.kubeconfig import api_client
from tests.lab.breaking import Broken, broken_lab
from tests.lab.kube import accounts
from tests.lab.kube.wire import Wire

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "aksdisks" / "deploy" / "lint-clusterrole.yaml"
ARTICLE = ROOT / "tests" / "lab" / "article"
SPACE = "shop"


@dataclass(frozen=True)
class Linted:
    """A lab with the article's two files, and a service account that has the shipped role."""

    lab: Broken
    wire: Wire
    folder: Path

    def lint(self, *arguments: str, code: int) -> dict[str, Any]:
        """The document of `aksdisks lint --cluster`."""
        gone = {name: None for name in os.environ if name.startswith(("AKSDISKS_", "AZURE_"))}
        environment = gone | {"KUBECONFIG": str(self.folder / "kubeconfig")}
        command = ["lint", "--cluster", *arguments, "--format", "json"]
        done = CliRunner().invoke(app, command, env=environment)
        assert done.exit_code == code, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def run(self, fix: str) -> None:
        """The commands of a fix, as somebody types them."""
        subprocess.run(fix, shell=True, check=True, env=dict(self.lab.environment), timeout=60)


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linted]:
    folder = tmp_path_factory.mktemp("linted")
    with broken_lab(folder, 200.0) as lab:
        lab.kubectl("create", "namespace", SPACE)
        lab.kubectl("create", "serviceaccount", "linter", "-n", SPACE)
        lab.kubectl("apply", "-f", str(ROLE))
        bind = ("--clusterrole=aksdisks-lint", f"--serviceaccount={SPACE}:linter")
        lab.kubectl("create", "clusterrolebinding", "linter", *bind)
        lab.kubectl("apply", "-n", SPACE, "-f", str(ARTICLE))
        wire = Wire(lab.state)
        accounts.kubeconfig(lab.state, accounts.token(wire, SPACE, "linter"), folder / "kubeconfig")
        yield Linted(lab, wire, folder)


def rules(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["rule"], each["object"]["name"]) for each in document["findings"]]


def test_the_role_grants_reading_of_what_is_read_and_no_more() -> None:
    granted = yaml.safe_load(ROLE.read_text())["rules"]
    assert {verb for rule in granted for verb in rule["verbs"]} == {"get", "list"}
    paths = {kind: (PATHS[kind][0].removeprefix("/apis/").removeprefix("/api/"), PATHS[kind][1]) for kind in KINDS}
    assert {(path.rpartition("/")[0], plural) for path, plural in paths.values()} == {
        (group, name) for rule in granted for group in rule["apiGroups"] for name in rule["resources"]
    }


def test_live_objects_are_judged_and_a_fix_mends_them(linted: Linted) -> None:
    found = linted.lint("-n", SPACE, code=1)
    assert found["unseen"] == []
    assert rules(found) == [("no-anti-affinity", "disk-stateful-set"), ("rwo-rolling-update", "disk-deploy")]
    fix = found["findings"][1]["fix"]
    assert fix.startswith(f"kubectl patch deployment disk-deploy -n {SPACE} --type json -p ")
    linted.run(fix)
    assert rules(linted.lint("-n", SPACE, code=0)) == [("no-anti-affinity", "disk-stateful-set")]
    assert linted.lint("-n", "kube-system", code=0)["findings"] == []


@pytest.mark.parametrize("beside", [(), ("elsewhere",)])
def test_the_namespaces_of_a_file_are_those_that_are_read(
    linted: Linted, tmp_path: Path, beside: tuple[str, ...]
) -> None:
    text = (ARTICLE / "dynamic-with-stateful.yaml").read_text().replace("25Gi", "50Gi")
    (wanted,) = (each for each in yaml.safe_load_all(text) if each["kind"] == "StatefulSet")
    sets = [{**wanted, "metadata": {**wanted["metadata"], "namespace": each}} for each in (SPACE, *beside)]
    path = tmp_path / "sets.yaml"
    path.write_text(yaml.safe_dump_all(sets))
    for named in ((), ("-n", "kube-system")):
        found = linted.lint(*named, str(path), code=1)
        changes = [each for each in found["findings"] if each["rule"] == "template-storage-change"]
        assert [each["object"]["namespace"] for each in changes] == [SPACE]


def test_a_file_is_judged_against_the_set_that_is_there(linted: Linted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(linted.folder)
    wanted = Path("grown.yaml")
    wanted.write_text((ARTICLE / "dynamic-with-stateful.yaml").read_text().replace("25Gi", "50Gi"))
    first = "pvc/azure-managed-disk-stateful-disk-stateful-set-0"
    linted.lab.wait("jsonpath={.status.phase}=Bound", first, "-n", SPACE)
    found = linted.lint("-n", SPACE, str(wanted), code=1)
    # The Deployment that stands in the cluster, and not in the file, is nobody's concern here.
    assert rules(found) == [("no-anti-affinity", "disk-stateful-set"), ("template-storage-change", "disk-stateful-set")]
    change = found["findings"][1]
    refused = linted.lab.kubectl("apply", "-n", SPACE, "-f", str(wanted.resolve()), code=1)
    assert "updates to statefulset spec for fields other than" in refused
    linted.run(change["fix"])
    assert rules(linted.lint("-n", SPACE, str(wanted), code=0)) == [("no-anti-affinity", "disk-stateful-set")]
    sizes = linted.lab.get("{.items[*].spec.resources.requests.storage}", "pvc", "-n", SPACE).split()
    assert sizes.count("50Gi") >= 1 and sizes.count("25Gi") == 1, sizes  # one is the Deployment's


def test_what_may_not_be_read_is_unseen(linted: Linted) -> None:
    role = yaml.safe_load(ROLE.read_text())
    left = [rule for rule in role["rules"] if "storage.k8s.io" not in rule["apiGroups"]]
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/aksdisks-lint"
    assert linted.wire("PUT", path, {**role, "rules": left}).status == 200
    try:
        found = linted.lint("-n", SPACE, "--fail-on", "never", code=0)
        assert linted.lint("-n", "kube-system", code=3)["findings"] == []
    finally:
        assert linted.wire("PUT", path, role).status == 200
    assert [each["what"] for each in found["unseen"]] == ["StorageClass", "VolumeAttachment", "CSINode", "CSIDriver"]
    assert all("is forbidden" in each["because"] and each["limits"] for each in found["unseen"])


def test_pods_that_a_workload_made_are_not_kept(linted: Linted) -> None:
    linted.lab.kubectl("wait", "-n", SPACE, "--for=condition=Ready", "pod/disk-stateful-set-0", "--timeout=20s")
    cluster = Cluster(api_client(str(linted.folder / "kubeconfig")))
    kept = read_cluster(cluster, SPACE).manifests
    assert [each.name for each in kept if each.kind in ("Pod", "ReplicaSet")] == []
    assert {each.name for each in kept if each.kind == "StatefulSet"} == {"disk-stateful-set"}


def test_a_namespace_that_is_not_there_is_bad_input(linted: Linted) -> None:
    command = ["lint", "--cluster", "-n", "shopp"]
    done = CliRunner().invoke(app, command, env=dict(linted.lab.environment))
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        "aksdisks: namespace: expected one that is there, found 'shopp' (did you mean 'shop'?)"
    )
