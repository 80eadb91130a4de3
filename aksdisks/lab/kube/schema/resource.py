"""What a kind is to the API: names, group, verbs, subresources, and the fields by which it can be selected."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aksdisks.lab.client.interface import Object

if TYPE_CHECKING:
    from aksdisks.lab.kube.schema.structural import Structural

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
APPS = "apps"
BATCH = "batch"
RBAC = "rbac.authorization.k8s.io"
STORAGE = "storage.k8s.io"
EVENTS_V1 = "events.events.k8s.io"
"""The key of the events.k8s.io view, which shares its storage with the core `events`."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field that objects can be selected by.

    `label` is what selectors call it, `path` where it stands. `other`: where else it may stand. `zero`: the text of a
    value that is absent, as Go's zero value prints.
    """

    label: str
    path: str = ""
    other: str = ""
    zero: str = ""

    def value(self, obj: Object) -> str:
        """The field of an object, as text."""
        value = find(obj, self.path or self.label, None)
        if not value and self.other:
            value = find(obj, self.other, None)
        if value is None:
            return self.zero
        return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def find(obj: Any, path: str, default: Any = "") -> Any:
    """The value at a path of keys; the default where there is none."""
    for step in _steps(path):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return default if obj is None else obj


def fields(*labels: str) -> tuple[Field, ...]:
    """Fields that selectors call by their paths."""
    return tuple(map(Field, labels))


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One row of discovery, and what the API has to know of a kind's shape; made once for each kind.

    `generation`: whether the kind counts changes of its spec. `unconditional_update`: whether a PUT may leave out
    resourceVersion. `stored`: the version that upstream stores it in, where that is another. `kept`: whether the lab
    has it; what it has not can be read, and is refused on writing (`absent`). `selectable`: the fields that select it
    beside name and namespace. `null_lists`: lists that Go writes as null when they are empty. `probed`: its conditions
    have a lastProbeTime, a struct in Go, which JSON writes as null and never leaves out. `custom`: the schema of a kind
    that a CustomResourceDefinition describes. `singular_name`, `listed_as`: where they do not follow from the kind.
    `ready_made`: why clients may read it and not write it, where only the lab itself makes any.
    """

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    stored: str = ""
    generation: bool = False
    unconditional_update: bool = True
    kept: bool = True
    selectable: tuple[Field, ...] = ()
    null_lists: tuple[str, ...] = ()
    probed: bool = False
    custom: Structural | None = None
    singular_name: str = ""
    listed_as: str = ""
    ready_made: str = ""

    @property
    def key(self) -> str:
        """What the lab's tables call a kind that it has: the plural, which two groups have of events only.

        Of a custom kind the plural with the group, the same for all its versions.
        """
        if self.custom is not None:
            return self.qualified
        return EVENTS_V1 if self.group == "events.k8s.io" else self.plural

    @property
    def singular(self) -> str:
        """What commands call one object."""
        return self.singular_name or self.kind.lower()

    @property
    def list_kind(self) -> str:
        """The kind of a list of them."""
        return self.listed_as or f"{self.kind}List"

    @property
    def storage_hash(self) -> str:
        """kube-apiserver's discovery.StorageVersionHash; empty for what is not stored."""
        if "update" not in self.verbs:
            return ""
        stored = self.stored or f"{self.group}/{self.version}/{self.kind}"
        return base64.b64encode(hashlib.sha256(stored.encode()).digest()[:8]).decode()

    @property
    def api_version(self) -> str:
        """`v1` for the core group, else `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The plural as upstream's messages name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind as upstream's messages name it: `Pod`, `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind
