"""Validation of metadata, labels and label selectors (apimachinery: api/validation, apis/meta/v1/validation)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import forbidden, formed, invalid, required, too_long

_FINALIZERS = "metadata.finalizers"
STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
"""Finalizers that need no domain before their name."""
_MAX_ANNOTATIONS = 256 * 1024


def new(meta: Object, name_errors: Callable[[str], list[str]], *, known: bool) -> list[Cause]:
    """A new object's metadata; `known`: its kind has finalizers of known names only."""
    causes: list[Cause] = []
    generated = meta.get("generateName", "")
    if generated:
        # The prefix of a name may end in a dash, which the suffix follows.
        shortened = f"{generated[:-2]}a" if len(generated) > 1 and generated.endswith("-") else generated
        causes += [invalid("metadata.generateName", generated, problem) for problem in name_errors(shortened)]
    if not meta.get("name"):
        causes.append(required("metadata.name", "name or generateName is required"))
    else:
        causes += formed("metadata.name", meta["name"], name_errors)
    return causes + _rest(meta, known=known)


def changed(new: Object, old: Object, *, whole: bool, known: bool) -> list[Cause]:
    """A changed object's metadata, as often as upstream looks at it: all of that is in the answer.

    It looks at that of every kind as at a new object's and as a change. The rules of a kind look at the change again,
    and where they hold for the `whole` object, at what a new one may not say too.
    """
    as_new = _rest({key: value for key, value in new.items() if value != old.get(key)}, known=known)
    as_change = [cause for cause in as_new if not cause.field.startswith(_FINALIZERS)]
    if "deletionTimestamp" in old:
        added = sorted(set(new.get("finalizers", [])) - set(old.get("finalizers", [])))
        if added:
            shown = ", ".join(f'"{name}"' for name in added)
            why = "no new finalizers can be added if the object is being deleted, found new finalizers "
            as_change.insert(0, forbidden(_FINALIZERS, f"{why}[]string{{{shown}}}"))
    return as_new + as_change * 2 + (as_new if whole else [])


def stamp_deletion(meta: Object, now: datetime, grace: int) -> None:
    """Mark an object as being deleted, and to be gone after so many seconds."""
    meta["deletionTimestamp"] = timestamp(now + timedelta(seconds=grace))
    meta["deletionGracePeriodSeconds"] = grace
    if "generation" in meta:
        meta["generation"] += 1


def _rest(meta: Object, *, known: bool) -> list[Cause]:
    causes = labels("metadata.labels", meta.get("labels", {}))
    causes += annotation_map("metadata.annotations", meta.get("annotations", {}))
    causes += _owners(meta.get("ownerReferences", []))
    return causes + _finalizers(meta.get("finalizers", []), known=known) + _managers(meta.get("managedFields", []))


def labels(field: str, found: Object) -> list[Cause]:
    """The keys and values of labels."""
    causes = []
    for key, value in found.items():
        causes += formed(field, key, names.qualified_name_errors)
        causes += formed(field, value, names.label_value_errors)
    return causes


def annotation_map(field: str, found: Object) -> list[Cause]:
    """The keys of annotations, and the size of all."""
    causes = [invalid(field, key, problem) for key in found for problem in names.qualified_name_errors(key.lower())]
    if sum(len(key.encode()) + len(value.encode()) for key, value in found.items()) > _MAX_ANNOTATIONS:
        causes.append(too_long(field, _MAX_ANNOTATIONS))
    return causes


def label_selector(field: str, selector: Object | None) -> list[Cause]:
    """A LabelSelector object."""
    causes = labels(f"{field}.matchLabels", (selector or {}).get("matchLabels", {}))
    for index, expression in enumerate((selector or {}).get("matchExpressions", ())):
        causes += requirement(f"{field}.matchExpressions[{index}]", expression)
    return causes


def requirement(at: str, expression: Object, *, of_nodes: bool = False, values: bool = True) -> list[Cause]:
    """An expression of a selector, those of nodes knowing Gt and Lt; `values`: whether they are looked at."""
    operator, given = expression.get("operator", ""), expression.get("values", [])
    causes: list[Cause] = []
    if operator in ("In", "NotIn"):
        if not given:
            causes.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if given:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(forbidden(f"{at}.values", why))
    elif of_nodes and operator in ("Gt", "Lt"):
        if len(given) != 1:
            causes.append(required(f"{at}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    else:
        causes.append(invalid(f"{at}.operator", operator, "not a valid selector operator"))
    causes += formed(f"{at}.key", expression.get("key", ""), names.qualified_name_errors)
    for index, value in enumerate(given if values else ()):
        causes += formed(f"{at}.values[{index}]", value, names.label_value_errors)
    return causes


def is_readable_selector(selector: Object | None) -> bool:
    """Whether a LabelSelector can be evaluated (meta/v1 LabelSelectorAsSelector)."""
    return not label_selector("", selector)


def _owners(references: list[Object]) -> list[Cause]:
    field = "metadata.ownerReferences"
    causes: list[Cause] = []
    first, told = "", 0
    for reference in references:
        for key, name in (("apiVersion", "version"), ("kind", "kind"), ("name", "name"), ("uid", "uid")):
            if not reference.get(key):
                causes.append(invalid(f"{field}.{key}", "", f"{name} must not be empty"))
        if reference.get("kind") == "Event" and reference.get("apiVersion") == "v1":
            causes.append(invalid(field, reference, "/v1, Kind=Event is disallowed from being an owner"))
        if not reference.get("controller"):
            continue
        owner = f"{reference.get('kind', '')}/{reference.get('name', '')}"
        # Each of these causes shows all references.
        if first and told < _MOST_TOLD:
            told += 1
            why = (
                'Only one reference can have Controller set to true. Found "true" in references for '
                f"{first} and {owner}"
            )
            causes.append(invalid(field, references, why))
        first = first or owner
    return causes


_MOST_TOLD = 16


def _finalizers(found: list[str], *, known: bool) -> list[Cause]:
    field = _FINALIZERS
    causes: list[Cause] = []
    for name in found:
        causes += formed(field, name, names.qualified_name_errors)
    if "orphan" in found and "foregroundDeletion" in found:
        causes.append(invalid(field, found, "finalizer orphan and foregroundDeletion cannot be both set"))
    if known:
        for index, name in enumerate(found):
            if "/" not in name and name not in STANDARD_FINALIZERS:
                why = "name is neither a standard finalizer name nor is it fully qualified"
                causes.append(invalid(f"{field}[{index}]", name, why))
    return causes


def _managers(entries: list[Any]) -> list[Cause]:
    causes: list[Cause] = []
    for index, entry in enumerate(entries):
        at = f"metadata.managedFields[{index}]"
        if entry.get("operation") not in ("Apply", "Update"):
            causes.append(invalid(f"{at}.operation", entry.get("operation", ""), "must be `Apply` or `Update`"))
        if entry.get("fieldsType", "FieldsV1") != "FieldsV1":
            causes.append(invalid(f"{at}.fieldsType", entry["fieldsType"], "must be `FieldsV1`"))
    return causes
