"""The cells and conditions of a pod's row (upstream: pkg/printers/internalversion/printers.go printPod)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.printers.columns import age_of
from aksdisks.lab.kube.printers.durations import human_duration, parse_time

_NONE = "<none>"
_ENDED = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}


def conditions(item: Object) -> list[Object]:
    """What a row says of the pod beside its cells: whether it has ended."""
    ended = _ENDED.get(item.get("status", {}).get("phase", ""))
    return [dict(ended)] if ended else []


def pod(item: Object, now: datetime) -> Sequence[Any]:
    """Ready containers, the reason that tells most, restarts."""
    spec, status = item["spec"], item.get("status", {})
    seen = _Seen(_first_reason(status))
    sidecars = {c["name"] for c in spec.get("initContainers", ()) if c.get("restartPolicy") == "Always"}
    initializing = _look_at_init(item, seen, sidecars)
    if not initializing or _condition(status, "Initialized") == "True":
        seen.only_sidecars_restarted()
        _look_at_containers(status, seen)
    addresses = status.get("podIPs") or [{"ip": status.get("podIP") or _NONE}]
    return (
        item["metadata"]["name"],
        f"{seen.ready}/{len(spec.get('containers', ())) + len(sidecars)}",
        _deleted_reason(item) or seen.reason,
        seen.restarts(now),
        age_of(item, now),
        addresses[0]["ip"],
        spec.get("nodeName") or _NONE,
        status.get("nominatedNodeName") or _NONE,
        _readiness_gates(spec, status),
    )


@dataclass(slots=True)
class _Seen:
    """What has been counted so far; restarts of sidecars count on once the pod is initialized."""

    reason: str
    ready: int = 0
    counted: list[tuple[int, str]] = field(default_factory=list)
    of_sidecars: list[tuple[int, str]] = field(default_factory=list)

    def count(self, entry: Object, *, sidecar: bool = False) -> None:
        ended = entry.get("lastState", {}).get("terminated", {}).get("finishedAt") or ""
        one = (entry.get("restartCount", 0), ended)
        self.counted.append(one)
        if sidecar:
            self.of_sidecars.append(one)

    def only_sidecars_restarted(self) -> None:
        self.counted = list(self.of_sidecars)

    def restarts(self, now: datetime) -> str:
        count = sum(number for number, _ in self.counted)
        last = [parse_time(ended) for _, ended in self.counted if ended]
        if not count or not last:
            return str(count)
        return f"{count} ({human_duration((now - max(last)).total_seconds())} ago)"


def _first_reason(status: Object) -> str:
    for entry in status.get("conditions") or ():
        if entry["type"] == "PodScheduled" and entry.get("reason") == "SchedulingGated":
            return "SchedulingGated"
    return str(status.get("reason") or status.get("phase", ""))


def _look_at_init(item: Object, seen: _Seen, sidecars: set[str]) -> bool:
    """Whether an init container is still in the way, which then is the reason."""
    total = len(item["spec"].get("initContainers", ()))
    for index, entry in enumerate(item.get("status", {}).get("initContainerStatuses", ())):
        state, sidecar = entry.get("state", {}), entry.get("name") in sidecars
        seen.count(entry, sidecar=sidecar)
        ended, waiting = state.get("terminated"), state.get("waiting", {}).get("reason", "")
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if sidecar and entry.get("started"):
            seen.ready += bool(entry.get("ready"))
            continue
        if ended is not None:
            seen.reason = f"Init:{_terminated(ended)}"
        elif waiting not in ("", "PodInitializing"):
            seen.reason = f"Init:{waiting}"
        else:
            seen.reason = f"Init:{index}/{total}"
        return True
    return False


def _look_at_containers(status: Object, seen: _Seen) -> None:
    running = False
    for entry in reversed(status.get("containerStatuses", ())):
        state = entry.get("state", {})
        seen.count(entry)
        if state.get("waiting", {}).get("reason"):
            seen.reason = state["waiting"]["reason"]
        elif "terminated" in state:
            seen.reason = _terminated(state["terminated"])
        elif entry.get("ready") and "running" in state:
            running = True
            seen.ready += 1
    if seen.reason == "Completed" and running:
        seen.reason = "Running" if _condition(status, "Ready") == "True" else "NotReady"


def _terminated(state: Object) -> str:
    if state.get("reason"):
        return str(state["reason"])
    return f"Signal:{state['signal']}" if state.get("signal") else f"ExitCode:{state.get('exitCode', 0)}"


def _deleted_reason(item: Object) -> str:
    status = item.get("status", {})
    if not item["metadata"].get("deletionTimestamp"):
        return ""
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return "" if status.get("phase") in ("Succeeded", "Failed") else "Terminating"


def _readiness_gates(spec: Object, status: Object) -> str:
    gates = [gate["conditionType"] for gate in spec.get("readinessGates", ())]
    if not gates:
        return _NONE
    true = {entry["type"] for entry in status.get("conditions", ()) if entry.get("status") == "True"}
    return f"{sum(gate in true for gate in gates)}/{len(gates)}"


def _condition(status: Object, kind: str) -> str:
    found = status.get("conditions") or ()
    return next((str(entry.get("status", "")) for entry in found if entry["type"] == kind), "")
