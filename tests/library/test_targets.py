"""Targets: which one answers, which rails hold, and whose proxies do not matter."""

import os

import pytest

from aksdisks import targets
from aksdisks.errors import InputError, NotAllowed, NotReachable, ParameterError, TargetMismatch
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters, validate
from aksdisks.session_connect import connect


def test_no_lab_is_not_reachable_and_says_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setenv("AKSDISKS_STATE_DIR", str(tmp_path))
    with pytest.raises(NotReachable, match="aksdisks lab start") as caught:
        targets.open_target(Parameters())
    assert caught.value.exit_code == 3


def test_the_labs_speed_is_the_time_scale(on_lab, lab):
    assert targets.open_target(on_lab).time_scale == lab.speed


def test_a_lab_as_a_cluster_is_reached_whatever_the_users_proxies(as_aks):
    connection = connect(as_aks())
    assert connection.target.time_scale == 1
    assert {disk.name for disk in connection.azure.disks()}
    assert len(connection.azure.machines()) == len(connection.cluster.nodes())
    connection.close()


def test_expect_takes_the_server_the_cluster_and_the_node_group(as_aks, lab):
    base = f"/subscriptions/{lab.subscription_id}/resourceGroups"
    cluster = f"{base}/{lab.resource_group}/providers/Microsoft.ContainerService/managedClusters/{lab.cluster_name}"
    for right in (lab.kube_url, f"{base}/{lab.node_resource_group.upper()}", cluster):
        connect(as_aks(expect=right)).close()
    for wrong in ("https://127.0.0.1:1", f"{base}/MC_other"):
        with pytest.raises(TargetMismatch, match="expect: expected") as caught:
            connect(as_aks(expect=wrong))
        assert caught.value.exit_code == 2
    with pytest.raises(NotAllowed, match="cannot be compared"):
        connect(as_aks(expect=f"{cluster}-other"))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"context": "nope"}, ParameterError, "context: expected one of .*found 'nope'"),
        ({"kubeconfig": "/nowhere"}, ParameterError, "kubeconfig: expected a kubeconfig file, found no file"),
        ({"kubeconfig": __file__}, InputError, "expected one that can be used"),
        ({"ca_bundle": "/nowhere"}, ParameterError, "ca_bundle: expected a file with certificates"),
    ],
)
def test_what_is_wrong_with_the_way_in(as_aks, changes, error, message):
    with pytest.raises(error, match=message) as caught:
        connect(as_aks(**changes))
    assert caught.value.exit_code == 2


def test_in_cluster_outside_a_cluster(as_aks):
    with pytest.raises(NotReachable, match="service account"):
        connect(as_aks(cluster="in-cluster"))


def test_a_wrong_secret_makes_azure_unknown_and_says_why(as_aks, monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    disks = connect(as_aks()).azure.disks()
    assert isinstance(disks, Unknown) and "Azure accepts no credential" in disks.because


def test_azure_off(as_aks):
    assert connect(as_aks(azure="off")).azure.disks() == Unknown("azure is off")


def test_a_private_lab_ends_with_its_context_and_restores_the_environment(monkeypatch):
    monkeypatch.setenv("AKSDISKS_STATE_DIR", "/before")
    with targets.prepared(Parameters()) as variables:
        assert os.environ["AKSDISKS_STATE_DIR"] == variables["AKSDISKS_STATE_DIR"] != "/before"
        connection = connect(Parameters())
        assert connection.cluster.nodes()
        connection.close()
    assert os.environ["AKSDISKS_STATE_DIR"] == "/before"
    assert "connection refused" in connection.problem()


def test_a_bad_scenario_is_bad_input():
    with pytest.raises(InputError, match="scenario"), targets.prepared(validate({"scenario": "nope"})):
        pass
