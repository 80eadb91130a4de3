"""An inventory's objects as rows of stated columns, and as the pandas DataFrames of those rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aksdisks.errors import InputError, did_you_mean
from aksdisks.model.ownership import Ownership
from aksdisks.model.ownership_rows import DISKS, SHARES, SNAPSHOTS, disk_rows, share_rows, snapshot_rows
from aksdisks.model.records import NUMBER, TEXT, TIME, TRUTH, WHOLE, Records
from aksdisks.model.unknown import Unknown
from aksdisks.quantities import GIB, parse_quantity

if TYPE_CHECKING:
    from pandas import DataFrame

    from aksdisks.model.azure import Disk
    from aksdisks.model.inventory import Inventory

_NAMED = {"name": TEXT, "uid": TEXT, "created": TIME}
_IN_NAMESPACE = {"namespace": TEXT, **_NAMED, "deleting": TIME}

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "nodes": {
        **_NAMED,
        "ready": TRUTH,
        "schedulable": TRUTH,
        "size": TEXT,
        "disk_zone": TEXT,
        "disk_slots": WHOLE,
        "attached": WHOLE,
        "provider_id": TEXT,
    },
    "pods": {
        **_IN_NAMESPACE,
        "status": TEXT,
        "ready": TRUTH,
        "containers": WHOLE,
        "containers_ready": WHOLE,
        "restarts": WHOLE,
        "node": TEXT,
        "claims": TEXT,
        "owner": TEXT,
    },
    "claims": {
        **_IN_NAMESPACE,
        "phase": TEXT,
        "storage_class": TEXT,
        "capacity": TEXT,
        "capacity_gib": NUMBER,
        "volume": TEXT,
        "access_modes": TEXT,
        "source": TEXT,
        "attributes_class": TEXT,
        "current_attributes_class": TEXT,
        "modify_status": TEXT,
    },
    "volumes": {
        **_NAMED,
        "deleting": TIME,
        "phase": TEXT,
        "capacity": TEXT,
        "capacity_gib": NUMBER,
        "storage_class": TEXT,
        "reclaim_policy": TEXT,
        "claim": TEXT,
        "disk_id": TEXT,
        "access_modes": TEXT,
        "zones": TEXT,
        "attributes_class": TEXT,
    },
    "attachments": {
        **_NAMED,
        "deleting": TIME,
        "node": TEXT,
        "volume": TEXT,
        "attached": TRUTH,
        "lun": WHOLE,
        "attach_error": TEXT,
        "driver": TEXT,
    },
    "disks": DISKS,
    "snapshots": SNAPSHOTS,
    "shares": SHARES,
    "machines": {
        "name": TEXT,
        "node": TEXT,
        "kind": TEXT,
        "size": TEXT,
        "data_disks": WHOLE,
        "id": TEXT,
    },
    "tags": {
        "disk": TEXT,
        "claim": TEXT,
        "tag": TEXT,
        "value": TEXT,
    },
    "classes": {
        **_NAMED,
        "provisioner": TEXT,
        "sku": TEXT,
        "reclaim_policy": TEXT,
        "binding_mode": TEXT,
    },
    "volume_attributes_classes": {
        **_NAMED,
        "driver": TEXT,
        "sku": TEXT,
        "parameters": TEXT,
    },
    "volume_snapshots": {
        **_IN_NAMESPACE,
        "ready": TRUTH,
        "claim": TEXT,
        "source_content": TEXT,
        "restore_size": TEXT,
        "restore_size_gib": NUMBER,
        "snapshot_class": TEXT,
        "content": TEXT,
        "taken": TIME,
        "error": TEXT,
    },
    "volume_snapshot_contents": {
        **_NAMED,
        "deleting": TIME,
        "ready": TRUTH,
        "restore_size_gib": NUMBER,
        "deletion_policy": TEXT,
        "driver": TEXT,
        "snapshot_class": TEXT,
        "volume_snapshot": TEXT,
        "snapshot_id": TEXT,
        "disk_id": TEXT,
        "taken": TIME,
        "error": TEXT,
    },
    "volume_snapshot_classes": {
        **_NAMED,
        "driver": TEXT,
        "deletion_policy": TEXT,
        "is_default": TRUTH,
        "parameters": TEXT,
    },
    "events": {
        "namespace": TEXT,
        "kind": TEXT,
        "object": TEXT,
        "type": TEXT,
        "reason": TEXT,
        "message": TEXT,
        "component": TEXT,
        "count": WHOLE,
        "first": TIME,
        "last": TIME,
    },
    "chains": {
        "namespace": TEXT,
        "pod": TEXT,
        "claim": TEXT,
        "volume": TEXT,
        "attached": TRUTH,
        "disk": TEXT,
        "machine": TEXT,
        "lun": WHOLE,
        "share": TEXT,
        "unknown": TEXT,
    },
}
"""Of each frame its columns, in their order, with pandas' types; lists of names are one text with commas
between, and so are parameters, `name=value`."""

_KINDS = {
    "nodes": "Node",
    "pods": "Pod",
    "claims": "PersistentVolumeClaim",
    "volumes": "PersistentVolume",
    "attachments": "VolumeAttachment",
    "classes": "StorageClass",
    "events": "Event",
}
"""Of each frame of Kubernetes' objects their kind, by which an inventory says what it could not read."""


