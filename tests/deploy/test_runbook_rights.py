"""Runbooks 06, 08 to 11 and 13 pass with exactly the rights of their own role files beside the others."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from aksdisks import parameters
from aksdisks.azure import arm
from aksdisks.inspection import preflight
from aksdisks.inspection.connection import connect
from aksdisks.inspection.ownership import read_ownership
from aksdisks.model import Unknown, known
from aksdisks.model.checks import MIME_TYPE
from aksdisks.parameters import Parameters
from aksdisks.runner import shipped
from aksdisks.runner.runner import run_runbooks
from aksdisks.session.leftovers import clean
from aksdisks.session.session import open_session
from aksdisks.walkthrough.backup import Backup
from aksdisks.walkthrough.shared_files import SharedFiles
from aksdisks.walkthrough.walk import Walk
from tests.cli.command import aksdisks, evidence
from tests.deploy.test_least_rights import ACTIONS, DEPLOY, MANIFESTS, SECRET, principal
from tests.lab.kube import accounts
from tests.lab.kube.wire import Wire
from tests.programs import needs

OWN = sorted(path.name for path in DEPLOY.glob("*-clusterrole.yaml"))
GROUP = "MC_disks_article_westeurope"

pytestmark = needs("kubectl")


class Cluster:
    """A lab prepared by its administrator as the manifests say, for one runbook, and taken for a cluster."""

    def __init__(self, wire: Wire, folder: Path, runbook: str, *parameters: str) -> None:
        self.wire, self.lab = wire, wire.lab
        self.files = [name for name in OWN if name.startswith((*runbook.split(), "inventory"))]
        self.kubectl("create", "namespace", "aksdisks")
        self.kubectl("apply", *(part for name in (*MANIFESTS, *self.files) for part in ("-f", str(DEPLOY / name))))
        config = accounts.kubeconfig(self.lab, accounts.token(wire, "aksdisks", "aksdisks"), folder / "kubeconfig")
        lab, self.file = self.lab, folder / "cluster.yaml"
        self.file.write_text(
            f"target: aks\nkubeconfig: {config}\ncontext: lab\nexpect: {lab.kube_url}\nnamespace: aksdisks\n"
            f"arm_endpoint: {lab.arm_url}\nauthority: {lab.authority}\nca_bundle: {lab.ca_bundle}\n"
            + "\n".join(parameters)
        )
        self.user = {
            "AZURE_TENANT_ID": lab.tenant_id,
            "AZURE_CLIENT_ID": principal(),
            "AZURE_CLIENT_SECRET": SECRET,
            "AKSDISKS_STATE_DIR": str(folder / "state"),
            "NO_PROXY": "127.0.0.1",
        }

    def kubectl(self, *arguments: str) -> str:
        command = ["kubectl", "--kubeconfig", self.lab.kubeconfig, *arguments]
        return subprocess.run(command, check=True, capture_output=True, timeout=60, text=True).stdout


@pytest.fixture
def prepared(start_lab, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Makes such a cluster, for one runbook or several."""

    def make(runbook: str, *parameters: str) -> Cluster:
        roles = [path for name in runbook.split() for path in DEPLOY.glob(f"{name}-azure-role.json")]
        actions = [action for path in roles for action in json.loads(path.read_text())["Actions"]]
        role = {"name": "aksdisks", "actions": [*ACTIONS, *actions], "scope": GROUP}
        user = {"client_id": principal(), "client_secret": SECRET, "roles": [role]}
        file = tmp_path / "least.yaml"
        file.write_text(yaml.safe_dump({"base": "regional", "principals": [user]}))
        return Cluster(Wire(start_lab(scenario=str(file))), tmp_path, runbook, *parameters)

    return make


def missing_without(cluster: Cluster, file: str, monkeypatch: pytest.MonkeyPatch, runbooks: Sequence[str] = ()) -> str:
    """What is said to be missing for these runbooks, or all, once a role file is taken away."""
    cluster.kubectl("delete", "-f", str(DEPLOY / file))
    for name, value in cluster.user.items():
        monkeypatch.setenv(name, value)
    connection = connect(parameters.resolve(cluster.file)[0])
    seen = preflight.rights(connection, runbooks).seen
    connection.close()
    return seen


