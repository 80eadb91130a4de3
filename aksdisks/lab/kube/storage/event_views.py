"""Events as the core group and as events.k8s.io show them: one stored object, two shapes."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.storage.store import Version

_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_BACK = {new: old for old, new in _NAMES.items()}
_TIMES = ("firstTimestamp", "lastTimestamp")


def to_events_v1(event: Object) -> Object:
    """The core event in the shape of events.k8s.io/v1."""
    view = {_NAMES.get(key, key): value for key, value in event.items()}
    view["apiVersion"] = "events.k8s.io/v1"
    return view


def from_events_v1(event: Object) -> Object:
    """The events.k8s.io/v1 event as it is stored: in the core shape."""
    stored = {_BACK.get(key, key): value for key, value in event.items()}
    stored["apiVersion"] = "v1"
    return stored


def view(version: Version) -> Version:
    """The events.k8s.io view of a stored version, made once."""
    if version.view is None:
        version.view = Version(to_events_v1(version.object), version.resource_version)
    return version.view


def default(event: Object) -> Object:
    """The event with the keys that upstream always writes: source, both timestamps and eventTime, null when unset."""
    event.setdefault("source", {})
    for key in (*_TIMES, "eventTime"):
        event.setdefault(key, None)
    event.setdefault("reportingComponent", "")
    event.setdefault("reportingInstance", "")
    return event
