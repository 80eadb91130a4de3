"""Recording events as client-go does: counted, combined when similar, and held back when there are too many."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock, micro_timestamp, timestamp

MESSAGE_LIMIT = 1024
SIMILAR_LIMIT = 10
SIMILAR_INTERVAL = 600.0
SPAM_BURST = 25.0
SPAM_REFILL = 1.0 / 300.0
CACHE_SIZE = 4096
SERIES_REFRESH = 1800.0
SERIES_FINISH = 360.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[str, ...]
V = TypeVar("V")

log = logging.getLogger(__name__)


class _Cache(Generic[V]):
    """At most 4096 entries; the least recently used go first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, V] = OrderedDict()

    def get(self, key: Key) -> V | None:
        """The entry, which becomes the most recently used one."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: Key, value: V) -> None:
        """Add or replace."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > CACHE_SIZE:
            self._entries.popitem(last=False)


@dataclass
class _Similar:
    """The messages seen lately for one source, object, type and reason; `last` in cluster seconds."""

    last: float
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Written:
    """What stands in the API under one correlation key."""

    count: int
    first: str
    name: str


@dataclass(frozen=True)
class _Bucket:
    """Tokens left for one source and object at a cluster second."""

    tokens: float
    at: float


@dataclass(frozen=True)
class Correlated:
    """An event to write: a new one, or, when `patch` is given, a change to the one of that name."""

    event: Object
    patch: Object | None


