"""Runbooks where the article does not apply as it stands: they say so and claim nothing that was not seen."""

import pytest

from aksdisks.parameters import Parameters
from aksdisks.runner import shipped
from aksdisks.runner.runner import run_runbooks

ONE_NODE = "base: regional\nnode_count: 1\n"


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


def test_another_class_and_size_and_a_single_replica_are_walked_as_well(checks):
    parameters = Parameters(storage_class="managed-csi", size="10Gi", deployment_replicas=2, stateful_replicas=1)
    seen = checks(["01", "03", "04", "05"], parameters)
    assert {status for status, _ in seen.values()} == {"passed", "not applicable"}
