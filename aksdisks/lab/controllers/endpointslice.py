"""The endpointslice controller: the slices of a Service name the pods that it selects, and whether they are ready."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from aksdisks.lab.client.controller import Controller, namespace_terminating
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.pods import (
    condition,
    controller_reference,
    is_finished,
    is_ready,
    is_terminating,
    owner_reference,
)
from aksdisks.lab.ids import Ids

MANAGED_BY = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100
"""How many endpoints one slice names (kube-controller-manager's --max-endpoints-per-slice)."""

_SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_HEADLESS = "service.kubernetes.io/headless"
_TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
_RESERVED = frozenset({_SERVICE_NAME, _MANAGED_BY, _HEADLESS})
_ZONE = "topology.kubernetes.io/zone"
_SLICE_DELAY = 1.0
"""Cluster seconds after which a slice that somebody else changed is looked at (endpointSliceChangeMinSyncDelay)."""

_Ports = tuple[tuple[str, ...], ...]
_Identity = tuple[str, ...]


@dataclass
class _Plan:
    """What is to be written so that the slices agree with the pods."""

    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)

    def add(self, other: _Plan) -> None:
        """Do what `other` says, too."""
        self.create += other.create
        self.update += other.update
        self.delete += other.delete

    def reuse(self, service: Object) -> None:
        """A slice of the Service's that would be deleted is overwritten by one that would be created."""
        for old in list(self.delete):
            if self.create and _is_owned(old, service) and old["addressType"] == self.create[-1]["addressType"]:
                self.delete.remove(old)
                new = self.create.pop()
                self.update.append(new | {"metadata": new["metadata"] | {"name": old["metadata"]["name"]}})


