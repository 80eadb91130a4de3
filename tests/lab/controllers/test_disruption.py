from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.controllers.disruption import Disruption
from aksdisks.lab.controllers.statefulset import StatefulSetController
from aksdisks.lab.kube.write.deletion import DeleteOptions
from tests.lab.controllers.helpers import World, played, stateful_set


def budget(name: str = "guard", **spec: Any) -> Object:
    selector = {"matchLabels": {"app": "stateful-disk-pod"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "walk"},
        "spec": {"selector": selector, **spec},
    }


async def three_run(world: World, **spec: Any) -> Object:
    await world.create("statefulsets", stateful_set(3, podManagementPolicy="Parallel"))
    await world.create("poddisruptionbudgets", budget(**spec))
    await world.settle()
    await world.run_pods()
    return await status(world)


async def status(world: World) -> Object:
    found = await world.get("poddisruptionbudgets", "guard")
    assert found is not None
    return dict(found["status"])


async def evicted(world: World, name: str) -> ApiError | None:
    try:
        await world.api.evict("walk", name, DeleteOptions())
    except ApiError as error:
        return error
    finally:
        await world.settle()
    return None


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [
        ({"minAvailable": 1}, 1, 2),
        ({"minAvailable": 3}, 3, 0),
        ({"minAvailable": "50%"}, 2, 1),
        ({"maxUnavailable": 1}, 2, 1),
        ({"maxUnavailable": "34%"}, 1, 2),
        ({"maxUnavailable": 0}, 3, 0),
    ],
)
def test_what_a_budget_allows(spec: Object, desired: int, allowed: int) -> None:
    async def scenario(world: World) -> None:
        counted = await three_run(world, **spec)
        (condition,) = counted.pop("conditions")
        wanted = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
        assert (condition["status"], condition["reason"]) == wanted
        assert counted == {
            "currentHealthy": 3,
            "desiredHealthy": desired,
            "expectedPods": 3,
            "disruptionsAllowed": allowed,
            "observedGeneration": 1,
        }

    played(scenario, Disruption, StatefulSetController)


def test_an_eviction_that_the_budget_does_not_allow_is_refused_until_it_does() -> None:
    async def scenario(world: World) -> None:
        await three_run(world, minAvailable=2)
        assert await evicted(world, "web-2") is None
        counted = await status(world)
        assert (counted["disruptionsAllowed"], counted["currentHealthy"]) == (0, 2)
        refusal = await evicted(world, "web-1")
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (429, "TooManyRequests")
        assert refusal.message == "Cannot evict pod as it would violate the pod's disruption budget."
        cause = "The disruption budget guard needs 2 healthy pods and has 2 currently"
        assert refusal.details == {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
        await world.end_pods()
        await world.run_pods()
        assert await evicted(world, "web-1") is None
        assert "deletionTimestamp" in (await world.api.get("pods", "web-1", "walk"))["metadata"]

    played(scenario, Disruption, StatefulSetController)


def test_a_pod_that_never_ran_and_one_with_two_budgets() -> None:
    async def scenario(world: World) -> None:
        await world.create("statefulsets", stateful_set(1))
        await world.create("poddisruptionbudgets", budget(minAvailable=1))
        await world.settle()
        assert await evicted(world, "web-0") is None
        await world.run_pods()
        await world.create("poddisruptionbudgets", budget("second", maxUnavailable=1))
        await world.settle()
        refusal = await evicted(world, "web-0")
        assert refusal is not None
        text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        assert (refusal.code, refusal.message) == (500, text)

    played(scenario, Disruption, StatefulSetController)


@pytest.mark.parametrize("speed", [1.0, 400.0])
def test_an_evicted_pod_that_stays_counts_again_after_two_minutes(speed: float) -> None:
    """Of cluster time: a stamp in whole seconds is no measure in a fast lab."""

    async def scenario(world: World) -> None:
        await three_run(world, minAvailable=2)
        world.clock.speed = speed
        stuck = {"status": {"disruptedPods": {"web-0": "2026-11-23T03:28:41Z"}}}
        await world.api.patch("poddisruptionbudgets", "guard", stuck, "walk", subresource="status")
        await world.settle()
        await world.clock.advance(115)
        await world.api.patch("pods", "web-1", {"metadata": {"labels": {"a": "b"}}}, "walk")
        await world.settle()
        assert (await status(world))["currentHealthy"] == 2
        await world.clock.advance(10)
        assert (await status(world))["currentHealthy"] == 3
        assert world.events[-1].startswith("Warning NotDeleted Pod was expected by PDB walk/guard to be deleted")

    played(scenario, Disruption, StatefulSetController)
