"""Pure builders of what a node agent writes about a pod: its status, its addresses, its events' texts."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from aksdisks.lab.client.interface import Object

NONE: Mapping[str, Any] = MappingProxyType({})
CRASHING = "CrashLoopBackOff"


def creating(
    pod: Object, now: str, since: Mapping[str, str] = NONE, waiting: Mapping[str, tuple[str, str]] = NONE
) -> dict[str, Any]:
    """The status of a pod until all its containers run; `now` is a Kubernetes time (shape: golden/walk.jsonl).

    `since`: when those that run were started; `waiting`: the reason and message of those that could not be.
    """
    states: dict[str, dict[str, Any]] = {name: {"running": {"startedAt": at}} for name, at in since.items()}
    states |= {name: {"waiting": {"reason": why, "message": text}} for name, (why, text) in waiting.items()}
    return {
        "phase": "Pending",
        "conditions": _conditions(pod, ready=False, now=now),
        "startTime": (pod.get("status") or {}).get("startTime") or now,
        "containerStatuses": [
            _container(container, states.get(container["name"], {"waiting": {"reason": "ContainerCreating"}}))
            for container in pod["spec"]["containers"]
        ],
    }


def running(pod: Object, address: str, now: str, unready: Collection[str] = ()) -> dict[str, Any]:
    """The status once every container runs; `pod` carries the status written before.

    `unready`: the containers whose probes have yet to succeed.
    """
    before = {entry["name"]: entry["state"] for entry in (pod.get("status") or {}).get("containerStatuses") or ()}
    states = {name: state for name, state in before.items() if "running" in state}
    return {
        "phase": "Running",
        "conditions": _conditions(pod, ready=not unready, now=now),
        "podIP": address,
        "podIPs": [{"ip": address}],
        "containerStatuses": [
            _container(container, states.get(container["name"], {"running": {"startedAt": now}}))
            | {"ready": container["name"] not in unready}
            for container in pod["spec"]["containers"]
        ],
    }


def readiness(pod: Object, unready: Collection[str], now: str) -> dict[str, Any]:
    """What a running pod's status says of being ready: all containers are but those that are named."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return {
        "conditions": _conditions(pod, ready=not unready, now=now),
        "containerStatuses": [{**entry, "ready": entry["name"] not in unready} for entry in statuses],
    }


def restarted(pod: Object, name: str, unready: Collection[str], now: str) -> dict[str, Any]:
    """The status after a container was ended by SIGKILL and started anew."""
    status = readiness(pod, unready, now)
    for entry in status["containerStatuses"]:
        if entry["name"] == name:
            since = entry["state"].get("running", {}).get("startedAt", now)
            ended = {"exitCode": 137, "reason": "Error", "startedAt": since, "finishedAt": now}
            count = entry["restartCount"] + 1
            entry |= {"state": {"running": {"startedAt": now}}, "lastState": {"terminated": ended}}
            entry["restartCount"] = count
    return status


def crashing(pod: Object, name: str, now: str) -> dict[str, Any]:
    """The status while a container ends whenever it is started (K pkg/kubelet: CrashLoopBackOff)."""
    status = readiness(pod, (name,), now)
    for entry in status["containerStatuses"]:
        if entry["name"] == name:
            since = entry["state"].get("running", {}).get("startedAt", now)
            ended = {"exitCode": 1, "reason": "Error", "startedAt": since, "finishedAt": now}
            meta = pod["metadata"]
            of = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
            told = f"back-off 5m0s restarting failed container={name} pod={of}"
            entry |= {"state": {"waiting": {"reason": CRASHING, "message": told}}, "started": False}
            entry |= {"lastState": {"terminated": ended}, "restartCount": entry["restartCount"] + 1}
    return status


def runs_again(pod: Object, now: str) -> dict[str, Any]:
    """The status once every container runs that did not."""
    status = readiness(pod, (), now)
    for entry in status["containerStatuses"]:
        if "running" not in entry["state"]:
            entry |= {"state": {"running": {"startedAt": now}}, "started": True}
    return status


def _conditions(pod: Object, *, ready: bool, now: str) -> list[dict[str, Any]]:
    before = {entry["type"]: entry for entry in (pod.get("status") or {}).get("conditions") or ()}
    wanted = {"Initialized": "True", "Ready": str(ready), "ContainersReady": str(ready), "PodScheduled": "True"}
    conditions = []
    for kind, status in wanted.items():
        old = before.get(kind)
        since = old["lastTransitionTime"] if old is not None and old["status"] == status else now
        conditions.append({"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": since})
    return conditions


def _container(container: Object, state: dict[str, Any]) -> dict[str, Any]:
    ready = "running" in state
    return {
        "name": container["name"],
        "state": state,
        "lastState": {},
        "ready": ready,
        "restartCount": 0,
        "image": container["image"],
        "imageID": "",
        "started": ready,
    }


def is_running(pod: Object) -> bool:
    """Some container of the pod runs."""
    return any("running" in entry["state"] for entry in (pod.get("status") or {}).get("containerStatuses") or ())


def pod_address(node: Object, number: int) -> str:
    """The address of the pod that is the `number`-th on its node since it started.

    Out of the node's podCIDR; a node without one gets 10.244.<last digit of its name, base 36>.0/24 as AKS would count.
    """
    network = _network(node)
    # The first ten addresses are left to the node's own pods; the range is used in turn.
    return str(network[10 + (number - 10) % (network.num_addresses - 12)])


def node_address(node: Object) -> str:
    """The address of the pods on a node's own network."""
    found = (one["address"] for one in node["status"].get("addresses", ()) if one["type"] == "InternalIP")
    return str(next(found, ""))


def address_number(node: Object, address: str) -> int:
    """Which pod of its node had that address, as `pod_address` counts; 9, before the first, for a foreign one."""
    network, found = _network(node), ipaddress.ip_address(address)
    return int(found) - int(network.network_address) if found in network else 9


def _network(node: Object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(node["spec"].get("podCIDR") or f"10.244.{int(node['metadata']['name'][-1], 36)}.0/24")


def go_duration(seconds: float) -> str:
    """Seconds as Go prints a duration cut to milliseconds: `1.5s`, `350ms`, `1m2.5s`."""
    milliseconds = int(round(seconds * 1000, 6))
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{text}" if minutes else text


def image_bytes(image: str) -> int:
    """The size that the lab gives an image: between 20 and 120 MB, always the same for one name."""
    return 20_000_000 + zlib.crc32(image.encode()) % 100_000_000


def pulled_message(image: str, pulling: float, waiting: float) -> str:
    """The kubelet's words after a pull; seconds of pulling, and of pulling and waiting together."""
    return (
        f'Successfully pulled image "{image}" in {go_duration(pulling)} ({go_duration(waiting)} including waiting). '
        f"Image size: {image_bytes(image)} bytes."
    )
