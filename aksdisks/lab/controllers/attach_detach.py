"""The attachdetach-controller: VolumeAttachments for the volumes of scheduled pods, and node status volumesAttached."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.base import Controller
from aksdisks.lab.controllers.events import EventRecorder
from aksdisks.lab.controllers.storage import (
    attachment_name,
    claim_names,
    driver_and_handle,
    pod_is_over,
    unique_volume_name,
)
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.interface import ApiError, KubernetesApi, Object

ALL = "all"
FORCE_DETACH_AFTER = 360.0
"""Cluster seconds until a volume leaves a node that is not ready although it may be mounted there (facts D)."""
FIRST_BACKOFF = 0.5
LAST_BACKOFF = 122.0
ATTACH_TIMEOUT = 120.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"

Place = tuple[str, str]
"""A node's name and a volume's name."""


@dataclass
class _Attach:
    """An attach under way or failed: since when (cluster seconds), for which pods, and when to try again."""

    started: float
    pods: list[Object]
    failures: int = 0
    retry_at: float | None = None


@dataclass
class _Desired:
    """A volume that pods on a node want."""

    volume: Object
    pods: list[Object] = field(default_factory=list)


class AttachDetach(Controller):
    """Compares what pods want with what is attached; detaches first, then attaches, then reports on nodes.

    Upstream does this every 100 ms; here every change that matters starts it, so that the order of what happens does
    not depend on the phase of a timer.
    Source: K pkg/controller/volume/attachdetach/reconciler/reconciler.go.
    """

    name = "attachdetach-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """One key stands for the whole state: a volume's turn depends on all nodes."""
        super().__init__(api, clock, ids)
        self.pods = self.watch("pods", _pod_matters)
        self.claims = self.watch("persistentvolumeclaims", _claim_matters)
        self.volumes = self.watch("persistentvolumes", lambda before, _after: (ALL,) if before is None else ())
        self.attachments = self.watch("volumeattachments", lambda _before, _after: (ALL,))
        self.nodes = self.watch("nodes", _node_matters)
        self.drivers = self.watch("csidrivers", None)
        self.recorder = EventRecorder(api, clock, self.name)
        self._attaching: dict[Place, _Attach] = {}
        self._multi_attach_told: set[Place] = set()
        self._detach_asked: dict[Place, float] = {}
        self._arrivals: dict[str, int] = {}
        self._turns = itertools.count()
        self.pods.add_handler(self._note_arrival)

    def _note_arrival(self, before: Object | None, after: Object | None) -> None:
        """Remember in which order pods came to nodes: a Multi-Attach error names those who were there before."""
        pod = before if after is None else after
        if after is None and pod is not None:
            self._arrivals.pop(pod["metadata"]["uid"], None)
        elif pod is not None and pod["spec"].get("nodeName"):
            self._arrivals.setdefault(pod["metadata"]["uid"], next(self._turns))

    async def reconcile(self, key: str) -> float | None:
        """One round over everything; asks for the next one when something is to be retried or given up later."""
        del key
        desired = self._desired()
        self._multi_attach_told &= desired.keys()
        for place in self._detach_asked.keys() & desired.keys():
            del self._detach_asked[place]
        for place in self._attaching.keys() - desired.keys():
            del self._attaching[place]
        now = self.clock.monotonic()
        waits = [
            *[await self._detach(attachment, desired, now) for attachment in self.attachments.items()],
            *[await self._attach(place, wanted, now) for place, wanted in sorted(desired.items(), key=_place_order)],
        ]
        # Upstream reports in the round after an attach, when the event about it is out.
        await self.recorder.flush()
        await self._report()
        return min((wait for wait in waits if wait is not None), default=None)

    def _desired(self) -> dict[Place, _Desired]:
        desired: dict[Place, _Desired] = {}
        for pod in self.pods.items():
            node = pod["spec"].get("nodeName")
            if not node or pod_is_over(pod):
                continue
            for name in claim_names(pod):
                volume = self._volume_of(pod["metadata"]["namespace"], name)
                if volume is not None:
                    place = (node, volume["metadata"]["name"])
                    desired.setdefault(place, _Desired(volume)).pods.append(pod)
        return desired

    def _volume_of(self, namespace: str, claim_name: str) -> Object | None:
        """The attachable volume that a claim is bound to."""
        claim = self.claims.get(claim_name, namespace)
        if claim is None or (claim.get("status") or {}).get("phase") != "Bound":
            return None
        volume = self.volumes.get(claim["spec"].get("volumeName", ""))
        found = None if volume is None else driver_and_handle(volume)
        if found is None:
            return None
        driver = self.drivers.get(found[0])
        needs_attach = driver is None or driver["spec"].get("attachRequired", True)
        return volume if needs_attach else None

    async def _detach(self, attachment: Object, desired: dict[Place, _Desired], now: float) -> float | None:
        place = _place(attachment)
        if place in desired or attachment["metadata"].get("deletionTimestamp"):
            return None
        since = self._detach_asked.setdefault(place, now)
        node = self.nodes.get(place[0])
        volume = self.volumes.get(place[1])
        name = None if volume is None else unique_volume_name(volume)
        in_use = node is not None and name in ((node.get("status") or {}).get("volumesInUse") or ())
        if node is not None and in_use and not _has_taint(node, OUT_OF_SERVICE):
            left = since + FORCE_DETACH_AFTER - now
            if _is_ready(node):
                return None
            if left > 0:
                return left
        if node is not None and name is not None:
            await self._report_node(node, without=name)
        answer = await self.api.delete("volumeattachments", attachment["metadata"]["name"])
        self.attachments.observe_deleted(attachment, answer)
        self._detach_asked.pop(place, None)
        return None

    async def _attach(self, place: Place, wanted: _Desired, now: float) -> float | None:
        node, volume_name = place
        there = [entry for entry in self.attachments.items() if _place(entry)[1] == volume_name]
        own = next((entry for entry in there if _place(entry)[0] == node), None)
        if own is not None:
            return self._follow(place, own, wanted, now)
        if there and not _many_nodes(wanted.volume):
            if place not in self._multi_attach_told:
                self._multi_attach_told.add(place)
                self._tell_of_multi_attach(wanted, {_place(entry)[0] for entry in there}, volume_name)
            return None
        if self.nodes.get(node) is None:
            return None
        found = driver_and_handle(wanted.volume)
        assert found is not None
        driver, handle = found
        attachment = {
            "kind": "VolumeAttachment",
            "apiVersion": "storage.k8s.io/v1",
            "metadata": {"name": attachment_name(handle, driver, node)},
            "spec": {"attacher": driver, "source": {"persistentVolumeName": volume_name}, "nodeName": node},
        }
        try:
            created = await self.api.create("volumeattachments", attachment)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        else:
            self.attachments.observe(created)
        attempt = self._attaching.setdefault(place, _Attach(now, wanted.pods))
        attempt.started, attempt.pods, attempt.retry_at = now, wanted.pods, None
        return ATTACH_TIMEOUT

    def _follow(self, place: Place, attachment: Object, wanted: _Desired, now: float) -> float | None:
        """How the attach goes on: done, failed (told, then watched again after a back-off), or not yet."""
        status = attachment.get("status") or {}
        attempt = self._attaching.get(place)
        if status.get("attached"):
            if attempt is not None and not attachment["metadata"].get("deletionTimestamp"):
                del self._attaching[place]
                for pod in attempt.pods:
                    message = f'AttachVolume.Attach succeeded for volume "{place[1]}" '
                    self.recorder.event(pod, "Normal", "SuccessfulAttachVolume", message)
            return None
        if attempt is None:
            attempt = self._attaching[place] = _Attach(now, wanted.pods)
        if attempt.retry_at is not None:
            if now < attempt.retry_at:
                return attempt.retry_at - now
            attempt.started, attempt.pods, attempt.retry_at = now, wanted.pods, None
        problem = (status.get("attachError") or {}).get("message")
        if attachment["metadata"].get("deletionTimestamp"):
            problem = "volume attachment is being deleted"
        elif problem is None and now - attempt.started >= ATTACH_TIMEOUT:
            found = driver_and_handle(wanted.volume)
            driver, handle = found if found is not None else ("", "")
            problem = f"timed out waiting for external-attacher of {driver} CSI driver to attach volume {handle}"
        if problem is None:
            return attempt.started + ATTACH_TIMEOUT - now
        for pod in attempt.pods:
            message = f'AttachVolume.Attach failed for volume "{place[1]}" : {problem}'
            self.recorder.event(pod, "Warning", "FailedAttachVolume", message)
        delay = min(LAST_BACKOFF, FIRST_BACKOFF * 2.0**attempt.failures)
        attempt.failures += 1
        attempt.retry_at = now + delay
        return delay

    def _tell_of_multi_attach(self, wanted: _Desired, others: set[str], volume_name: str) -> None:
        """Once for a volume and node, to each pod that waits there (facts C)."""
        users = [
            pod
            for pod in self.pods.items()
            if pod["spec"].get("nodeName") in others and not pod_is_over(pod) and self._uses(pod, volume_name)
        ]
        for pod in wanted.pods:
            holders = [other for other in users if self._arrived(other) < self._arrived(pod)]
            namespace = pod["metadata"]["namespace"]
            local = sorted(p["metadata"]["name"] for p in holders if p["metadata"]["namespace"] == namespace)
            foreign = len(holders) - len(local)
            if local:
                text = f"Volume is already used by pod(s) {', '.join(local)}"
                text += f" and {foreign} pod(s) in different namespaces" if foreign else ""
            elif foreign:
                text = f"Volume is already used by {foreign} pod(s) in different namespaces"
            else:
                text = "Volume is already exclusively attached to one node and can't be attached to another"
            message = f'Multi-Attach error for volume "{volume_name}" {text}'
            self.recorder.event(pod, "Warning", "FailedAttachVolume", message)

    def _arrived(self, pod: Object) -> int:
        return self._arrivals.get(pod["metadata"]["uid"], 0)

    def _uses(self, pod: Object, volume_name: str) -> bool:
        volumes = (self._volume_of(pod["metadata"]["namespace"], name) for name in claim_names(pod))
        return any(volume is not None and volume["metadata"]["name"] == volume_name for volume in volumes)

    async def _report(self) -> None:
        for node in self.nodes.items():
            await self._report_node(node)

    async def _report_node(self, node: Object, without: str | None = None) -> None:
        """Write what is attached to the node, and not about to be detached, into its status."""
        name = node["metadata"]["name"]
        attached = []
        for attachment in self.attachments.items():
            place = _place(attachment)
            volume = self.volumes.get(place[1])
            unique = None if volume is None else unique_volume_name(volume)
            attached_here = place[0] == name and (attachment.get("status") or {}).get("attached")
            if attached_here and unique and unique != without and not attachment["metadata"].get("deletionTimestamp"):
                attached.append({"name": unique, "devicePath": ""})
        current = self.nodes.get(name) or node
        if attached != ((current.get("status") or {}).get("volumesAttached") or []):
            patch = {"status": {"volumesAttached": attached or None}}
            self.nodes.observe(await self.api.patch("nodes", name, patch, subresource="status"))


