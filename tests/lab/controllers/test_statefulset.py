"""The stateful set controller: one pod after another, each with its claim."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.garbage_collector import GarbageCollector
from aksdisks.lab.controllers.statefulset import StatefulSetController
from tests.lab.controllers.helpers import World, played, stateful_set
from tests.work import counted

Happening = Callable[[World], Awaitable[None]]
STATUS = "update statefulsets/status web"


def made(ordinal: int) -> list[str]:
    return [f"create persistentvolumeclaims data-web-{ordinal}", f"create pods web-{ordinal}", STATUS, STATUS]


async def nothing(world: World) -> None:
    await world.settle()


async def first_runs(world: World) -> None:
    await world.run_pods()


async def all_run(world: World) -> None:
    for _ in range(3):
        await world.run_pods()


async def middle_is_deleted(world: World) -> None:
    await all_run(world)
    world.taken()
    await world.api.delete("pods", "web-1", "walk")
    await world.settle()


async def middle_is_gone(world: World) -> None:
    await middle_is_deleted(world)
    world.taken()
    await world.end_pods()


async def fewer_are_wanted(world: World) -> None:
    await all_run(world)
    world.taken()
    await world.scale("statefulsets", "web", 1)


async def the_last_is_gone(world: World) -> None:
    await fewer_are_wanted(world)
    world.taken()
    await world.end_pods()


async def one_fails(world: World) -> None:
    await all_run(world)
    world.taken()
    pod = copy.deepcopy(await world.api.get("pods", "web-0", "walk"))
    pod["status"] |= {"phase": "Failed"}
    await world.api.update("pods", pod, subresource="status")
    await world.settle()


async def the_template_changes(world: World) -> None:
    await all_run(world)
    world.taken()
    patch = {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}}
    await world.api.patch("statefulsets", "web", patch, "walk")
    await world.settle()


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (nothing, made(0)),
        (first_runs, [*made(0), *made(1)]),
        (all_run, [*made(0), *made(1), *made(2), STATUS]),
        (middle_is_deleted, [STATUS]),
        (middle_is_gone, ["create pods web-1", STATUS, STATUS]),
        (fewer_are_wanted, ["delete pods web-2", STATUS, STATUS]),
        (the_last_is_gone, ["delete pods web-1", STATUS, STATUS]),
        (one_fails, ["delete pods web-0", STATUS, "create pods web-0", STATUS, STATUS]),
        (the_template_changes, ["delete pods web-2", STATUS, STATUS]),
    ],
)
def test_what_is_written(happens: Happening, expected: list[str]) -> None:
    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(3))
        await world.settle()
        await happens(world)
        actions = [action for action in world.taken() if "controllerrevisions" not in action]
        assert actions == expected

    played(scenario, StatefulSetController)


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (
            first_runs,
            [
                "Normal SuccessfulCreate Create Claim data-web-0 Pod web-0 in StatefulSet web success",
                "Normal SuccessfulCreate Create Pod web-0 in StatefulSet web successful",
                "Normal SuccessfulCreate Create Claim data-web-1 Pod web-1 in StatefulSet web success",
                "Normal SuccessfulCreate Create Pod web-1 in StatefulSet web successful",
            ],
        ),
        (fewer_are_wanted, ["Normal SuccessfulDelete Delete Pod web-2 in StatefulSet web successful"]),
    ],
)
def test_what_is_told(happens: Happening, expected: list[str]) -> None:
    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(3))
        await world.settle()
        await happens(world)
        assert world.events[-len(expected) :] == expected

    played(scenario, StatefulSetController)


def test_a_pod_and_its_claim_carry_the_ordinal() -> None:
    async def scenario(world: World) -> None:
        owner = await world.create("statefulsets", stateful_set(1))
        await world.settle()
        pod, claim = await world.get("pods", "web-0"), await world.get("persistentvolumeclaims", "data-web-0")
        assert pod is not None
        assert claim is not None
        (revision,) = await world.names("controllerrevisions")
        assert pod["metadata"]["labels"] == {
            "app": "stateful-disk-pod",
            "apps.kubernetes.io/pod-index": "0",
            "controller-revision-hash": revision,
            "statefulset.kubernetes.io/pod-name": "web-0",
        }
        assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-0", "s")
        assert pod["spec"]["volumes"][0] == {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}
        assert pod["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]
        assert claim["metadata"]["labels"] == {"app": "stateful-disk-pod"}
        assert "ownerReferences" not in claim["metadata"]

    played(scenario, StatefulSetController)


def test_a_claim_that_is_going_holds_its_pod_up_and_no_other_claim() -> None:
    async def scenario(world: World) -> None:
        wanted = stateful_set(1)
        (data,) = wanted["spec"]["volumeClaimTemplates"]
        logs = data | {"metadata": {"name": "logs"}}
        wanted["spec"]["volumeClaimTemplates"].append(logs)
        old = data | {"metadata": {"name": "data-web-0", "namespace": "walk"}}
        await world.create("persistentvolumeclaims", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **old})
        await world.api.delete("persistentvolumeclaims", "data-web-0", "walk")
        await world.settle()
        await world.create("statefulsets", wanted)
        await world.settle()
        assert world.events[:2] == [
            "Normal SuccessfulCreate Create Claim logs-web-0 Pod web-0 in StatefulSet web success",
            "Warning FailedCreate Create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted",
        ]
        await world.api.patch("persistentvolumeclaims", "data-web-0", {"metadata": {"finalizers": None}}, "walk")
        await world.clock.advance(30)
        assert await world.names("pods") == ["web-0"]

    played(scenario, StatefulSetController)


def test_parallel_does_not_wait() -> None:
    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(3, podManagementPolicy="Parallel"))
        await world.settle()
        assert await world.names("pods") == ["web-0", "web-1", "web-2"]
        await world.scale("statefulsets", "web", 0)
        assert await world.names("pods") == []

    played(scenario, StatefulSetController)


def test_a_partition_is_updated_from_the_top_and_no_further() -> None:
    async def scenario(world: World) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
        await world.create("statefulsets", stateful_set(3, updateStrategy=strategy))
        await world.settle()
        await the_template_changes(world)
        for _ in range(4):
            await world.end_pods()
            await world.run_pods()
        versions = [pod["metadata"]["labels"].get("version") for pod in (await world.api.list("pods", "walk"))[0]]
        assert versions == [None, "2", "2"]
        stored = await world.get("statefulsets", "web")
        assert stored is not None
        assert stored["status"]["currentRevision"] != stored["status"]["updateRevision"]
        assert (stored["status"]["currentReplicas"], stored["status"]["updatedReplicas"]) == (1, 2)

    played(scenario, StatefulSetController)


def test_going_back_to_an_old_template_uses_its_revision_again() -> None:
    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(1))
        await world.settle()
        for version in ("2", None):
            patch: Object = {"spec": {"template": {"metadata": {"labels": {"version": version}}}}}
            await world.api.patch("statefulsets", "web", patch, "walk")
            await world.settle()
            await world.end_pods()
            await world.run_pods()
        numbers = [revision["revision"] for revision in (await world.api.list("controllerrevisions", "walk"))[0]]
        assert sorted(numbers) == [2, 3]

    played(scenario, StatefulSetController)


@pytest.mark.parametrize(
    ("deleted", "scaled", "after_scaling", "after_deleting"),
    [
        ("Retain", "Retain", ["data-web-0", "data-web-1"], ["data-web-0", "data-web-1"]),
        ("Retain", "Delete", ["data-web-0"], ["data-web-0"]),
        ("Delete", "Retain", ["data-web-0", "data-web-1"], []),
        ("Delete", "Delete", ["data-web-0"], []),
    ],
)
def test_what_becomes_of_claims(deleted: str, scaled: str, after_scaling: list[str], after_deleting: list[str]) -> None:
    async def scenario(world: World) -> None:
        policy = {"whenDeleted": deleted, "whenScaled": scaled}
        await world.create("statefulsets", stateful_set(2, persistentVolumeClaimRetentionPolicy=policy))
        await world.settle()
        await all_run(world)
        await world.scale("statefulsets", "web", 1)
        await world.end_pods()
        await unprotect(world)
        assert await world.names("persistentvolumeclaims") == after_scaling
        await world.api.delete("statefulsets", "web", "walk", propagation="Background")
        await world.settle()
        await world.end_pods()
        await unprotect(world)
        assert await world.names("persistentvolumeclaims") == after_deleting

    played(scenario, StatefulSetController, GarbageCollector)


def test_a_successor_takes_over_what_an_orphaning_delete_left() -> None:
    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(2))
        await world.settle()
        await all_run(world)
        uids = [pod["metadata"]["uid"] for pod in (await world.api.list("pods", "walk"))[0]]
        await world.api.delete("statefulsets", "web", "walk", propagation="Orphan")
        await world.settle()
        successor = await world.create("statefulsets", stateful_set(2))
        await world.settle()
        left = [*(await world.api.list("pods", "walk"))[0], *(await world.api.list("controllerrevisions", "walk"))[0]]
        assert [obj["metadata"]["uid"] for obj in left[:2]] == uids
        owners = [reference["uid"] for obj in left for reference in obj["metadata"]["ownerReferences"]]
        assert owners == [successor["metadata"]["uid"]] * 3

    played(scenario, StatefulSetController, GarbageCollector)


async def unprotect(world: World) -> None:
    """Be the pvc-protection controller: claims that are being deleted are let go."""
    for claim in (await world.api.list("persistentvolumeclaims", "walk"))[0]:
        if "deletionTimestamp" in claim["metadata"]:
            patch = {"metadata": {"finalizers": None}}
            await world.api.patch("persistentvolumeclaims", claim["metadata"]["name"], patch, "walk")
    await world.settle()


def test_a_replica_costs_no_more_in_a_large_set() -> None:
    """Lines executed for a pod that is made anew, beside few others that run and beside many."""
    modules = ("client.informer", "controllers.controller_refs", "controllers.replicas", "controllers.statefulset")
    found = []

    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(10, podManagementPolicy="Parallel"))
        await world.settle()
        await world.run_pods()
        for replicas in (10, 100):
            await world.scale("statefulsets", "web", replicas)
            await world.run_pods()
            await world.api.delete("pods", "web-5", "walk", grace_period_seconds=0)
            with counted(*(f"aksdisks.lab.{name}" for name in modules)) as work:
                await world.settle()
                await world.run_pods("web-5")
            found.append(work.lines)

    played(scenario, StatefulSetController)
    assert found[0] > 300
    assert found[1] == found[0]
