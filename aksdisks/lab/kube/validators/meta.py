"""Validation of metadata."""

from __future__ import annotations

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators.causes import forbidden, invalid, required

_LABEL_NAMES = {"namespaces": names.label_errors, "services": names.label_1035_errors}
_PATH_SEGMENTS = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
_MAX_ANNOTATIONS = 256 * 1024


def metadata(resource: str, meta: Object) -> list[Cause]:
    """Name, labels and annotations of a new object."""
    name = meta.get("name")
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    if resource in _PATH_SEGMENTS and not set("/%") & set(name):
        return labels("metadata.labels", meta.get("labels", {})) + _annotations(meta.get("annotations", {}))
    check = _LABEL_NAMES.get(resource, names.subdomain_errors)
    causes = [invalid("metadata.name", name, problem) for problem in check(name)]
    return causes + labels("metadata.labels", meta.get("labels", {})) + _annotations(meta.get("annotations", {}))


def labels(field: str, found: Object) -> list[Cause]:
    """The keys and values of labels."""
    causes = []
    for key, value in found.items():
        causes += [invalid(field, key, problem) for problem in names.qualified_name_errors(key)]
        causes += [invalid(field, value, problem) for problem in names.label_value_errors(value)]
    return causes


def metadata_update(new: Object, old: Object) -> list[Cause]:
    """Labels and annotations of a changed object, and no new finalizers once it is being deleted."""
    causes = []
    if new.get("labels") != old.get("labels"):
        causes += labels("metadata.labels", new.get("labels", {}))
    if new.get("annotations") != old.get("annotations"):
        causes += _annotations(new.get("annotations", {}))
    if "deletionTimestamp" in old:
        added = sorted(set(new.get("finalizers", [])) - set(old.get("finalizers", [])))
        if added:
            shown = ", ".join(f'"{name}"' for name in added)
            why = "no new finalizers can be added if the object is being deleted, found new finalizers "
            causes.append(forbidden("metadata.finalizers", f"{why}[]string{{{shown}}}"))
    return causes


def _annotations(found: Object) -> list[Cause]:
    field = "metadata.annotations"
    causes = [invalid(field, key, problem) for key in found for problem in names.qualified_name_errors(key.lower())]
    if sum(len(key.encode()) + len(value.encode()) for key, value in found.items()) > _MAX_ANNOTATIONS:
        why = f"Too long: may not be more than {_MAX_ANNOTATIONS} bytes"
        causes.append(Cause(field, "FieldValueTooLong", why))
    return causes
