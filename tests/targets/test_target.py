"""Targets: which one answers, which rails hold, and whose proxies do not matter."""

import os
from pathlib import Path

import pytest
import yaml

from aksdisks.errors import InputError, NotAllowed, NotReachable, ParameterError, TargetMismatch
from aksdisks.inspection.connection import connect, reach
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters, validate
from aksdisks.targets import target
from tests.cli.command import aksdisks


def test_no_lab_is_not_reachable_and_says_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setenv("AKSDISKS_STATE_DIR", str(tmp_path))
    with pytest.raises(NotReachable, match="aksdisks lab start") as caught:
        target.open_target(Parameters())
    assert caught.value.exit_code == 3


def test_the_labs_speed_is_the_time_scale(on_lab, lab):
    assert target.open_target(on_lab).time_scale == lab.speed


def test_a_lab_as_a_cluster_is_reached_whatever_the_users_proxies(as_aks):
    connection = connect(as_aks())
    assert connection.settings.time_scale == 1
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


def test_private_labs_stand_side_by_side_end_with_their_context_and_touch_no_environment(monkeypatch):
    monkeypatch.setenv("AKSDISKS_STATE_DIR", "/before")
    with target.run_target(Parameters()) as one, target.run_target(Parameters()) as two:
        assert os.environ["AKSDISKS_STATE_DIR"] == "/before"
        reached = [reach(Parameters(), ready.settings) for ready in (one, two)]
        assert all(connection.cluster.nodes() for connection in reached)
        assert reached[0].cluster.server != reached[1].cluster.server
        for ready in (one, two):
            assert ready.environment == {"AKSDISKS_STATE_DIR": str(ready.settings.state_dir)}
        for connection in reached:
            connection.close()
    assert ["connection refused" in connection.problem() for connection in reached] == [True, True]


def test_a_bad_scenario_is_bad_input():
    with pytest.raises(InputError, match="scenario"), target.run_target(validate({"scenario": "nope"})):
        pass


def check(parameters):
    """`aksdisks check` as a shell runs it: its exit code, and what it said on stdout and stderr."""
    asked = [
        word
        for name, value in parameters.model_dump(exclude_defaults=True).items()
        for word in ("-p", f"{name}={value}")
    ]
    done = aksdisks("check", *asked, environment=os.environ)
    return done.returncode, done.stdout, done.stderr


def test_a_kubeconfig_that_trusts_anybody_warns_once(as_aks, lab, tmp_path):
    config = yaml.safe_load(Path(lab.kubeconfig).read_text())
    for entry in config["clusters"]:
        del entry["cluster"]["certificate-authority-data"]
        entry["cluster"]["insecure-skip-tls-verify"] = True
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    code, _, said = check(as_aks(kubeconfig=str(tmp_path / "config")))
    assert (code, said.count("insecure-skip-tls-verify is set"), "InsecureRequestWarning" in said) == (0, 1, False)


def test_a_refused_sign_in_is_one_line_in_a_terminal_too(as_aks, monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    code, shown, said = check(as_aks())
    lines = [line for line in (shown + said).splitlines() if "AADSTS7000215" in line]
    # One line for each check that asks Azure: its slots, and itself.
    assert (code, len(lines), "Attempted credentials" in said) == (3, 2, False)
    what = "next: az ad app credential reset --id $AZURE_CLIENT_ID, its password into AZURE_CLIENT_SECRET"
    assert [line.endswith(what) for line in lines] == [True, True]
