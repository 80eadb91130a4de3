"""Validation of storage classes, attachments, and of maps that are marked immutable."""

from __future__ import annotations

from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators.causes import forbidden, immutable, invalid, required, unsupported

_POLICIES = ("Delete", "Retain")
_MODES = ("Immediate", "WaitForFirstConsumer")


def storage_class(obj: Object) -> list[Cause]:
    """A new class."""
    causes = [] if obj.get("provisioner") else [required("provisioner")]
    for field, allowed in (("reclaimPolicy", _POLICIES), ("volumeBindingMode", _MODES)):
        if obj.get(field) not in allowed:
            causes.append(unsupported(field, obj.get(field), allowed))
    return causes


def storage_class_update(new: Object, old: Object) -> list[Cause]:
    """A changed class: what its volumes were made from stays."""
    causes = storage_class(new)
    if new.get("parameters") != old.get("parameters"):
        causes.append(forbidden("parameters", "updates to parameters are forbidden."))
    if new.get("provisioner") != old.get("provisioner"):
        causes.append(forbidden("provisioner", "updates to provisioner are forbidden."))
    if new.get("reclaimPolicy") != old.get("reclaimPolicy"):
        causes.append(forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."))
    return causes + immutable("volumeBindingMode", new.get("volumeBindingMode"), old.get("volumeBindingMode"))


def attachment(obj: Object) -> list[Cause]:
    """A new attachment."""
    spec = obj.get("spec", {})
    causes = [required(f"spec.{key}") for key in ("attacher", "nodeName") if not spec.get(key)]
    source = spec.get("source", {})
    if not source.get("persistentVolumeName") and "inlineVolumeSpec" not in source:
        why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        causes.append(required("spec.source", why))
    return causes


def attachment_update(new: Object, old: Object) -> list[Cause]:
    """A changed attachment: its spec stays."""
    if new.get("spec") == old.get("spec"):
        return []
    return [invalid("spec", new.get("spec"), "field is immutable")]


def immutable_update(new: Object, old: Object) -> list[Cause]:
    """A changed ConfigMap or Secret: nothing changes once it is immutable; a Secret's type never does."""
    causes = []
    if old.get("immutable"):
        why = "field is immutable when `immutable` is set"
        if not new.get("immutable"):
            causes.append(forbidden("immutable", why))
        causes += [forbidden(key, why) for key in ("data", "binaryData") if new.get(key) != old.get(key)]
    if new["kind"] == "Secret":
        causes += immutable("type", new.get("type"), old.get("type"))
    return causes