class EndpointSlices(Controller):
    """Source: K pkg/controller/endpointslice and k8s.io/endpointslice. Hints are not given.

    Pods and nodes are watched from the first Service on that selects pods: a cluster without one pays nothing.
    """

    name: ClassVar[str] = "endpoint-slice-controller"
    base_delay: ClassVar[float] = 1.0

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of Services."""
        super().__init__(api, clock, ids)
        self._services = self.watch("services")
        self._services.add_index("selecting", lambda obj: (obj["metadata"]["namespace"],) if _selects(obj) else ())
        self._slices = self.watch("endpointslices", self._slice_changed)
        self._slices.add_index("service", _service_of)
        self._pods = self.watch("pods", self._pod_changed, later=True)
        self._pods.add_index("namespace", lambda obj: (obj["metadata"]["namespace"],))
        self._nodes = self.watch("nodes", None, later=True)
        self._events = EventRecorder(api, clock, self.name)
        self._triggers: dict[str, dict[str, str]] = {}
        self._generations: dict[str, int] = {}

    def _slice_changed(self, before: Object | None, after: Object | None) -> Iterable[str]:
        """Nothing at once: the Services whose slice somebody else changed have their turn a second later."""
        uid = (before or after or {})["metadata"]["uid"]
        if after is None:
            self._generations.pop(uid, None)
        elif _service_of(after) and self._generations.get(uid) == after["metadata"].get("generation"):
            return ()
        for state in (before, after):
            for key in () if state is None else _service_of(state):
                self.queue.add_after(key, _SLICE_DELAY)
        return ()

    def _pod_changed(self, before: Object | None, after: Object | None) -> Iterable[str]:
        if _part(before) == _part(after):
            return
        states = [state for state in (before, after) if state is not None]
        for service in self._services.by_index("selecting", states[0]["metadata"]["namespace"]):
            if any(_is_selected(state, service) for state in states):
                yield key_of(service)

    async def reconcile(self, key: str) -> float | None:
        """Bring the slices of one Service up to date; a Service without a selector is left alone."""
        service = self._services.get_key(key)
        if service is None:
            self._triggers.pop(key, None)
        if service is None or not _selects(service):
            return None
        await self.begin(self._pods, self._nodes)
        namespace = service["metadata"]["namespace"]
        pods = [pod for pod in self._pods.by_index("namespace", namespace) if _is_selected(pod, service)]
        trigger = self._trigger_time(key, service, pods)
        try:
            await self._sync(service, [pod for pod in pods if _is_in_slices(pod)], trigger)
        except ApiError as error:
            if namespace_terminating(error):
                return None
            message = f"Error updating Endpoint Slices for Service {key}: {error.message}"
            self._events.event(service, "Warning", "FailedToUpdateEndpointSlices", message)
            raise
        return None

    async def _sync(self, service: Object, pods: list[Object], trigger: str) -> None:
        """Write what differs. Raises `ApiError`, also, afterwards, for a pod whose node is not there."""
        meta = service["metadata"]
        publish = service["spec"].get("publishNotReadyAddresses", False)
        lost = [pod for pod in pods if not publish and self._nodes.get(pod["spec"].get("nodeName", "")) is None]
        existing = [one for one in self._slices.by_index("service", key_of(service)) if not is_terminating(one)]
        families = service["spec"].get("ipFamilies", ())
        plan = _Plan(delete=[one for one in existing if one["addressType"] not in families])
        for family in families:
            fresh = _empty_slice(service, family)
            wanted: dict[_Ports, tuple[list[Object], dict[_Identity, Object]]] = {}
            for pod in pods:
                ports = _endpoint_ports(service, pod)
                _, endpoints = wanted.setdefault(_port_key(ports), (ports, {}))
                endpoint = self._endpoint(pod, service, family)
                if pod not in lost and endpoint["addresses"]:
                    endpoints[_identity(endpoint)] = endpoint
            plan.add(_planned(service, fresh, wanted, [one for one in existing if one["addressType"] == family]))
        plan.reuse(service)
        await self._write(service, plan, trigger)
        if lost:
            name, node = lost[0]["metadata"]["name"], lost[0]["spec"].get("nodeName", "")
            message = f"skipping Pod {name} for Service {meta['namespace']}/{meta['name']}: Node {node} Not Found"
            raise ApiError(404, "NotFound", message)

    def _endpoint(self, pod: Object, service: Object, family: str) -> Object:
        meta, spec = pod["metadata"], pod["spec"]
        serving, terminating = is_ready(pod), is_terminating(pod)
        ready = service["spec"].get("publishNotReadyAddresses", False) or (serving and not terminating)
        endpoint: Object = {
            "addresses": [address for address in _addresses(pod) if (":" in address) == (family == "IPv6")],
            "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
            "targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
        }
        node = self._nodes.get(spec.get("nodeName", ""))
        hostname = spec.get("hostname") if spec.get("subdomain") == service["metadata"]["name"] else None
        zone = node["metadata"].get("labels", {}).get(_ZONE) if node else None
        given = {"nodeName": spec.get("nodeName"), "zone": zone, "hostname": hostname}
        return endpoint | {name: value for name, value in given.items() if value}

    async def _write(self, service: Object, plan: _Plan, trigger: str) -> None:
        """A Service that is going gets no new slices: they would race with the garbage collector."""
        meta = service["metadata"]
        where = f"EndpointSlice for Service {meta['namespace']}/{meta['name']}"
        for new in () if is_terminating(service) else plan.create:
            try:
                self._wrote(await self.api.create("endpointslices", _triggered(new, trigger), meta["namespace"]))
            except ApiError as error:
                raise _told(error, f"failed to create {where}") from error
        for one in plan.update:
            try:
                self._wrote(await self.api.update("endpointslices", _triggered(one, trigger)))
            except ApiError as error:
                raise _told(error, f"failed to update {one['metadata']['name']} {where}") from error
        for one in plan.delete:
            try:
                answer = await self.api.delete("endpointslices", one["metadata"]["name"], meta["namespace"])
            except ApiError as error:
                raise _told(error, f"failed to delete {one['metadata']['name']} {where}") from error
            self._slices.observe_deleted(one, answer)

    def _wrote(self, written: Object) -> None:
        self._generations[written["metadata"]["uid"]] = written["metadata"]["generation"]
        self._slices.observe(written)

    def _trigger_time(self, key: str, service: Object, pods: list[Object]) -> str:
        """When what changed since the last look did so: the earliest of it; empty where that is not known.

        Source: k8s.io/endpointslice/util/trigger_time_tracker.go.
        """
        created = service["metadata"]["creationTimestamp"]
        times = {"": created}
        for pod in pods:
            if since := (condition(pod, "Ready") or {}).get("lastTransitionTime"):
                times[pod["metadata"]["name"]] = since
        before = self._triggers.get(key)
        self._triggers[key] = times
        if before is None:
            return str(created)
        return min((time for name, time in times.items() if time > before.get(name, "")), default="")


def _selects(service: Object) -> bool:
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def _is_selected(pod: Object, service: Object) -> bool:
    selector: dict[str, str] = service["spec"]["selector"]
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return selector.items() <= labels.items()


def _addresses(pod: Object) -> list[str]:
    return [entry["ip"] for entry in pod.get("status", {}).get("podIPs") or ()]


def _is_in_slices(pod: Object) -> bool:
    """It has an address and has not ended; one that is being deleted stays until it is gone."""
    return bool(_addresses(pod)) and not is_finished(pod)


def _part(pod: Object | None) -> object:
    """What of a pod slices show, or what decides whether they do."""
    if pod is None:
        return None
    meta, spec = pod["metadata"], pod["spec"]
    placed = spec.get("hostname"), spec.get("subdomain"), _addresses(pod)
    return meta["uid"], meta.get("labels"), placed, is_terminating(pod), is_ready(pod), is_finished(pod)


def _service_of(one: Object) -> tuple[str, ...]:
    """The key of the Service whose slice it is, if this controller manages it."""
    labels = one["metadata"].get("labels", {})
    if labels.get(_MANAGED_BY) != MANAGED_BY or not labels.get(_SERVICE_NAME):
        return ()
    return (f"{one['metadata']['namespace']}/{labels[_SERVICE_NAME]}",)


def _is_owned(one: Object, service: Object) -> bool:
    wanted = owner_reference(service)
    references = one["metadata"].get("ownerReferences", ())
    return any(all(reference[key] == wanted[key] for key in ("apiVersion", "kind", "uid")) for reference in references)


def _endpoint_ports(service: Object, pod: Object) -> list[Object]:
    """The Service's ports as this pod has them; one whose name no container of the pod has is left out."""
    found: list[Object] = []
    for port in service["spec"].get("ports", ()):
        number = _port_number(pod, port)
        if number is not None:
            entry = {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
            found.append(entry | ({"appProtocol": port["appProtocol"]} if "appProtocol" in port else {}))
    return found


def _port_number(pod: Object, port: Object) -> int | None:
    target = port["targetPort"]
    if isinstance(target, int):
        return target
    sidecars = [one for one in pod["spec"].get("initContainers", ()) if one.get("restartPolicy") == "Always"]
    for container in [*pod["spec"]["containers"], *sidecars]:
        for entry in container.get("ports", ()):
            if entry.get("name") == target and entry.get("protocol", "TCP") == port["protocol"]:
                return int(entry["containerPort"])
    return None


def _port_key(ports: list[Object] | None) -> _Ports:
    """The same for the same ports, in whatever order."""
    keys = ("name", "protocol", "port", "appProtocol")
    return tuple(sorted(tuple(str(port.get(key, "")) for key in keys) for port in ports or ()))


def _identity(endpoint: Object) -> _Identity:
    """What makes two endpoints the same one (k8s.io/endpointslice/util/endpointset.go)."""
    target = endpoint.get("targetRef") or {}
    named = endpoint.get("hostname", ""), target.get("namespace", ""), target.get("name", "")
    return (*named, *sorted(endpoint["addresses"]))


def _own_labels(labels: dict[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (labels or {}).items() if key not in _RESERVED}


def _empty_slice(service: Object, family: str) -> Object:
    meta = service["metadata"]
    labels = _own_labels(meta.get("labels"))
    if service["spec"].get("clusterIP", "None") == "None":
        labels[_HEADLESS] = ""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels | {_SERVICE_NAME: meta["name"], _MANAGED_BY: MANAGED_BY},
            "ownerReferences": [controller_reference(service)],
        },
        "addressType": family,
        "endpoints": [],
        "ports": [],
    }