class Correlator:
    """client-go tools/record EventCorrelator: combine, then count, then filter; facts: events_cache.go.

    The key under which events are similar leaves the message out, and a combined event carries no reportingComponent.
    Of the messages remembered client-go drops any one when the limit is reached; here it is the one in the middle,
    so that the same history always gives the same events.
    """

    def __init__(self, clock: Clock) -> None:
        """Intervals are in cluster seconds of `clock`."""
        self._clock = clock
        self._similar: _Cache[_Similar] = _Cache()
        self._written: _Cache[_Written] = _Cache()
        self._buckets: _Cache[_Bucket] = _Cache()

    def correlate(self, event: Object, combined_name: str) -> Correlated | None:
        """What to write for `event`, None when it is held back; a combined event is called `combined_name`."""
        combined, key = self._combine(event, combined_name)
        observed = self._count(combined, key)
        return observed if self._admit(combined) else None

    def _combine(self, event: Object, combined_name: str) -> tuple[Object, Key]:
        about, source = event["involvedObject"], event["source"]
        subject = (*_source_key(source), *_object_key(about))
        full = (*subject, about.get("fieldPath", ""), event["type"], event["reason"], event["message"])
        key = (*subject, event["type"], event["reason"], event["reportingComponent"], event["reportingInstance"])
        now = self._clock.monotonic()
        similar = self._similar.get(key)
        if similar is None or now - similar.last > SIMILAR_INTERVAL:
            similar = _Similar(now)
        similar.last = now
        if event["message"] not in similar.messages:
            similar.messages.append(event["message"])
        self._similar.put(key, similar)
        if len(similar.messages) < SIMILAR_LIMIT:
            return event, full
        similar.messages.pop(SIMILAR_LIMIT // 2)
        combined = {
            **event,
            "metadata": {**event["metadata"], "name": combined_name},
            "message": f"(combined from similar events): {event['message']}",
            "firstTimestamp": event["lastTimestamp"],
            "reportingComponent": "",
            "reportingInstance": "",
        }
        return combined, key

    def _count(self, event: Object, key: Key) -> Correlated:
        before = self._written.get(key)
        if before is None:
            self._written.put(key, _Written(1, event["firstTimestamp"], event["metadata"]["name"]))
            return Correlated(event, None)
        count = before.count + 1
        self._written.put(key, _Written(count, before.first, before.name))
        changed = {
            **event,
            "metadata": {**event["metadata"], "name": before.name},
            "firstTimestamp": before.first,
            "count": count,
        }
        patch = {"count": count, "lastTimestamp": event["lastTimestamp"], "message": event["message"]}
        return Correlated(changed, patch)

    def _admit(self, event: Object) -> bool:
        key = (*_source_key(event["source"]), *_object_key(event["involvedObject"]))
        now = self._clock.monotonic()
        bucket = self._buckets.get(key) or _Bucket(SPAM_BURST, now)
        tokens = min(SPAM_BURST, bucket.tokens + (now - bucket.at) * SPAM_REFILL)
        admitted = tokens >= 1.0
        self._buckets.put(key, _Bucket(tokens - 1.0 if admitted else tokens, now))
        return admitted


@dataclass(frozen=True)
class _Series:
    """An events.k8s.io event that was written, how often it was seen, and when (cluster seconds)."""

    event: Object
    count: int
    last: float
    written: float


class EventRecorder:
    """Records events about objects, asynchronously and in order; a failed write is logged and forgotten.

    `events_v1` selects the events.k8s.io shape (the scheduler's): no count, eventTime, and a `series` from the second
    time on (client-go tools/events: the repeat is written at once, later ones at most every 30 minutes).
    """

    def __init__(
        self, api: KubernetesApi, clock: Clock, component: str, *, host: str = "", events_v1: bool = False
    ) -> None:
        """`component` becomes source.component and reportingComponent; `host` source.host and reportingInstance."""
        self._api = api
        self._clock = clock
        self._component = component
        self._host = host
        self._events_v1 = events_v1
        self._correlator = Correlator(clock)
        self._series: dict[Key, _Series] = {}
        self._pending: deque[Object] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._last_name = 0
        # Names hold nanoseconds and the clock gives microseconds: the rest keeps two components apart.
        self._offset = zlib.crc32(component.encode()) % 1000

    def event(
        self,
        obj: Object,
        type: str,
        reason: str,
        message: str,
        *,
        action: str = "",
        related: Object | None = None,
        field_path: str = "",
    ) -> None:
        """Record `reason` about `obj` (with kind, apiVersion and metadata); `type` is Normal or Warning.

        `action` and `related` exist in the events.k8s.io shape only; `field_path` says which part of `obj` is meant
        (the kubelet's `spec.containers{name}`).
        """
        if len(message) > MESSAGE_LIMIT:
            message = message[: MESSAGE_LIMIT - 4] + " ..."
        about = _reference(obj) | ({"fieldPath": field_path} if field_path else {})
        now = self._clock.now()
        event: Object = {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": self._name(about.get("name", "")), "namespace": about.get("namespace", "default")},
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "source": {},
            "type": type,
            "reportingComponent": self._component,
        }
        if self._events_v1:
            event |= {"firstTimestamp": None, "lastTimestamp": None, "eventTime": micro_timestamp(now)}
            event |= {"action": action, "reportingInstance": self._host or f"{self._component}-lab"}
            if related is not None:
                event["related"] = _reference(related)
        else:
            event["source"] = {"component": self._component} | ({"host": self._host} if self._host else {})
            event |= {"firstTimestamp": timestamp(now), "lastTimestamp": timestamp(now), "count": 1}
            event |= {"eventTime": None, "reportingInstance": self._host}
        self._pending.append(event)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_all())

    async def flush(self) -> None:
        """Wait until everything recorded so far is written."""
        if self._writer is not None:
            await self._writer

    def _name(self, subject: str) -> str:
        nanoseconds = (self._clock.now() - _EPOCH) // timedelta(microseconds=1) * 1000 + self._offset
        self._last_name = max(nanoseconds, self._last_name + 1)
        return f"{subject}.{self._last_name:016x}"

    async def _write_all(self) -> None:
        while self._pending:
            event = self._pending.popleft()
            try:
                if self._events_v1:
                    await self._write_series(event)
                else:
                    await self._write_counted(event)
            except ApiError as error:
                log.debug("%s: event %s not written: %s", self._component, event["metadata"]["name"], error)
            except Exception:
                # Whoever waits for `flush` waits for events, and must not fail with one.
                log.exception("%s: event %s not written", self._component, event["metadata"]["name"])

    async def _write_counted(self, event: Object) -> None:
        correlated = self._correlator.correlate(event, self._name(event["involvedObject"].get("name", "")))
        if correlated is None:
            return
        namespace = correlated.event["metadata"]["namespace"]
        if correlated.patch is not None:
            try:
                name = correlated.event["metadata"]["name"]
                await self._api.patch("events", name, correlated.patch, namespace, patch_type="strategic")
                return
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
        await self._api.create("events", correlated.event, namespace)

    async def _write_series(self, event: Object) -> None:
        now = self._clock.monotonic()
        await self._finish_series(now)
        about = event["involvedObject"]
        key = (
            *_object_key(about),
            about.get("resourceVersion", ""),
            event["type"],
            event["action"],
            event["reason"],
            event.get("related", {}).get("uid", ""),
        )
        known = self._series.get(key)
        if known is None:
            self._series[key] = _Series(event, 1, now, now)
            await self._api.create("events", event, event["metadata"]["namespace"])
            return
        due = known.count == 1 or now - known.written >= SERIES_REFRESH
        series = _Series(known.event, known.count + 1, now, now if due else known.written)
        self._series[key] = series
        if due:
            await self._patch_series(series)

    async def _finish_series(self, now: float) -> None:
        for key, series in list(self._series.items()):
            if now - series.last > SERIES_FINISH:
                del self._series[key]
                if series.count > 2:
                    await self._patch_series(series)

    async def _patch_series(self, series: _Series) -> None:
        meta = series.event["metadata"]
        patch = {"series": {"count": series.count, "lastObservedTime": micro_timestamp(self._clock.now())}}
        await self._api.patch("events", meta["name"], patch, meta["namespace"], patch_type="strategic")


def _reference(obj: Object) -> Object:
    meta = obj["metadata"]
    reference = {
        "kind": obj.get("kind"),
        "namespace": meta.get("namespace"),
        "name": meta.get("name"),
        "uid": meta.get("uid"),
        "apiVersion": obj.get("apiVersion"),
        "resourceVersion": meta.get("resourceVersion"),
    }
    return {name: value for name, value in reference.items() if value}


def _source_key(source: Object) -> Key:
    return (source.get("component", ""), source.get("host", ""))


def _object_key(about: Object) -> Key:
    return tuple(str(about.get(name, "")) for name in ("kind", "namespace", "name", "uid", "apiVersion"))
