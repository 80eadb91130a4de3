"""Attachments (pkg/registry/storage/volumeattachment, pkg/apis/storage/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import STORAGE, Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import forbidden, formed, immutable, required, too_long
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.rules import Rule, bounds, check, form
from aksdisks.lab.kube.strategies.rules import required as must
from aksdisks.lab.kube.strategies.strategy import ALL, Strategy
from aksdisks.lab.kube.strategies.volumesources import driver_name

_MAX_BYTES, _MAX_ERROR = 256 * 1024, 1024
_EXACTLY_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def _source(field: str, found: Object | None) -> list[Cause]:
    source = found or {}
    name, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    if name is None and inline is None:
        return [required(field, _EXACTLY_ONE)]
    if name is not None and inline is not None:
        return [forbidden(field, _EXACTLY_ONE)]
    why = "must specify non empty persistentVolumeName"
    return [] if name or inline is not None else [required(f"{field}.persistentVolumeName", why)]


def _told(field: str, found: Object | None) -> list[Cause]:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in (found or {}).items())
    return [too_long(field, _MAX_BYTES)] if size > _MAX_BYTES else []


def _message(field: str, text: str | None) -> list[Cause]:
    # Upstream names another limit than the one that it keeps.
    return [too_long(field, _MAX_BYTES)] if len((text or "").encode()) > _MAX_ERROR else []


_ALWAYS = (
    must("spec.attacher"),
    Rule("spec.source", _source),
    Rule("spec.nodeName", lambda field, value: formed(field, value or "", names.subdomain_errors)),
    Rule("status.attachmentMetadata", _told),
    Rule("status.attachError.message", _message),
    bounds("status.attachError.errorCode", 0, 2**31 - 1),
    Rule("status.detachError.message", _message),
    bounds("status.detachError.errorCode", 0, 2**31 - 1),
)


def _changes(new: Object, old: Object) -> list[Cause]:
    """Upstream looks at all of a changed attachment twice; its spec stays."""
    causes = check(_ALWAYS, new)
    return causes + immutable("spec", new.get("spec"), old.get("spec"))


def _status_changes(new: Object, old: Object) -> list[Cause]:
    return check(_ALWAYS, new) + _changes(new, old)


_VOLUMEATTACHMENTS_COLUMNS = (
    columns.NAME,
    columns.Column("Attacher", lambda item, _: find(item, "spec.attacher"), format="name"),
    column("PV", "spec.source.persistentVolumeName"),
    column("Node", "spec.nodeName"),
    column("Attached", "status.attached", False, type="boolean"),
    columns.AGE,
)
STRATEGIES = (
    Strategy(
        Resource(
            "volumeattachments",
            "VolumeAttachment",
            STORAGE,
            namespaced=False,
            subresources=("status",),
            unconditional_update=False,
        ),
        columns=_VOLUMEATTACHMENTS_COLUMNS,
        returns_deleted=True,
        known_finalizers=True,
        metadata_checks="whole",
        status_keeps=ALL,
        status={"attached": False},
        rules=(
            *_ALWAYS,
            Rule("spec.attacher", driver_name),
            form("spec.source.persistentVolumeName", names.subdomain_errors),
        ),
        rules_on_update=_ALWAYS,
        changes=(_changes,),
        status_changes=(_status_changes,),
    ),
)
