"""The deployment controller: rollouts, sizes, revisions and the status they leave."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers import rollout
from aksdisks.lab.controllers.deployment import DeploymentController
from aksdisks.lab.controllers.replicaset import ReplicaSetController
from tests.lab.controllers.helpers import World, deployment, played

Happening = Callable[[World], Awaitable[None]]
SET, DEPLOYMENT = "replicasets", "deployments/status"


def own(actions: list[str]) -> list[str]:
    """What this controller wrote, without names."""
    mine = (action.rpartition(" ")[0] for action in actions)
    return [action for action in mine if action.endswith((f" {SET}", f" {DEPLOYMENT}"))]


def changed_template(version: str) -> Object:
    return {"spec": {"template": {"metadata": {"labels": {"version": version}}}}}


async def nothing(world: World) -> None:
    await world.settle()


async def all_run(world: World) -> None:
    await world.run_pods()


async def scaled_up(world: World) -> None:
    await world.run_pods()
    world.taken()
    await world.scale("deployments", "disk-deploy", 4)


async def paused(world: World) -> None:
    await world.run_pods()
    world.taken()
    await world.api.patch("deployments", "disk-deploy", {"spec": {"paused": True}}, "walk")
    await world.settle()


UPDATE_STATUS = f"update {DEPLOYMENT}"


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (nothing, [f"create {SET}", UPDATE_STATUS, UPDATE_STATUS, UPDATE_STATUS]),
        (all_run, [f"create {SET}", *[UPDATE_STATUS] * 4]),
        (scaled_up, [f"update {SET}", *[UPDATE_STATUS] * 3]),
        (paused, [*[UPDATE_STATUS] * 2]),
    ],
)
def test_what_is_written(happens: Happening, expected: list[str]) -> None:
    async def scenario(world: World) -> None:
        await world.create("deployments", deployment(1))
        await world.settle()
        await happens(world)
        assert own(world.taken()) == expected

    played(scenario, DeploymentController, ReplicaSetController)


def test_a_replica_set_says_whose_it_is() -> None:
    async def scenario(world: World) -> None:
        owner = await world.create("deployments", deployment(4))
        await world.settle()
        (rs,) = (await world.api.list("replicasets", "walk"))[0]
        hashed = {"app": "disk-pod", "pod-template-hash": rs["metadata"]["name"].rpartition("-")[2]}
        assert rs["metadata"]["labels"] == rs["spec"]["selector"]["matchLabels"] == hashed
        assert rs["spec"]["template"]["metadata"]["labels"] == hashed
        assert rs["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]
        assert rs["metadata"]["annotations"] == {
            "deployment.kubernetes.io/desired-replicas": "4",
            "deployment.kubernetes.io/max-replicas": "5",
            "deployment.kubernetes.io/revision": "1",
        }

    played(scenario, DeploymentController, ReplicaSetController)


@pytest.mark.parametrize(
    ("strategy", "lowest", "highest"),
    [
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, 4, 5),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}, 3, 4),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "25%"}}, 3, 6),
        ({"type": "Recreate"}, 0, 4),
    ],
)
def test_a_rollout_keeps_within_its_limits(strategy: Object, lowest: int, highest: int) -> None:
    async def scenario(world: World) -> None:
        await world.create("deployments", deployment(4, strategy=strategy))
        await world.settle()
        await world.run_pods()
        await world.api.patch("deployments", "disk-deploy", changed_template("2"), "walk")
        ready, wanted = [], []
        for _ in range(12):
            await world.settle()
            pods = (await world.api.list("pods", "walk"))[0]
            active = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
            wanted.append(len(active))
            ready.append(sum("conditions" in p["status"] and p["status"]["phase"] == "Running" for p in active))
            await world.end_pods()
            await world.run_pods()
        assert (min(ready), max(wanted)) == (lowest, highest)
        stored = await world.get("deployments", "disk-deploy")
        assert stored is not None
        assert rollout.is_complete(stored, stored["status"])
        assert stored["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
        new = [rs for rs in (await world.api.list("replicasets", "walk"))[0] if rs["spec"]["replicas"]]
        assert [rollout.revision_of(rs) for rs in new] == [2]

    played(scenario, DeploymentController, ReplicaSetController)


def test_going_back_to_an_old_template_uses_its_set_again() -> None:
    async def scenario(world: World) -> None:
        await world.create("deployments", deployment(1))
        await world.settle()
        for version in ("2", None, "3", "4"):
            await world.run_pods()
            await world.api.patch("deployments", "disk-deploy", changed_template(version), "walk")  # type: ignore[arg-type]
            await world.settle()
            for _ in range(3):
                await world.run_pods()
                await world.end_pods()
        sets = (await world.api.list("replicasets", "walk"))[0]
        noted = {rollout.revision_of(rs): rs["metadata"]["annotations"].get(rollout.HISTORY) for rs in sets}
        assert noted == {2: None, 3: "1", 4: None, 5: None}

    played(scenario, DeploymentController, ReplicaSetController)


def test_old_sets_go_beyond_the_history_limit() -> None:
    async def scenario(world: World) -> None:
        await world.create("deployments", deployment(1, revisionHistoryLimit=1))
        await world.settle()
        for version in "234":
            await world.run_pods()
            await world.api.patch("deployments", "disk-deploy", changed_template(version), "walk")
            await world.settle()
            for _ in range(3):
                await world.run_pods()
                await world.end_pods()
        sets = (await world.api.list("replicasets", "walk"))[0]
        assert sorted(map(rollout.revision_of, sets)) == [3, 4]

    played(scenario, DeploymentController, ReplicaSetController)


def test_no_progress_for_too_long_is_told() -> None:
    async def scenario(world: World) -> None:
        await world.create("deployments", deployment(1, progressDeadlineSeconds=60))
        await world.settle()
        reasons = []
        for seconds in (50, 15):
            await world.clock.advance(seconds)
            await world.settle()
            stored = await world.get("deployments", "disk-deploy")
            assert stored is not None
            reasons += [c["reason"] for c in stored["status"]["conditions"] if c["type"] == "Progressing"]
        assert reasons == ["ReplicaSetUpdated", "ProgressDeadlineExceeded"]

    played(scenario, DeploymentController, ReplicaSetController)


def a_set(name: str, replicas: int, available: int = -1, maximum: int = 0) -> Object:
    annotations = {rollout.MAXIMUM: str(maximum)} if maximum else {}
    status = {"availableReplicas": replicas if available < 0 else available}
    return {"metadata": {"name": name, "annotations": annotations}, "spec": {"replicas": replicas}, "status": status}


def a_deployment(replicas: int, surge: Any, unavailable: Any) -> Object:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    return {"metadata": {"name": "d", "generation": 1}, "spec": {"replicas": replicas, "strategy": strategy}}


def test_progress_counts_also_within_one_second_of_real_time() -> None:
    async def scenario(world: World) -> None:
        moment = world.clock.now()
        world.clock.now = lambda: moment  # type: ignore[method-assign]
        await world.create("deployments", deployment(2, progressDeadlineSeconds=60))
        await world.settle()
        await world.clock.advance(40)
        await world.run_pods((await world.names("pods"))[0])
        reasons = []
        for seconds in (50, 25):
            await world.clock.advance(seconds)
            conditions = (await world.get("deployments", "disk-deploy"))["status"]["conditions"]
            reasons.append(next(c["reason"] for c in conditions if c["type"] == "Progressing"))
        assert reasons == ["ReplicaSetUpdated", "ProgressDeadlineExceeded"]

    played(scenario, DeploymentController, ReplicaSetController)


def test_time_in_which_nothing_could_happen_does_not_count_for_the_deadline() -> None:
    async def scenario(world: World) -> None:
        await world.create("deployments", deployment(1, progressDeadlineSeconds=60))
        await world.settle()
        reasons = []
        for stalled, seconds in ((300, 40), (0, 30)):
            world.clock.stall(stalled)
            await world.clock.advance(seconds)
            conditions = (await world.get("deployments", "disk-deploy"))["status"]["conditions"]
            reasons.append(next(c["reason"] for c in conditions if c["type"] == "Progressing"))
        assert reasons == ["ReplicaSetUpdated", "ProgressDeadlineExceeded"]

    played(scenario, DeploymentController, ReplicaSetController)


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (1, "25%", "25%", (1, 0)),
        (4, "25%", "25%", (1, 1)),
        (10, "25%", "25%", (3, 2)),
        (10, 0, 0, (0, 1)),
        (2, 1, 5, (1, 2)),
    ],
)
def test_percentages_become_pods(replicas: int, surge: Any, unavailable: Any, expected: tuple[int, int]) -> None:
    assert rollout.fence(a_deployment(replicas, surge, unavailable)) == expected


@pytest.mark.parametrize(
    ("replicas", "old", "new", "expected"),
    [
        (10, [a_set("a", 10)], a_set("n", 0, 0), [8]),
        (10, [a_set("a", 8)], a_set("n", 5, 0), []),
        (10, [a_set("a", 8)], a_set("n", 5, 5), [3]),
        (10, [a_set("a", 4, 0), a_set("b", 4)], a_set("n", 5, 5), [0, 3]),
        (10, [a_set("a", 0)], a_set("n", 10), []),
    ],
)
def test_how_old_sets_shrink(replicas: int, old: list[Object], new: Object, expected: list[int]) -> None:
    d = a_deployment(replicas, "25%", "25%")
    assert [size for _, size in rollout.old_sizes(d, old, new)] == expected


@pytest.mark.parametrize(
    ("replicas", "old", "new", "expected"),
    [
        (4, [], a_set("n", 1), {"n": 4}),
        (15, [a_set("a", 8, maximum=13)], a_set("n", 5, 0, maximum=13), {"a": 11, "n": 7}),
        (5, [a_set("a", 8, maximum=13)], a_set("n", 5, 0, maximum=13), {"a": 5, "n": 3}),
        (0, [a_set("a", 2, maximum=5)], a_set("n", 2, 0, maximum=5), {"a": 0, "n": 0}),
    ],
)
def test_several_active_sets_share_a_new_size(
    replicas: int, old: list[Object], new: Object, expected: dict[str, int]
) -> None:
    sizes = rollout.scaled_sizes(a_deployment(replicas, 3, 2), copy.deepcopy(old), new)
    assert {rs["metadata"]["name"]: size for rs, size in sizes} == expected


def test_a_rollout_that_never_gets_ready_shares_further_replicas_in_proportion() -> None:
    """Upstream's e2e/apps/deployment.go, testProportionalScalingDeployment: 8 and 5 of 13 become 20 and 13 of 33."""

    async def scenario(world: World) -> None:
        made = deployment(10)
        made["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
        await world.create("deployments", made)
        await world.settle()
        await world.run_pods()
        await world.api.patch("deployments", "disk-deploy", changed_template("404"), "walk")
        await world.settle()
        assert await sizes(world) == [8, 5]
        await world.scale("deployments", "disk-deploy", 30)
        assert await sizes(world) == [20, 13]

    played(scenario, DeploymentController, ReplicaSetController)


async def sizes(world: World) -> list[int]:
    """The replicas that the replica sets are to have, oldest first."""
    return [rs["spec"]["replicas"] for rs in (await world.api.list("replicasets", "walk"))[0]]
