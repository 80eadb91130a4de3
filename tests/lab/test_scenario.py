"""Scenario files: what they give, and what they say when they are wrong."""

from __future__ import annotations

import pytest

from aksdisks.lab.errors import ScenarioError
from aksdisks.lab.scenario import load, names


def test_the_default_is_the_articles_cluster_of_today():
    scenario = load("regional")
    assert scenario.node_resource_group == "MC_disks_article_westeurope"
    assert [machine.node_name[-6:] for machine in scenario.machines] == ["000000", "000001", "000002"]
    first = scenario.machines[0]
    assert first.vm_name == "aks-agentpool-22115152-vmss_0"
    assert first.provider_id == (
        f"azure:///subscriptions/{scenario.subscription_id}/resourceGroups/mc_disks_article_westeurope"
        "/providers/Microsoft.Compute/virtualMachineScaleSets/aks-agentpool-22115152-vmss/virtualMachines/0"
    )
    assert scenario.size.max_data_disks == 8
    assert len(scenario.storage_classes) == 9
    assert [entry.name for entry in scenario.storage_classes if entry.default] == ["default"]


def test_availability_set_differs_in_its_machines_only():
    regional, machines = load("regional"), load("availability-set").machines
    assert [machine.node_name for machine in machines] == [f"aks-agentpool-22115152-{index}" for index in range(3)]
    assert machines[1].resource_id.endswith("/providers/Microsoft.Compute/virtualMachines/aks-agentpool-22115152-1")
    assert load("availability-set").storage_classes == regional.storage_classes


def test_names_count_in_base_36_and_zones_take_turns(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_text("base: regional\nnode_count: 40\nzones: ['1', '2', '3']\nmax_data_disks: 4\ndelays: {attach: 1}\n")
    scenario = load(path)
    assert scenario.name == "big"
    assert scenario.machines[36].node_name.endswith("vmss000010")
    assert scenario.machines[36].vm_name.endswith("vmss_36")
    assert [machine.zone for machine in scenario.machines[:4]] == ["1", "2", "3", "1"]
    assert scenario.size.max_data_disks == 4
    assert (scenario.delays.attach, scenario.delays.detach) == (1.0, 10.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("node_cout: 3", "node_cout: expected one of name, location"),
        ("node_count: three", "node_count: expected a whole number, found 'three'"),
        ("node_count: true", "node_count: expected a whole number, found True"),
        ("node_count: 0", "node_count: expected 1 to 1000, found 0"),
        ("node_count: 1001", "node_count: expected 1 to 1000, found 1001"),
        ("machine_kind: vm", "machine_kind: expected one of vmss, vmas, found 'vm'"),
        ("absent_images: busybox", "absent_images: expected a list, found 'busybox'"),
        ("zones: '1'", "zones: expected a list, found '1'"),
        ("zones: [1]", "zones[0]: expected a text, found 1"),
        ("vm_size: Huge", "vm_size: expected one of Standard_DS2_v2"),
        ("delays: {attach: -1}", "delays.attach: expected 0 or more, found -1.0"),
        ("delays: {atach: 1}", "delays.atach: expected one of create_disk"),
        ("storage_classes: [{name: x}]", "storage_classes[0].provisioner: expected a value, found none"),
        ("kubernetes_version: 1.32", "kubernetes_version: expected one of 1.33, 1.34, 1.35, 1.36, found '1.32.0'"),
        ("kubernetes_version: new", "kubernetes_version: expected one of 1.33, 1.34, 1.35, 1.36, found 'new'"),
        ("kubernetes_version: 1.36.x", "kubernetes_version: expected one of 1.33, 1.34, 1.35, 1.36, found '1.36.x'"),
        ("[1", "bad.yaml: expected YAML, found"),
        ("- 1", "bad.yaml: expected a mapping, found list"),
        (
            "base: nowhere",
            "scenario: expected a file or one of article-2019, availability-set, regional, small-quota, three-zones",
        ),
    ],
)
def test_a_wrong_file_is_named_by_key_expected_and_found(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("written", "version"), [("1.36", "1.36.0"), ("'1.34'", "1.34.0"), ("1.33.7", "1.33.7"), (None, "1.35.0")]
)
def test_a_version_is_completed(tmp_path, written, version):
    path = tmp_path / "version.yaml"
    path.write_text(f"base: regional\nkubernetes_version: {written}\n" if written else "base: regional\n")
    assert load(path).kubernetes_version == version


def test_a_base_that_leads_back_is_refused(tmp_path):
    path = tmp_path / "loop.yaml"
    path.write_text(f"base: {path}")
    with pytest.raises(ScenarioError, match="lead back to itself"):
        load(path)


def test_every_shipped_scenario_loads():
    assert names() == ("article-2019", "availability-set", "regional", "small-quota", "three-zones")
    assert [load(name).name for name in names()] == list(names())
