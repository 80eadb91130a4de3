"""Storage classes (pkg/registry/storage/storageclass, pkg/apis/storage/validation)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import STORAGE, Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import duplicate, formed, invalid, required, too_long
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.labels import OLD_LABELS
from aksdisks.lab.kube.strategies.rules import Fixed, Rule, enumeration, form, nested, repeated
from aksdisks.lab.kube.strategies.rules import required as must
from aksdisks.lab.kube.strategies.strategy import Strategy

_MAX_PARAMETERS, _MAX_BYTES = 512, 256 * 1024


def parameters(field: str, found: Object | None) -> list[Cause]:
    """What a driver is told, in any class."""
    given = found or {}
    if len(given) > _MAX_PARAMETERS:
        return [too_long(field, _MAX_PARAMETERS)]
    causes = [invalid(field, key, "field can not be empty.") for key in given if not key]
    if sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > _MAX_BYTES:
        causes.append(too_long(field, _MAX_BYTES))
    return causes


def _topology(at: str, term: Object) -> list[Cause]:
    causes: list[Cause] = []
    keys: list[str] = []
    for index, expression in enumerate(term.get("matchLabelExpressions", ())):
        field, key = f"{at}.matchLabelExpressions[{index}]", expression.get("key", "")
        causes += [] if expression.get("values") else [required(f"{field}.values")]
        causes += repeated(f"{field}.values", expression.get("values", ()))
        causes += formed(f"{field}.key", key, names.qualified_name_errors)
        if key in keys:
            causes.append(duplicate(f"{field}.key", key))
        keys.append(key)
    return causes


def _warnings(new: Object, old: Object | None) -> Iterator[str]:
    del old
    for index, term in enumerate(new.get("allowedTopologies", ())):
        for number, expression in enumerate(term.get("matchLabelExpressions", ())):
            key = expression.get("key", "")
            if key in OLD_LABELS:
                yield f"allowedTopologies[{index}].matchLabelExpressions[{number}].key: {OLD_LABELS[key]}"


def driver_rules(path: str) -> tuple[Rule, Rule]:
    """The name of a driver, in any class."""
    return must(path), form(path, lambda name: names.qualified_name_errors(name.lower()))


def stays(field: str) -> Fixed:
    """A field that never changes, in the words of classes."""
    return Fixed(field, why=f"updates to {field} are forbidden.")


_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def _name(item: Object, now: datetime) -> str:
    """The default class is marked in its name."""
    del now
    marked = any(find(item, "metadata.annotations", {}).get(mark) == "true" for mark in _DEFAULT)
    return f"{item['metadata']['name']} (default)" if marked else str(item["metadata"]["name"])


_STORAGECLASSES_COLUMNS = (
    columns.Column("Name", _name, format="name"),
    column("Provisioner", "provisioner"),
    column("ReclaimPolicy", "reclaimPolicy", "Delete"),
    column("VolumeBindingMode", "volumeBindingMode", "Immediate"),
    column("AllowVolumeExpansion", "allowVolumeExpansion", False),
    columns.AGE,
)
STRATEGIES = (
    Strategy(
        Resource("storageclasses", "StorageClass", STORAGE, namespaced=False, short_names=("sc",)),
        columns=_STORAGECLASSES_COLUMNS,
        returns_deleted=True,
        known_finalizers=True,
        metadata_checks="whole",
        defaults=(default("", reclaimPolicy="Delete", volumeBindingMode="Immediate"),),
        rules=(
            *driver_rules("provisioner"),
            Rule("parameters", parameters),
            enumeration("reclaimPolicy", "Delete", "Retain"),
            enumeration("volumeBindingMode", "Immediate", "WaitForFirstConsumer"),
            nested("allowedTopologies[]", (_topology,)),
        ),
        changes=(stays("parameters"), stays("provisioner"), stays("reclaimPolicy"), Fixed("volumeBindingMode")),
        warnings=_warnings,
    ),
)
