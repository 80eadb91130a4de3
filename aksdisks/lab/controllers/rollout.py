"""Pure rules of a Deployment's rollout: sizes of replica sets, revisions, and the status that follows from them."""

from __future__ import annotations

import copy
import math
from datetime import datetime

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.controllers.pods import condition

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
}

Sizes = list[tuple[Object, int]]


def size(rs: Object) -> int:
    """The replicas it is to have."""
    return int(rs["spec"]["replicas"])


def available(rs: Object) -> int:
    """The replicas it has that are available."""
    return int(rs.get("status", {}).get("availableReplicas", 0))


def fence(d: Object) -> tuple[int, int]:
    """maxSurge and maxUnavailable as numbers of pods; surge rounds up, unavailable down, never both 0."""
    strategy = d["spec"]["strategy"]
    if strategy["type"] != "RollingUpdate":
        return 0, 0
    rolling = strategy.get("rollingUpdate", {})
    replicas = d["spec"]["replicas"]
    surge = _portion(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = _portion(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas)


def _portion(value: int | str, total: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    exact = int(value.removesuffix("%")) * total
    return -(-exact // 100) if up else exact // 100


def has_deadline(d: Object) -> bool:
    """Progress is watched (a deadline of the largest int32 means not)."""
    deadline = d["spec"].get("progressDeadlineSeconds")
    return deadline is not None and deadline != 2**31 - 1


def revision_of(rs: Object) -> int:
    """The number in the revision annotation, 0 without one."""
    return int(rs["metadata"].get("annotations", {}).get(REVISION, 0))


def same_template(rs: Object, d: Object) -> bool:
    """Equal but for the hash label."""
    template = copy.copy(rs["spec"]["template"])
    meta = dict(template.get("metadata", {}))
    meta["labels"] = {name: value for name, value in meta.get("labels", {}).items() if name != HASH_LABEL}
    mine = dict(d["spec"]["template"].get("metadata", {}))
    mine["labels"] = {name: value for name, value in mine.get("labels", {}).items() if name != HASH_LABEL}
    return meta == mine and template["spec"] == d["spec"]["template"]["spec"]


def annotate(d: Object, rs: Object, revision: str, *, exists: bool) -> bool:
    """Copy the Deployment's annotations and set the revision, keeping former ones as history; whether that changed."""
    annotations = rs["metadata"].setdefault("annotations", {})
    before = dict(annotations)
    wanted = d["metadata"].get("annotations", {})
    annotations.update({name: value for name, value in wanted.items() if name not in _NOT_COPIED})
    old = revision_of(rs)
    if old < int(revision):
        annotations[REVISION] = revision
        if exists and old:
            annotations[HISTORY] = ",".join(filter(None, (annotations.get(HISTORY), str(old))))
    return bool(annotations != before)


def size_annotations(d: Object) -> dict[str, str]:
    """What a replica set notes of the sizes it was made for."""
    replicas = d["spec"]["replicas"]
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + fence(d)[0])}


def new_size(d: Object, everything: list[Object], new: Object) -> int:
    """How many replicas the new replica set is to have now."""
    replicas = int(d["spec"]["replicas"])
    if d["spec"]["strategy"]["type"] != "RollingUpdate" or size(new) >= replicas:
        return replicas
    room = replicas + fence(d)[0] - sum(map(size, everything))
    return size(new) + max(0, min(room, replicas - size(new)))


def old_sizes(d: Object, old: list[Object], new: Object) -> Sizes:
    """How the old replica sets shrink now: unhealthy replicas first, then as far as availability allows."""
    total = sum(map(size, old))
    if total == 0:
        return []
    minimum = d["spec"]["replicas"] - fence(d)[1]
    removable = total + size(new) - minimum - (size(new) - available(new))
    if removable <= 0:
        return []
    sizes = {rs["metadata"]["name"]: size(rs) for rs in old}
    done = 0
    for rs in old:
        take = min(removable - done, size(rs) - available(rs))
        if take > 0:
            sizes[rs["metadata"]["name"]] -= take
            done += take
    spare = sum(map(available, old)) + available(new) - minimum
    for rs in old:
        take = min(spare, sizes[rs["metadata"]["name"]])
        if take > 0:
            sizes[rs["metadata"]["name"]] -= take
            spare -= take
    return [(rs, sizes[rs["metadata"]["name"]]) for rs in old if sizes[rs["metadata"]["name"]] != size(rs)]


def scaled_sizes(d: Object, old: list[Object], new: Object | None) -> Sizes:
    """The sizes after `spec.replicas` changed: the one active set takes all, several share in proportion."""
    replicas = d["spec"]["replicas"]
    everything = [*old, *([] if new is None else [new])]
    active = [rs for rs in everything if size(rs) > 0]
    if len(active) <= 1:
        only = active[0] if active else new if new is not None else old[-1] if old else None
        return [] if only is None else [(only, replicas)]
    if new is not None and _is_saturated(d, new):
        return [(rs, 0) for rs in old if size(rs) > 0]
    if d["spec"]["strategy"]["type"] != "RollingUpdate":
        return []
    allowed = replicas + fence(d)[0] if replicas > 0 else 0
    missing = allowed - sum(map(size, active))
    youngest_first = list(reversed(active)) if missing > 0 else active
    ordered = sorted(youngest_first, key=size, reverse=True)
    added = 0
    sizes: Sizes = []
    for rs in ordered:
        share = _proportion(d, rs, missing, added) if missing else 0
        added += share
        sizes.append((rs, size(rs) + share))
    largest, largest_size = sizes[0]
    sizes[0] = (largest, max(0, largest_size + missing - added))
    return sizes


def _proportion(d: Object, rs: Object, missing: int, added: int) -> int:
    maximum = int(rs["metadata"].get("annotations", {}).get(MAXIMUM, d.get("status", {}).get("replicas", 0)) or 0)
    now = int(d["spec"]["replicas"]) + fence(d)[0]
    if d["spec"]["replicas"] == 0 or not maximum:
        return -size(rs)
    share = math.floor(size(rs) * now / maximum + 0.5) - size(rs)
    left = missing - added
    return min(share, left) if missing > 0 else max(share, left)


def _is_saturated(d: Object, new: Object) -> bool:
    replicas = int(d["spec"]["replicas"])
    noted = new["metadata"].get("annotations", {}).get(DESIRED)
    return size(new) == replicas and noted == str(replicas) and available(new) == replicas


def is_complete(d: Object, status: Object) -> bool:
    """All replicas are of the new template and available, and no old ones are left."""
    replicas = d["spec"]["replicas"]
    counts = (status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas"))
    observed: int = status.get("observedGeneration", 0)
    return all(count == replicas for count in counts) and observed >= d["metadata"]["generation"]


def status_of(d: Object, old: list[Object], new: Object | None, now: datetime) -> Object:
    """The counts, and whether the Deployment is available."""
    everything = [*old, *([] if new is None else [new])]
    before = d.get("status", {})

    def total(name: str) -> int:
        return sum(rs.get("status", {}).get(name, 0) for rs in everything)

    counts = {
        "replicas": total("replicas"),
        "updatedReplicas": 0 if new is None else new.get("status", {}).get("replicas", 0),
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": total("availableReplicas"),
        "unavailableReplicas": max(0, sum(map(size, everything)) - total("availableReplicas")),
    }
    status: Object = {"observedGeneration": d["metadata"]["generation"]}
    status |= {name: count for name, count in counts.items() if count}
    if all("terminatingReplicas" in rs.get("status", {}) for rs in everything):
        status["terminatingReplicas"] = total("terminatingReplicas")
    if "collisionCount" in before:
        status["collisionCount"] = before["collisionCount"]
    status["conditions"] = list(before.get("conditions", ()))
    stamp = timestamp(now)
    if counts["availableReplicas"] >= d["spec"]["replicas"] - fence(d)[1]:
        message = "Deployment has minimum availability."
        set_condition(status, "Available", "True", "MinimumReplicasAvailable", message, stamp)
    else:
        message = "Deployment does not have minimum availability."
        set_condition(status, "Available", "False", "MinimumReplicasUnavailable", message, stamp)
    return status


def rollout_status(d: Object, old: list[Object], new: Object | None, now: datetime, waited: float) -> Object:
    """`status_of`, and how far the rollout is; `waited`: cluster seconds since its last progress."""
    status, before, stamp = status_of(d, old, new, now), d.get("status", {}), timestamp(now)
    current = condition(d, "Progressing")
    subject = f'Deployment "{d["metadata"]["name"]}"' if new is None else f'ReplicaSet "{new["metadata"]["name"]}"'
    settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    settled = settled and current is not None and current["reason"] == "NewReplicaSetAvailable"
    if not has_deadline(d):
        _remove(status, "Progressing")
    elif settled:
        pass
    elif is_complete(d, status):
        message = f"{subject} has successfully progressed."
        set_condition(status, "Progressing", "True", "NewReplicaSetAvailable", message, stamp)
    elif progressed(before, status):
        _remove(status, "Progressing")
        message = f"{subject} is progressing."
        set_condition(status, "Progressing", "True", "ReplicaSetUpdated", message, stamp)
        if current is not None and current["status"] == "True":
            status["conditions"][-1]["lastTransitionTime"] = current["lastTransitionTime"]
    elif current is not None and _timed_out(d, current, waited):
        message = f"{subject} has timed out progressing."
        set_condition(status, "Progressing", "False", "ProgressDeadlineExceeded", message, stamp)
    failure = next((c for rs in [*([new] if new else []), *old] if (c := condition(rs, "ReplicaFailure"))), None)
    if failure is None:
        _remove(status, "ReplicaFailure")
    else:
        reason, message = failure["reason"], failure["message"]
        set_condition(status, "ReplicaFailure", failure["status"], reason, message, stamp)
    return status


def progressed(before: Object, after: Object) -> bool:
    """One status shows that the rollout is further than in the other."""

    def grew(name: str) -> bool:
        return bool(after.get(name, 0) > before.get(name, 0))

    def outdated(status: Object) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    shrank = outdated(after) < outdated(before)
    return shrank or grew("updatedReplicas") or grew("readyReplicas") or grew("availableReplicas")


def _timed_out(d: Object, current: Object, waited: float) -> bool:
    if current["reason"] == "ProgressDeadlineExceeded":
        return True
    return current["reason"] != "NewReplicaSetAvailable" and waited > float(d["spec"]["progressDeadlineSeconds"])


def set_condition(status: Object, type: str, value: str, reason: str, message: str, stamp: str) -> None:
    """Set a condition last; unchanged when status and reason are, and its transition time when its status is."""
    conditions = status.setdefault("conditions", [])
    current = next((c for c in conditions if c["type"] == type), None)
    if current is not None and current["status"] == value and current["reason"] == reason:
        return
    kept = current is not None and current["status"] == value
    transition = current["lastTransitionTime"] if current is not None and kept else stamp
    times = {"lastUpdateTime": stamp, "lastTransitionTime": transition}
    new = {"type": type, "status": value, **times, "reason": reason, "message": message}
    status["conditions"] = [*(c for c in conditions if c["type"] != type), new]


def _remove(status: Object, type: str) -> None:
    status["conditions"] = [c for c in status["conditions"] if c["type"] != type]
