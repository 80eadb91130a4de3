"""Objects as the rows that `kubectl get` prints (upstream: pkg/printers/internalversion/printers.go).

Which columns a kind has stands with the kind, in `strategies/kinds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.strategies.columns import AGE, NAME, OTHER, Column, column
from aksdisks.lab.kube.strategies.strategy import Strategy

IncludeObject = Literal["None", "Metadata", "Object"]
SCALE = (
    NAME,
    column("Desired", "spec.replicas", 0, type="integer"),
    column("Available", "status.replicas", 0, type="integer"),
    AGE,
)


def of(strategy: Strategy | None) -> Sequence[Column]:
    """The columns of a kind; name and creation time for one that the lab does not have."""
    return OTHER if strategy is None else strategy.columns


def column_definitions(columns: Sequence[Column]) -> list[Object]:
    """The columns as they go over the wire."""
    return [one.definition() for one in columns]


def rows(
    columns: Sequence[Column],
    strategy: Strategy | None,
    objects: Sequence[Object],
    now: datetime,
    include: IncludeObject,
    api_version: str,
) -> list[Object]:
    """One row for each object; `api_version` is that of the table and of the metadata it embeds."""
    row_conditions = strategy.row_conditions if strategy else None
    view = strategy.view if strategy else None
    result = []
    for item in objects:
        shown = view.to_stored(item) if view else item
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