def test_a_machine_is_lost_with_these_rights_alone(prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    cluster = prepared("06", "node_pool: agentpool", "stateful_replicas: 1")
    environment = os.environ | cluster.user
    done = aksdisks("run", "06", "-f", str(cluster.file), "-o", str(tmp_path / "out"), environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (book,) = evidence(tmp_path / "out")[1]["runbooks"]
    assert {check["status"] for check in book["checks"]} == {"passed", "not applicable"}
    assert [check["statement"] for check in book["checks"] if check["status"] == "not applicable"] == [
        "A drained node has no pod of ours"
    ]
    assert missing_without(cluster, "06-clusterrole.yaml", monkeypatch) == "missing: patch nodes"


@pytest.fixture
def cluster_for(prepared, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Cluster]:  # type: ignore[no-untyped-def]
    """Makes a cluster for runbooks that make disks, and this process the user who has their rights alone."""

    def make(runbooks: str) -> Cluster:
        cluster: Cluster = prepared(runbooks, "" if runbooks in ("10", "13") else "make_disks: true")
        for name, value in cluster.user.items():
            monkeypatch.setenv(name, value)
        return cluster

    return make


@pytest.fixture
def cluster_08(cluster_for: Callable[[str], Cluster]) -> Cluster:
    """Such a cluster for runbook 08."""
    return cluster_for("08")


def check_08(statuses: dict[str, str], removed: Iterable[str]) -> None:
    """All was judged and passed, but what a reader does; of what was made one of everything was there to be removed."""
    assert [statement for statement, status in statuses.items() if status != "passed"] == [
        "A set that is scaled up again uses its disk"
    ]
    assert len(statuses) == 9
    kinds = Counter(line.partition(" ")[0] for line in removed)
    assert {kind: kinds[kind] for kind in ("disk", "snapshot", "volume")} == {"disk": 4, "snapshot": 1, "volume": 2}


def walked(chosen: Parameters, runbook: str = "08", without: Iterable[str] = ()) -> tuple[Walk, dict[str, str]]:
    """A runbook's cells in this process, all but the clean-up: its walk, and the status of each statement."""
    names: dict[str, Any] = chosen.model_dump()
    statuses: dict[str, str] = {}
    cells = [cell for cell in nbformat.read(shipped.runbooks([runbook])[0], as_version=4).cells if "outputs" in cell]
    for cell in [each for each in cells[1:-1] if each.id not in without]:
        *lines, last = ast.parse(cell.source).body
        exec(compile(ast.Module(lines, []), cell.id, "exec"), names)
        shown = eval(ast.unparse(last), names)._repr_mimebundle_()
        if MIME_TYPE in shown:
            statuses[shown[MIME_TYPE]["statement"]] = shown[MIME_TYPE]["status"]
    return names["walk"], statuses


def test_disks_are_made_and_deleted_with_these_rights_alone_and_what_is_left_is_cleaned(
    cluster_08: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then `clean`, as after a run whose process is gone. Without the parameter nothing is done."""
    monkeypatch.setattr(arm, "_PACE", 0.1)  # a cluster is looked at every five seconds
    chosen, before = parameters.resolve(cluster_08.file)[0], disks(cluster_08)
    walk, statuses = walked(chosen.model_copy(update={"make_disks": False}))
    assert Counter(statuses.values()) == {"not applicable": 8, "passed": 1}, statuses
    assert walk.session.clean_up().removed == ("Lease aksdisks",)
    walk, statuses = walked(chosen)
    walk.session.lease.release()
    walk.session.close()
    (cleaned, *_) = clean(chosen)
    assert cleaned.status == "passed", cleaned
    check_08(statuses, cleaned.seen.split(", "))
    assert disks(cluster_08) == before
    assert cluster_08.kubectl("get", "pv", "-o", "name") == ""
    assert unreadable(cluster_08) == set()
    seen = missing_without(cluster_08, "08-clusterrole.yaml", monkeypatch)
    assert seen.startswith("missing: create persistentvolumes, patch persistentvolumes, delete persistentvolumes")
    # With it went the binding of inventory-clusterrole.yaml; what that names the roles of a run do not have everywhere.
    assert "list cronjobs.batch" in seen
    assert unreadable(cluster_08) >= {"Pod", "PersistentVolumeClaim", "StatefulSet", "Job", "CronJob"}


def test_a_disk_by_hand_and_claims_that_grow_take_these_rights_alone(
    cluster_for: Callable[[str], Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a prepared namespace, beside which no other is made."""
    monkeypatch.setattr(arm, "_PACE", 0.1)  # a cluster is looked at every five seconds
    cluster = cluster_for("09 10")
    chosen, before, apart = parameters.resolve(cluster.file)[0], disks(cluster), []
    for runbook, made in (("09", {"disk": 1, "volume": 2}), ("10", {"disk": 4, "volume": 4})):
        walk, statuses = walked(chosen, runbook)
        apart += [statement for statement, status in statuses.items() if status != "passed"]
        done = walk.session.clean_up()
        walk.session.close()
        kinds = Counter(line.partition(" ")[0] for line in done.removed)
        assert (done.complete, {kind: kinds[kind] for kind in made}) == (True, made), done
        assert disks(cluster) == before
    assert apart == [
        "The new claim stands in another namespace",
        "A second claim goes, and the disk stays",
        "What the claim asks for, Azure makes",
    ]
    assert cluster.kubectl("get", "pv,volumeattributesclass", "-o", "name") == ""
    volumes = "create persistentvolumes, patch persistentvolumes, delete persistentvolumes"
    assert missing_without(cluster, "09-clusterrole.yaml", monkeypatch, ["09"]) == f"missing: {volumes}"
    with connect(chosen) as connection:
        assert preflight.rights(connection, ["01", "10"]).status == "passed"


MOMENTS = {
    "08": ("delete-claim", "delete-volume", "delete", "restore", "clean-up"),
    "09": ("bind", "delete-claim", "delete-volume", "again", "refusal", "clean-up"),
    "10": ("grow", "ask", "let-go", "clean-up"),
    "13": ("make", "run", "bind", "delete", "refusal", "clean-up"),
}


def killed_at(folder: Path, runbook: str, moment: str, seconds: float = 0.0) -> Path:
    """A runbook whose kernel is killed at a cell, so many seconds after it has begun."""
    notebook = nbformat.read(shipped.runbooks([runbook])[0], as_version=4)
    (cell,) = [each for each in notebook.cells if each.id == moment]
    kill = f"import os, threading; threading.Timer({seconds}, os.kill, (os.getpid(), 9)).start()"
    cell.source = f"{kill}\n{cell.source}" if seconds else "import os; os.kill(os.getpid(), 9)"
    nbformat.write(notebook, folder / f"{runbook}-killed.ipynb")
    return folder / f"{runbook}-killed.ipynb"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runbook", "moment", "seconds"),
    [*((name, each, 0.0) for name, moments in MOMENTS.items() for each in moments),
     ("13", "make", 0.1), ("13", "run", 0.2), ("13", "bind", 0.1)],
)  # fmt: skip
def test_of_a_run_whose_kernel_is_killed_no_disk_is_left(
    cluster_for: Callable[[str], Cluster], tmp_path: Path, runbook: str, moment: str, seconds: float
) -> None:
    """Before each cell that changes what is there to be removed: the teardown has these rights alone, too."""
    cluster, killed = cluster_for(runbook), killed_at(tmp_path, runbook, moment, seconds)
    before = disks(cluster)
    result = run_runbooks([killed], parameters.resolve(cluster.file)[0], tmp_path / "evidence")
    assert "died" in result.runbooks[0].problem, result.runbooks[0].problem
    assert (result.teardown["problems"], result.teardown["status"]) == ((), "passed")
    assert disks(cluster) == before
    assert cluster.kubectl("get", "pv,volumeattributesclass", "-o", "name") == ""


TRIED_13 = "Every further pod runs with the same share"


def test_files_are_shared_with_these_rights_alone_and_no_key_is_in_the_evidence(
    cluster_for: Callable[[str], Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a headless run in a prepared namespace; then without the role, when no volume may be made by hand."""
    monkeypatch.setattr(arm, "_PACE", 0.1)  # a cluster is looked at every five seconds
    cluster = cluster_for("13")
    chosen, before = parameters.resolve(cluster.file)[0], disks(cluster)
    result = run_runbooks(shipped.runbooks(["13"]), chosen, tmp_path / "evidence")
    assert result.teardown["problems"] == result.teardown["uncertain"] == ()
    (book,) = result.runbooks
    assert (book.problem, [check.statement for check in book.checks if check.status != "passed"]) == ("", [TRIED_13])
    kinds = Counter(line.partition(" ")[0] for line in result.teardown["removed"])
    assert (kinds["share"], kinds["disk"], kinds["volume"], disks(cluster)) == (1, 1, 2, before)
    (secret,) = json.loads(cluster.kubectl("get", "secrets", "-n", "aksdisks", "-o", "json"))["items"]
    key = secret["data"]["azurestorageaccountkey"]
    written = [path for path in (tmp_path / "evidence").rglob("*") if path.is_file()]
    assert "a small write takes" in (tmp_path / "evidence" / result.run / "13-azure-files.html").read_text()
    for path in written:
        assert not {each for each in (key, b64decode(key).decode()) if each.encode() in path.read_bytes()}, path

    cluster.kubectl("delete", "-f", str(DEPLOY / "13-clusterrole.yaml"))
    with open_session(chosen) as session:
        files = SharedFiles(lambda: session)
        assert files.prepare().check.status == "passed"
        assert files.by_hand == Unknown("this identity may not create persistentvolumes")
        assert session.clean_up().removed == ("Lease aksdisks",)


@pytest.fixture
def cluster_11(prepared, monkeypatch: pytest.MonkeyPatch) -> Cluster:  # type: ignore[no-untyped-def]
    """A cluster for runbook 11, and this process as the user who has its rights alone."""
    cluster: Cluster = prepared("11")
    for name, value in cluster.user.items():
        monkeypatch.setenv(name, value)
    return cluster


def left_of_11(cluster: Cluster) -> str:
    """What the cluster has of snapshots, their classes and volumes."""
    return cluster.kubectl("get", "volumesnapshots,volumesnapshotcontents,volumesnapshotclasses,pv", "-A", "-o", "name")


TRIED_11 = "A restored disk needs neither the snapshot nor the original"


def test_a_snapshot_is_taken_and_restored_with_these_rights_alone_and_what_is_left_is_cleaned(
    cluster_11: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then `clean`, as after a run whose process is gone. Without the roles, and without the kinds, nothing is made."""
    monkeypatch.setattr(arm, "_PACE", 0.1)  # a cluster is looked at every five seconds
    chosen, before = parameters.resolve(cluster_11.file)[0], disks(cluster_11)
    walk, statuses = walked(chosen, "11")
    assert [statement for statement, status in statuses.items() if status != "passed"] == [TRIED_11]
    assert len(statuses) == 12
    classes = f"volumesnapshotclass.snapshot.storage.k8s.io/aksdisks-{walk.session.run_id}"
    assert classes in left_of_11(cluster_11)
    walk.session.lease.release()
    walk.session.close()
    (cleaned, *_) = clean(chosen)
    assert cleaned.status == "passed", cleaned
    assert f"VolumeSnapshotClass aksdisks-{walk.session.run_id}" in cleaned.seen.split(", ")
    assert (left_of_11(cluster_11), disks(cluster_11)) == ("", before)

    cluster_11.kubectl("delete", "-f", str(DEPLOY / "11-clusterrole.yaml"))
    missing = "unknown, because this identity may not get volumesnapshotclasses.snapshot.storage.k8s.io"
    assert prepared_11(chosen) == ("inconclusive", f"not allowed; {missing}")
    kinds = ("volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses")
    cluster_11.kubectl("delete", "crd", *(f"{kind}.snapshot.storage.k8s.io" for kind in kinds))
    absent = "this cluster does not serve volumesnapshotclasses of snapshot.storage.k8s.io/v1"
    assert prepared_11(chosen) == ("not applicable", absent)


def prepared_11(chosen: Parameters) -> tuple[str, str]:
    """What runbook 11 says of its precondition, which makes nothing where that is not given."""
    with open_session(chosen) as session:
        verdict = Backup(lambda: session).prepare().parts[-1].check  # type: ignore[attr-defined]
        assert session.clean_up().removed == ("Lease aksdisks",)
    return verdict.status, verdict.seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "seconds"),
    [*((name, 0.0) for name in ("take", "restore", "clone", "refusal", "delete", "claim-5", "late", "let-go")),
     ("take", 0.8), ("take", 1.4), ("restore", 0.3)],
)  # fmt: skip
def test_of_a_run_whose_kernel_is_killed_no_snapshot_is_left(
    cluster_11: Cluster, tmp_path: Path, moment: str, seconds: float
) -> None:
    """Before each cell that changes what is there to be removed, and in the middle: with these rights alone, too."""
    killed = killed_at(tmp_path, "11", moment, seconds)
    before = disks(cluster_11)
    result = run_runbooks([killed], parameters.resolve(cluster_11.file)[0], tmp_path / "evidence")
    assert "died" in result.runbooks[0].problem, result.runbooks[0].problem
    assert (result.teardown["problems"], result.teardown["status"]) == ((), "passed")
    assert (left_of_11(cluster_11), disks(cluster_11)) == ("", before)


def unreadable(cluster: Cluster) -> set[str]:
    """The kinds that `aksdisks inventory` lacks; it does not ask for events."""
    with connect(parameters.resolve(cluster.file)[0]) as target:
        return set(read_ownership(target.cluster, target.azure, None).unreadable) - {"Event"}


def disks(cluster: Cluster) -> set[str]:
    """All disks that Azure has, and all snapshots and shares, where these may be listed."""
    connection = connect(parameters.resolve(cluster.file)[0])
    disks, snapshots = connection.azure.disks(), connection.azure.snapshots()
    accounts = known(connection.azure.storage_accounts())
    shares = [share for each in accounts for share in known(connection.azure.file_shares(each))]
    connection.close()
    assert not isinstance(disks, Unknown)
    return {each.id for each in (*disks, *known(snapshots), *shares)}
