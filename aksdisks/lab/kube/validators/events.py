"""Validation of events, in both their views (pkg/apis/core/validation/events.go)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import NULL, formed, immutable, invalid, required

_LIMITS = (("reportingInstance", 128), ("action", 128), ("reason", 128))
_MAX_NOTE = 1024


def event(obj: Object) -> list[Cause]:
    """An event of the core view: its namespace is that of what it is about, and what has eventTime says who and why."""
    about, own = obj.get("involvedObject", {}).get("namespace", ""), obj["metadata"].get("namespace", "")
    causes: list[Cause] = []
    elsewhere = invalid("involvedObject.namespace", about, "does not match event.namespace")
    if not obj.get("eventTime"):
        if about != own and (about or own != "default"):
            causes.append(elsewhere)
        return causes
    if not about and own not in ("default", "kube-system"):
        causes.append(elsewhere)
    controller = obj.get("reportingComponent", "")
    causes += [] if controller else [required("reportingController")]
    causes += formed("reportingController", controller, names.qualified_name_errors)
    for key, limit in _LIMITS:
        if not obj.get(key):
            causes.append(required(key))
        elif len(obj[key].encode()) > limit:
            causes.append(invalid(key, "", f"can have at most {limit} characters"))
    if len(obj.get("message", "").encode()) > _MAX_NOTE:
        causes.append(invalid("message", "", f"can have at most {_MAX_NOTE} characters"))
    return causes


def event_v1(obj: Object) -> list[Cause]:
    """A new event of events.k8s.io, which knows nothing of the older fields."""
    causes = event(obj) + _series(obj)
    if not obj.get("eventTime"):
        causes.append(required("eventTime"))
    if obj.get("type") not in ("Normal", "Warning"):
        causes.append(invalid("type", "", f"has invalid value: {obj.get('type', '')}"))
    unset = "needs to be unset"
    causes += [invalid(key, "", unset) for key in ("firstTimestamp", "lastTimestamp", "count") if obj.get(key)]
    source = obj.get("source") or {}
    return causes + ([invalid("source", "", unset)] if source.get("component") or source.get("host") else [])


def _series(obj: Object) -> list[Cause]:
    series = obj.get("series")
    if series is None:
        return []
    causes = [] if series.get("count", 0) >= 2 else [invalid("series.count", "", "should be at least 2")]
    return causes + ([] if series.get("lastObservedTime") else [required("series.lastObservedTime")])


def event_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """A changed event of the core view."""
    return event(new)


_FIXED = (
    "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type",
    "eventTime", "action", "related", "reportingComponent", "reportingInstance",
)  # fmt: skip


def event_v1_update(new: Object, old: Object) -> list[Cause]:
    """A changed event of events.k8s.io: only its series goes on."""
    causes = event(new)
    if new.get("series") != old.get("series"):
        causes += _series(new)
    for key in _FIXED:
        shown = "reportingController" if key == "reportingComponent" else key
        causes += immutable(shown, new.get(key, NULL), old.get(key, NULL))
    return causes
