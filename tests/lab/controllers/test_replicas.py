"""The rules about a StatefulSet's replicas: which of them a pass need not look at again."""

from __future__ import annotations

import random

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.replicas import Settled
from tests.lab.controllers.helpers import stateful_set


def pod(number: int) -> Object:
    return {"metadata": {"name": f"web-{number}", "namespace": "walk"}}


@pytest.mark.parametrize("first", [0, 7])
@pytest.mark.parametrize("seed", range(5))
def test_the_others_are_all_ordinals_that_are_not_settled(first: int, seed: int) -> None:
    """Whatever was settled and dropped in whatever order: as a set that is made anew each time has it."""
    drawn = random.Random(seed)
    filed: set[str] = set()
    settled = Settled(lambda key: filed.symmetric_difference_update({key}))
    owner = stateful_set(20, ordinals={"start": first})
    owner["metadata"]["generation"] = 1
    assert not settled.keep_for(owner)
    kept: dict[int, tuple[Object, bool]] = {}
    for _ in range(400):
        number, starting = drawn.randrange(first, first + 20), drawn.random() < 0.3
        act = drawn.choices(("add", "drop", "clear", "new generation"), (10, 10, 1, 1))[0]
        if act == "add" and number not in kept:
            kept[number] = pod(number), starting
            settled.add(kept[number][0], starting=starting)
        elif act == "drop":
            kept.pop(number, None)
            settled.drop(number)
        elif act == "clear":
            kept.clear()
            settled.clear()
        elif act == "new generation":
            owner["metadata"]["generation"] += 1
            assert settled.keep_for(owner) == bool(kept)
            kept.clear()
        gaps, rest = settled.others(20)
        assert [*gaps, *rest] == [each for each in range(first, first + 20) if each not in kept]
        assert settled.last_starting() == max((each for each, (_, starts) in kept.items() if starts), default=-1)
        assert settled.starting == {each for each, (_, starts) in kept.items() if starts}
        assert filed == {f"walk/web-{each}" for each in kept}
        assert len(settled) == len(kept)
        assert all(settled.holds(there) and not settled.holds(pod(each)) for each, (there, _) in kept.items())
