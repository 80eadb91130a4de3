"""An inventory's objects as pandas DataFrames: their columns in one table, the same types whatever was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aksdisks.errors import InputError, did_you_mean
from aksdisks.model.unknown import Unknown
from aksdisks.quantities import GIB, parse_quantity

if TYPE_CHECKING:
    from pandas import DataFrame

    from aksdisks.model.inventory import Inventory

_TEXT, _TRUTH, _WHOLE, _NUMBER, _TIME = "string", "boolean", "Int64", "Float64", "datetime64[ns, UTC]"
_NAMED = {"name": _TEXT, "uid": _TEXT, "created": _TIME}
_IN_NAMESPACE = {"namespace": _TEXT, **_NAMED, "deleting": _TIME}

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "nodes": {
        **_NAMED,
        "ready": _TRUTH,
        "schedulable": _TRUTH,
        "size": _TEXT,
        "disk_zone": _TEXT,
        "disk_slots": _WHOLE,
        "attached": _WHOLE,
        "provider_id": _TEXT,
    },
    "pods": {
        **_IN_NAMESPACE,
        "status": _TEXT,
        "ready": _TRUTH,
        "containers": _WHOLE,
        "containers_ready": _WHOLE,
        "restarts": _WHOLE,
        "node": _TEXT,
        "claims": _TEXT,
        "owner": _TEXT,
    },
    "claims": {
        **_IN_NAMESPACE,
        "phase": _TEXT,
        "storage_class": _TEXT,
        "capacity_gib": _NUMBER,
        "volume": _TEXT,
        "access_modes": _TEXT,
    },
    "volumes": {
        **_NAMED,
        "deleting": _TIME,
        "phase": _TEXT,
        "capacity_gib": _NUMBER,
        "storage_class": _TEXT,
        "reclaim_policy": _TEXT,
        "claim": _TEXT,
        "disk_id": _TEXT,
        "access_modes": _TEXT,
        "zones": _TEXT,
    },
    "attachments": {
        **_NAMED,
        "deleting": _TIME,
        "node": _TEXT,
        "volume": _TEXT,
        "attached": _TRUTH,
        "lun": _WHOLE,
        "attach_error": _TEXT,
        "driver": _TEXT,
    },
    "disks": {
        "name": _TEXT,
        "created": _TIME,
        "size_gib": _WHOLE,
        "sku": _TEXT,
        "tier": _TEXT,
        "state": _TEXT,
        "managed_by": _TEXT,
        "claim": _TEXT,
        "volume": _TEXT,
        "resource_group": _TEXT,
        "id": _TEXT,
    },
    "machines": {
        "name": _TEXT,
        "node": _TEXT,
        "kind": _TEXT,
        "size": _TEXT,
        "data_disks": _WHOLE,
        "id": _TEXT,
    },
    "chains": {
        "namespace": _TEXT,
        "pod": _TEXT,
        "claim": _TEXT,
        "volume": _TEXT,
        "attached": _TRUTH,
        "disk": _TEXT,
        "machine": _TEXT,
        "lun": _WHOLE,
        "unknown": _TEXT,
    },
}
"""Of each frame its columns, in their order, with pandas' types; lists of names are one text with commas between."""


def frame(inventory: Inventory, name: str) -> DataFrame:
    """See `Inventory.frame`."""
    from pandas import DataFrame

    if name not in COLUMNS:
        expected = f"one of {', '.join(COLUMNS)}"
        raise InputError(object="frame", expected=f"{expected}", found=repr(name), hint=did_you_mean(name, COLUMNS))
    found = getattr(inventory, name)
    values = () if isinstance(found, Unknown) else found
    more = _MORE.get(name, _nothing)
    rows = [{**_fields(value, COLUMNS[name]), **more(inventory, value)} for value in values]
    # Column by column with its type: a frame without rows, or with a column of which all is missing, has them too.
    made = DataFrame({column: _column([row[column] for row in rows], kind) for column, kind in COLUMNS[name].items()})
    if isinstance(found, Unknown):
        made.attrs["unknown"] = found.because
    return made


def _column(values: list[Any], kind: str) -> Any:
    from pandas import Series, to_datetime

    if kind == _TIME:
        return to_datetime(Series(values, dtype="object"), utc=True).astype(kind)
    return Series(values, dtype=kind)


def _fields(value: Any, columns: Mapping[str, str]) -> dict[str, Any]:
    """Each column that the value has a field for; an empty text is missing."""
    return {column: _cell(getattr(value, column, None)) for column in columns}


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return None if value == "" else value


def _nothing(_inventory: Inventory, _value: Any) -> dict[str, Any]:
    return {}


def _node(inventory: Inventory, node: Any) -> dict[str, Any]:
    return {"attached": inventory.attached.get(node.name, 0)}


def _capacity(_inventory: Inventory, value: Any) -> dict[str, Any]:
    return {"capacity_gib": float(parse_quantity(value.capacity) / GIB) if value.capacity else None}


def _machine(_inventory: Inventory, machine: Any) -> dict[str, Any]:
    return {"data_disks": len(machine.data_disks)}


def _chain(_inventory: Inventory, chain: Any) -> dict[str, Any]:
    links = {link: getattr(chain, link) for link in ("pod", "claim", "volume", "disk", "machine")}
    first = chain.pod or chain.claim
    unknown = next((each.because for each in (*links.values(), chain.lun) if isinstance(each, Unknown)), None)
    return {
        **{link: getattr(value, "name", None) for link, value in links.items()},
        "namespace": first.namespace if first else None,
        "attached": chain.attachment.attached if chain.attachment else None,
        "lun": None if isinstance(chain.lun, Unknown) else chain.lun,
        "unknown": unknown,
    }


_MORE: Mapping[str, Callable[[Inventory, Any], dict[str, Any]]] = {
    "nodes": _node,
    "claims": _capacity,
    "volumes": _capacity,
    "machines": _machine,
    "chains": _chain,
}
"""What stands in a column without being a field of the value."""
