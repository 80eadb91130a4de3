"""The protection finalizers: a claim stays while a pod uses it, a bound volume, a class that something names."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.storage_protection import AttributesClassProtection, ClaimProtection, VolumeProtection
from tests.lab.controllers.helpers import World, played


async def claim(world: World) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "data", "namespace": "walk"}
    obj = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    await world.create("persistentvolumeclaims", obj)


async def pod(world: World, name: str = "user", volume: Object | None = None) -> None:
    volume = volume or {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
    meta = {"name": name, "namespace": "walk"}
    await world.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


async def unused(world: World) -> None:
    await world.settle()


async def named_by_an_unscheduled_pod(world: World) -> None:
    await pod(world)


async def used(world: World) -> None:
    await pod(world)
    await world.run_pods()


async def used_by_a_finished_pod(world: World) -> None:
    await used(world)
    stored = copy.deepcopy(await world.api.get("pods", "user", "walk"))
    stored["status"]["phase"] = "Succeeded"
    await world.api.update("pods", stored, subresource="status")


async def used_by_a_pod_that_is_going(world: World) -> None:
    await used(world)
    await world.api.delete("pods", "user", "walk")


async def used_until_a_moment_ago(world: World) -> None:
    await used(world)
    await world.api.delete("pods", "user", "walk", grace_period_seconds=0)


async def others_use_others(world: World) -> None:
    await pod(world, volume={"name": "v", "persistentVolumeClaim": {"claimName": "other"}})
    await world.run_pods()


@pytest.mark.parametrize(
    ("situation", "goes"),
    [
        (unused, True),
        (named_by_an_unscheduled_pod, True),
        (used, False),
        (used_by_a_finished_pod, False),
        (used_by_a_pod_that_is_going, False),
        (used_until_a_moment_ago, True),
        (others_use_others, True),
    ],
)
def test_a_claim_goes_only_when_unused(situation: Callable[[World], Awaitable[None]], goes: bool) -> None:
    async def scenario(world: World) -> None:
        await claim(world)
        await situation(world)
        await world.settle()
        world.taken()
        await world.api.delete("persistentvolumeclaims", "data", "walk")
        await world.settle()
        assert (await world.get("persistentvolumeclaims", "data") is None) is goes
        assert world.taken() == (["update persistentvolumeclaims data"] if goes else [])

    played(scenario, ClaimProtection)


def test_a_deleted_claim_goes_when_its_last_pod_does() -> None:
    async def scenario(world: World) -> None:
        await claim(world)
        await pod(world)
        await pod(world, "second")
        await world.run_pods()
        await world.api.delete("persistentvolumeclaims", "data", "walk")
        for name, left in (("user", ["data"]), ("second", [])):
            await world.api.delete("pods", name, "walk", grace_period_seconds=0)
            await world.settle()
            assert await world.names("persistentvolumeclaims") == left

    played(scenario, ClaimProtection)


@pytest.mark.parametrize(("phase", "goes"), [("Bound", False), ("Released", True), ("Available", True)])
def test_a_volume_goes_only_when_not_bound(phase: str, goes: bool) -> None:
    async def scenario(world: World) -> None:
        spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
        spec["csi"] = {"driver": "disk.csi.azure.com", "volumeHandle": "h"}
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": spec}
        stored = copy.deepcopy(await world.create("persistentvolumes", volume))
        stored["status"] = {"phase": phase}
        await world.api.update("persistentvolumes", stored, subresource="status")
        await world.settle()
        await world.api.delete("persistentvolumes", "v")
        await world.settle()
        assert (await world.get("persistentvolumes", "v", None) is None) is goes

    played(scenario, VolumeProtection)


@pytest.mark.parametrize(
    ("resource", "namespace", "kind"),
    [("persistentvolumeclaims", "walk", ClaimProtection), ("persistentvolumes", None, VolumeProtection)],
)
def test_a_lost_finalizer_comes_back(
    resource: str, namespace: str | None, kind: type[ClaimProtection] | type[VolumeProtection]
) -> None:
    async def scenario(world: World) -> None:
        await claim(world)
        spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
        spec["csi"] = {"driver": "disk.csi.azure.com", "volumeHandle": "h"}
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "data"}, "spec": spec}
        await world.create("persistentvolumes", volume)
        await world.api.patch(resource, "data", {"metadata": {"finalizers": None}}, namespace)
        await world.settle()
        stored = await world.get(resource, "data", namespace)
        assert stored is not None
        assert len(stored["metadata"]["finalizers"]) == 1

    played(scenario, kind)


@pytest.mark.parametrize(
    ("status", "stays"),
    [
        ({"currentVolumeAttributesClassName": "gold"}, True),
        ({"modifyVolumeStatus": {"status": "InProgress", "targetVolumeAttributesClassName": "gold"}}, True),
        ({"currentVolumeAttributesClassName": "silver"}, False),
    ],
)
def test_an_attributes_class_goes_once_nothing_names_it(status: Object, stays: bool) -> None:
    async def scenario(world: World) -> None:
        await claim(world)
        await world.api.patch("persistentvolumeclaims", "data", {"status": status}, "walk", subresource="status")
        made = {"metadata": {"name": "gold"}, "driverName": "d", "parameters": {"a": "b"}}
        kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass"}
        await world.create("volumeattributesclasses", kind | made)
        await world.settle()
        await world.api.delete("volumeattributesclasses", "gold")
        await world.settle()
        assert (await world.get("volumeattributesclasses", "gold", None) is not None) is stays
        other = {"currentVolumeAttributesClassName": None, "modifyVolumeStatus": None}
        await world.api.patch("persistentvolumeclaims", "data", {"status": other}, "walk", subresource="status")
        await world.settle()
        assert await world.get("volumeattributesclasses", "gold", None) is None

    played(scenario, AttributesClassProtection)
