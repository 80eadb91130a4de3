"""Custom resources: pruned, completed, validated, in every version, with their subresources."""

# ruff: noqa: E501 - a row is read as a row: a value and what is said of it

from __future__ import annotations

import time
from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.custom import CRDS, WIDGETS, crd, refusal, run, version, widget

STATUS_AND_SCALE = {
    "status": {},
    "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size", "labelSelectorPath": ".status.selector"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {"size": 3}),
        ({"size": 5, "other": 1}, {"size": 5}),
        ({"size": None}, {"size": 3}),
        ({"note": None}, {"size": 3, "note": None}),
        ({"free": {"a": {"b": [None, {}]}, "c": []}}, {"size": 3, "free": {"a": {"b": [None, {}]}, "c": []}}),
        ({"parts": [{"name": "x", "y": 1}]}, {"size": 3, "parts": [{"name": "x", "count": 1}]}),
        ({"port": "http"}, {"size": 3, "port": "http"}),
    ],
)
def test_what_is_kept_and_filled_in(given: Object, kept: Object) -> None:
    async def test(api: KubeApi) -> None:
        made = await api.create(WIDGETS, widget(**given), "n")
        assert made["spec"] == {"color": "red", **kept}

    run(test)


IN_BODY = "in body must be of type"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"size": "x"}, f'spec.size: Invalid value: "string": spec.size {IN_BODY} integer: "string"'),
        ({"size": 9}, "spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5"),
        ({"color": "green"}, 'spec.color: Unsupported value: "green": supported values: "red", "blue"'),
        ({"port": True}, f'spec.port: Invalid value: "boolean": spec.port {IN_BODY} integer,string: "boolean"'),
        ({"parts": [{"count": 1}]}, "spec.parts[0].name: Required value"),
        ({"parts": [{"name": "x"}, {"name": "x"}]}, 'spec.parts[1]: Duplicate value: {"name":"x"}'),
        (
            {"size": 9, "color": 1},
            f'[spec.color: Invalid value: "integer": spec.color {IN_BODY} string: "integer", '
            'spec.color: Unsupported value: 1: supported values: "red", "blue", '
            "spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5]",
        ),
    ],
)
def test_what_is_refused(given: Object, told: str) -> None:
    async def test(api: KubeApi) -> None:
        assert await refusal(api.create(WIDGETS, widget(**given), "n")) == (
            f'422 Widget.example.com "a" is invalid: {told}'
        )

    run(test)


def test_unknown_fields_are_told_or_refused() -> None:
    async def test(api: KubeApi) -> None:
        told: list[str] = []
        await api.create(WIDGETS, widget(other=1), "n", field_validation="Warn", warnings=told)
        assert told == ['unknown field "spec.other"']
        strict = await refusal(api.create(WIDGETS, widget("b", parts=[{"z": 1}]), "n", field_validation="Strict"))
        assert strict == (
            '400 Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
            'unknown field "spec.parts[0].z"'
        )

    run(test)


def test_what_was_wrong_before_a_rule_came_may_stay_until_it_is_changed() -> None:
    async def test(api: KubeApi) -> None:
        await api.create(WIDGETS, widget(size=5), "n")
        definition = await api.get(CRDS, WIDGETS)
        low = {**version()["schema"]["openAPIV3Schema"]["properties"]["spec"]}
        low["properties"] = {**low["properties"], "size": {"type": "integer", "maximum": 4}}
        await api.update(CRDS, {**definition, "spec": {**definition["spec"], "versions": [version(spec=low)]}})
        kept = await api.patch(WIDGETS, "a", {"spec": {"color": "blue"}}, "n")
        assert kept["spec"] == {"color": "blue", "size": 5}
        assert "less than or equal to 4" in await refusal(api.patch(WIDGETS, "a", {"spec": {"size": 6}}, "n"))

    run(test)


def test_the_status_is_its_own_part_and_the_generation_counts_the_rest() -> None:
    async def test(api: KubeApi) -> None:
        made = await api.create(WIDGETS, {**widget(), "status": {"size": 1}}, "n")
        assert ("status" in made, made["metadata"]["generation"]) == (False, 1)
        told = {"status": {"size": 2}, "spec": {"size": 1}, "metadata": {"labels": {"a": "b"}}}
        status = await api.patch(WIDGETS, "a", told, "n", subresource="status")
        assert (status["status"], status["spec"]["size"], status["metadata"].get("labels")) == ({"size": 2}, 3, None)
        changed = await api.patch(WIDGETS, "a", told, "n")
        assert (changed["status"], changed["spec"]["size"]) == ({"size": 2}, 1)
        assert [one["metadata"]["generation"] for one in (status, changed)] == [1, 2]
        labelled = await api.patch(WIDGETS, "a", {"metadata": {"labels": {"a": "c"}}}, "n")
        assert labelled["metadata"]["generation"] == 2

    run(test, crd(version(subresources={"status": {}})))


def test_a_scale_is_read_and_written_at_the_stated_paths() -> None:
    async def test(api: KubeApi) -> None:
        await api.create(WIDGETS, widget(), "n")
        await api.patch(WIDGETS, "a", {"status": {"size": 2, "selector": "app=x"}}, "n", subresource="status")
        scale = api.get_version(WIDGETS, "a", "n", "scale").object
        assert (scale["spec"], scale["status"]) == ({"replicas": 3}, {"replicas": 2, "selector": "app=x"})
        await api.patch(WIDGETS, "a", {"spec": {"replicas": 4}}, "n", subresource="scale")
        assert (await api.get(WIDGETS, "a", "n"))["spec"]["size"] == 4

    run(test, crd(version(subresources=STATUS_AND_SCALE)))


