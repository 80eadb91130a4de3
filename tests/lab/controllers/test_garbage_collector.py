"""The garbage collector and the namespace controller: what goes, in which order, and what holds it."""

from __future__ import annotations

from typing import Literal

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.controllers.garbage_collector import GarbageCollector
from aksdisks.lab.controllers.namespace import NamespaceController
from tests.lab.controllers.helpers import World, played


async def owned(
    world: World, name: str, *owners: Object, block: bool = True, finalizers: tuple[str, ...] = ()
) -> Object:
    """A config map that belongs to `owners`."""
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]}
        | ({"blockOwnerDeletion": True} if block else {})
        for o in owners
    ]
    meta: Object = {"name": name, "namespace": "walk"}
    if references:
        meta["ownerReferences"] = references
    if finalizers:
        meta["finalizers"] = list(finalizers)
    return await world.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})


def gone(name: str) -> Object:
    return {"metadata": {"name": name, "uid": "00000000-0000-4000-8000-000000000000"}}


@pytest.mark.parametrize(
    ("propagation", "actions", "left"),
    [
        ("Background", ["delete configmaps child", "delete configmaps grandchild"], ["other"]),
        (
            "Foreground",
            [
                "delete configmaps child",
                "delete configmaps grandchild",
                "patch configmaps child",
                "patch configmaps owner",
            ],
            ["other"],
        ),
        ("Orphan", ["patch configmaps child", "patch configmaps owner"], ["child", "grandchild", "other"]),
    ],
)
def test_deleting_an_owner(propagation: str, actions: list[str], left: list[str]) -> None:
    async def scenario(world: World) -> None:
        owner = await owned(world, "owner")
        child = await owned(world, "child", owner)
        await owned(world, "grandchild", child)
        await owned(world, "other")
        await world.settle()
        await world.api.delete("configmaps", "owner", "walk", propagation=propagation)  # type: ignore[arg-type]
        await world.settle()
        assert world.taken() == actions
        assert await world.names("configmaps") == left

    played(scenario, GarbageCollector)


def test_one_owner_left_is_enough_to_stay() -> None:
    async def scenario(world: World) -> None:
        a, b = await owned(world, "a"), await owned(world, "b")
        await owned(world, "child", a, b)
        await world.api.delete("configmaps", "a", "walk")
        await world.settle()
        child = await world.get("configmaps", "child")
        assert child is not None
        assert [reference["name"] for reference in child["metadata"]["ownerReferences"]] == ["b"]
        await world.api.delete("configmaps", "b", "walk")
        await world.settle()
        assert await world.names("configmaps") == []

    played(scenario, GarbageCollector)


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_circle_of_owners_goes_when_one_is_deleted(propagation: Literal["Background", "Foreground"]) -> None:
    async def scenario(world: World) -> None:
        a = await owned(world, "a")
        b = await owned(world, "b", a)
        c = await owned(world, "c", b)
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": c["metadata"]["uid"]}
        patch = {"metadata": {"ownerReferences": [reference | {"controller": True, "blockOwnerDeletion": True}]}}
        await world.api.patch("configmaps", "a", patch, "walk")
        await world.settle()
        assert await world.names("configmaps") == ["a", "b", "c"]
        await world.api.delete("configmaps", "a", "walk", propagation=propagation)
        await world.settle()
        assert await world.names("configmaps") == []

    played(scenario, GarbageCollector)


@pytest.mark.parametrize("name", ["never-there", "successor"])
def test_an_owner_that_never_was_or_has_a_successor_does_not_keep(name: str) -> None:
    async def scenario(world: World) -> None:
        await owned(world, "successor")
        await owned(world, "child", gone(name))
        await world.settle()
        assert await world.names("configmaps") == ["successor"]

    played(scenario, GarbageCollector)


@pytest.mark.parametrize(("block", "left"), [(True, ["child", "owner"]), (False, ["child"])])
def test_only_dependents_that_block_hold_an_owner(block: bool, left: list[str]) -> None:
    async def scenario(world: World) -> None:
        owner = await owned(world, "owner")
        await owned(world, "child", owner, block=block, finalizers=("example.com/held",))
        await world.settle()
        await world.api.delete("configmaps", "owner", "walk", propagation="Foreground")
        await world.settle()
        assert await world.names("configmaps") == left
        await world.api.patch("configmaps", "child", {"metadata": {"finalizers": None}}, "walk")
        await world.settle()
        assert await world.names("configmaps") == []

    played(scenario, GarbageCollector)


async def seed_root_ca(world: World) -> None:
    await world.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    bundle: Object = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"ca.crt": "PEM"}}
    await world.create("configmaps", bundle | {"metadata": {"name": "kube-root-ca.crt", "namespace": "kube-system"}})
    await world.settle()


def test_a_new_namespace_gets_its_account_and_the_root_ca() -> None:
    async def scenario(world: World) -> None:
        await seed_root_ca(world)
        await world.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}})
        await world.settle()
        assert await world.get("serviceaccounts", "default", "fresh") is not None
        bundle = await world.get("configmaps", "kube-root-ca.crt", "fresh")
        assert bundle is not None
        assert bundle["data"] == {"ca.crt": "PEM"}
        await world.api.delete("serviceaccounts", "default", "fresh")
        await world.settle()
        assert await world.get("serviceaccounts", "default", "fresh") is not None

    played(scenario, NamespaceController)


def conditions(namespace: Object) -> dict[str, str]:
    return {c["type"]: c["message"] for c in namespace["status"]["conditions"] if c["status"] == "True"}


def test_a_namespace_goes_when_all_in_it_is_gone() -> None:
    async def scenario(world: World) -> None:
        held = await owned(world, "held", finalizers=("example.com/held",))
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "walk"}}
        await world.create("pods", pod | {"spec": {"containers": [{"name": "c", "image": "i"}]}})
        await world.run_pods()
        await world.api.delete("namespaces", "walk")
        await world.settle()
        namespace = await world.get("namespaces", "walk", None)
        assert namespace is not None
        assert namespace["status"]["phase"] == "Terminating"
        assert conditions(namespace) == {
            "NamespaceContentRemaining": "Some resources are remaining: pods. has 1 resource instances"
        }
        assert "deletionTimestamp" not in held["metadata"]
        with pytest.raises(ApiError, match="because it is being terminated"):
            await owned(world, "late")
        await world.end_pods()
        await world.clock.advance(20)
        await world.settle()
        namespace = await world.get("namespaces", "walk", None)
        assert namespace is not None
        assert conditions(namespace) == {
            "NamespaceContentRemaining": "Some resources are remaining: configmaps. has 1 resource instances",
            "NamespaceFinalizersRemaining": "Some content in the namespace has finalizers remaining: "
            "example.com/held in 1 resource instances",
        }
        await world.api.patch("configmaps", "held", {"metadata": {"finalizers": None}}, "walk")
        await world.clock.advance(20)
        await world.settle()
        assert await world.get("namespaces", "walk", None) is None

    played(scenario, NamespaceController)