def records(inventory: Inventory, name: str) -> Records:
    """The rows of the inventory's frame of this name; raises InputError for another name than those of COLUMNS."""
    if name not in COLUMNS:
        expected = f"one of {', '.join(COLUMNS)}"
        raise InputError(object="frame", expected=f"{expected}", found=repr(name), hint=did_you_mean(name, COLUMNS))
    if name in ("disks", "snapshots", "shares") and isinstance(owned := inventory.ownership, Ownership):
        if name == "shares":
            return share_rows(owned.shares)
        return disk_rows(owned.disks) if name == "disks" else snapshot_rows(owned.snapshots)
    found = getattr(inventory, {"tags": "disks", "snapshots": "ownership", "shares": "ownership"}.get(name, name))
    if isinstance(found, Unknown):
        return Records(COLUMNS[name], (), found.because)
    if unreadable := inventory.unreadable.get(_KINDS.get(name, ""), ""):
        return Records(COLUMNS[name], (), unreadable)
    return records_of(inventory, name, _tags(found) if name == "tags" else found)


def records_of(inventory: Inventory, name: str, values: Sequence[Any]) -> Records:
    """The same of these values, such as one pod of `pods`."""
    more = _MORE.get(name, _nothing)
    return Records(COLUMNS[name], [{**_fields(value, COLUMNS[name]), **more(inventory, value)} for value in values])


def frame(inventory: Inventory, name: str) -> DataFrame:
    """See `Inventory.frame`."""
    return records(inventory, name).frame()


def _fields(value: Any, columns: Mapping[str, str]) -> dict[str, Any]:
    """Each column that the value has a field for; an empty text is missing."""
    return {column: _cell(getattr(value, column, None)) for column in columns}


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if isinstance(value, Mapping):
        value = ",".join(f"{key}={each}" for key, each in sorted(value.items()))
    return None if value == "" else value


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag of a disk."""

    disk: str
    claim: str
    tag: str
    value: str


def _tags(disks: Sequence[Disk]) -> list[_Tag]:
    return [_Tag(disk.name, disk.claim, tag, value) for disk in disks for tag, value in sorted(disk.tags.items())]


def _nothing(_inventory: Inventory, _value: Any) -> dict[str, Any]:
    return {}


def _node(inventory: Inventory, node: Any) -> dict[str, Any]:
    return {"attached": inventory.attached.get(node.name, 0)}


def _claim(inventory: Inventory, claim: Any) -> dict[str, Any]:
    source = f"{claim.source_kind}/{claim.source_name}" if claim.source_name else None
    return {**_capacity(inventory, claim), "source": source}


def _capacity(_inventory: Inventory, value: Any) -> dict[str, Any]:
    return {"capacity_gib": float(parse_quantity(value.capacity) / GIB) if value.capacity else None}


def _snapshot(_inventory: Inventory, snapshot: Any) -> dict[str, Any]:
    size = snapshot.restore_size
    return {"restore_size_gib": float(parse_quantity(size) / GIB) if size else None}


def _content(_inventory: Inventory, content: Any) -> dict[str, Any]:
    size = content.restore_size
    return {
        "restore_size_gib": None if size is None else size / GIB,
        "volume_snapshot": content.snapshot_key or None,
    }


def _disk(_inventory: Inventory, disk: Any) -> dict[str, Any]:
    return {"zone": _cell(disk.zones), "namespace": disk.claim_namespace or None}


def _machine(_inventory: Inventory, machine: Any) -> dict[str, Any]:
    return {"data_disks": len(machine.data_disks)}


def _chain(_inventory: Inventory, chain: Any) -> dict[str, Any]:
    links = {link: getattr(chain, link) for link in ("pod", "claim", "volume", "disk", "machine", "share")}
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
    "claims": _claim,
    "volumes": _capacity,
    "disks": _disk,
    "machines": _machine,
    "chains": _chain,
    "volume_snapshots": _snapshot,
    "volume_snapshot_contents": _content,
}
"""What stands in a column without being a field of the value."""
