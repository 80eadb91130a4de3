"""The join of both sides: on the lab's own objects, and on rows for what a healthy lab does not show."""

from dataclasses import replace

import pytest

from aksdisks import manifests
from aksdisks.inspection.inventory import join, take
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters
from aksdisks.session.session import open_session


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
            inventory = take(session)
            assert session.clean_up().complete
    return inventory


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
