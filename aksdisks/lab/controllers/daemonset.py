"""Keeps a pod of each DaemonSet on every node, and counts them (upstream pkg/controller/daemon).

It knows the DaemonSets of kube-system, which AKS brings and nobody changes: all run on every node, and none is rolled.
"""

from __future__ import annotations

import copy
from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.controller_refs import controlled_by, index_by_controller
from aksdisks.lab.controllers.pods import controller_of, is_active, is_ready, is_terminating, pod_from_template
from aksdisks.lab.ids import Ids

NAMESPACE = "kube-system"
_TOLERATED = dict.fromkeys(("not-ready", "unreachable"), "NoExecute") | dict.fromkeys(
    ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable", "network-unavailable"), "NoSchedule"
)
"""What pods on the node's own network bear beside what their template says (util/daemonset_util.go)."""


class DaemonSetController(Controller):
    """Makes the pods that nodes lack; those of a node that is gone are the pod garbage collector's."""

    name: ClassVar[str] = "daemonset-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches DaemonSets and pods of kube-system, and which nodes there are."""
        super().__init__(api, clock, ids)
        self._sets = self.watch("daemonsets", namespace=NAMESPACE)
        self._pods = self.watch("pods", self._owner, namespace=NAMESPACE)
        index_by_controller(self._pods)
        # What a node is told to be matters to none of them, only whether there is one.
        self._nodes = self.watch("nodes", self._all)
        self._events = EventRecorder(api, clock, self.name)

    def _owner(self, before: Object | None, after: Object | None) -> list[str]:
        pod = before if after is None else after
        controller = None if pod is None else controller_of(pod)
        return [f"{NAMESPACE}/{controller['name']}"] if controller and controller["kind"] == "DaemonSet" else []

    def _all(self, before: Object | None, after: Object | None) -> list[str]:
        return [] if before and after else [key_of(one) for one in self._sets.items()]

    async def reconcile(self, key: str) -> float | None:
        """Make the pods that are missing, then write the status."""
        daemon_set = self._sets.get_key(key)
        if daemon_set is None or is_terminating(daemon_set):
            return None
        own = controlled_by(self._pods, daemon_set)
        served = {pod["spec"].get("nodeName") for pod in own}
        for node in self._nodes.items():
            if node["metadata"]["name"] not in served and not is_terminating(node):
                pod = pod_on(daemon_set, node["metadata"]["name"])
                created = await self.api.create("pods", pod, NAMESPACE)
                self._pods.observe(created)
                self._events.event(
                    daemon_set, "Normal", "SuccessfulCreate", f"Created pod: {created['metadata']['name']}"
                )
        await self._count(daemon_set, [pod for pod in own if is_active(pod)])
        return None

    async def _count(self, daemon_set: Object, pods: list[Object]) -> None:
        nodes = {node["metadata"]["name"] for node in self._nodes.items()}
        current = [pod for pod in pods if pod["spec"].get("nodeName") in nodes]
        ready = sum(map(is_ready, current))
        status: Object = {
            "currentNumberScheduled": len(current),
            "numberMisscheduled": 0,
            "desiredNumberScheduled": len(nodes),
            "numberReady": ready,
            "observedGeneration": daemon_set["metadata"]["generation"],
        }
        rest = {
            "updatedNumberScheduled": len(current),
            "numberAvailable": ready,
            "numberUnavailable": len(nodes) - ready,
        }
        status |= {name: count for name, count in rest.items() if count}
        if status != daemon_set.get("status"):
            updated = copy.copy(daemon_set) | {"status": status}
            try:
                self._sets.observe(await self.api.update("daemonsets", updated, subresource="status"))
            except ApiError as error:
                if error.reason != "NotFound":
                    raise


def pod_on(daemon_set: Object, node: str) -> Object:
    """The DaemonSet's pod for a node, as it stands there once the scheduler has bound it."""
    pod = pod_from_template(daemon_set["spec"]["template"], daemon_set, f"{daemon_set['metadata']['name']}-")
    pod["metadata"].setdefault("labels", {})["pod-template-generation"] = "1"
    spec = pod["spec"]
    spec["affinity"] = pinned_to(node)
    spec["tolerations"] = [
        *spec.get("tolerations", ()),
        *({"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": _TOLERATED[key]} for key in _TOLERATED),
    ]
    spec["nodeName"] = node
    return pod


def pinned_to(node: str) -> Object:
    """The affinity by which a DaemonSet's pod fits one node alone."""
    named = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = {"nodeSelectorTerms": [{"matchFields": [named]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
