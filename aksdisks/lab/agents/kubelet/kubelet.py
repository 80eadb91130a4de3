"""The node agent: the kubelet's part, as far as pods, their volumes and the node's own heartbeats are concerned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from aksdisks.lab import images
from aksdisks.lab.agents.kubelet import probes
from aksdisks.lab.agents.kubelet.expansion import NodeExpansion
from aksdisks.lab.agents.kubelet.heartbeat import Heartbeat
from aksdisks.lab.agents.kubelet.image_manager import NodeImages
from aksdisks.lab.agents.kubelet.pod_status import (
    address_number,
    creating,
    is_running,
    node_address,
    pod_address,
    readiness,
    restarted,
    running,
)
from aksdisks.lab.agents.kubelet.volume_manager import MountInjection, NodeVolumes, Staging
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.ids import Ids
from aksdisks.lab.scenario import Delays
from aksdisks.lab.versions import DEFAULT_WORDS, Words

T = TypeVar("T")

RETRY = 1.0
"""Cluster seconds between two tries of a write that the API server refused for a passing reason."""

FIRST_SYNC, NEXT_SYNC = 1.0, 12.5
"""Cluster seconds until a pod whose containers could not all be started is looked at again: soon after its sandbox came
up, then every backOffPeriod of 10 s with the mean of its jitter (K pkg/kubelet/pod_workers.go completeWork)."""

FIRST_BACKOFF, LONGEST_BACKOFF = 10.0, 300.0
"""Cluster seconds before a container is started anew (K pkg/kubelet: containerBackOffPeriod, MaxContainerBackOff)."""
_GATES = ("startupProbe", "readinessProbe")
"""Probes without whose success a container is not ready."""


@dataclass(eq=False)
class _Pod:
    """One pod on this node, from when it is first seen until its volumes are unmounted."""

    key: str
    uid: str
    latest: Object
    starting: asyncio.Task[None] | None = None
    stopping: asyncio.Task[None] | None = None
    started: list[str] = field(default_factory=list)
    unready: set[str] = field(default_factory=set)
    probing: list[asyncio.Task[None]] = field(default_factory=list)


class NodeAgent(Controller):
    """Runs the pods of one node: status, volumes, images, containers, and their end.

    A reconcile only starts or stops what runs beside it for each pod (K pkg/kubelet pod workers).
    """

    name = "kubelet"

    def __init__(
        self,
        api: KubernetesApi,
        clock: Clock,
        ids: Ids,
        node_name: str,
        delays: Delays,
        mounts: Callable[[EventRecorder], MountInjection] | None = None,
        nodes: int = 1,
        absent_images: Iterable[str] = images.ABSENT,
        words: Words = DEFAULT_WORDS,
        probe: probes.Run = probes.apart,
        staging: Staging | None = None,
    ) -> None:
        """`delays` in cluster seconds; `nodes` there are in all; `absent_images`: patterns of what cannot be pulled.

        `mounts` makes what faults do to mounts, of the kubelet's recorder; `words` as the version has them;
        `probe` runs the commands of exec probes; `staging` mounts what is not attached.
        """
        super().__init__(api, clock, ids)
        self.words = words
        self.probe = probe
        self.node_name = node_name
        self.delays = delays
        self.pods = self.watch("pods", self._own_pods, field_selector=f"spec.nodeName={node_name}")
        self.nodes = self.watch("nodes", None, field_selector=f"metadata.name={node_name}")
        self.nodes.add_handler(self._node_changed)
        self.recorder = EventRecorder(api, clock, self.name, host=node_name)
        injection = None if mounts is None else mounts(self.recorder)
        self.volumes = NodeVolumes(api, clock, self.nodes, node_name, delays, self.recorder, injection, staging)
        self.heartbeat = Heartbeat(api, clock, node_name, self._recovered, nodes)
        self.expansion = NodeExpansion(api, clock, node_name, self.pods, self.recorder, nodes)
        self._known: dict[str, _Pod] = {}
        self.images = NodeImages(clock, delays.image_pull, absent_images, self.words)
        self._addresses = 10

    async def started(self) -> None:
        """Take over the pods that run already; heartbeats and resizes go on beside the pods."""
        for pod in self.pods.items():
            if pod["spec"].get("nodeName") == self.node_name and is_running(pod):
                await self._take_over(pod)
        await self._patiently(self.volumes.report)
        self.spawn(self.heartbeat.run())
        self.spawn(self.expansion.run())

    def _own_pods(self, before: Object | None, after: Object | None) -> tuple[str, ...]:
        pod = before if after is None else after
        if pod is None or pod["spec"].get("nodeName") != self.node_name:
            return ()
        return (key_of(pod),)

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        node = before if after is None else after
        if node is not None and node["metadata"]["name"] == self.node_name:
            self.volumes.node_changed()

    async def reconcile(self, key: str) -> float | None:
        """Start a new pod, stop one that is being deleted, forget one that is gone."""
        pod = self.pods.get_key(key)
        uid = None if pod is None else pod["metadata"]["uid"]
        for known in [entry for entry in self._known.values() if entry.key == key and entry.uid != uid]:
            self._forget(known)
        if pod is None or uid is None or pod["spec"].get("nodeName") != self.node_name:
            return None
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed") and uid not in self._known:
            return None
        entry = self._known.setdefault(uid, _Pod(key, uid, pod))
        entry.latest = pod
        if pod["metadata"].get("deletionTimestamp"):
            if entry.stopping is None:
                entry.stopping = self.spawn(self._stop(entry))
        elif entry.starting is None:
            entry.starting = self.spawn(self._start(entry))
        return None

    def _forget(self, entry: _Pod) -> None:
        """The object is gone, by our own delete or by force: nothing of it may be left here."""
        self._known.pop(entry.uid, None)
        self.images.forget(entry.uid)
        for task in (entry.starting, entry.stopping, *entry.probing):
            if task is not None:
                task.cancel()
        self.spawn(self._release(entry))

    async def _release(self, entry: _Pod) -> None:
        await self.volumes.release(entry.uid)
        await self._patiently(self.volumes.report)

    async def _start(self, entry: _Pod) -> None:
        pod = entry.latest
        if entry.started:
            return  # taken over
        await self._write_status(entry, lambda: creating(entry.latest, self._now()))
        while (needed := await self._patiently(lambda: self.volumes.needed(pod))) is None:
            await self.clock.sleep(RETRY)
        wanted = needed
        await self._patiently(lambda: self.volumes.mount(pod, wanted))
        await self._run_containers(entry)
        node = self.nodes.get(self.node_name)
        assert node is not None
        if pod["spec"].get("hostNetwork"):
            address = node_address(node)
        else:
            address = pod_address(node, self._addresses)
            self._addresses += 1
        entry.unready = {one["name"] for one in pod["spec"]["containers"] if probes.probed(one, *_GATES)}
        await self._write_status(entry, lambda: running(entry.latest, address, self._now(), entry.unready))
        self._begin_probes(entry)
        await self.expansion.look_at([entry.latest])

    async def _take_over(self, pod: Object) -> None:
        """A pod that ran before this agent did: its volumes are mounted already."""
        uid, containers = pod["metadata"]["uid"], pod["spec"]["containers"]
        self._known[uid] = _Pod(key_of(pod), uid, pod, started=[container["name"] for container in containers])
        self.images.take_over(container["image"] for container in containers)
        node, address = self.nodes.get(self.node_name), pod["status"].get("podIP")
        if node is not None and address:
            self._addresses = max(self._addresses, address_number(node, address) + 1)
        needed = await self._patiently(lambda: self.volumes.needed(pod))
        self.volumes.take_over(uid, needed or ())
        entry = self._known[uid]
        statuses = pod["status"].get("containerStatuses") or ()
        entry.unready = {one["name"] for one in statuses if not one.get("ready")}
        self._begin_probes(entry)

    def _begin_probes(self, entry: _Pod) -> None:
        for container in entry.latest["spec"]["containers"]:
            if probes.probed(container):
                entry.probing.append(self.spawn(self._follow_probes(entry, container)))

    async def _follow_probes(self, entry: _Pod, container: Object) -> None:
        """Probe the container and restart it when a probe says so, with the kubelet's growing back-off."""
        name, pause = container["name"], FIRST_BACKOFF

        async def ready(yes: bool) -> None:
            if yes is (name in entry.unready):
                (entry.unready.discard if yes else entry.unready.add)(name)
                await self._write_status(entry, lambda: readiness(entry.latest, entry.unready, self._now()))

        while True:
            tell = partial(self._tell, entry, container, "Warning")
            life = probes.Probes(self.clock, self.probe, lambda: entry.latest, container, tell, ready)
            which = await life.follow()
            text = f"Container {name} failed {which} probe, will be restarted"
            self._tell(entry, container, "Normal", "Killing", text)
            if probes.probed(container, *_GATES):
                await ready(False)
            await self.clock.sleep(self.delays.stop_container + pause)
            pause = min(2 * pause, LONGEST_BACKOFF)
            await self._run_container(entry, container)
            await self._write_status(entry, lambda: restarted(entry.latest, name, entry.unready, self._now()))

    async def _run_containers(self, entry: _Pod) -> None:
        """Start them in turn; one that cannot be started holds up no other, and is tried again until it can."""
        pause = FIRST_SYNC
        since: dict[str, str] = {}
        while True:
            waiting: dict[str, tuple[str, str]] = {}
            for container in entry.latest["spec"]["containers"]:
                name = container["name"]
                if name in entry.started:
                    continue
                why = await self.images.ensure(entry.uid, container, partial(self._tell, entry, container))
                if why is not None:
                    waiting[name] = why
                    continue
                await self._run_container(entry, container)
                since[name] = self._now()
            if not waiting:
                return
            await self._write_status(entry, partial(self._incomplete, entry, since, waiting))
            await self.clock.sleep(pause)
            pause = NEXT_SYNC

    def _incomplete(self, entry: _Pod, since: dict[str, str], waiting: dict[str, tuple[str, str]]) -> Object:
        return creating(entry.latest, self._now(), since, waiting)

    async def _run_container(self, entry: _Pod, container: Object) -> None:
        created = self.words.container_created.format(name=container["name"])
        self._tell(entry, container, "Normal", "Created", created)
        await self.clock.sleep(self.delays.start_container)
        entry.started.append(container["name"])
        started = self.words.container_started.format(name=container["name"])
        self._tell(entry, container, "Normal", "Started", started)

    async def _stop(self, entry: _Pod) -> None:
        """SIGTERM, the end of the containers within the grace period, and the final delete."""
        if entry.starting is not None and not entry.starting.done():
            entry.starting.cancel()
        for task in entry.probing:
            task.cancel()
        meta = entry.latest["metadata"]
        for container in entry.latest["spec"]["containers"]:
            if container["name"] in entry.started:
                self._tell(entry, container, "Normal", "Killing", f"Stopping container {container['name']}")
        if entry.started:
            grace = meta.get("deletionGracePeriodSeconds")
            limit = self.delays.stop_container if grace is None else min(self.delays.stop_container, float(grace))
            await self.clock.sleep(limit)
        await self._patiently(
            lambda: self.api.delete("pods", meta["name"], meta["namespace"], grace_period_seconds=0, uid=meta["uid"])
        )

    async def _recovered(self) -> None:
        """The node-controller marked the pods of a node that it took for lost: they are ready all the same."""
        for entry in list(self._known.values()):
            if is_running(entry.latest) and not entry.latest["metadata"].get("deletionTimestamp"):
                self.spawn(self._write_status(entry, partial(readiness, entry.latest, entry.unready, self._now())))

    async def _write_status(self, entry: _Pod, build: Callable[[], Object]) -> None:
        async def write() -> None:
            meta = entry.latest["metadata"]
            patch = {"metadata": {"uid": meta["uid"]}, "status": build()}
            written = await self.api.patch("pods", meta["name"], patch, meta["namespace"], subresource="status")
            entry.latest = written
            self.pods.observe(written)

        await self._patiently(write)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Make a call until it succeeds; an object that is gone meanwhile is no failure."""
        while True:
            try:
                return await call()
            except ApiError as error:
                if error.reason == "NotFound":
                    return None
                if error.reason != "Conflict":
                    self.log.warning("%s: %s; again in %g s", self.node_name, error, RETRY)
                await self.clock.sleep(RETRY)

    def _tell(self, entry: _Pod, container: Object, type: str, reason: str, message: str) -> None:
        field_path = f"spec.containers{{{container['name']}}}"
        self.recorder.event(entry.latest, type, reason, message, field_path=field_path)

    def _now(self) -> str:
        return timestamp(self.clock.now())
