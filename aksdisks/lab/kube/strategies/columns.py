"""Columns of the rows that `kubectl get` prints, and the cells that kinds share (pkg/printers/internalversion)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.durations import age
from aksdisks.lab.kube.schema.resource import find
from aksdisks.lab.kube.schema.selectors import from_label_selector

NONE, UNSET, UNKNOWN = "<none>", "<unset>", "<unknown>"
Cell = Callable[[Object, datetime], Any]
"""From an object and the present to what its row shows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; those of priority 1 are shown by `-o wide` only."""

    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def definition(self) -> Object:
        """As it goes over the wire."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def column(name: str, cell: str | Callable[[Object], Any], default: Any = "", *, type: str = "string") -> Column:
    """A column of a path, or of a function of the object; a trailing `*` of the name marks one of `-o wide`."""
    if isinstance(cell, str):
        return Column(name.rstrip("*"), lambda item, _: find(item, cell, default), type, "", int(name.endswith("*")))
    return Column(name.rstrip("*"), lambda item, _: cell(item), type, "", int(name.endswith("*")))


def age_of(item: Object, now: datetime) -> str:
    """How old an object is."""
    return age(item["metadata"].get("creationTimestamp"), now)


NAME = Column("Name", lambda item, _: item["metadata"]["name"], format="name")
AGE = Column("Age", age_of)
OTHER = (NAME, column("Created At", "metadata.creationTimestamp", type="date"))
"""Of a kind without columns of its own."""


def phase(item: Object) -> str:
    """The phase, or that it is being deleted."""
    return "Terminating" if item["metadata"].get("deletionTimestamp") else str(find(item, "status.phase"))


def class_of(item: Object) -> str:
    """The class of a claim or volume; the annotation goes before the field (pkg/apis/core/helper)."""
    old = item["metadata"].get("annotations", {}).get("volume.beta.kubernetes.io/storage-class")
    return str(item["spec"].get("storageClassName", "") if old is None else old)


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def modes(found: Sequence[str]) -> str:
    """Access modes, shortened."""
    return ",".join(short for mode, short in _MODES.items() if mode in found)


def containers(path: str) -> tuple[Column, Column]:
    """Names and images of a pod template's containers."""

    def joined(key: str) -> Callable[[Object], str]:
        return lambda item: ",".join(entry.get(key, "") for entry in find(item, f"{path}.spec.containers", ()))

    return column("Containers*", joined("name")), column("Images*", joined("image"))


def selector(path: str) -> Column:
    """A label selector as text (apimachinery: FormatLabelSelector)."""
    return column("Selector*", lambda item: ",".join(map(str, from_label_selector(find(item, path, None)))) or NONE)


def ready(item: Object) -> str:
    """How many replicas are ready, of how many."""
    return f"{find(item, 'status.readyReplicas', 0)}/{find(item, 'spec.replicas', 0)}"


def pairs(found: Object | None) -> str:
    """Labels as `key=value`, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted((found or {}).items())) or NONE
