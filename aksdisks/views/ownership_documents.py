"""The ownership table for programs: JSON by docs/inventory.schema.json, and CSV by RFC 4180."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aksdisks.model.inventory import Inventory
from aksdisks.model.ownership import Ownership
from aksdisks.model.ownership_rows import DISKS, SHARES, SNAPSHOTS
from aksdisks.model.records import Row
from aksdisks.model.shares import unread_files
from aksdisks.model.unknown import Unknown
from aksdisks.views.markup import unturned
from aksdisks.views.ownership import OwnershipTable

# What spreadsheets take for the beginning of a formula, or skip before one (OWASP, ASVS 5.0, 1.2.10).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def unseen(inventory: Inventory) -> dict[str, str]:
    """What could not be read, a kind or a part of Azure, and why: where there is such, rows are missing or unknown."""
    parts: dict[str, object] = {"Azure's disks": inventory.disks, "Azure's machines": inventory.machines}
    if isinstance(inventory.ownership, Ownership):
        parts["Azure's snapshots"] = inventory.ownership.snapshots
    said = {what: value.because for what, value in parts.items() if isinstance(value, Unknown)}
    said |= unread_files(inventory.files)
    # No verdict needs events, so that they may not have been asked for.
    return {kind: because for kind, because in inventory.unreadable.items() if kind != "Event"} | said


def document(inventory: Inventory, ownership: Ownership, target: str) -> dict[str, Any]:
    """The document of `--format json`; `target` is the API server's URL. Rows have the columns of the frames."""
    table = OwnershipTable(ownership)
    return {
        "schema": "aksdisks/inventory/v1",
        "target": target,
        "at": moment(ownership.taken),
        "resource_group": ownership.resource_group,
        "namespace": inventory.namespace,
        "grace_seconds": ownership.grace,
        "disks": [plain(row) for row in table.disks.rows],
        "snapshots": [plain(row) for row in table.snapshots.rows],
        "shares": [plain(row) for row in table.shares.rows],
        "without_disk": [{**_object(what), "because": because} for what, because in ownership.without_disk],
        "disagreements": [_fields(each) for each in ownership.disagreements],
        "slots": [_fields(each) for each in ownership.slots],
        "unseen": [{"what": what, "because": because} for what, because in unseen(inventory).items()],
    }


def as_csv(table: OwnershipTable) -> str:
    """Disks, then snapshots, then shares: a column `kind`, then those of the frames; what a row does not have is empty.

    A text that a spreadsheet would take for a formula has a ' before it, and what would turn a text around is only
    marked; numbers are as they are.
    """
    rows = [{"kind": "disk", **row} for row in table.disks.rows]
    rows += [{"kind": "snapshot", **row} for row in table.snapshots.rows]
    rows += [{"kind": "share", **row} for row in table.shares.rows]
    return csv_text(list(dict.fromkeys(("kind", *DISKS, *SNAPSHOTS, *SHARES))), rows)


def csv_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Rows as CSV; lists are joined by semicolons."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in plain(row).items()} for row in rows)
    return out.getvalue()


def _harmless(value: Any) -> Any:
    text = "; ".join(value) if isinstance(value, list) else value
    if not isinstance(text, str):
        return text
    return f"'{unturned(text)}" if text.startswith(_FORMULA) else unturned(text)


def plain(row: Row) -> dict[str, Any]:
    """A row whose times are texts."""
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in row.items()}


def moment(value: datetime) -> str:
    """RFC 3339 in UTC, in whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _object(text: str) -> Mapping[str, str]:
    """`Kind namespace/name`, or `Kind name` of what stands in no namespace, as the three that it has."""
    kind, _, key = text.partition(" ")
    namespace, _, name = key.rpartition("/")
    return {"kind": kind, "namespace": namespace, "name": name}


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
