"""Versions, history and subscriptions of the store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.schema.resource import Field
from aksdisks.lab.kube.storage.store import Change, Store
from aksdisks.lab.persistence.database import Database


def thing(name: str, **fields: Any) -> Object:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, **fields}


def test_one_counter_orders_all_writes_and_lists_are_sorted() -> None:
    store = Store(first_version=100)
    store.create("configmaps", ("n", "b"), thing("b"))
    store.create("secrets", ("n", "x"), thing("x"))
    store.create("configmaps", ("n", "a"), thing("a"))
    store.create("configmaps", ("m", "z"), thing("z"))
    found = [(key, version.resource_version) for key, version in store.list("configmaps")]
    assert found == [(("m", "z"), 104), (("n", "a"), 103), (("n", "b"), 101)]
    assert [key for key, _ in store.list("configmaps", "n")] == [("n", "a"), ("n", "b")]
    assert store.list_at("configmaps", "n", 101) == [(("n", "b"), store.get("configmaps", ("n", "b")))]


def test_a_deletion_is_told_as_the_last_state_under_a_new_number() -> None:
    store = Store()
    store.create("configmaps", ("n", "a"), thing("a", data="1"))
    told = store.subscribe("configmaps", store.resource_version)
    store.delete("configmaps", ("n", "a"))
    (change,) = told.take()
    assert (change.type, change.version.object["data"]) == ("DELETED", "1")
    assert change.version.object["metadata"]["resourceVersion"] == str(store.resource_version)
    assert change.previous is not None
    assert change.previous.object["metadata"]["resourceVersion"] == str(store.resource_version - 1)


@pytest.mark.parametrize("last", ["create", "update", "delete", "delete all"])
def test_no_number_is_used_again_after_a_restart(tmp_path: Path, last: str) -> None:
    database = Database(tmp_path / "lab.sqlite")
    store = Store(records=database)
    store.create("configmaps", ("n", "a"), thing("a"))
    store.create("secrets", ("n", "x"), thing("x"))
    if last == "update":
        store.update("configmaps", ("n", "a"), thing("a", data="1"))
    if last.startswith("delete"):
        store.delete("secrets", ("n", "x"))
    if last == "delete all":
        store.delete("configmaps", ("n", "a"))
    database.begin()
    database.close()
    again = Store(records=Database(tmp_path / "lab.sqlite"))
    assert again.resource_version == store.resource_version
    with pytest.raises(ApiError, match="too old resource version"):
        again.subscribe("configmaps", again.resource_version - 1)


def test_subscriptions_begin_where_they_say_unless_it_is_forgotten() -> None:
    store = Store(first_version=100, history=2)
    for data in "abcd":
        key = ("n", "x")
        (store.update if store.get("configmaps", key) else store.create)("configmaps", key, thing("x", data=data))
    assert [change.version.object["data"] for change in store.subscribe("configmaps", 102).take()] == ["c", "d"]
    with pytest.raises(ApiError, match=r"too old resource version: 101 \(102\)") as refusal:
        store.subscribe("configmaps", 101)
    assert (refusal.value.code, refusal.value.reason) == (410, "Expired")


def test_a_subscriber_wakes_up_and_is_forgotten_when_it_leaves() -> None:
    async def test() -> None:
        store = Store()
        told = store.subscribe("configmaps", store.resource_version)
        waiting = asyncio.create_task(told.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        store.create("configmaps", ("n", "a"), thing("a"))
        await waiting
        assert len(told.take()) == 1
        store.unsubscribe("configmaps", told)
        store.delete("configmaps", ("n", "a"))
        assert told.take() == []

    asyncio.run(test())


def test_json_is_made_once_and_items_leave_out_their_kind() -> None:
    version = Store().create("configmaps", ("n", "a"), thing("a", data="1"))
    assert version.json is version.json
    assert json.loads(version.json) == version.object
    assert json.loads(version.item_json) == {"metadata": version.object["metadata"], "data": "1"}


def test_a_change_asks_nobody_who_watches_other_values_of_a_field() -> None:
    store = Store()
    asked: list[str] = []
    told = {}
    for number in range(100):
        node = f"node-{number}"

        def wants(_: Change, node: str = node) -> bool:
            asked.append(node)
            return True

        told[node] = store.subscribe("pods", store.resource_version, wants, (Field("spec.nodeName"), node))
    everything = store.subscribe("pods", store.resource_version)
    store.create("pods", ("n", "a"), thing("a", spec={"nodeName": "node-1"}))
    store.update("pods", ("n", "a"), thing("a", spec={"nodeName": "node-2"}))
    store.delete("pods", ("n", "a"))
    assert [change.type for change in told["node-1"].take()] == ["ADDED", "MODIFIED"]
    assert [change.type for change in told["node-2"].take()] == ["MODIFIED", "DELETED"]
    assert len(everything.take()) == 3
    assert sorted(asked) == ["node-1", "node-1", "node-2", "node-2"]


def test_a_field_that_nobody_watches_any_more_is_not_looked_at() -> None:
    store = Store()
    trigger = (Field("metadata.name"), "a")
    subscription = store.subscribe("pods", store.resource_version, None, trigger)
    store.unsubscribe("pods", subscription, trigger)
    store.create("pods", ("n", "a"), thing("a"))
    assert subscription.take() == []
