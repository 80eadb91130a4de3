"""What claims may not say, and every line that upstream answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import SUBDOMAIN, of_change, of_new


def claim(**spec: Any) -> dict[str, Any]:
    size = {"requests": {"storage": "2Gi"}}
    return {"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": size, **spec}}


SOURCE = {"kind": "PersistentVolumeClaim", "name": "a"}


@pytest.mark.parametrize(
    ("obj", "problems"),
    [
        (claim(dataSource=SOURCE, dataSourceRef=SOURCE), []),
        (claim(accessModes=["ReadWriteOncePod", "ReadWriteMany"]),
         ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"]),
        (claim(dataSource={"kind": "Pod", "name": "p"}), []),
        (claim(dataSourceRef={"kind": "Pod", "name": "p"}),
         [f"spec.{key}: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup"
          for key in ("dataSource", "dataSourceRef")]),
        (claim(dataSource=SOURCE, dataSourceRef={**SOURCE, "name": "b"}),
         ["spec: Invalid value: {}: must match dataSourceRef"]),
        (claim(volumeMode="Tape", storageClassName="A_b"),
         [f'spec.storageClassName: Invalid value: "A_b": {SUBDOMAIN}',
          'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"']),
        (claim(selector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
         ["spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or "
          "'NotIn'"]),
    ],
)  # fmt: skip
def test_claims(obj: dict[str, Any], problems: list[str]) -> None:
    assert of_new("persistentvolumeclaims", obj) == problems


BOUND = {"phase": "Bound", "capacity": {"storage": "2Gi"}}


@pytest.mark.parametrize(
    ("base", "change", "problems"),
    [
        (claim(), {"spec": {"storageClassName": "late"}}, []),
        (claim(), {"spec": {"volumeAttributesClassName": "gold"}}, []),
        (claim(volumeAttributesClassName="gold"), {"spec": {"volumeAttributesClassName": "silver"}}, []),
        (claim(volumeAttributesClassName="gold"), {"spec": {"volumeAttributesClassName": ""}}, []),
        (claim(volumeAttributesClassName="gold"), {"spec": {"volumeAttributesClassName": None}}, []),
        (claim(volumeName="v"), {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, []),
    ],
)  # fmt: skip
def test_changes_of_claims(base: dict[str, Any], change: dict[str, Any], problems: list[str]) -> None:
    assert of_change("persistentvolumeclaims", base, change, BOUND) == problems


@pytest.mark.parametrize(("to", "told"), [(None, "nil"), ("", "empty string"), ("silver", "")])
def test_an_attributes_class_that_was_applied_is_not_taken_back(to: str | None, told: str) -> None:
    """What never was may be (K pkg/apis/core/validation, since 1.34)."""
    change = {"spec": {"volumeAttributesClassName": to}}
    had = BOUND | {"currentVolumeAttributesClassName": "gold"}
    why = f"update to {told} is forbidden when status.currentVolumeAttributesClassName is not nil"
    problems = [f"spec.volumeAttributesClassName: Forbidden: {why}"] if told else []
    assert of_change("persistentvolumeclaims", claim(volumeAttributesClassName="gold"), change, had) == problems


def test_a_claim_that_is_not_bound_keeps_its_attributes_class() -> None:
    change = {"spec": {"volumeAttributesClassName": "silver"}}
    [problem] = of_change("persistentvolumeclaims", claim(volumeAttributesClassName="gold"), change)
    assert problem.startswith("spec: Forbidden: spec is immutable after creation except resources.requests and volumeA")


@pytest.mark.parametrize(
    ("status", "problems"),
    [
        ({"capacity": {"storage": "-1Gi"}},
         ["status.capacity[storage]: Invalid value: -1073741824: must be a valid resource quantity"]),
    ],
)  # fmt: skip
def test_statuses_of_claims(status: dict[str, Any], problems: list[str]) -> None:
    assert of_change("persistentvolumeclaims", claim(), {"status": status}, subresource="status") == problems
