"""Runbooks where the article does not apply as it stands: they say so and claim nothing that was not seen."""

import nbformat
import pytest

from aksdisks.inspection.connection import connect
from aksdisks.parameters import Parameters
from aksdisks.runner import shipped
from aksdisks.runner.runner import run_runbooks
from tests.cli.command import PAUSE
from tests.programs import ALLOW, path_without, require

ONE_NODE = "base: regional\nnode_count: 1\n"
AT_ONCE = """
base: regional
storage_classes:
  - {name: at-once, provisioner: disk.csi.azure.com, parameters: {skuname: Premium_LRS}, volume_binding_mode: Immediate}
"""
NOTES = "Each pod finds on its disk the note that was written there, and no other"


@pytest.fixture
def checks(tmp_path):
    """Runs runbooks in one run and gives each check's status and what was seen, by statement."""

    def run(names: list[str], parameters: Parameters) -> dict[str, tuple[str, str]]:
        results = run_runbooks(shipped.runbooks(names), parameters, tmp_path / "evidence").runbooks
        assert [result.problem for result in results] == [""] * len(names)
        return {check.statement: (check.status, check.seen) for result in results for check in result.checks}

    return run


def test_without_a_second_node_there_is_no_multi_attach_to_show(checks, tmp_path):
    (tmp_path / "one.yaml").write_text(ONE_NODE)
    seen = checks(["02"], Parameters(scenario=str(tmp_path / "one.yaml")))
    unsure = {statement: why for statement, (status, why) in seen.items() if status == "inconclusive"}
    assert [statement.split()[0] for statement in unsure] == ["A", "The", "Every"]
    assert all("no pod sits on a second node that the volume admits" in why for why in unsure.values())
    assert {status for status, _ in seen.values()} == {"inconclusive", "passed", "not applicable"}


def test_what_only_azure_can_confirm_is_inconclusive_without_it(checks):
    seen = checks(["01"], Parameters(azure="off"))
    assert {status for status, _ in seen.values()} == {"inconclusive", "passed", "not applicable"}
    assert seen["The disk is attached to the machine that runs the pod."][0] == "inconclusive"
    assert "azure is off" in seen["The disk's tags name the claim."][1]


@pytest.mark.slow
def test_what_a_snapshot_holds_is_judged_without_azure(checks):
    seen = checks(["11"], Parameters(azure="off"))
    assert seen["It holds what was written up to one moment, and nothing of what came after."][0] == "passed"
    assert seen["A VolumeSnapshot stands for one snapshot in Azure, of the claim's disk."][0] == "inconclusive"
    gone = seen["Once nothing waits for it, the snapshot goes, in Azure too"]
    assert gone == ("inconclusive", "only one side could be asked; unknown, because azure is off")


SHARED = "With one share all pods of a Deployment run, wherever they are; with one disk only those of one node."
MADE = "A claim of a file class becomes a share in Azure, as large as it, before any pod asks."


def test_shares_are_used_where_azure_is_not_asked_and_where_there_is_one_node(checks, tmp_path):
    (tmp_path / "one.yaml").write_text(ONE_NODE)
    seen = checks(["13"], Parameters(azure="off", scenario=str(tmp_path / "one.yaml"), deployment_replicas=2))
    assert seen["What one pod writes, every pod reads."] == ("passed", "written by one: 2, read by each: the same 2")
    assert seen[SHARED][0] == "inconclusive" and "all pods were placed on one node" in seen[SHARED][1]
    assert seen[MADE][0] == "inconclusive" and "azure is off" in seen[MADE][1]
    assert {status for status, _ in seen.values()} == {"passed", "inconclusive", "not applicable"}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["three-zones", "availability-set"])
@pytest.mark.parametrize("file_class", ["azurefile-csi", "azurefile-csi-premium"])
def test_with_zones_with_virtual_machines_and_on_premium_files_are_shared_as_well(checks, scenario, file_class):
    seen = checks(["13"], Parameters(scenario=scenario, file_class=file_class))
    assert {status for status, _ in seen.values()} == {"passed", "not applicable"}
    assert seen[MADE][0] == "passed"


@pytest.mark.slow
def test_the_driver_of_2019_shares_no_files_here(checks):
    seen = checks(["13"], Parameters(scenario="article-2019", file_class="azurefile"))
    words = "class azurefile is not file.csi.azure.com's"
    assert seen["The cluster has a class of shared files"] == ("not applicable", words)
    assert [statement for statement, (status, _) in seen.items() if status == "passed"] == [
        "Kubernetes' nodes are Azure's machines"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["three-zones", "availability-set"])
def test_with_zones_and_with_virtual_machines_a_snapshot_is_restored_as_well(checks, scenario):
    seen = checks(["11"], Parameters(scenario=scenario))
    assert {status for status, _ in seen.values()} == {"passed", "not applicable"}


@pytest.mark.slow
def test_the_driver_of_2019_makes_no_snapshots(checks):
    seen = checks(["11"], Parameters(scenario="article-2019"))
    words = "class managed-premium is not the disk driver's, which alone makes snapshots"
    assert seen["Snapshots may be made, and deleted, here"] == ("not applicable", words)


