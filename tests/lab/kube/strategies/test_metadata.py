"""What metadata may not say, of new objects and of changed ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import of_change, of_new

VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": True}


def config_map(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "m", **metadata}}


@pytest.mark.parametrize(
    ("metadata", "problems"),
    [
        ({"labels": {"a": "-"}}, [f'metadata.labels: Invalid value: "-": {VALUE}']),
        ({"finalizers": ["mine"]},
         ['metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer '
                                    "name nor is it fully qualified"]),
        ({"ownerReferences": [{**OWNER, "kind": "Event"}]},
         ['metadata.ownerReferences: Invalid value: {"apiVersion":"v1","controller":true,"kind":"Event","name":"n",'
          '"uid":"u"}: /v1, Kind=Event is disallowed from being an owner']),
        ({"ownerReferences": [OWNER, {**OWNER, "name": "o"}]},
         ['metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","controller":true,"kind":"Node","name":"n",'
          '"uid":"u"},{"apiVersion":"v1","controller":true,"kind":"Node","name":"o","uid":"u"}]: Only one '
          'reference can have Controller set to true. Found "true" in references for Node/n and Node/o']),
    ],
)  # fmt: skip
def test_new_objects(metadata: dict[str, Any], problems: list[str]) -> None:
    assert of_new("configmaps", config_map(**metadata)) == problems


@pytest.mark.parametrize(
    ("resource", "base", "times"),
    [
        ("configmaps", config_map(), 4),
        ("nodes", {"metadata": {"name": "m"}}, 3),
        ("storageclasses", {"metadata": {"name": "m"}, "provisioner": "p"}, 4),
    ],
)
def test_a_changed_label_is_answered_for_by_every_rule(resource: str, base: dict[str, Any], times: int) -> None:
    problems = of_change(resource, base, {"metadata": {"labels": {"a": "-"}}})
    assert problems == [f'metadata.labels: Invalid value: "-": {VALUE}'] * times


@pytest.mark.parametrize(("resource", "times"), [("configmaps", 2), ("nodes", 1)])
def test_a_finalizer_is_looked_at_as_that_of_a_new_object_only(resource: str, times: int) -> None:
    problems = of_change(resource, {"metadata": {"name": "m"}}, {"metadata": {"finalizers": ["mine"]}})
    told = 'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully '
    assert problems == [f"{told}qualified"] * times
