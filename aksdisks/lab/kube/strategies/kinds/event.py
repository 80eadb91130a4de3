"""Events, in both their views (pkg/registry/core/event, pkg/apis/core/validation/events.go)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.durations import age
from aksdisks.lab.kube.schema.resource import Field, Resource, fields, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import formed, invalid, required
from aksdisks.lab.kube.strategies.columns import Column, column
from aksdisks.lab.kube.strategies.rules import Fixed
from aksdisks.lab.kube.strategies.strategy import Strategy, View

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


def _to_events_v1(event: Object) -> Object:
    """The core event in the shape of events.k8s.io/v1."""
    return {_NAMES.get(key, key): value for key, value in event.items()} | {"apiVersion": "events.k8s.io/v1"}


def _from_events_v1(event: Object) -> Object:
    """The events.k8s.io/v1 event as it is stored: in the core shape."""
    return {_BACK.get(key, key): value for key, value in event.items()} | {"apiVersion": "v1"}


_ALWAYS_WRITTEN: Object = {
    "source": {}, "firstTimestamp": None, "lastTimestamp": None, "eventTime": None, "reportingComponent": "",
    "reportingInstance": "",
}  # fmt: skip
_LIMITS = (("reportingInstance", 128), ("action", 128), ("reason", 128))
_MAX_NOTE = 1024


def _event(at: str, obj: Object) -> list[Cause]:
    """Its namespace is that of what it is about, and what has eventTime says who and why."""
    del at
    about, own = obj.get("involvedObject", {}).get("namespace", ""), obj["metadata"].get("namespace", "")
    elsewhere = invalid("involvedObject.namespace", about, "does not match event.namespace")
    if not obj.get("eventTime"):
        return [elsewhere] if about != own and (about or own != "default") else []
    causes = [elsewhere] if not about and own not in ("default", "kube-system") else []
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


def _told(at: str, obj: Object) -> list[Cause]:
    """What events.k8s.io asks for, which knows nothing of the older fields."""
    del at
    series = obj.get("series")
    causes: list[Cause] = []
    if series is not None:
        causes += [] if series.get("count", 0) >= 2 else [invalid("series.count", "", "should be at least 2")]
        causes += [] if series.get("lastObservedTime") else [required("series.lastObservedTime")]
    if not obj.get("eventTime"):
        causes.append(required("eventTime"))
    if obj.get("type") not in ("Normal", "Warning"):
        causes.append(invalid("type", "", f"has invalid value: {obj.get('type', '')}"))
    old = ("firstTimestamp", "lastTimestamp", "count")
    return causes + [invalid(key, "", "needs to be unset") for key in old if obj.get(key)]


_FIXED = (
    "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type",
    "eventTime", "action", "related",
)  # fmt: skip


def _times(item: Object) -> tuple[str | None, str | None, int]:
    """First and last seen, and how often; those of a series go before, those of events.k8s.io after."""
    first = item.get("firstTimestamp") or item.get("eventTime")
    series = item.get("series")
    if series:
        return first, series.get("lastObservedTime"), series.get("count", 0)
    return first, item.get("lastTimestamp") or first, item.get("count") or 1


def _about(item: Object) -> str:
    target = item.get("involvedObject", {})
    kind, name = target.get("kind", "").lower(), target.get("name", "")
    return f"{kind}/{name}" if name else kind


def _source(item: Object) -> str:
    component = find(item, "source.component") or item.get("reportingComponent", "")
    host = find(item, "source.host") or item.get("reportingInstance", "")
    return f"{component}, {host}" if host else component


_SELECTABLE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_COLUMNS = (
    Column("Last Seen", lambda item, now: age(_times(item)[1], now)),
    column("Type", "type"),
    column("Reason", "reason"),
    column("Object", _about),
    column("Subobject*", "involvedObject.fieldPath"),
    column("Source*", _source),
    column("Message", lambda item: item.get("message", "").strip()),
    Column("First Seen", lambda item, now: age(_times(item)[0], now), priority=1),
    column("Count*", lambda item: _times(item)[2]),
    Column("Name", lambda item, _: item["metadata"]["name"], format="name", priority=1),
)
STRATEGIES = (
    Strategy(
        Resource(
            "events",
            "Event",
            short_names=("ev",),
            selectable=(
                *fields(*(f"involvedObject.{key}" for key in _SELECTABLE), "reason", "reportingComponent", "type"),
                Field("source", "source.component", other="reportingComponent"),
            ),
        ),
        columns=_COLUMNS,
        always_written=_ALWAYS_WRITTEN,
        name_errors=names.path_segment_errors,
        created_by_update=True,
        metadata_checks="last",
        rules=(_event,),
    ),
    Strategy(
        Resource(
            "events",
            "Event",
            "events.k8s.io",
            short_names=("ev",),
            stored="/v1/Event",
            # By the names of what is stored in the core shape (pkg/apis/events/v1/conversion.go).
            selectable=(
                *(Field(f"regarding.{key}", f"involvedObject.{key}") for key in _SELECTABLE),
                *fields("reason", "type"),
                Field("reportingController", "reportingComponent"),
            ),
        ),
        view=View("events", _from_events_v1, _to_events_v1),
        columns=_COLUMNS,
        created_by_update=True,
        metadata_checks="last",
        rules=(_event, _told),
        rules_on_update=(_event,),
        changes=(
            *(Fixed(key) for key in _FIXED),
            Fixed("reportingComponent", "reportingController"),
            Fixed("reportingInstance"),
        ),
    ),
)
