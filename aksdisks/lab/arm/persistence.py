"""Azure's state as records: resources and operations tell of their changes, and are made again from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import orjson

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.resources.operations import Operation, Purpose
from aksdisks.lab.persistence.records import Records

Json = dict[str, Any]
T = TypeVar("T")

_OPERATIONS = "azure/operation"
_ERROR = ("status", "code", "message", "target", "details", "retry_after", "wrapped")


class Keyed(Protocol):
    """What is found by a key and tells of its changes."""

    on_change: Callable[[], None] | None

    @property
    def key(self) -> str:
        """The id without case."""


R = TypeVar("R", bound=Keyed)


class KeptByKey(dict[str, R], Generic[R]):
    """Resources by their keys; what comes, changes and goes is kept."""

    def __init__(self, records: Records, kind: str, of: Callable[..., R]) -> None:
        """`kind`: of the records; `of`: makes a resource out of its fields."""
        super().__init__()
        self._records = records
        self._kind = kind
        for key, kept in records.values(kind):

            def make(kept: Json = kept) -> R:
                return of(**decoded(kept))

            resource = guarded(records, make)
            super().__setitem__(key, resource)
            self._watch(resource)

    def __setitem__(self, key: str, resource: R) -> None:
        super().__setitem__(key, resource)
        self._watch(resource)
        self._keep(resource)

    def __delitem__(self, key: str) -> None:
        self[key].on_change = None
        super().__delitem__(key)
        self._records.remove(self._kind, key)

    def pop(self, key: str, default: Any = None) -> Any:
        """The resource, which goes; `default` where there is none."""
        resource = self.get(key, default)
        if key in self:
            del self[key]
        return resource

    def setdefault(self, key: str, default: R) -> R:
        """The resource of that key, which is `default` where there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def _watch(self, resource: R) -> None:
        resource.on_change = lambda: self._keep(resource)

    def _keep(self, resource: R) -> None:
        self._records.put(self._kind, resource.key, lambda: orjson.dumps(encoded(resource)))


class KeptOperations:
    """The operations that Azure knows of, as they were kept."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def read(self) -> Iterator[Operation]:
        """The kept ones, oldest first."""
        found = [self._operation(values) for _, values in self._records.values(_OPERATIONS)]
        return iter(sorted(found, key=lambda operation: operation.started))

    def keep(self, operation: Operation) -> None:
        """It began or ended."""

        def content() -> bytes:
            values = encoded(operation, ("finished", "error", "purpose"))
            if operation.error is not None:
                values["error"] = {name: getattr(operation.error, name) for name in _ERROR}
            if operation.purpose is not None:
                values["purpose"] = encoded(operation.purpose)
            return orjson.dumps(values)

        self._records.put(_OPERATIONS, operation.id, content)

    def forget(self, operation: Operation) -> None:
        """It is no longer known."""
        self._records.remove(_OPERATIONS, operation.id)

    def _operation(self, kept: Json) -> Operation:
        def make() -> Operation:
            values = decoded(kept)
            error, purpose = values.pop("error", None), values.pop("purpose", None)
            operation = Operation(**values)
            operation.error = CloudError(**error) if error else None
            operation.purpose = Purpose(**purpose) if purpose else None
            if operation.status != "InProgress":
                operation.finished.set()
            return operation

        return guarded(self._records, make)


def guarded(records: Records, make: Callable[[], T]) -> T:
    """What is made from a record. Raises `LabError` where it does not fit."""
    try:
        return make()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise records.damaged(f"Azure's state: {error!r}") from error


def encoded(obj: Any, without: tuple[str, ...] = ()) -> Json:
    """A dataclass's fields as JSON; what JSON has no form for carries a mark of its type."""
    return {entry.name: _mark(getattr(obj, entry.name)) for entry in fields(obj) if entry.name not in without}


def _mark(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, tuple):
        return {"$tuple": list(value)}
    return value


def decoded(values: Json) -> Json:
    """The fields of a dataclass out of what `encoded` made of them."""
    return {name: _unmark(value) for name, value in values.items()}


def _unmark(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        if "$time" in value:
            return datetime.fromisoformat(value["$time"])
        if "$tuple" in value:
            return tuple(value["$tuple"])
    return value
