"""Pure rules about pods that workload controllers share: phases, readiness, templates, and which pods go first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.clock import Clock
from aksdisks.lab.kube.schema import selectors

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


def phase(pod: Object) -> str:
    """Pending, Running, Succeeded, Failed, Unknown; empty for a pod that was never created."""
    return str(pod.get("status", {}).get("phase", ""))


def is_terminating(pod: Object) -> bool:
    """It is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def is_finished(pod: Object) -> bool:
    """All its containers ended for good."""
    return phase(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """It counts as a replica: neither finished nor being deleted."""
    return not is_finished(pod) and not is_terminating(pod)


def condition(obj: Object, type: str) -> Object | None:
    """The status condition of that type."""
    return next((c for c in obj.get("status", {}).get("conditions", ()) if c["type"] == type), None)


def is_ready(pod: Object) -> bool:
    """Its Ready condition is True."""
    ready = condition(pod, "Ready")
    return ready is not None and ready["status"] == "True"


class Availability:
    """How long pods have been ready, in cluster seconds.

    API timestamps are whole seconds of real time, too coarse where cluster time runs faster: what counts is when the
    transition was first seen here.
    """

    def __init__(self, clock: Clock) -> None:
        """`clock` measures."""
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def remaining(self, pod: Object, min_ready_seconds: float) -> float | None:
        """Cluster seconds until `pod` has been ready for long enough; 0 when it has, None when it is not ready."""
        ready = condition(pod, "Ready")
        if ready is None or ready["status"] != "True":
            self.forget(pod["metadata"]["uid"])  # ready again within the same second, it begins anew
            return None
        if not min_ready_seconds:
            return 0.0
        return max(0.0, min_ready_seconds - self.since(pod["metadata"]["uid"], str(ready.get("lastTransitionTime"))))

    def since(self, uid: str, stamp: str) -> float:
        """Cluster seconds since `stamp` was first seen for `uid`."""
        seen = self._seen.get(uid)
        now = self._clock.monotonic()
        if seen is None or seen[0] != stamp:
            self._seen[uid] = (stamp, now)
            return 0.0
        return now - seen[1]

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._seen.pop(uid, None)


class Patience:
    """How long something has been waited for, in cluster seconds, as far as the lab could work at it meanwhile.

    Whoever waits looks again every `pause` seconds; however late a look comes, no more than that is counted: a lab
    that cannot keep up with its own speed is slow, not wrong.
    """

    def __init__(self, clock: Clock, tick: float, tick_real: float) -> None:
        """A look every `tick` cluster seconds, and never more often than every `tick_real` real ones."""
        self._clock = clock
        self._tick = max(tick, tick_real * clock.speed)
        self._waits: dict[str, tuple[str, float, float]] = {}

    def waited(self, uid: str, stamp: str) -> float:
        """Cluster seconds since `stamp` was first seen for `uid`; to be asked at every look."""
        now = self._clock.monotonic()
        known, seen, waited = self._waits.get(uid, ("", now, 0.0))
        waited = waited + min(now - seen, self._tick) if known == stamp else 0.0
        self._waits[uid] = (stamp, now, waited)
        return waited

    def pause(self, left: float) -> float:
        """Until the next look, when `left` cluster seconds are left to wait."""
        return min(left, self._tick)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._waits.pop(uid, None)


def pod_from_template(template: Object, owner: Object, generate_name: str = "") -> Object:
    """A pod as pkg/controller GetPodFromTemplate makes it, controlled by `owner`."""
    meta = template.get("metadata", {})
    metadata: Object = {"namespace": owner["metadata"]["namespace"], "ownerReferences": [controller_reference(owner)]}
    if generate_name:
        metadata["generateName"] = generate_name
    for name in ("labels", "annotations", "finalizers"):
        if meta.get(name):
            metadata[name] = own_copy(meta[name])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": own_copy(template["spec"])}


def controller_reference(owner: Object) -> Object:
    """The owner reference of the one controller of an object."""
    return {**owner_reference(owner), "controller": True, "blockOwnerDeletion": True}


def owner_reference(owner: Object) -> Object:
    """A plain owner reference."""
    meta = owner["metadata"]
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"]}


def controller_of(obj: Object) -> Object | None:
    """The owner reference with controller true."""
    return next((o for o in obj["metadata"].get("ownerReferences", ()) if o.get("controller")), None)


def matches(selector: Object | None, labels: dict[str, str] | None) -> bool:
    """A LabelSelector object against labels; no selector matches nothing, an empty one everything."""
    return selector is not None and selectors.matches(selectors.from_label_selector(selector), labels)


def first_to_delete(pods: Iterable[Object], related: Iterable[Object], now: datetime) -> list[Object]:
    """`pods` in the order in which a scale-down takes them (pkg/controller ActivePodsWithRanks).

    Unassigned before assigned, pending before running, not ready before ready, low deletion cost, doubled up on a node
    (counted over `related`), ready for less time (by powers of two), more restarts, younger.
    """
    crowd = Counter(pod["spec"].get("nodeName") for pod in related if is_active(pod))

    def rank(pod: Object) -> tuple[Any, ...]:
        meta = pod["metadata"]
        ready = condition(pod, "Ready")
        up = ready is not None and ready["status"] == "True"
        containers = pod.get("status", {}).get("containerStatuses", ())
        return (
            bool(pod["spec"].get("nodeName")),
            _PHASE_RANK.get(phase(pod), 2),
            up,
            int(meta.get("annotations", {}).get(DELETION_COST, "0")),
            -crowd[pod["spec"].get("nodeName")],
            _magnitude(ready.get("lastTransitionTime"), now) if ready is not None and up else 0,
            -max((c.get("restartCount", 0) for c in containers), default=0),
            _magnitude(meta.get("creationTimestamp"), now),
            meta.get("uid", ""),
        )

    return sorted(pods, key=rank)


def _magnitude(stamp: str | None, now: datetime) -> int:
    """The power of two, in nanoseconds, of the age of `stamp`; -1 when it has none yet."""
    if not stamp:
        return -1
    age = (now - datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)).total_seconds()
    return math.floor(math.log2(age * 1e9)) if age > 0 else -1
