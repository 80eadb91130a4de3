"""The attachdetach-controller: VolumeAttachments for the volumes of scheduled pods, and node status volumesAttached."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.attach_operations import TICK, TIMEOUT, Attach, Operations, Wait, Wanted, node_of
from aksdisks.lab.controllers.storage import (
    OUT_OF_SERVICE,
    attachment_name,
    claim_names,
    driver_and_handle,
    has_taint,
    node_is_ready,
    pod_is_over,
    unique_volume_name,
)
from aksdisks.lab.ids import Ids

FORCE_DETACH_AFTER = 360.0
"""Cluster seconds until a volume leaves a node that is not ready although it may be mounted there (facts D)."""
FIRST_BACKOFF = 0.5
LAST_BACKOFF = 122.0


class AttachDetach(Controller):
    """Compares, volume by volume, where pods want it with where it is attached; first detaches, then attaches.

    Volumes that name the same disk are one here, by their unique name: it is attached to one node at a time.
    Keys are `volume:<name>` and `node:<name>`; the latter stands for the node's report of what is attached. Upstream
    looks at everything every 100 ms; here every change that matters starts what it concerns, so that the order of
    what happens does not depend on the phase of a timer, and a large cluster costs a volume no more than a small one.
    Source: K pkg/controller/volume/attachdetach/reconciler/reconciler.go.
    """

    name = "attachdetach-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """See the class."""
        super().__init__(api, clock, ids)
        self.pods = self.watch("pods", self._pod_matters)
        self.pods.add_index("claim", _claims_wanted)
        self.pods.add_index("node", lambda pod: filter(None, (pod["spec"].get("nodeName"),)))
        self.claims = self.watch("persistentvolumeclaims", _claim_matters)
        self.claims.add_index("volume", lambda claim: filter(None, (claim["spec"].get("volumeName"),)))
        self.volumes = self.watch("persistentvolumes", _volume_matters)
        self.volumes.add_index("unique", lambda volume: filter(None, (unique_volume_name(volume),)))
        self.attachments = self.watch("volumeattachments", _attachment_matters)
        self.attachments.add_index("volume", lambda attachment: (_volume_of(attachment),))
        self.attachments.add_index("node", lambda attachment: (node_of(attachment),))
        self.nodes = self.watch("nodes", self._node_matters)
        self.drivers = self.watch("csidrivers", None)
        self.recorder = EventRecorder(api, clock, self.name)
        self._states: dict[str, Operations] = {}
        self._known: set[str] = set()
        self._arrivals: dict[str, int] = {}
        self._turns = itertools.count()
        self.pods.add_handler(self._note_arrival)
        self.attachments.add_handler(self._forget_attachment)

    async def started(self) -> None:
        """Take on the attachments that are there; those that somebody makes later, for no pod, are left alone.

        Source: K attach_detach_controller.go, processVolumeAttachments, which looks once, and not without the volume.
        """
        for attachment in self.attachments.items():
            if self._attachable(self.volumes.get(_volume_of(attachment))):
                self._known.add(attachment["metadata"]["uid"])

    def _forget_attachment(self, before: Object | None, after: Object | None) -> None:
        if after is None and before is not None:
            self._known.discard(before["metadata"]["uid"])

    def _attached(self, index: str, *names: str) -> list[Object]:
        """The attachments of volumes, or to nodes, that this controller is to look after."""
        found = (entry for name in names for entry in self.attachments.by_index(index, name))
        return [entry for entry in found if entry["metadata"]["uid"] in self._known]

    def _note_arrival(self, before: Object | None, after: Object | None) -> None:
        """Remember in which order pods came to nodes: a Multi-Attach error names those who were there before."""
        pod = before if after is None else after
        if after is None and pod is not None:
            self._arrivals.pop(pod["metadata"]["uid"], None)
        elif pod is not None and pod["spec"].get("nodeName"):
            self._arrivals.setdefault(pod["metadata"]["uid"], next(self._turns))

    async def reconcile(self, key: str) -> float | None:
        """Look at one volume, or report on one node; asks to come back when something is to be retried or given up."""
        kind, _, name = key.partition(":")
        if kind == "node":
            # Upstream reports in the round after an attach, when the event about it is out.
            await self.recorder.flush()
            await self._report(name)
            return None
        disk, names = self._disk(name), self._of_the_same_disk(name)
        desired = self._desired(names)
        state = self._states.setdefault(disk, Operations())
        attachments = self._attached("volume", *names)
        state.forget(desired, map(node_of, attachments))
        now = self.clock.monotonic()
        waits = [await self._detach(state, entry, now) for entry in attachments if node_of(entry) not in desired]
        for node, wanted in sorted(desired.items(), key=_turn):
            waits.append(await self._attach(state, wanted, node, names, now))
        if not state.forget(desired, map(node_of, self._attached("volume", *names))):
            self._states.pop(disk, None)
        return min((wait for wait in waits if wait is not None), default=None)

    def _disk(self, name: str) -> str:
        """What a volume is looked after by: its unique name, its own name once it is gone."""
        volume = self.volumes.get(name)
        return (None if volume is None else unique_volume_name(volume)) or name

    def _of_the_same_disk(self, name: str) -> list[str]:
        """The volumes of the same unique name, among them this one."""
        return sorted({name, *map(key_of, self.volumes.by_index("unique", self._disk(name)))})

    def _desired(self, names: Iterable[str]) -> dict[str, Wanted]:
        """Node → the volume that is wanted there, and the pods that want it: of those of one disk the first by name.

        Upstream takes the one that it sees first (K attachdetach/cache/desired_state_of_world.go AddPod).
        """
        desired: dict[str, Wanted] = {}
        for name in names:
            volume = self.volumes.get(name)
            if volume is None or not self._attachable(volume):
                continue
            for claim in self.claims.by_index("volume", name):
                if (claim.get("status") or {}).get("phase") == "Bound":
                    for pod in self.pods.by_index("claim", key_of(claim)):
                        desired.setdefault(pod["spec"]["nodeName"], Wanted(volume)).pods.append(pod)
        return desired

    def _attachable(self, volume: Object | None) -> bool:
        found = None if volume is None else driver_and_handle(volume)
        if found is None:
            return False
        driver = self.drivers.get(found[0])
        return driver is None or bool(driver["spec"].get("attachRequired", True))

    async def _detach(self, state: Operations, attachment: Object, now: float) -> float | None:
        """Let the volume go, unless the node may still have it mounted.

        Then the node must be out of service, or not ready for six minutes; a node that is ready is waited for.
        """
        name = node_of(attachment)
        since = state.detach_due.setdefault(name, now)
        node = self.nodes.get(name)
        volume = self.volumes.get(_volume_of(attachment))
        unique = None if volume is None else unique_volume_name(volume)
        in_use = node is not None and unique in ((node.get("status") or {}).get("volumesInUse") or ())
        if node is not None and in_use and not has_taint(node, OUT_OF_SERVICE):
            left = since + FORCE_DETACH_AFTER - now
            if node_is_ready(node):
                return None
            if left > 0:
                return left
        if attachment["metadata"].get("deletionTimestamp"):
            state.detaching.setdefault(name, Wait(now))
            return None
        if node is not None and unique is not None:
            await self._report(name, without=unique)
        state.detaching[name] = Wait(now)
        try:
            answer = await self.api.delete("volumeattachments", attachment["metadata"]["name"])
        except ApiError as error:
            if error.reason != "NotFound":
                raise
        else:
            self.attachments.observe_deleted(attachment, answer)
        return None

    async def _attach(self, state: Operations, wanted: Wanted, node: str, names: list[str], now: float) -> float | None:
        volume, pods, volume_name = wanted.volume, wanted.pods, wanted.volume["metadata"]["name"]
        entries = (entry for name in names for entry in self.attachments.by_index("volume", name))
        own = next((entry for entry in entries if node_of(entry) == node), None)
        if own is not None:
            if own["metadata"]["uid"] not in self._known:
                self._known.add(own["metadata"]["uid"])
                state.attaching.setdefault(node, Attach(now, pods=pods))
            return self._follow(state, own, volume, pods, now)
        there = self._attached("volume", *names)
        if there and not _many_nodes(volume):
            if (wait := state.pending(there, now)) is not None:
                return wait
            if node not in state.told:
                state.told.add(node)
                self._tell_of_multi_attach(wanted, {node_of(entry) for entry in there}, names)
            return None
        if self.nodes.get(node) is None:
            return None
        found = driver_and_handle(volume)
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
            self._known.add(created["metadata"]["uid"])
            self.attachments.observe(created)
        attempt = state.attaching.setdefault(node, Attach(now, pods=pods))
        attempt.seen, attempt.waited, attempt.pods, attempt.retry_at = now, 0.0, pods, None
        return TICK

    def _follow(
        self, state: Operations, attachment: Object, volume: Object, pods: list[Object], now: float
    ) -> float | None:
        """How the attach goes on: done, failed (told, then watched again after a back-off), or not yet."""
        status = attachment.get("status") or {}
        node, volume_name = node_of(attachment), volume["metadata"]["name"]
        attempt = state.attaching.get(node)
        if status.get("attached"):
            if attempt is not None and not attachment["metadata"].get("deletionTimestamp"):
                del state.attaching[node]
                for pod in attempt.pods:
                    message = f'AttachVolume.Attach succeeded for volume "{volume_name}" '
                    self.recorder.event(pod, "Normal", "SuccessfulAttachVolume", message)
                self.queue.add(f"node:{node}")
            return None
        if attempt is None:
            attempt = state.attaching[node] = Attach(now, pods=pods)
        if attempt.retry_at is not None:
            if now < attempt.retry_at:
                return attempt.retry_at - now
            attempt.seen, attempt.waited, attempt.pods, attempt.retry_at = now, 0.0, pods, None
        attempt.count(now)
        problem = (status.get("attachError") or {}).get("message")
        if attachment["metadata"].get("deletionTimestamp"):
            problem = "volume attachment is being deleted"
        elif problem is None and attempt.waited >= TIMEOUT:
            found = driver_and_handle(volume)
            driver, handle = found if found is not None else ("", "")
            problem = f"timed out waiting for external-attacher of {driver} CSI driver to attach volume {handle}"
        if problem is None:
            return min(TICK, TIMEOUT - attempt.waited)
        for pod in attempt.pods:
            message = f'AttachVolume.Attach failed for volume "{volume_name}" : {problem}'
            self.recorder.event(pod, "Warning", "FailedAttachVolume", message)
        delay = min(LAST_BACKOFF, FIRST_BACKOFF * 2.0**attempt.failures)
        attempt.failures += 1
        attempt.retry_at = now + delay
        return delay

    def _tell_of_multi_attach(self, wanted: Wanted, others: set[str], names: list[str]) -> None:
        """Once for a volume and node, to each pod that waits there (facts C)."""
        desired, volume_name = self._desired(names), wanted.volume["metadata"]["name"]
        users = [pod for node in sorted(others) if node in desired for pod in desired[node].pods]
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

    async def _report(self, name: str, without: str | None = None) -> None:
        """Write what is attached to the node, and not about to be detached, into its status.

        An attach counts once its event is out, so that nobody mounts before that.
        """
        node = self.nodes.get(name)
        if node is None:
            return
        attached = []
        for attachment in self._attached("node", name):
            volume_name = _volume_of(attachment)
            volume, state = self.volumes.get(volume_name), self._states.get(self._disk(volume_name))
            unique = None if volume is None else unique_volume_name(volume)
            there = (attachment.get("status") or {}).get("attached") and not attachment["metadata"].get(
                "deletionTimestamp"
            )
            if there and unique and unique != without and (state is None or name not in state.attaching):
                attached.append({"name": unique, "devicePath": ""})
        if attached != ((node.get("status") or {}).get("volumesAttached") or []):
            patch = {"status": {"volumesAttached": attached or None}}
            try:
                self.nodes.observe(await self.api.patch("nodes", name, patch, subresource="status"))
            except ApiError as error:
                if error.reason != "NotFound":
                    raise

    def _pod_matters(self, before: Object | None, after: Object | None) -> Iterable[str]:
        if _part(before) == _part(after):
            return
        pod = before if after is None else after
        assert pod is not None
        for name in claim_names(pod):
            claim = self.claims.get(name, pod["metadata"]["namespace"])
            if claim is not None:
                yield from _claim_matters(None, claim)

    def _node_matters(self, before: Object | None, after: Object | None) -> Iterable[str]:
        node = before if after is None else after
        if node is None or _node_part(before) == _node_part(after):
            return
        name = node["metadata"]["name"]
        in_use = _in_use(before) ^ _in_use(after)
        if before is None or after is None or _node_part(before)[1:] != _node_part(after)[1:]:
            yield from (f"volume:{_volume_of(entry)}" for entry in self.attachments.by_index("node", name))
        for unique in sorted(in_use):
            yield from (f"volume:{key_of(volume)}" for volume in self.volumes.by_index("unique", unique))
        if before is None:
            # Pods may have been waiting for the node to be there.
            for pod in self.pods.by_index("node", name):
                yield from self._pod_matters(None, pod)
            yield f"node:{name}"


def _volume_of(attachment: Object) -> str:
    return str(attachment["spec"]["source"].get("persistentVolumeName", ""))


def _turn(entry: tuple[str, Wanted]) -> tuple[str, str]:
    """Who has waited longest comes first."""
    return min(str(pod["metadata"]["creationTimestamp"]) for pod in entry[1].pods), entry[0]


def _many_nodes(volume: Object) -> bool:
    return bool({"ReadWriteMany", "ReadOnlyMany"} & set(volume["spec"].get("accessModes") or ()))


def _claims_wanted(pod: Object) -> Iterable[str]:
    """The claims that the pod wants attached where it is."""
    if not pod["spec"].get("nodeName") or pod_is_over(pod):
        return ()
    return [f"{pod['metadata']['namespace']}/{name}" for name in claim_names(pod)]


def _part(pod: Object | None) -> object:
    return None if pod is None else (pod["spec"].get("nodeName"), pod_is_over(pod), pod["metadata"]["uid"])


def _claim_matters(before: Object | None, after: Object | None) -> Iterable[str]:
    claim = before if after is None else after
    phases = [None if entry is None else (entry.get("status") or {}).get("phase") for entry in (before, after)]
    if claim is not None and phases[0] != phases[1] and claim["spec"].get("volumeName"):
        yield f"volume:{claim['spec']['volumeName']}"


def _volume_matters(before: Object | None, after: Object | None) -> Iterable[str]:
    if before is None and after is not None:
        yield f"volume:{key_of(after)}"


def _attachment_matters(before: Object | None, after: Object | None) -> Iterable[str]:
    attachment = before if after is None else after
    if attachment is not None:
        yield f"volume:{_volume_of(attachment)}"
        yield f"node:{node_of(attachment)}"


def _in_use(node: Object | None) -> set[str]:
    return set(((node or {}).get("status") or {}).get("volumesInUse") or ())


def _node_part(node: Object | None) -> tuple[object, ...]:
    if node is None:
        return (None,)
    return (node.get("status") or {}).get("volumesInUse"), node_is_ready(node), has_taint(node, OUT_OF_SERVICE)
