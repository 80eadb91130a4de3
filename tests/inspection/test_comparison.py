"""What each side says: equal where all is well, different where it is not, unknown where it cannot be asked."""

from dataclasses import fields, replace

import pytest

from aksdisks.inspection.comparison import Side, azure_side, by_age, equal, kubernetes_side, second_node
from aksdisks.model import Unknown
from tests.world import START, attachment, disk, machine, multi_attach, node, pod, volume, world


def everything(_claim: str) -> bool:
    return True


def test_both_sides_say_the_same_of_the_article():
    inventory = world()
    kubernetes, azure = kubernetes_side(inventory, everything), azure_side(inventory, everything)
    for each in fields(Side):
        assert getattr(kubernetes, each.name) == getattr(azure, each.name), each.name
    assert kubernetes.running == {"disk-deploy-1-a"} and kubernetes.refused == {"disk-deploy-1-b"}
    assert azure.places == {("pvc-azure-managed-disk", "aks-0")}


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("disks", {"disks": (disk(size_gib=32),)}),
        ("owners", {"disks": (disk(tags={**disk().tags, "kubernetes.io-created-for-pvc-name": "other"}),)}),
        ("places", {"machines": (machine(0), machine(1, disk()))}),
        ("running", {"machines": (machine(0), machine(1))}),
        ("refused", {"events": ()}),
        ("nodes", {"machines": (machine(0, disk()),)}),
        ("births", {"disks": (disk(age=60),)}),
        ("unused", {"disks": (disk(on=None),)}),
    ],
)
def test_a_difference_on_one_side_is_a_difference(said, parts):
    inventory = world(**parts)
    assert getattr(kubernetes_side(inventory, everything), said) != getattr(azure_side(inventory, everything), said)


def test_what_azure_does_not_say_is_unknown_and_stays_so():
    off = Unknown("azure is off")
    for parts in ({"disks": off}, {"machines": off}):
        side = azure_side(world(**parts), everything)
        assert {getattr(side, each.name) for each in fields(Side)} == {off}
        assert side.minus(azure_side(world(), everything)).disks == off
        assert azure_side(world(), everything).minus(side).disks == off
    assert by_age(off) == off
    assert equal(off, frozenset()) == off and equal(frozenset(), off) == off and equal(off, off) == off
    assert equal(frozenset("a"), frozenset("a")) is True and equal(frozenset("a"), frozenset()) is False


def test_only_the_namespace_and_the_claims_in_scope_count():
    foreign = disk("theirs", tags={**disk().tags, "kubernetes.io-created-for-pvc-namespace": "other"})
    inventory = world(disks=(disk(), foreign))
    assert azure_side(inventory, everything).disks == {("pvc-azure-managed-disk", 25)}
    assert azure_side(inventory, lambda name: name == "none").disks == frozenset()
    assert kubernetes_side(inventory, lambda name: name == "none").disks == frozenset()


def test_what_is_new_is_what_was_not_said_before():
    before = world(
        pods=(), claims=(), volumes=(), attachments=(), events=(), disks=(), machines=(machine(0), machine(1))
    )
    for side in (kubernetes_side, azure_side):
        assert side(world(), everything).minus(side(before, everything)).disks == {("pvc-azure-managed-disk", 25)}


def test_disks_are_ordered_by_age():
    disks = (disk("b", age=5), disk("a", age=1), disk("c", age=9))
    births = azure_side(world(disks=disks, machines=()), everything).births
    assert by_age(births) == ("pvc-c", "pvc-b", "pvc-a")


@pytest.mark.parametrize(
    ("parts", "holds"),
    [
        pytest.param({}, True, id="a pod elsewhere"),
        pytest.param(
            {"pods": (pod("disk-deploy-1-a", 0), pod("disk-deploy-1-c", 0))}, False, id="all beside the first"
        ),
        pytest.param({"volumes": (volume(zones=("westeurope-1",)),)}, False, id="the volume does not admit that node"),
        pytest.param({"nodes": (node(0),)}, False, id="one node"),
        pytest.param({"attachments": (attachment(attached=False),)}, False, id="nobody holds the disk yet"),
    ],
)
def test_multi_attach_needs_a_pod_on_a_second_node_that_the_volume_admits(parts, holds):
    found = second_node(world(**parts), everything)
    assert found is True if holds else "no pod sits on a second node" in found.because


def test_a_pod_on_a_volume_of_another_driver_is_of_neither_side():
    share = volume(disk_id="")
    inventory = world(volumes=(share,), disks=(), attachments=(), machines=(machine(0), machine(1)), events=())
    kubernetes, azure = kubernetes_side(inventory, everything), azure_side(inventory, everything)
    for each in fields(Side):
        assert getattr(kubernetes, each.name) == getattr(azure, each.name), each.name
    assert (kubernetes.disks, kubernetes.running, azure.refused) == (frozenset(), frozenset(), frozenset())


def test_a_pod_on_its_way_out_no_longer_counts():
    leaving = replace(pod("disk-deploy-1-b", 1, ready=False), deleting=START)
    inventory = world(pods=(pod("disk-deploy-1-a", 0), leaving), events=(multi_attach(leaving, "disk-deploy-1-a"),))
    assert kubernetes_side(inventory, everything).refused == frozenset()
    assert azure_side(inventory, everything).refused == frozenset()
