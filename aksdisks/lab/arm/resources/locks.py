"""Management locks (Microsoft.Authorization/locks): what must not be deleted or changed, at a scope and below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from aksdisks.lab.arm.bodies import member, objects, section
from aksdisks.lab.arm.errors import CloudError, missing_parameter
from aksdisks.lab.persistence.records import Records

Json = dict[str, Any]

LEVELS = ("CanNotDelete", "ReadOnly")
KIND = "Microsoft.Authorization/locks"
_RECORDS = "azure/lock"


class Locks:
    """The locks of one subscription, by their ids without case; shown as they were written."""

    def __init__(self, records: Records) -> None:
        """`records`: where they are kept."""
        self._records = records
        self._known: dict[str, Json] = dict(records.values(_RECORDS))

    def put(self, scope: str, name: str, body: Json) -> bool:
        """Make or change one; whether it is new. Raises `CloudError`."""
        properties = section(body, "properties")
        wanted = member(properties, "level", str)
        if wanted is None:
            raise missing_parameter("properties.level")
        level = next((each for each in LEVELS if each.lower() == wanted.lower()), None)
        if level is None:
            raise _level_refused(wanted)
        kept: Json = {"level": level}
        if (notes := member(properties, "notes", str)) is not None:
            kept["notes"] = notes
        if owners := objects(properties, "owners"):
            kept["owners"] = owners
        key = _id(scope, name).lower()
        fresh = key not in self._known
        written = name if fresh else self._known[key]["name"]
        lock = {"properties": kept, "id": _id(scope, written), "type": KIND, "name": written}
        self._known[key] = lock
        self._records.put(_RECORDS, key, lambda: orjson.dumps(lock))
        return fresh

    def get(self, scope: str, name: str) -> Json:
        """One lock. Raises LockNotFound, for whose words there is no public source."""
        try:
            return self._known[_id(scope, name).lower()]
        except KeyError:
            raise CloudError(404, "LockNotFound", f"The lock '{name}' could not be found.") from None

    def delete(self, scope: str, name: str) -> bool:
        """It is no more; whether there was one."""
        key = _id(scope, name).lower()
        if self._known.pop(key, None) is None:
            return False
        self._records.remove(_RECORDS, key)
        return True

    def at(self, scope: str, *, below: bool) -> list[Json]:
        """Those at a scope, with those of what is in it where `below`, by id."""
        exact, inside = f"{scope.lower()}/", f"{scope.rstrip('/').lower()}/"
        found = sorted(self._known.items())
        return [lock for _, lock in found if (own := _scope(lock)) == exact or (below and own.startswith(inside))]

    def check(self, method: str, action: str, scope: str) -> None:
        """Raises ScopeLocked where a lock forbids what a request does to an ARM id.

        A lock counts below its scope as well; what is deleted with a group is as well looked after by its own locks.
        Locks do not lock locks (learn.microsoft.com, "Lock your resources to protect your infrastructure").
        """
        if not self._known or method in ("GET", "HEAD") or action.lower().startswith(f"{KIND.lower()}/"):
            return
        inner, deletes = f"{scope.lower()}/", method == "DELETE"
        locked = {
            own.rstrip("/"): lock
            for lock in self._known.values()
            if (deletes or lock["properties"]["level"] == "ReadOnly")
            and (inner.startswith(own := _scope(lock)) or (deletes and own.startswith(inner)))
        }
        if locked:
            names = [lock["id"].rpartition(f"/providers/{KIND}/")[0] for _, lock in sorted(locked.items())]
            raise _scope_locked(scope, "delete" if deletes else "write", ",".join(names))


def _id(scope: str, name: str) -> str:
    return f"{scope}/providers/{KIND}/{name}"


def _scope(lock: Mapping[str, Any]) -> str:
    """The scope of a lock without case, with a stroke at its end."""
    return f"{lock['id'].lower().rpartition(f'/providers/{KIND.lower()}/')[0]}/"


def _scope_locked(scope: str, operation: str, locked: str) -> CloudError:
    """What a lock forbids (azure-sdk-for-python#7238, azure-cli#20232)."""
    return CloudError(
        409,
        "ScopeLocked",
        f"The scope '{scope}' cannot perform {operation} operation because following scope(s) are locked: '{locked}'. "
        "Please remove the lock and try again.",
    )


def _level_refused(level: str) -> CloudError:
    """There is no public source for the words."""
    message = f"The lock level '{level}' is invalid. The supported levels are '{','.join(LEVELS)}'."
    return CloudError(400, "InvalidLockLevel", message)
