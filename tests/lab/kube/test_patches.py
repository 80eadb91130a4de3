"""Merge, strategic-merge and JSON patches."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.strategies.catalog import RESOURCES
from aksdisks.lab.kube.write import patches


def deployment(*containers: Object, **pod: Any) -> Object:
    return {"metadata": {"name": "d"}, "spec": {"template": {"spec": {"containers": [*containers], **pod}}}}


A, B, C = ({"name": name, "image": f"{name}:1"} for name in "abc")


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_follow_rfc_7396(before: Any, patch: Any, after: Any) -> None:
    assert patches.merge(before, patch) == after


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ((A, B), [{"name": "b", "image": "b:2"}], (A, {**B, "image": "b:2"})),
        ((C,), [{"name": "e"}], ({"name": "e"}, C)),  # as recorded: what the server does not know goes first
        ((A, B), [{"name": "a", "$patch": "delete"}], (B,)),
        ((A, B), [{"$patch": "replace"}, C], (C,)),
    ],
)
def test_containers_merge_by_name(before: Any, patch: Any, after: Any) -> None:
    body = {"spec": {"template": {"spec": {"containers": patch}}}}
    changed = patches.apply(RESOURCES["deployments"], deployment(*before), body, "strategic")
    assert changed["spec"]["template"]["spec"]["containers"] == [*after]


def test_set_element_order_arranges_what_it_names() -> None:
    spec = {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}], "containers": [C]}
    changed = patches.apply(
        RESOURCES["deployments"], deployment(A, B), {"spec": {"template": {"spec": spec}}}, "strategic"
    )
    assert [one["name"] for one in changed["spec"]["template"]["spec"]["containers"]] == ["c", "a", "b"]


def test_lists_of_plain_values_and_retained_keys() -> None:
    current = {"metadata": {"name": "p", "finalizers": ["a", "b"]}}
    added = patches.apply(RESOURCES["pods"], current, {"metadata": {"finalizers": ["c"]}}, "strategic")
    assert added["metadata"]["finalizers"] == ["a", "b", "c"]
    removed = patches.apply(
        RESOURCES["pods"], current, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, "strategic"
    )
    assert removed["metadata"]["finalizers"] == ["b"]
    strategy = {"$retainKeys": ["type"], "type": "Recreate"}
    rolling = {"metadata": {}, "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    changed = patches.apply(RESOURCES["deployments"], rolling, {"spec": {"strategy": strategy}}, "strategic")
    assert changed["spec"]["strategy"] == {"type": "Recreate"}


def test_json_patches_change_a_copy() -> None:
    current = deployment(A)
    operations = [{"op": "add", "path": "/spec/template/spec/containers/-", "value": B}]
    changed = patches.apply(RESOURCES["deployments"], current, operations, "json")
    assert changed == deployment(A, B)
    assert current == deployment(A)


@pytest.mark.parametrize(
    ("operations", "annotations"),
    [
        ([{"op": "replace", "path": "/metadata/annotations", "value": {"a": "b"}}], {"a": "b"}),
        ([{"op": "replace", "path": "/metadata/annotations", "value": {"a": "b"}},
          {"op": "replace", "path": "/metadata/annotations/c", "value": "d"}], {"a": "b", "c": "d"}),
        ([{"op": "test", "path": "/metadata/annotations", "value": None}], None),
    ],
)  # fmt: skip
def test_what_is_not_there_is_replaced_and_is_null(operations: list[Any], annotations: Any) -> None:
    changed = patches.apply(RESOURCES["deployments"], deployment(A), operations, "json")
    assert changed["metadata"].get("annotations") == annotations


@pytest.mark.parametrize(
    ("patch", "kind", "code", "message"),
    [
        ([{"op": "test", "path": "/spec", "value": 1}], "json", 422, "the server rejected our request"),
        ([{"op": "test", "path": "/nope", "value": 1}], "json", 422, "the server rejected our request"),
        ([{"op": "replace", "path": "/nope/further", "value": 1}], "json", 422, "the server rejected our request"),
        ([{"op": "replace", "path": "nope", "value": 1}], "json", 422, "the server rejected our request"),
        ([{"op": "replace", "path": "/spec"}], "json", 422, "the server rejected our request"),
        ([{"op": "remove", "path": "/nope"}], "json", 422, "the server rejected our request"),
        ([{"op": "dance", "path": "/spec"}], "json", 422, "the server rejected our request"),
        ({"op": "dance"}, "json", 400, "json: cannot unmarshal object into Go value of type .*handlers.jsonPatchOp"),
        (["dance"], "json", 400, "json: cannot unmarshal string into Go value of type handlers.jsonPatchOp"),
        (
            [{"op": "add", "path": "/spec/replicas", "value": 1}] * 10001,
            "json",
            413,
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        ),
        ({"spec": {"$patch": "dance"}}, "strategic", 500, "unknown patch type: dance in map: "),
        ([1], "merge", 400, "cannot unmarshal array"),
        ({"spec": {"template": {"spec": {"containers": [{"image": "i"}]}}}}, "strategic", 500, "merge key: name"),
    ],
)
def test_patches_that_do_not_fit(patch: Any, kind: str, code: int, message: str) -> None:
    with pytest.raises(ApiError, match=message) as refusal:
        patches.apply(RESOURCES["deployments"], deployment(A), patch, kind)
    assert refusal.value.code == code