def _place(attachment: Object) -> Place:
    spec = attachment["spec"]
    return str(spec["nodeName"]), str(spec["source"].get("persistentVolumeName", ""))


def _place_order(entry: tuple[Place, _Desired]) -> tuple[str, Place]:
    """Who has waited longest comes first."""
    return min(str(pod["metadata"]["creationTimestamp"]) for pod in entry[1].pods), entry[0]


def _many_nodes(volume: Object) -> bool:
    return bool({"ReadWriteMany", "ReadOnlyMany"} & set(volume["spec"].get("accessModes") or ()))


def _is_ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return all(entry["status"] == "True" for entry in conditions if entry["type"] == "Ready")


def _has_taint(node: Object, key: str) -> bool:
    return any(taint["key"] == key for taint in node["spec"].get("taints") or ())


def _pod_matters(before: Object | None, after: Object | None) -> Iterable[str]:
    def part(pod: Object | None) -> object:
        return None if pod is None else (pod["spec"].get("nodeName"), pod_is_over(pod), pod["metadata"]["uid"])

    return (ALL,) if part(before) != part(after) else ()


def _claim_matters(before: Object | None, after: Object | None) -> Iterable[str]:
    def part(claim: Object | None) -> object:
        return None if claim is None else (claim.get("status") or {}).get("phase")

    return (ALL,) if part(before) != part(after) else ()


def _node_matters(before: Object | None, after: Object | None) -> Iterable[str]:
    def part(node: Object | None) -> object:
        if node is None:
            return None
        return (node.get("status") or {}).get("volumesInUse"), _is_ready(node), _has_taint(node, OUT_OF_SERVICE)

    return (ALL,) if part(before) != part(after) else ()
