"""`connect`: what a person in a notebook sees of a cluster, by a kubeconfig's context, without any session."""

import pytest

import aksdisks
import aksdisks.inspection.connection as connection
from aksdisks import manifests
from aksdisks.errors import InputError, NotReachable, ParameterError
from aksdisks.inspection.diagnosis import diagnose
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters
from aksdisks.waiting import wait
from tests.prices.listing import PREMIUM, document, item

pytestmark = pytest.mark.usefixtures("shell")


@pytest.fixture
def shell(lab, monkeypatch):
    """This process has the variables of `aksdisks lab env`, but imported the Kubernetes client before it had them."""
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", "/nowhere")
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


def test_the_example_works_on_objects_that_no_run_made(lab):
    objects = manifests.objects_for(Parameters(), {})
    with aksdisks.connect(context=lab.cluster_name) as target:
        cluster = target.cluster
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        try:
            cluster.create(objects.claim, "shop")
            cluster.create(objects.deployment, "shop")
            wait("a pod", cluster.follow("Pod", "shop"), lambda pods: any(pod.ready for pod in pods), seconds=60)
            listed = aksdisks.PriceList.of(document(item(PREMIUM, "P4 LRS Disk", 5.0)), "prices.json")
            one, every = target.inventory(namespace="shop"), target.inventory(namespace=None, prices=listed)
            (chain,) = one.chains
            assert chain == next(each for each in every.chains if each.claim and each.claim.namespace == "shop")
            for inventory in (one, every):
                disks = inventory.frame("disks").query("claim == 'shop/azure-managed-disk'")
                assert disks[["state", "size_gib", "volume"]].values.tolist() == [["Attached", 25, chain.volume.name]]
                assert not [each for each in aksdisks.diagnose(inventory) if chain.pod.name == each.object.name]
            prices = [
                next(each.price for each in inventory.ownership.disks if each.id == chain.volume.disk_id)
                for inventory in (one, every)
            ]
            assert [(price.a_month, price.currency) for price in prices] == [(5.28, "USD"), (5.0, "EUR")]
        finally:
            cluster.delete("Namespace", "shop")
            gone = cluster.follow("PersistentVolume")
            wait("no volume", gone, lambda all_: all(each.claim_namespace != "shop" for each in all_), seconds=60)
