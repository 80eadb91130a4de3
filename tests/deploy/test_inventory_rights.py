"""`aksdisks inventory` sees all with the shipped ClusterRole; each right taken away is said, and makes no orphan."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.inspection.diagnosis import reading
from aksdisks.inspection.ownership.reading import CONTENTS, WORKLOADS
from aksdisks.kube.http import KINDS
from aksdisks.lab.server.process import LabState
from tests.lab.breaking import Broken, claim, pod
from tests.lab.kube import accounts
from tests.lab.kube.wire import Wire
from tests.programs import needs

ROLE = Path(__file__).parents[2] / "aksdisks" / "deploy" / "inventory-clusterrole.yaml"
PATH = "/apis/rbac.authorization.k8s.io/v1/clusterroles/aksdisks-inventory"
RULES: list[dict[str, list[str]]] = yaml.safe_load(ROLE.read_text())["rules"]
GRANTED = {(group, name) for rule in RULES for group in rule["apiGroups"] for name in rule["resources"]}

pytestmark = needs("kubectl")


@dataclass(frozen=True)
class Accountant:
    """A service account with the role, in whose namespace a pod has a disk and a share."""

    wire: Wire
    environment: Mapping[str, str]

    def inventory(self) -> tuple[int, dict[str, Any]]:
        """Exit code and document."""
        gone = {name: None for name in os.environ if name.startswith(("AZURE_", "AKSDISKS_"))}
        arguments = ["inventory", "-n", "counted", "--format", "json"]
        done = CliRunner().invoke(app, arguments, env=gone | dict(self.environment))
        assert done.stdout, done.stderr
        return done.exit_code, json.loads(done.stdout)


@pytest.fixture(scope="module")
def accountant(
    lab: LabState, lab_environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Accountant]:
    stock = Broken(lab, lab_environment, "counted")
    stock.kubectl("create", "namespace", "counted")
    stock.kubectl("create", "serviceaccount", "accountant")
    stock.kubectl("apply", "-f", str(ROLE))
    bind = ("--clusterrole=aksdisks-inventory", "--serviceaccount=counted:accountant")
    stock.kubectl("create", "clusterrolebinding", "accountant", *bind)
    files = claim("files", "azurefile-csi", "ReadWriteMany")
    stock.apply(claim("data"), files, pod("one", "data", "files"))
    stock.running("one")
    wire = Wire(lab)
    file = accounts.kubeconfig(
        lab, accounts.token(wire, "counted", "accountant"), tmp_path_factory.mktemp("k") / "config"
    )
    yield Accountant(wire, lab.environment() | {"KUBECONFIG": str(file)})
    stock.kubectl("delete", "clusterrolebinding", "accountant")
    stock.kubectl("delete", "clusterrole", "aksdisks-inventory")
    stock.kubectl("delete", "namespace", "counted", "--wait=false")


def test_the_role_grants_reading_of_what_an_inventory_reads_and_no_more() -> None:
    assert {verb for rule in RULES for verb in rule["verbs"]} == {"get", "list", "watch"}
    read = {*reading.KINDS, *WORKLOADS, reading.SNAPSHOTS, CONTENTS} - {"Event"}
    paths = {kind: (KINDS[kind][0].removeprefix("/apis/").removeprefix("/api/"), KINDS[kind][1]) for kind in read}
    assert {(path.rpartition("/")[0], plural) for path, plural in paths.values()} == GRANTED


def test_an_account_with_the_role_sees_all(accountant: Accountant) -> None:
    code, found = accountant.inventory()
    assert (code, found["unseen"]) == (0, [])
    assert [(each["claim"], each["verdict"], each["pod"]) for each in found["disks"]] == [
        ("counted/data", "in-use", "one")
    ]  # fmt: skip
    assert [(each["claim"], each["verdict"], each["pod"]) for each in found["shares"]] == [
        ("counted/files", "in-use", "one")
    ]  # fmt: skip


@pytest.mark.parametrize(("group", "resource"), sorted(GRANTED), ids=lambda part: part or "core")
def test_a_right_taken_away_is_said_and_makes_no_orphan(accountant: Accountant, group: str, resource: str) -> None:
    role = yaml.safe_load(ROLE.read_text())
    left = [
        {**rule, "resources": [name for name in rule["resources"] if (rule["apiGroups"], name) != ([group], resource)]}
        for rule in RULES
    ]
    wire = accountant.wire
    assert wire("PUT", PATH, {**role, "rules": [rule for rule in left if rule["resources"]]}).status == 200
    try:
        code, found = accountant.inventory()
    finally:
        assert wire("PUT", PATH, role).status == 200
    named = f"{resource}.{group}" if group else resource
    assert code == 3
    assert all(f"{named} is forbidden" in each["because"] for each in found["unseen"]), found["unseen"]
    assert {each["verdict"] for each in found["disks"]} <= {"in-use", "kept", "unknown"}
    assert {each["verdict"] for each in found["shares"]} <= {"in-use", "kept", "unknown"}
