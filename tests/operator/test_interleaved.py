"""Two operators that act at once, in any order of their steps, killed between any two: the rules hold without a Lease.

The cluster and the disks are a model here: each call of an operator is one step, and so is each file that it writes.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from aksdisks.errors import Conflict
from aksdisks.model import Unknown
from aksdisks.operator.decisions import Replica, Role
from aksdisks.operator.logs import Copy, Disk, digest
from aksdisks.operator.store import Stores

NAME, REPLICAS, BURSTS = "store", 3, 300


class Killed(BaseException):
    """What ends an operator between two of its steps."""


@dataclass
class Pod:
    """A pod of the model; its disk is the set's, and stays."""

    uid: int
    ready: bool = False
    role: Role = ""
    term: int = 0
    version: int = 0


@dataclass
class World:
    """The API server's objects and the disks, with the rules checked after each change."""

    chance: random.Random
    version: int = 0
    status: dict[str, Any] = field(default_factory=dict)
    status_version: int = 0
    writes: list[dict[str, str]] = field(default_factory=list)
    pods: dict[str, Pod] = field(default_factory=dict)
    disks: dict[str, dict[int, dict[int, str]]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    promotions: int = 0

    def next(self) -> int:
        self.version += 1
        return self.version

    def restart(self, name: str) -> None:
        """The pod of this name goes, and another with its disk comes."""
        self.pods[name] = Pod(self.next(), version=self.version)
        self.disks.setdefault(name, {})

    def check(self) -> None:
        primaries = [name for name, pod in self.pods.items() if pod.role == "primary"]
        assert len(primaries) <= 1, primaries

    def lines(self, name: str, term: int) -> list[str]:
        log = self.disks[name].get(term, {})
        return [log[n] for n in range(1, len(log) + 1)] if sorted(log) == [*range(1, len(log) + 1)] else []


class Operator:
    """An operator in a thread of its own, which runs for one step whenever it is given the turn.

    It stands for `Objects` and `Disks`: those are what `Stores` asks.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.killed = False
        self._turn, self._rested = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.failed: BaseException | None = None
        self._rested.acquire()

    def step(self) -> None:
        self._turn.release()
        assert self._rested.acquire(timeout=10)
        if self.failed is not None:
            raise self.failed

    def kill(self) -> None:
        self.killed = True
        self.step()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        stores = Stores(self, lambda _path: self, lambda: None, map_all=map)  # type: ignore[arg-type]
        try:
            while True:
                with suppress(Conflict):
                    stores.reconcile(NAME)
                self._gate()
        except Killed:
            self._rested.release()
        except BaseException as error:
            self.failed = error
            self._rested.release()

    def _gate(self) -> None:
        self._rested.release()
        self._turn.acquire()
        if self.killed:
            raise Killed

    # what `Objects` has

    def store(self, name: str) -> dict[str, Any]:
        self._gate()
        metadata = {"name": name, "uid": "u", "generation": 1, "resourceVersion": self.world.status_version}
        spec = {"mountPath": "/buffer", "writes": [dict(write) for write in self.world.writes]}
        return {"metadata": metadata, "spec": spec, "status": dict(self.world.status)}

    def make_children(self, _raw: Any) -> None:
        pass

    def replicas(self, _name: str) -> list[Replica]:
        self._gate()
        return [
            Replica(name, pod.role, pod.ready, version=str(pod.version), uid=str(pod.uid), term=pod.term)
            for name, pod in sorted(self.world.pods.items())
        ]

    def change_pod(self, seen: Replica, role: Role, term: int) -> bool:
        self._gate()
        pod = self.world.pods[seen.name]
        if (str(pod.uid), pod.role, pod.term) != (seen.uid, seen.role, seen.term):
            raise Conflict("changed", status=409)
        if role == "primary" and pod.role != "primary":
            self.world.promotions += 1
        pod.role, pod.term, pod.version = role, term, self.world.next()
        self.world.check()
        return True

    def change_status(self, seen: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        self._gate()
        standing = lambda found: (found.get("term", 0), found.get("generation", 0))  # noqa: E731
        if standing(self.world.status) != standing(seen["status"]):
            raise Conflict("changed", status=409)
        self.world.status = {**self.world.status, **status}
        self.world.status_version = self.world.next()
        self._check_acknowledged()
        return {**seen, "status": dict(self.world.status)}

    def tell(self, *_said: Any) -> None:
        pass

    def _check_acknowledged(self) -> None:
        """What is newly acknowledged goes on from what was, and stands on the disk of one pod at least."""
        world, generation = self.world, self.world.status.get("generation", 0)
        logs = [world.lines(name, term)[:generation] for name in world.disks for term in world.disks[name]]
        if generation > len(world.acknowledged):
            told = [log for log in logs if digest(log) == world.status["digest"]]
            assert told, f"no disk holds it: {world.status} {world.disks}"
            assert told[0][: len(world.acknowledged)] == world.acknowledged
            world.acknowledged = told[0]
        assert generation == len(world.acknowledged)

    # what `Disks` has

    def read(self, pod: str) -> Disk | Unknown:
        self._gate()
        if not self.world.pods[pod].ready:
            return Unknown(f"no command runs in pod {pod}")
        text = "\n".join(
            f"{term}/{number:08d} {line}" for term, log in self.world.disks[pod].items() for number, line in log.items()
        )
        return Disk.of(text)

    def write(self, pod: str, term: int, wanted: Copy) -> Disk | Unknown:
        for number in range(1, wanted.carried + 1):
            self._link(pod, term, number, self.world.disks[pod].get(wanted.source, {}).get(number))
        for number, line in wanted.missing:
            if not self._link(pod, term, number, line):
                break
        return self.read(pod)

    def forget(self, pod: str, term: int) -> None:
        self._gate()
        for former in [each for each in self.world.disks[pod] if each < term]:
            del self.world.disks[pod][former]

    def _link(self, pod: str, term: int, number: int, line: str | None) -> bool:
        self._gate()
        if line is None or not self.world.pods[pod].ready:
            return False
        return self.world.disks[pod].setdefault(term, {}).setdefault(number, line) == line


def events(world: World) -> Iterator[None]:
    """What happens besides: writes come, are taken out of the spec again, pods go and become ready."""
    count = 0
    while True:
        chosen, name = world.chance.random(), f"{NAME}-{world.chance.randrange(REPLICAS)}"
        if chosen < 0.25:
            world.writes.append({"id": f"w{count}", "value": str(count)})
            count += 1
        elif chosen < 0.4 and world.writes:
            # Also one that is not acknowledged: its user thought better of it.
            world.writes.pop(world.chance.choice([-1, -1, world.chance.randrange(len(world.writes))]))
        elif chosen < 0.46:
            world.restart(name)
        elif chosen < 0.68:
            world.pods[name].ready = False  # its container ends, and is started again
        else:
            world.pods[name].ready = True
        yield


SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 300))]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rules_hold_in_any_order(seed: int) -> None:
    world = World(random.Random(seed))
    for number in range(REPLICAS):
        world.restart(f"{NAME}-{number}")
    happening = events(world)
    operators = [Operator(world), Operator(world)]
    for _ in range(BURSTS):
        chosen = world.chance.random()
        if chosen < 0.03:
            number = world.chance.randrange(2)
            operators[number].kill()
            operators[number] = Operator(world)
        elif chosen < 0.4:
            next(happening)
        # Now and then one of them does much while the other stands still.
        chosen_one = operators[world.chance.randrange(2)]
        for _ in range(world.chance.choice([1, 1, 2, 5, 25])):
            chosen_one.step()
    settle(world, operators)
    assert world.acknowledged and world.promotions > 1, "the test shows nothing"


def settle(world: World, operators: list[Operator]) -> None:
    """One operator alone, and pods that stay: all is acknowledged, and stands on each disk."""
    operators[0].kill()
    for pod in world.pods.values():
        pod.ready = True
    for _ in range(600):
        operators[1].step()
    operators[1].kill()
    term = world.status["term"]
    logs = [world.lines(name, term) for name in world.pods]
    assert logs == [world.acknowledged] * REPLICAS
    assert sorted(pod.role for pod in world.pods.values()) == ["primary", *["replica"] * (REPLICAS - 1)]
    ids = [line.partition(" ")[0] for line in world.acknowledged]
    assert len(set(ids)) == len(ids)
    assert {write["id"] for write in world.writes} <= set(ids)
