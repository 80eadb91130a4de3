"""The cells and conditions of a pod's row (upstream: pkg/printers/internalversion/printers.go printPod)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.durations import human_duration, parse_time
from aksdisks.lab.kube.schema.resource import find
from aksdisks.lab.kube.strategies.columns import AGE, NAME, NONE, Column, column

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


def _seen(item: Object) -> _Seen:
    """What the statuses of a pod's containers say: ready ones, the reason that tells most, restarts."""
    status = item.get("status", {})
    seen = _Seen(_first_reason(status))
    if not _look_at_init(item, seen, _sidecars(item)) or _condition(status, "Initialized") == "True":
        seen.only_sidecars_restarted()
        _look_at_containers(status, seen)
    return seen


def _sidecars(item: Object) -> set[str]:
    return {c["name"] for c in item["spec"].get("initContainers", ()) if c.get("restartPolicy") == "Always"}


def _ready(item: Object) -> str:
    return f"{_seen(item).ready}/{len(item['spec'].get('containers', ())) + len(_sidecars(item))}"


def _address(item: Object) -> str:
    addresses = find(item, "status.podIPs", None) or [{"ip": find(item, "status.podIP") or NONE}]
    return str(addresses[0]["ip"])


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
        return NONE
    true = {entry["type"] for entry in status.get("conditions", ()) if entry.get("status") == "True"}
    return f"{sum(gate in true for gate in gates)}/{len(gates)}"


def _condition(status: Object, kind: str) -> str:
    found = status.get("conditions") or ()
    return next((str(entry.get("status", "")) for entry in found if entry["type"] == kind), "")


COLUMNS = (
    NAME,
    column("Ready", _ready),
    column("Status", lambda item: _deleted_reason(item) or _seen(item).reason),
    Column("Restarts", lambda item, now: _seen(item).restarts(now)),
    AGE,
    column("IP*", _address),
    column("Node*", lambda item: find(item, "spec.nodeName") or NONE),
    column("Nominated Node*", lambda item: find(item, "status.nominatedNodeName") or NONE),
    column("Readiness Gates*", lambda item: _readiness_gates(item["spec"], item.get("status", {}))),
)
