"""Objects as the rows that `kubectl get` prints (upstream: pkg/printers/internalversion/printers.go).

Which columns a kind has stands with the kind, in `strategies/kinds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.strategies.catalog import STRATEGIES, VIEWS
from aksdisks.lab.kube.strategies.columns import AGE, NAME, OTHER, Column, column

IncludeObject = Literal["None", "Metadata", "Object"]
_SCALE = (
    NAME,
    column("Desired", "spec.replicas", 0, type="integer"),
    column("Available", "status.replicas", 0, type="integer"),
    AGE,
)


def _columns(resource: str) -> Sequence[Column]:
    if resource == "scale":
        return _SCALE
    return STRATEGIES[resource].columns if resource in STRATEGIES else OTHER


def column_definitions(resource: str) -> list[Object]:
    """The columns of a plural resource; name and creation time for a kind without a layout of its own."""
    return [one.definition() for one in _columns(resource)]


def rows(
    resource: str, objects: Sequence[Object], now: datetime, include: IncludeObject, api_version: str
) -> list[Object]:
    """One row for each object; `api_version` is that of the table and of the metadata it embeds."""
    columns = _columns(resource)
    row_conditions = STRATEGIES[resource].row_conditions if resource in STRATEGIES else None
    result = []
    for item in objects:
        shown = VIEWS[resource].to_stored(item) if resource in VIEWS else item
        row: Object = {"cells": [one.cell(shown, now) for one in columns]}
        conditions = row_conditions(item) if row_conditions else []
        if conditions:
            row["conditions"] = conditions
        if include == "Metadata":
            row["object"] = partial_metadata(item, api_version)
        elif include == "Object":
            row["object"] = item
        else:
            row["object"] = None
        result.append(row)
    return result


def partial_metadata(item: Object, api_version: str) -> Object:
    """Only the metadata, as `kubectl get -o name`, garbage collectors and metadata clients ask for it."""
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": item["metadata"]}
