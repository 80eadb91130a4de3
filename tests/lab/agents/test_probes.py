"""Exec probes: what their commands answer makes a pod ready, or its container start anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from aksdisks.lab.agents.kubelet.kubelet import NodeAgent
from aksdisks.lab.agents.kubelet.probes import Result, apart
from aksdisks.lab.scenario import Delays
from tests.lab.agents.test_kubelet import cluster, status
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import pod

BAD, GOOD = Result(1, "not yet"), Result(0)


class Answers:
    """Runs no command: answers as a test wants, by the command's first word."""

    def __init__(self, **answers: Result) -> None:
        self.by = answers
        self.asked: list[str] = []

    async def run(self, _pod: Any, _container: Any, command: list[str], _seconds: float) -> Result:
        self.asked.append(command[0])
        return self.by[command[0]]


def agent(run: Any) -> Callable[[Any, Any, Any], NodeAgent]:
    return partial(_agent, run)


def _agent(run: Any, api: Any, clock: Any, ids: Any) -> NodeAgent:
    return NodeAgent(api, clock, ids, "node-0", Delays(), probe=run)


async def place(world: World, **probes: dict[str, Any]) -> None:
    made = pod("p", nodeName="node-0")
    for kind, probe in probes.items():
        made["spec"]["containers"][0][f"{kind}Probe"] = {"exec": {"command": [kind]}, "periodSeconds": 10, **probe}
    await world.create("pods", made)
    await world.settle()
    await world.clock.advance(8)


async def is_ready(world: World) -> tuple[str, bool, int]:
    found = await status(world)
    [container] = found["containerStatuses"]
    [ready] = [one["status"] for one in found["conditions"] if one["type"] == "Ready"]
    return ready, container["ready"], container["restartCount"]


def unhealthy(world: World) -> list[str]:
    return [event.partition(" x")[0] for event in world.events if "Unhealthy" in event or "Skipped" in event]


def test_a_readiness_probe_makes_ready_and_unready_by_its_thresholds() -> None:
    answers = Answers(readiness=BAD)

    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, readiness={"initialDelaySeconds": 10, "failureThreshold": 2})
        assert answers.asked == []
        await world.clock.advance(5)
        assert (await is_ready(world), unhealthy(world)[:1]) == (
            ("False", False, 0), ["Warning Unhealthy Readiness probe failed: not yet"],
        )  # fmt: skip
        answers.by["readiness"] = GOOD
        await world.clock.advance(10)
        assert await is_ready(world) == ("True", True, 0)
        answers.by["readiness"] = BAD
        await world.clock.advance(10)
        assert await is_ready(world) == ("True", True, 0)
        await world.clock.advance(10)
        assert await is_ready(world) == ("False", False, 0)

    played(scenario, agent(answers.run))


def test_a_liveness_probe_starts_the_container_anew() -> None:
    answers = Answers(liveness=BAD)

    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, liveness={"failureThreshold": 2})
        assert await is_ready(world) == ("True", True, 0)
        await world.clock.advance(10)
        answers.by["liveness"] = GOOD
        await world.clock.advance(30)
        assert await is_ready(world) == ("True", True, 1)
        assert [event.split()[-6:] for event in world.events if "Killing" in event] == [
            ["failed", "liveness", "probe,", "will", "be", "restarted"]
        ]
        [container] = (await status(world))["containerStatuses"]
        assert container["lastState"]["terminated"]["exitCode"] == 137
        await world.clock.advance(100)
        assert await is_ready(world) == ("True", True, 1)

    played(scenario, agent(answers.run))


def test_a_startup_probe_holds_up_the_others() -> None:
    answers = Answers(startup=BAD, readiness=GOOD)

    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, startup={"failureThreshold": 30}, readiness={})
        await world.clock.advance(50)
        assert (await is_ready(world), set(answers.asked)) == (("False", False, 0), {"startup"})
        answers.by["startup"] = GOOD
        await world.clock.advance(10)
        assert await is_ready(world) == ("True", True, 0)

    played(scenario, agent(answers.run))


def test_what_cannot_be_run_is_told_and_counts_as_good() -> None:
    async def scenario(world: World) -> None:
        await cluster(world)
        await place(world, readiness={})
        assert await is_ready(world) == ("True", True, 0)
        [told] = set(unhealthy(world))
        assert told.startswith(
            "Warning ProbeSkipped Readiness probe counts as succeeded, it cannot be run: these agents"
        )

    played(scenario, agent(apart))
