"""`aksdisks diagnose` sees all with the shipped ClusterRole and Reader; each right taken away ends in `unseen`."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aksdisks.inspection.diagnosis import reading
from aksdisks.kube.http import KINDS
from aksdisks.lab.server import process
from tests.cli.command import aksdisks
from tests.inspection.diagnosis.test_on_the_lab_shares import static
from tests.lab.breaking import Broken, claim, pod
from tests.lab.kube import accounts
from tests.lab.kube.wire import Wire
from tests.programs import require

ROLE = Path(__file__).parents[2] / "aksdisks" / "deploy" / "diagnose-clusterrole.yaml"
PATH = "/apis/rbac.authorization.k8s.io/v1/clusterroles/aksdisks-diagnose"
SECRET = "not-a-secret-of-anybody"
READER, NOBODY = (str(uuid.uuid5(uuid.NAMESPACE_URL, f"diagnose {who}")) for who in ("reader", "nobody"))
GONE = "nosuchaccount1"
GROUP = "MC_disks_article_westeurope"
RULES: list[dict[str, list[str]]] = yaml.safe_load(ROLE.read_text())["rules"]
GRANTED = {(group, name) for rule in RULES for group in rule["apiGroups"] for name in rule["resources"]}


class OnCall:
    """A service account with the role, and two clients of Azure: one reads the node resource group, one nothing."""

    def __init__(self, lab: Broken, wire: Wire, folder: Path) -> None:
        self.lab, self.wire, self.folder = lab, wire, folder
        token = accounts.token(wire, "oncall", "oncall")
        self.kubeconfig = accounts.kubeconfig(wire.lab, token, folder / "kubeconfig")

    def diagnose(self, *arguments: str, client: str = READER) -> tuple[int, dict[str, Any]]:
        """Exit code and document."""
        state = self.wire.lab
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "AKSDISKS_"))
        }
        environment |= state.environment() | {"KUBECONFIG": str(self.kubeconfig)}
        environment |= {"AZURE_CLIENT_ID": client, "AZURE_CLIENT_SECRET": SECRET}
        done = aksdisks("diagnose", *arguments, "--format", "json", environment=environment)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def on_call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnCall]:
    """A lab in which a pod shares a claim, a claim waits for a snapshot, a disk does not leave, an account is gone."""
    require("kubectl")
    folder = tmp_path_factory.mktemp("oncall")
    principals = [{"client_id": id_, "client_secret": SECRET, "roles": roles} for id_, roles in
                  ((READER, [{"name": "Reader", "scope": GROUP}]), (NOBODY, []))]  # fmt: skip
    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump({"base": "regional", "principals": principals}))
    state = process.start(folder / "state", 100.0, str(file), parent=os.getpid())
    environment = os.environ | state.environment() | {"KUBECACHEDIR": str(folder / "cache")}
    lab = Broken(state, environment, "oncall")
    lab.kubectl("create", "namespace", "oncall")
    lab.kubectl("create", "serviceaccount", "oncall")
    lab.kubectl("apply", "-f", str(ROLE))
    bind = ("--clusterrole=aksdisks-diagnose", "--serviceaccount=oncall:oncall")
    lab.kubectl("create", "clusterrolebinding", "oncall", *bind)
    lab.apply(claim("data"), pod("one", "data", node=lab.node(0)))
    lab.running("one")
    lab.apply(pod("two", "data", node=lab.node(1)))
    lab.told("FailedAttachVolume Multi-Attach", "two")
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "yesterday"}
    restored = claim("restored")
    restored["spec"]["dataSource"] = source
    lab.apply(restored, pod("three", "restored"))
    lab.told("ProvisioningFailed|ExternalProvisioning|Provisioning ", "restored")
    lab.apply(claim("moves"), pod("old", "moves", node=lab.node(0)), claim("slow"), pod("user", "slow"))
    lab.running("old", "user")
    lab.kubectl("patch", "pvc", "slow", "--type=merge", '--patch={"spec":{"volumeAttributesClassName":"nothing"}}')
    lab.told("VolumeModifyFailed", "slow")
    lab.kubectl("create", "secret", "generic", "key", f"--from-literal=azurestorageaccountname={GONE}",
                "--from-literal=azurestorageaccountkey=a2V5")  # fmt: skip
    lab.apply(*static("files", f"{GROUP}#{GONE}#docs", "key", "oncall"), pod("four", "files"))
    lab.told("FailedMount ", "four")
    with lab.fault("detach-stuck", f"disk/{lab.volume('moves')}"):
        lab.kubectl("delete", "pod", "old")
        lab.apply(pod("new", "moves", node=lab.node(1)))
        lab.told("FailedAttachVolume Multi-Attach", "new")
        yield OnCall(lab, Wire(state), folder)
    process.stop(state.state_dir)


def test_the_role_grants_reading_of_what_a_diagnosis_reads_and_no_more() -> None:
    assert {verb for rule in RULES for verb in rule["verbs"]} == {"get", "list", "watch"}
    read = (*reading.KINDS, *reading.WORKLOADS, reading.SNAPSHOTS, reading.CONTENTS, reading.ATTRIBUTES)
    paths = {kind: (KINDS[kind][0].removeprefix("/apis/").removeprefix("/api/"), KINDS[kind][1]) for kind in read}
    groups = {(path.rpartition("/")[0], plural) for path, plural in paths.values()}
    assert groups == GRANTED


def test_an_account_with_the_role_and_reader_sees_all_and_may_do_nothing_more(on_call: OnCall) -> None:
    code, found = on_call.diagnose("-A")
    causes = {(each["object"]["name"], each["cause"]) for each in found["findings"]}
    assert (code, found["unseen"]) == (1, [])
    assert {("two", "shared-claim"), ("restored", "source-missing"), ("four", "share-missing")} <= causes
    assert "new" in {name for name, _ in causes}
    assert on_call.diagnose("pv/" + on_call.lab.volume("data"))[1]["unseen"] == []

    may = on_call.lab.kubectl("auth", "can-i", "--list", "--as=system:serviceaccount:oncall:oncall").splitlines()
    listed = {
        line.split()[0]: line.rpartition("[")[2].rstrip("]").split() for line in may[1:] if not line.startswith(" ")
    }
    granted = {f"{name}.{group}" if group else name for group, name in GRANTED}
    assert {name for name in listed if not name.startswith("self")} == granted
    assert all(set(listed[name]) == {"get", "list", "watch"} for name in granted)


@pytest.mark.parametrize(("group", "resource"), sorted(GRANTED), ids=lambda part: part or "core")
def test_a_right_taken_away_ends_in_unseen(on_call: OnCall, group: str, resource: str) -> None:
    role = yaml.safe_load(ROLE.read_text())
    left = [
        {**rule, "resources": [name for name in rule["resources"] if (rule["apiGroups"], name) != ([group], resource)]}
        for rule in RULES
    ]
    wire = on_call.wire
    assert wire("PUT", PATH, {**role, "rules": [rule for rule in left if rule["resources"]]}).status == 200
    try:
        code, found = on_call.diagnose("-n", "oncall")
    finally:
        assert wire("PUT", PATH, role).status == 200
    # Without the nodes nobody knows where Azure has them, so that disks, machines and accounts are not seen either.
    assert len(found["unseen"]) == (4 if resource == "nodes" else 1), found["unseen"]
    for unseen in found["unseen"]:
        named = f"{resource}.{group}" if group else resource
        assert f"{named} is forbidden" in unseen["because"] and unseen["limits"], unseen
    verdicts = {each["verdict"] for each in found["findings"]}
    assert code == (1 if "problem" in verdicts else 3), found["findings"]


def test_without_azure_s_reader_disks_machines_and_accounts_are_unseen(on_call: OnCall) -> None:
    code, found = on_call.diagnose("-n", "oncall", client=NOBODY)
    assert [each["what"] for each in found["unseen"]] == [
        "Azure's disks", "Azure's machines", "Azure's storage accounts"
    ]  # fmt: skip
    (four,) = [each for each in found["findings"] if each["object"]["name"] == "four"]
    assert (four["cause"], four["confidence"]) == ("share-unreachable", "likely")
    assert all("does not have authorization" in each["because"] for each in found["unseen"])
    assert code == 1  # what Kubernetes says is enough for this problem
