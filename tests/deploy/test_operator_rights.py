"""Runbook 12, and the operator that it starts, pass with exactly the rights of their role files beside the others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import nbformat
import pytest

from aksdisks import parameters
from aksdisks.azure import arm
from aksdisks.runner import shipped
from aksdisks.runner.runner import run_runbooks
from aksdisks.session.leftovers import clean
from tests.deploy.test_least_rights import DEPLOY
from tests.deploy.test_runbook_rights import Cluster, left_of_11, prepared, walked
from tests.programs import needs

pytestmark = needs("kubectl")
TRIED = "A replica takes over from the primary that you deleted"
# On a cluster a snapshot a minute, and a Lease of 15 seconds, take as long as they say.
LONG = ("lose-both", "claim-4", "rotate", "claim-6")

__all__ = ["prepared"]


@pytest.fixture
def cluster(prepared, monkeypatch: pytest.MonkeyPatch) -> Cluster:  # type: ignore[no-untyped-def]
    """A cluster for runbook 12, and this process as the user who has its rights alone."""
    made: Cluster = prepared("11", "wait_timeout: 60")
    made.kubectl("apply", "-f", str(DEPLOY / "12-clusterrole.yaml"))
    for name, value in made.user.items():
        monkeypatch.setenv(name, value)
    return made


def left(cluster: Cluster) -> str:
    """What the cluster has of the operator's, of snapshots and volumes."""
    return left_of_11(cluster) + cluster.kubectl("get", "crd", "-l", "aksdisks.dev/run", "-o", "name")


def test_an_operator_works_with_these_rights_alone_and_what_is_left_is_cleaned(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then `clean`, as after a run whose process is gone. Without the roles nothing is done."""
    monkeypatch.setattr(arm, "_PACE", 0.1)  # a cluster is looked at every five seconds
    chosen = parameters.resolve(cluster.file)[0]
    walk, statuses = walked(chosen, "12", without=LONG)
    assert [statement for statement, status in statuses.items() if status != "passed"] == [TRIED]
    assert len(statuses) == 9
    assert "Promoted" in [event.reason for event in walk.session.cluster.events("aksdisks")]
    walk.store.close()
    walk.session.lease.release()
    walk.session.close()
    (cleaned, *_) = clean(chosen)
    assert cleaned.status == "passed", cleaned
    assert "CustomResourceDefinition replicatedstores.aksdisks.dev" in cleaned.seen.split(", ")
    assert left(cluster) == ""

    cluster.kubectl("delete", "-f", str(DEPLOY / "12-clusterrole.yaml"))
    walk, statuses = walked(chosen, "12")
    assert Counter(statuses.values()) == {"not applicable": 10, "passed": 1}, statuses
    assert walk.session.clean_up().removed == ("Lease aksdisks",)
    walk.session.close()


@pytest.mark.slow
def test_the_whole_runbook_passes_with_these_rights_alone(cluster: Cluster, tmp_path: Path) -> None:
    """In real time, as of a target that is no lab: each further snapshot takes a minute."""
    chosen = parameters.resolve(cluster.file, {"wait_timeout": "300"})[0]
    result = run_runbooks(shipped.runbooks(["12"]), chosen, tmp_path / "evidence")
    assert [book.problem for book in result.runbooks] == [""]
    statuses = {check.statement: check.status for check in result.runbooks[0].checks}
    assert [statement for statement, status in statuses.items() if status != "passed"] == [TRIED]
    assert (result.teardown["problems"], result.teardown["status"]) == ((), "passed")
    assert left(cluster) == ""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["make", "write", "lose", "grow", "refusal"])
def test_of_a_run_whose_kernel_is_killed_nothing_is_left(cluster: Cluster, tmp_path: Path, moment: str) -> None:
    """Before each cell that changes what is there; the operator ends with the kernel."""
    notebook = nbformat.read(shipped.runbooks(["12"])[0], as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in LONG]
    (cell,) = [each for each in notebook.cells if each.id == moment]
    cell.source = "import os; os.kill(os.getpid(), 9)"
    killed = tmp_path / "12-killed.ipynb"
    nbformat.write(notebook, killed)
    result = run_runbooks([killed], parameters.resolve(cluster.file)[0], tmp_path / "evidence")
    assert "died" in result.runbooks[0].problem, result.runbooks[0].problem
    assert (result.teardown["problems"], result.teardown["status"]) == ((), "passed")
    assert left(cluster) == ""
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert [each for each in commands if b"operator.yaml" in each and str(tmp_path).encode() in each] == []
