"""Objects as the rows that `kubectl get` prints (upstream: pkg/printers/internalversion/printers.go)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.registry import EVENTS_V1
from aksdisks.lab.kube.storage.event_views import from_events_v1
from aksdisks.lab.kube.strategies.catalog import STRATEGIES
from aksdisks.lab.kube.strategies.columns import AGE, NAME, OTHER, column
from aksdisks.lab.kube.strategies.strategy import Strategy

IncludeObject = Literal["None", "Metadata", "Object"]
_SCALE = Strategy(
    columns=(
        NAME,
        column("Desired", "spec.replicas", 0, type="integer"),
        column("Available", "status.replicas", 0, type="integer"),
        AGE,
    )
)
_ABSENT = Strategy(columns=OTHER)


def _strategy(resource: str) -> Strategy:
    return _SCALE if resource == "scale" else STRATEGIES.get(resource, _ABSENT)


def column_definitions(resource: str) -> list[Object]:
    """The columns of a plural resource; name and creation time for a kind without a layout of its own."""
    return [one.definition() for one in _strategy(resource).columns]


def rows(
    resource: str, objects: Sequence[Object], now: datetime, include: IncludeObject, api_version: str
) -> list[Object]:
    """One row for each object; `api_version` is that of the table and of the metadata it embeds."""
    strategy = _strategy(resource)
    result = []
    for item in objects:
        shown = from_events_v1(item) if resource == EVENTS_V1 else item
        row: Object = {"cells": [one.cell(shown, now) for one in strategy.columns]}
        conditions = strategy.row_conditions(item) if strategy.row_conditions else []
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
