"""Events: counted, combined and held back as client-go does."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.client.recorder import EventRecorder
from tests.lab.controllers.helpers import World, played


def subject(name: str = "disk-deploy") -> Object:
    meta = {"name": name, "namespace": "walk", "uid": f"uid-{name}", "resourceVersion": "7"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta}


async def recorded(world: World, messages: list[str], pause: float = 0, **options: Any) -> list[Object]:
    """What stands in the API after these messages were recorded about one object, `pause` seconds apart."""
    recorder = EventRecorder(world.api, world.clock, "tester", **options)
    for message in messages:
        recorder.event(subject(), "Normal", "Happened", message, action="Trying")
        await recorder.flush()
        await world.clock.advance(pause)
    events = (await world.api.list("events", "walk"))[0]
    return sorted(events, key=lambda event: str(event["metadata"]["name"]))


TEN = [f"m{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("messages", "pause", "expected"),
    [
        (["m"], 0, [("m", 1)]),
        (["m", "m", "m"], 0, [("m", 3)]),
        (["m", "n", "m"], 0, [("m", 2), ("n", 1)]),
        (TEN[:9], 0, [(m, 1) for m in TEN[:9]]),
        (TEN, 0, [*((m, 1) for m in TEN[:9]), ("(combined from similar events): m9", 1)]),
        ([*TEN, "x", "y"], 0, [*((m, 1) for m in TEN[:9]), ("(combined from similar events): y", 3)]),
        (
            [*TEN, "m1"],
            0,
            [("m0", 1), ("m1", 2), *((m, 1) for m in TEN[2:9]), ("(combined from similar events): m9", 1)],
        ),
        (TEN, 601, [(m, 1) for m in TEN]),
        (["m"] * 30, 0, [("m", 25)]),
        (["m"] * 30, 300, [("m", 30)]),
    ],
)
def test_what_is_written(messages: list[str], pause: float, expected: list[tuple[str, int]]) -> None:
    async def scenario(world: World) -> None:
        events = await recorded(world, messages, pause)
        assert [(event["message"], event["count"]) for event in events] == expected

    played(scenario)


def test_the_shape_is_that_of_a_recorded_one() -> None:
    async def scenario(world: World) -> None:
        (event,) = await recorded(world, ["m"])
        name = event["metadata"].pop("name")
        assert name.startswith("disk-deploy.")
        assert len(name) == len("disk-deploy.18ea8ee65630e019")
        about = {"kind": "Deployment", "namespace": "walk", "name": "disk-deploy", "uid": "uid-disk-deploy"}
        assert {key: value for key, value in event.items() if key != "metadata"} == {
            "kind": "Event",
            "apiVersion": "v1",
            "involvedObject": about | {"apiVersion": "apps/v1", "resourceVersion": "7"},
            "reason": "Happened",
            "message": "m",
            "source": {"component": "tester"},
            "firstTimestamp": "2026-11-23T03:28:41Z",
            "lastTimestamp": "2026-11-23T03:28:41Z",
            "count": 1,
            "type": "Normal",
            "eventTime": None,
            "reportingComponent": "tester",
            "reportingInstance": "",
        }

    played(scenario)


def test_a_combined_event_names_no_reporting_component() -> None:
    async def scenario(world: World) -> None:
        last = (await recorded(world, TEN))[-1]
        assert (last["reportingComponent"], last["source"]) == ("", {"component": "tester"})

    played(scenario)


def test_a_count_whose_event_is_gone_makes_it_anew() -> None:
    async def scenario(world: World) -> None:
        recorder = EventRecorder(world.api, world.clock, "tester")
        recorder.event(subject(), "Normal", "Happened", "m")
        await recorder.flush()
        (name,) = await world.names("events")
        await world.api.delete("events", name, "walk")
        recorder.event(subject(), "Normal", "Happened", "m")
        await recorder.flush()
        assert await world.names("events") == [name]
        event = await world.get("events", name)
        assert event is not None
        assert event["count"] == 2

    played(scenario)


@pytest.mark.parametrize(
    ("times", "pause", "series"), [(1, 0, None), (2, 0, 2), (5, 0, 2), (3, 1801, None), (2, 300, 2)]
)
def test_the_newer_shape_has_a_series_instead_of_a_count(times: int, pause: float, series: int | None) -> None:
    async def scenario(world: World) -> None:
        first, *_ = await recorded(world, ["m"] * times, pause, events_v1=True)
        assert (first["source"], first["firstTimestamp"], first.get("count")) == ({}, None, None)
        assert (first["action"], first["reportingComponent"]) == ("Trying", "tester")
        assert first["eventTime"].startswith("2026-11-23T03:28:41.") and len(first["eventTime"]) == 27
        assert first.get("series", {}).get("count") == series

    played(scenario)


def test_a_message_is_cut_at_1024() -> None:
    async def scenario(world: World) -> None:
        (event,) = await recorded(world, ["x" * 2000])
        assert event["message"] == "x" * 1020 + " ..."

    played(scenario)


def test_an_event_that_cannot_be_written_stops_nobody() -> None:
    async def scenario(world: World) -> None:
        recorder = EventRecorder(world.api, world.clock, "tester")
        create, failures = world.api.create, iter([ValueError("no")])

        async def fails_once(*what: Any, **more: Any) -> Object:
            if (error := next(failures, None)) is not None:
                raise error
            return await create(*what, **more)

        world.api.create = fails_once  # type: ignore[method-assign]
        for message in ("lost", "told"):
            recorder.event(subject(), "Normal", "Happened", message)
        await recorder.flush()
        await recorder.flush()
        assert [event["message"] for event in (await world.api.list("events", "walk"))[0]] == ["told"]

    played(scenario)
