"""Attachments (pkg/registry/storage/volumeattachment, pkg/apis/storage/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import Struct, forbidden, formed, invalid, required, too_long
from aksdisks.lab.kube.strategies.columns import column, find
from aksdisks.lab.kube.strategies.kinds.persistentvolume import INLINE_SPEC
from aksdisks.lab.kube.strategies.rules import Rule, bounds, check, form
from aksdisks.lab.kube.strategies.rules import required as must
from aksdisks.lab.kube.strategies.strategy import ALL, Strategy
from aksdisks.lab.kube.strategies.volumesources import driver_name

_MAX_BYTES, _MAX_ERROR = 256 * 1024, 1024
_EXACTLY_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def _initial(obj: Object, now: str) -> None:
    del now
    obj["status"] = {"attached": False}


def _source(field: str, found: Object | None) -> list[Cause]:
    source = found or {}
    name, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    if name is None and inline is None:
        return [required(field, _EXACTLY_ONE)]
    if name is not None and inline is not None:
        return [forbidden(field, _EXACTLY_ONE)]
    if inline is not None:
        return check(INLINE_SPEC, inline, f"{field}.inlineVolumeSpec")
    why = "must specify non empty persistentVolumeName"
    return [] if name else [required(f"{field}.persistentVolumeName", why)]


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
    if new.get("spec") == old.get("spec"):
        return causes
    spec = new.get("spec", {})
    source = spec.get("source", {})
    shown = Struct(
        Attacher=spec.get("attacher", ""),
        Source=Struct(
            PersistentVolumeName=source.get("persistentVolumeName"), InlineVolumeSpec=source.get("inlineVolumeSpec")
        ),
        NodeName=spec.get("nodeName", ""),
    )
    return [*causes, invalid("spec", shown, "field is immutable")]


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
STRATEGIES = {
    "volumeattachments": Strategy(
        columns=_VOLUMEATTACHMENTS_COLUMNS,
        known_finalizers=True,
        metadata_checks="whole",
        status_keeps=ALL,
        initial=_initial,
        rules=(
            *_ALWAYS,
            Rule("spec.attacher", driver_name),
            form("spec.source.persistentVolumeName", names.subdomain_errors),
        ),
        rules_on_update=_ALWAYS,
        changes=(_changes,),
        status_changes=(_status_changes,),
    )
}
