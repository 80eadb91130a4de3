"""What is particular to one kind: the generic pipeline asks this and knows no kind (apiserver: registry/rest)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import metadata
from aksdisks.lab.kube.strategies.columns import OTHER, Column
from aksdisks.lab.kube.strategies.defaults import Defaults
from aksdisks.lab.kube.strategies.rules import Changes, Rules, check, check_changes

ALL = ("*",)
"""For `status_keeps`: a write of the status changes no metadata at all."""
Warnings = Callable[[Object, Object | None], Iterator[str]]


def _spec_differs(new: Object, old: Object) -> bool:
    return bool(new.get("spec") != old.get("spec"))


@dataclass(frozen=True, slots=True)
class View:
    """A second shape of another kind's objects, which are stored by the key and in the shape of that kind."""

    of: str
    to_stored: Callable[[Object], Object]
    from_stored: Callable[[Object], Object]


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Paths of keys, as in a `Field`, to the replicas asked for, those there are, and the selector.

    `selector` is empty where the spec has a label selector; a custom kind keeps a text at its path, or has none.
    """

    replicas: str = "spec.replicas"
    current: str = "status.replicas"
    selector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The parts of one kind; what a kind has not is left out. They are listed in the order in which a write meets them.

    `view`: the kind that it is another shape of; `always_written`: fields that are written even when they are unset,
    by paths of keys: one inside another where that is there.
    `defaults` fills in what is left out, `admit` and `admit_update` are the admission plugins that change or refuse
    (403, 404); `finalizers` are put on new objects. `status` is what a new object begins with, or a function of the
    object and the time. `prepare` makes ready for validation (the old object is None for a new one).
    `rules` hold for new objects and, unless `rules_on_update` differ, for changed ones; `changes` say what may not
    change, `status_changes` the same of the status, `finalize_rules` what holds for the finalize subresource.
    `metadata_checks`: "whole" kinds look at changed metadata as at a new object's too, "last" ones after all else.
    `validating_admission` refuses what is valid; `allocate` gives out, after that, what only one object may have.
    `status_keeps`: metadata that a write of the status may not touch. `raises_generation`: whether a change of a kind
    that counts its changes is one.

    `mark_deleted` puts the time on an object whose deletion takes time, given the grace period that was asked for, and
    says whether that changed it; `held`: whether more than its finalizers keeps it; `undeletable`: names that stay.
    `returns_deleted`: a deletion answers with the object although it is gone, not with a Status.
    `warnings` are of the object alone, `admission_warnings` of its namespace or its pods as well.
    `scale`: where a custom kind keeps what its scale shows.
    `columns` are what `kubectl get` prints, `row_conditions` what a row says besides.
    """

    resource: Resource = field(kw_only=False)
    view: View | None = None
    always_written: Object = field(default_factory=dict)
    name_errors: Callable[[str], list[str]] = names.subdomain_errors
    known_finalizers: bool = False
    created_by_update: bool = False
    defaults: Defaults = ()
    admit: Sequence[Callable[[Store, Ids, Object], None]] = ()
    admit_update: Sequence[Callable[[Store, Object, Object], None]] = ()
    finalizers: tuple[str, ...] = ()
    status: Object | Callable[[Object, str], Object] | None = None
    prepare: Callable[[Object, Object | None], None] | None = None
    metadata_checks: Literal["", "whole", "last"] = ""
    rules: Rules = ()
    rules_on_update: Rules | None = None
    changes: Changes = ()
    status_changes: Changes = ()
    finalize_rules: Rules = ()
    validating_admission: Callable[[Store, Object, Object | None], None] | None = None
    allocate: Callable[[Store, Ids, Object], None] | None = None
    status_keeps: tuple[str, ...] = ()
    raises_generation: Callable[[Object, Object], bool] = _spec_differs
    mark_deleted: Callable[[Object, int | None, datetime], bool] | None = None
    held: Callable[[Object], bool] | None = None
    undeletable: tuple[str, ...] = ()
    returns_deleted: bool = False
    warnings: Warnings | None = None
    admission_warnings: Callable[[Store, Object, Object | None], Iterable[str]] | None = None
    scale: ScalePaths = ScalePaths()
    columns: Sequence[Column] = OTHER
    row_conditions: Callable[[Object], list[Object]] | None = None

    def initial_status(self, obj: Object, now: str) -> Object | None:
        """The status that a new object begins with; None keeps the one that it came with."""
        return self.status(obj, now) if callable(self.status) else own_copy(self.status)

    def validate(self, obj: Object) -> list[Cause]:
        """What is wrong with a new object; empty when nothing is."""
        own = check(self.rules, obj)
        general = metadata.new(obj["metadata"], self.name_errors, known=self.known_finalizers)
        return (own or general) if self.metadata_checks == "last" else general + own

    def validate_update(self, new: Object, old: Object, subresource: str | None) -> list[Cause]:
        """What is wrong with a change of an object or of the part that a subresource owns."""
        whole = subresource is None and self.metadata_checks == "whole"
        found = metadata.changed(new["metadata"], old["metadata"], whole=whole, known=self.known_finalizers)
        if subresource == "finalize":
            return found + check(self.finalize_rules, new)
        if subresource == "status":
            return found + check_changes(self.status_changes, new, old)
        if subresource is not None:
            return found
        rules = self.rules if self.rules_on_update is None else self.rules_on_update
        return found + check(rules, new) + check_changes(self.changes, new, old)
