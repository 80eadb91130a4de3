"""The join of both sides: on the lab's own objects, and on rows for what a healthy lab does not show."""

from contextlib import closing
from dataclasses import replace

import pytest

from aksdisks import manifests
from aksdisks.inspection.chains import join
from aksdisks.inspection.connection import connect
from aksdisks.inspection.inventory import read_inventory
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters
from aksdisks.session.session import open_session
from tests.world import CLAIM, GROUP, attachment, claim, disk, machine, pod, volume, world


def missing(chain):
    """The first link that is not there; a link that is unknown is not missing."""
    links = ("pod", "claim", "volume", "attachment", "disk", "machine")
    return next((link for link in links if getattr(chain, link) is None), "")


@pytest.fixture(scope="module")
def scaled(lab):
    """An inventory of the article's Deployment with one pod that runs and others that cannot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
        with open_session(Parameters()) as session:
            session.apply(session.objects.claim, session.objects.deployment)
            session.wait_for("Pod", lambda pods: any(pod.ready for pod in pods), "the first pod")
            session.scale("Deployment", manifests.DEPLOYMENT, 3)
            session.wait_for(
                "Event", lambda events: sum("Multi-Attach" in e.message for e in events) == 2, "two refusals",
                labelled=False,
            )  # fmt: skip
            inventory = read_inventory(session.cluster, session.azure, session.namespace)
            assert session.clean_up().complete
    return inventory


def test_azure_is_read_after_kubernetes():
    """Else a disk that moves in between were on a machine that Kubernetes did not know of."""
    asked = []

    class Side:
        resource_group = "group"

        def __init__(self, name):
            self.name = name

        def __getattr__(self, kind):
            return lambda *_: asked.append(self.name) or ()

    read_inventory(Side("Kubernetes"), Side("Azure"), None)
    assert asked == ["Kubernetes"] * asked.count("Kubernetes") + ["Azure"] * 2


def test_a_running_pods_chain_is_whole_and_both_sides_agree(scaled):
    inventory = scaled
    (chain,) = [chain for chain in inventory.chains if chain.pod.ready]
    assert missing(chain) == ""
    assert chain.machine.node == chain.attachment.node == chain.pod.node
    assert chain.lun == chain.attachment.lun
    assert chain.disk.name == chain.volume.name == f"pvc-{chain.claim.uid}"
    assert chain.disk.claim == f"{inventory.namespace}/azure-managed-disk"
    assert (chain.disk.size_gib, chain.disk.sku) == (25, "Premium_LRS")


def test_a_waiting_pod_has_no_attachment(scaled):
    inventory = scaled
    waiting = [chain for chain in inventory.chains if not chain.pod.ready]
    assert [missing(chain) for chain in waiting] == ["attachment", "attachment"]
    assert {chain.pod.status for chain in waiting} == {"ContainerCreating"}


def test_claims_without_pods_follow_and_missing_links_are_named(scaled):
    inventory = scaled
    (chain,) = join(replace(inventory, pods=()))
    assert chain.pod is None and chain.claim and chain.attachment
    (chain,) = join(replace(inventory, pods=(), volumes=()))
    assert missing(chain) == "pod" and chain.volume is None
    gone = join(replace(inventory, disks=()))
    assert gone[0].volume and gone[0].disk is None and gone[0].machine is None


def test_unknown_is_carried_on_and_is_not_missing(scaled):
    inventory = scaled
    because = Unknown("azure is off")
    chain = next(c for c in join(replace(inventory, disks=because, machines=because)) if c.pod.ready)
    assert (chain.disk, chain.machine, chain.lun) == (because, because, because)
    assert missing(chain) == ""
    chain = next(c for c in join(replace(inventory, machines=because)) if c.pod.ready)
    assert chain.disk and chain.machine == because


def test_claims_of_one_name_in_two_namespaces_keep_apart():
    there = {"namespace": "shop", "uid": "uid-shop"}
    first, second = pod("disk-deploy-1-a", 0), pod("disk-deploy-1-a", 1, **there)
    inventory = world(
        namespace=None,
        pods=(first, second),
        claims=(claim(), claim(volume="pvc-shop", **there)),
        volumes=(volume(), volume(name="pvc-shop", disk_id=f"{GROUP}/disks/pvc-shop", claim_namespace="shop")),
        attachments=(attachment(), attachment(name="csi-shop-1", volume="pvc-shop", node="aks-1")),
        disks=(disk(), disk(id=f"{GROUP}/disks/pvc-shop", name="pvc-shop", managed_by=machine(1).id)),
    )
    found = [(c.pod.key, c.claim.key, c.volume.name, c.disk.name, c.machine.node) for c in inventory.chains]
    assert found == [
        ("walk/disk-deploy-1-a", f"walk/{CLAIM}", f"pvc-{CLAIM}", f"pvc-{CLAIM}", "aks-0"),
        ("shop/disk-deploy-1-a", f"shop/{CLAIM}", "pvc-shop", "pvc-shop", "aks-1"),
    ]


def test_a_namespace_or_all_of_them_are_read_without_a_session(on_lab):
    made = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {}}}}
    made["spec"]["resources"]["requests"]["storage"] = "1Gi"
    names = ("inventory-one", "inventory-two")
    with closing(connect(on_lab)) as target:
        for name in names:
            target.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            target.cluster.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", **made}, name)
        try:
            one, every = (read_inventory(target.cluster, target.azure, name) for name in (names[0], None))
            assert (one.namespace, [claim.key for claim in one.claims]) == (names[0], ["inventory-one/data"])
            found = [chain.claim.key for chain in every.chains if chain.claim and chain.claim.namespace in names]
            assert (every.namespace, found) == (None, ["inventory-one/data", "inventory-two/data"])
            assert every.nodes == one.nodes and every.disks == one.disks and every.machines == one.machines
        finally:
            for name in names:
                target.cluster.delete("Namespace", name)
