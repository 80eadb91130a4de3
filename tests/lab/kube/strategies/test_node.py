"""What nodes may not say, and what of them stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import of_change, of_new


def node(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "n"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"taints": [{"key": "k", "effect": "NoSchedule"}, {"key": "k", "effect": "NoSchedule", "value": "v"}]},
         ['metadata.taints[1]: Duplicate value: {"effect":"NoSchedule","key":"k","value":"v"}: taints '
          "must be unique by key and effect pair"]),
    ],
)  # fmt: skip
def test_nodes(spec: dict[str, Any], problems: list[str]) -> None:
    assert of_new("nodes", node(**spec)) == problems


def test_changes_of_nodes() -> None:
    why = 'node updates may not change providerID except from "" to valid'
    assert of_change("nodes", node(providerID="azure:///a"), {"spec": {"providerID": "azure:///b"}}) == [
        f"spec.providerID: Forbidden: {why}"
    ]
    amounts = {"status": {"capacity": {"pods": "1500m"}}}
    assert of_change("nodes", node(), amounts, subresource="status") == [
        'status.capacity.pods: Invalid value: "1500m": must be an integer',
        'status.allocatable.pods: Invalid value: "1500m": must be an integer',
    ]
