"""`connect`: what a person in a notebook sees of a cluster, by a kubeconfig's context, without any session."""

import pytest

import aksdisks.inspection.connection as connection
from aksdisks.errors import InputError, NotReachable, ParameterError
from aksdisks.inspection.diagnosis import diagnose
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters

pytestmark = pytest.mark.usefixtures("shell")


@pytest.fixture
def shell(lab, monkeypatch):
    """This process has the variables of `aksdisks lab env`."""
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("named", [{}, {"context": "article"}])
def test_lab_env_is_all_that_connect_needs(lab, named):
    with connection.connect(**named) as target:
        before = {each.name for each in target.cluster.list("Namespace")}, target.cluster.list("Lease")
        inventory = target.inventory()
        assert target.settings.time_scale == lab.speed
        assert {node.name for node in inventory.nodes} == {machine.node for machine in inventory.machines}
        assert inventory.disks == target.azure.disks()
        assert isinstance(diagnose(inventory), tuple)
        assert ({each.name for each in target.cluster.list("Namespace")}, target.cluster.list("Lease")) == before


def test_what_the_parameters_say_prevails_over_the_environment(lab):
    with connection.connect(Parameters(azure="off"), context=lab.cluster_name) as target:
        assert target.inventory("kube-system").disks == Unknown("azure is off")


@pytest.mark.parametrize(
    ("named", "environment", "error", "message"),
    [
        ({"parameters": "article"}, {}, ParameterError, r"parameters: expected aksdisks.Parameters, found 'article'"),
        ({"context": "nope"}, {}, ParameterError, "context: expected one of article, found 'nope'"),
        ({"kubeconfig": "/nowhere"}, {}, ParameterError, "kubeconfig: expected a kubeconfig file"),
        ({}, {"AKSDISKS_TIME_SCALE": "fast"}, ParameterError, "AKSDISKS_TIME_SCALE: expected a number above 0"),
        ({}, {"AKSDISKS_TIME_SCALE": "-1"}, ParameterError, "AKSDISKS_TIME_SCALE: expected a number above 0"),
        ({}, {"AKSDISKS_CA_BUNDLE": "/gone"}, ParameterError, "AKSDISKS_CA_BUNDLE: expected a file"),
        ({"parameters": Parameters()}, {"AKSDISKS_STATE_DIR": "/nowhere"}, NotReachable, "aksdisks lab start"),
    ],
)
def test_what_cannot_be_meant_is_named(monkeypatch, named, environment, error, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(error, match=message):
        connection.connect(**named)


def test_a_namespace_that_is_not_there_is_named():
    with connection.connect() as target, pytest.raises(InputError, match="namespace shpo: expected one that exists"):
        target.inventory(namespace="shpo")