@pytest.mark.slow
def test_where_a_class_makes_disks_at_once_a_deletion_cannot_be_held_back(checks, tmp_path):
    (tmp_path / "at-once.yaml").write_text(AT_ONCE)
    seen = checks(["11"], Parameters(scenario=str(tmp_path / "at-once.yaml"), storage_class="at-once"))
    status, why = seen["A snapshot that a claim still waits for is not deleted."]
    assert (status, "makes disks at once: the moment" in why) == ("inconclusive", True)
    assert seen["A clone has a disk of its own, copied from the disk of the other claim."][0] == "passed"


def test_bytes_are_proved_where_there_is_no_bubblewrap(checks, tmp_path, monkeypatch):
    """By commands in the pods, which user namespaces confine there."""
    require("unshare")
    monkeypatch.setenv("PATH", path_without("bwrap", tmp_path / "path"))
    status, why = checks(["04"], Parameters(stateful_replicas=2))[NOTES]
    if "cannot confine" in why:
        pytest.skip(f"{why}: {ALLOW}")
    assert status == "passed", why


@pytest.mark.slow
def test_another_class_and_size_and_a_single_replica_are_walked_as_well(checks):
    parameters = Parameters(storage_class="managed-csi", size="1500Mi", deployment_replicas=2, stateful_replicas=1)
    seen = checks(["01", "03", "04", "05", "09", "10", "11", "13"], parameters)
    assert {status for status, _ in seen.values()} == {"passed", "not applicable"}


@pytest.mark.slow
def test_where_the_image_has_no_shell_what_needs_one_does_not_apply(checks):
    seen = checks(["09", "10", "11", "12", "13"], Parameters(image=PAUSE))
    assert {status for status, _ in seen.values()} == {"passed", "not applicable"}
    assert seen["One Service leads to the primary, and one to the replicas."][0] == "not applicable"
    assert seen["Under another claim the same bytes come back."][0] == "not applicable"
    assert seen["What one pod writes, every pod reads."][0] == "not applicable"


@pytest.mark.parametrize("pool", ["", "another"])
def test_where_no_machine_may_be_lost_and_no_lab_is_there_nothing_is_done(as_aks, tmp_path, pool):
    own = {"06": 6} if pool else {"06": 6, "07": 9, "09": 9}
    result = run_runbooks(shipped.runbooks([*own]), as_aks(node_pool=pool), tmp_path / "evidence")
    assert (result.status, {book.problem for book in result.runbooks}) == ("passed", {""})
    for book, least in zip(result.runbooks, own.values(), strict=True):
        statuses = [check.status for check in book.checks]
        assert statuses.count("not applicable") >= least, statuses
        assert {check.statement for check in book.checks if check.status == "passed"} <= {
            "Kubernetes' nodes are Azure's machines",
            "A claim asks for more than nothing",
        }
    assert [line for line in result.teardown["removed"] if not line.startswith("Namespace")] == []


def test_without_azure_nobody_proves_that_a_machine_has_stopped(checks):
    seen = checks(["06"], Parameters(azure="off"))
    assert seen["A machine may be lost here"] == (
        "inconclusive",
        "without Azure nothing proves that a machine has stopped; unknown, because azure is off",
    )
    assert {status for status, _ in seen.values()} == {"inconclusive", "not applicable"}


@pytest.mark.slow
def test_a_lab_of_virtual_machines_loses_one_as_well(checks):
    seen = checks(["06"], Parameters(scenario="availability-set", stateful_replicas=1))
    assert {status for status, _ in seen.values()} == {"passed", "not applicable"}


def test_a_run_that_ends_after_the_power_cut_gives_the_machine_back(as_aks, tmp_path):
    """With the pool named, on a lab that is taken for a cluster, so that it is there to look at afterwards."""
    (path,) = shipped.runbooks(["06"])
    notebook = nbformat.read(path, as_version=4)
    at = next(number for number, cell in enumerate(notebook.cells) if cell.id == "silent")
    notebook.cells[at].source = "raise RuntimeError('in the middle')"
    broken = tmp_path / "06-broken.ipynb"
    nbformat.write(notebook, broken)
    parameters = as_aks(node_pool="agentpool", stateful_replicas=1)
    result = run_runbooks([broken], parameters, tmp_path / "evidence")
    assert result.runbooks[0].problem.endswith("RuntimeError: in the middle")
    removed = [line for line in result.teardown["removed"] if line.startswith("power-off of node")]
    assert (len(removed), result.teardown["problems"]) == (1, ())
    connection = connect(as_aks())
    nodes = connection.cluster.nodes()
    machines = connection.azure.machines(in_question=[node.name for node in nodes])
    assert {machine.power for machine in machines} == {"running"}
    assert all(node.ready for node in nodes)
    connection.close()


def test_a_run_that_ends_with_a_fault_on_switches_it_off(tmp_path):
    (path,) = shipped.runbooks(["07"])
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:4]
    assert cells[-1].source == "walk.stuck.symptoms(1)"
    notebook.cells = cells
    broken = tmp_path / "07-broken.ipynb"
    nbformat.write(notebook, broken)
    result = run_runbooks([broken], Parameters(), tmp_path / "evidence")
    assert ("fault disk-quota" in result.teardown["removed"], result.teardown["problems"]) == (True, ())