def test_every_served_version_shows_the_same_object() -> None:
    async def test(api: KubeApi) -> None:
        old = "widgets.v1beta1.example.com"
        made = await api.create(old, widget(of="v1beta1"), "n")
        assert (made["apiVersion"], (await api.get(WIDGETS, "a", "n"))["apiVersion"]) == (
            "example.com/v1beta1",
            "example.com/v1",
        )
        assert [one["apiVersion"] for one in (await api.list(old, "n"))[0]] == ["example.com/v1beta1"]
        changed = await api.patch(old, "a", {"spec": {"color": "blue"}}, "n")
        assert (changed["apiVersion"], changed["spec"]["color"]) == ("example.com/v1beta1", "blue")
        assert (await api.get(WIDGETS, "a", "n"))["spec"]["color"] == "blue"

    run(test, crd(version(), version("v1beta1", storage=False)))


def test_an_object_of_before_has_the_defaults_of_today_and_the_storage_version_of_today() -> None:
    async def test(api: KubeApi) -> None:
        await api.create(WIDGETS, widget(), "n")
        definition = await api.get(CRDS, WIDGETS)
        more = {**version()["schema"]["openAPIV3Schema"]["properties"]["spec"]}
        more["properties"] = {**more["properties"], "shape": {"type": "string", "default": "round"}}
        versions = [version("v2", spec=more), version("v1", storage=False)]
        changed = await api.update(CRDS, {**definition, "spec": {**definition["spec"], "versions": versions}})
        assert changed["status"]["storedVersions"] == ["v1", "v2"]
        shown = await api.get(WIDGETS, "a", "n")
        assert (shown["apiVersion"], shown["spec"]["shape"]) == ("example.com/v2", "round")
        before = await api.get("widgets.v1.example.com", "a", "n")
        assert (before["apiVersion"], "shape" in before["spec"]) == ("example.com/v1", False)

    run(test)


def test_apply_merges_lists_by_their_keys_and_removes_what_is_no_longer_stated() -> None:
    async def test(api: KubeApi) -> None:
        async def apply(manager: str, **spec: Any) -> Object:
            body = {**widget(), "spec": spec}
            return await api.patch(WIDGETS, "a", body, "n", patch_type="apply", field_manager=manager)

        await apply("one", color="red", parts=[{"name": "x", "count": 2}])
        both = await apply("two", color="red", parts=[{"name": "y"}])
        assert [part["name"] for part in both["spec"]["parts"]] == ["x", "y"]
        left = await apply("one", color="red")
        assert [part["name"] for part in left["spec"]["parts"]] == ["y"]
        assert "conflict with" in await refusal(apply("two", color="blue", parts=[{"name": "y"}]))
        assert ".spec.other: field not declared in schema" in await refusal(apply("three", color="red", other=1))

    run(test)


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"metadata": {"labels": {"a": "b"}}}, False),
        ({"metadata": {"finalizers": ["x/y"]}}, False),
        ({"spec": {"names": {"categories": ["all"]}}}, True),
        ({"spec": {"versions": [version(), version("v2", storage=False)]}}, True),
        (None, True),
    ],
)
def test_a_watch_ends_when_what_it_watches_is_defined_anew_or_no_more(change: Object | None, ends: bool) -> None:
    async def test(api: KubeApi) -> None:
        await api.create(WIDGETS, widget(), "n")
        watch = api.watch(WIDGETS, "n", timeout_seconds=0.2 if not ends else 10)
        told = [(await anext(watch)).type]
        if change is None:
            await api.delete(CRDS, WIDGETS)
            await api.delete(WIDGETS, "a", "n")
            await api.patch(CRDS, WIDGETS, {"metadata": {"finalizers": None}})
        else:
            await api.patch(CRDS, WIDGETS, change)
        began = time.monotonic()
        told += [event.type async for event in watch]
        assert (told, time.monotonic() - began < 5) == (["ADDED", "DELETED"] if change is None else ["ADDED"], True)
        if not ends:
            assert time.monotonic() - began >= 0.19

    run(test)


def test_a_watch_tells_of_them_in_the_version_that_was_asked_for() -> None:
    async def test(api: KubeApi) -> None:
        start = str(api.store.resource_version)
        await api.create(WIDGETS, widget(), "n")
        async for event in api.watch("widgets.v1beta1.example.com", "n", resource_version=start, timeout_seconds=5):
            assert (event.type, event.object["apiVersion"]) == ("ADDED", "example.com/v1beta1")
            break

    run(test, crd(version(), version("v1beta1", storage=False)))


def test_a_field_that_may_be_selected_selects() -> None:
    async def test(api: KubeApi) -> None:
        await api.create(WIDGETS, widget("a"), "n")
        await api.create(WIDGETS, widget("b", color="blue"), "n")
        found, _ = await api.list(WIDGETS, "n", field_selector="spec.color=blue")
        assert [one["metadata"]["name"] for one in found] == ["b"]

    run(test, crd(version(selectableFields=[{"jsonPath": ".spec.color"}])))
