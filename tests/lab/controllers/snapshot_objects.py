"""Snapshots, contents and classes as small as tests need them, and a world that has their kinds."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.snapshots import CLASSES, CONTENTS, SNAPSHOTS
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.strategies import snapshots
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DISKS, DRIVER, claim, volume

API = "snapshot.storage.k8s.io/v1"
HANDLE = DISKS.replace("/disks", "/snapshots/old")


def snapshot(name: str = "first", of: str = "data", **spec: Any) -> Object:
    return {
        "apiVersion": API,
        "kind": "VolumeSnapshot",
        "metadata": {"name": name, "namespace": "walk"},
        "spec": {"source": {"persistentVolumeClaimName": of}, "volumeSnapshotClassName": "nightly", **spec},
    }


def static(name: str = "first", content: str = "content") -> Object:
    """A snapshot of a content that is there."""
    made = snapshot(name, source={"volumeSnapshotContentName": content})
    del made["spec"]["volumeSnapshotClassName"]
    return made


def content(name: str = "content", of: Object | None = None, **spec: Any) -> Object:
    """One that was made by hand; `of`: the snapshot that it names in full."""
    reference = {"name": "first", "namespace": "walk"}
    if of is not None:
        reference |= {"uid": of["metadata"]["uid"]}
    base = {"deletionPolicy": "Delete", "driver": DRIVER, "source": {"snapshotHandle": HANDLE}}
    body = {"apiVersion": API, "kind": "VolumeSnapshotContent", "metadata": {"name": name}}
    return {**body, "spec": base | {"volumeSnapshotRef": reference} | spec}


def snapshot_class(name: str = "nightly", *, default: bool = False, **more: Any) -> Object:
    notes = {"annotations": {"snapshot.storage.kubernetes.io/is-default-class": "true"}} if default else {}
    body = {"apiVersion": API, "kind": "VolumeSnapshotClass", "metadata": {"name": name, **notes}}
    return body | {"driver": DRIVER, "deletionPolicy": "Delete"} | more


async def bound_claim(world: World, name: str = "data", phase: str = "Bound", **of_volume: Any) -> Object:
    """A claim with its volume `pv`."""
    made = await world.create("persistentvolumeclaims", claim(name, volumeName="pv"))
    await world.create("persistentvolumes", volume(of=made, **of_volume))
    status = {"status": {"phase": phase}}
    return await world.api.patch("persistentvolumeclaims", name, status, "walk", subresource="status")


def snapped(scenario: Callable[[World], Awaitable[None]], *kinds: Callable[[Any, Clock, Ids], Controller]) -> None:
    """Play it where snapshots are served."""

    async def play(world: World) -> None:
        # Where events of what is in no namespace go.
        await world.create("namespaces", {"metadata": {"name": "default"}})
        snapshots.install(world.store, world.ids, timestamp(world.clock.now()))
        await world.run(*kinds)
        world.taken()
        await scenario(world)

    played(play)


async def made(world: World, obj: Object) -> Object:
    """The object as it is once all has come to rest."""
    kinds = {"VolumeSnapshot": SNAPSHOTS, "VolumeSnapshotContent": CONTENTS, "VolumeSnapshotClass": CLASSES}
    created = await world.create(kinds[obj["kind"]], obj)
    await world.settle()
    return created


async def begun(world: World, **of_class: Any) -> Object:
    """A snapshot of a bound claim's that has just been asked for; `of_class` is what its class says."""
    await bound_claim(world)
    await made(world, snapshot_class(**of_class))
    return await made(world, snapshot())


async def told(world: World, name: str, **status: Any) -> Object:
    """A content whose sidecar has told this."""
    found = copy.deepcopy(await world.api.get(CONTENTS, name))
    found["status"] = {**found.get("status", {}), **status}
    written = await world.api.update(CONTENTS, found, subresource="status")
    await world.settle()
    return written