def _planned(
    service: Object,
    fresh: Object,
    wanted: dict[_Ports, tuple[list[Object], dict[_Identity, Object]]],
    existing: list[Object],
) -> _Plan:
    """`wanted`: the ports that pods have, and of each such list the endpoints; without any an empty slice stays."""
    owned: dict[_Ports, list[Object]] = {}
    plan = _Plan(delete=[one for one in existing if not _is_owned(one, service)])
    for one in existing:
        if _is_owned(one, service):
            owned.setdefault(_port_key(one.get("ports")), []).append(one)
    for key, (ports, endpoints) in wanted.items():
        plan.add(_filled(fresh | {"ports": ports}, endpoints, owned.pop(key, [])))
    for unwanted in owned.values():
        plan.delete += unwanted
    if len(plan.delete) == len(existing) and not plan.create:
        if len(existing) == 1 and _is_placeholder(existing[0], fresh) and _is_owned(existing[0], service):
            plan.delete = []
        else:
            plan.create = [fresh]
    return plan


def _is_placeholder(one: Object, fresh: Object) -> bool:
    empty = not one.get("endpoints") and not one.get("ports")
    return empty and one["metadata"].get("labels") == fresh["metadata"]["labels"]


def _filled(fresh: Object, wanted: dict[_Identity, Object], slices: list[Object]) -> _Plan:
    """Endpoints stay in the slice that they are in; the others fill slices that change anyway, then new ones.

    One slice that would not change is taken where all of the rest fit into it. `wanted` is used up.
    """
    labels = fresh["metadata"]["labels"]
    plan, unchanged = _Plan(), []
    for one in slices:
        before = one.get("endpoints") or []
        kept = [wanted.pop(name) for name in map(_identity, before) if name in wanted]
        relabelled = _own_labels(one["metadata"].get("labels")) != _own_labels(labels)
        if before and not kept:
            plan.delete.append(one)
        elif kept != before or relabelled:
            plan.update.append(one | {"metadata": one["metadata"] | {"labels": labels}, "endpoints": kept})
        else:
            unchanged.append(one)
    rest = list(wanted.values())
    for one in sorted(plan.update, key=_size, reverse=True):
        room = MAX_ENDPOINTS - _size(one)
        one["endpoints"] += rest[:room]
        rest = rest[room:]
    while rest:
        taken, rest = rest[:MAX_ENDPOINTS], rest[MAX_ENDPOINTS:]
        roomy = [one for one in unchanged if _size(one) + len(taken) <= MAX_ENDPOINTS]
        if len(taken) < MAX_ENDPOINTS and roomy:
            one = max(roomy, key=_size)
            plan.update.append(one | {"endpoints": [*(one.get("endpoints") or ()), *taken]})
        else:
            plan.create.append(fresh | {"endpoints": taken})
    return plan


def _size(one: Object) -> int:
    return len(one.get("endpoints") or ())


def _triggered(one: Object, trigger: str) -> Object:
    """With the trigger's time as annotation; without one where that is not known."""
    annotations = {key: value for key, value in one["metadata"].get("annotations", {}).items() if key != _TRIGGER_TIME}
    if trigger:
        annotations[_TRIGGER_TIME] = trigger
    return one | {"metadata": one["metadata"] | {"annotations": annotations}}


def _told(error: ApiError, failed: str) -> ApiError:
    """The same refusal, in the words of what failed."""
    return ApiError(error.code, error.reason, f"{failed}: {error.message}", error.details)
