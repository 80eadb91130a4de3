"""The volumes of one node: reported as in use, waited for until attached, mounted once, and unmounted."""

from __future__ import annotations

import asyncio
from typing import Protocol

from aksdisks.lab.client.informer import Informer
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import claim_names, driver_and_handle, unique_volume_name
from aksdisks.lab.scenario import Delays

SETTLE = 0.1
"""Real seconds that a volume stays mounted after its last pod, whatever the speed: a StatefulSet's next pod of the same
name reaches its node in well under a second of a real cluster, and the lab's controllers need real milliseconds."""
ONE_POD = "ReadWriteOncePod"
_IN_USE = "volume uses the ReadWriteOncePod access mode and is already in use by another pod"


FIRST_RETRY, LAST_RETRY = 0.5, 122.0
"""Cluster seconds (facts D; K pkg/util/goroutinemap/exponentialbackoff)."""


class MountInjection(Protocol):
    """Where faults reach into mounts; every method returns once what is in the way is over."""

    async def before_mount(self, pod: Object, unique_name: str) -> None:
        """Before the pod's volume is mounted on the node."""

    async def after_mount(self, pod: Object, unique_name: str) -> None:
        """Before the pod is given its volume, which is mounted."""


class NodeVolumes:
    """Keeps node status `volumesInUse`, and which volumes are mounted, for one node agent.

    A volume is in use from before it is mounted until it is unmounted (K pkg/kubelet/volumemanager): only then may the
    attachdetach-controller take it away.
    """

    def __init__(
        self,
        api: KubernetesApi,
        clock: Clock,
        nodes: Informer,
        node_name: str,
        delays: Delays,
        recorder: EventRecorder,
        injection: MountInjection | None = None,
    ) -> None:
        """`nodes` is the agent's copy of the nodes, its own among them; `injection`: what faults do to mounts.

        `recorder` is the kubelet's.
        """
        self._api = api
        self._clock = clock
        self._nodes = nodes
        self._node_name = node_name
        self._delays = delays
        self._recorder = recorder
        self._injection = injection
        self._users: dict[str, set[str]] = {}
        self._mounted: set[str] = set()
        self._set_up: dict[str, set[str]] = {}
        self._exclusive: dict[str, str] = {}
        self._mounting: dict[str, asyncio.Lock] = {}
        self._reporting = asyncio.Lock()
        self._news = asyncio.Event()

    def node_changed(self) -> None:
        """The node's status changed: who waits for an attached volume looks again."""
        self._news.set()
        self._news = asyncio.Event()

    async def needed(self, pod: Object) -> list[str] | None:
        """The unique names of the pod's attachable volumes; None while a claim is not bound."""
        namespace = pod["metadata"]["namespace"]
        names = []
        for claim_name in claim_names(pod):
            claim = await self._find("persistentvolumeclaims", claim_name, namespace)
            if claim is None or (claim.get("status") or {}).get("phase") != "Bound":
                return None
            volume = await self._find("persistentvolumes", claim["spec"]["volumeName"])
            if volume is None:
                return None
            name, found = unique_volume_name(volume), driver_and_handle(volume)
            if name is None or found is None:
                continue
            driver = await self._find("csidrivers", found[0])
            if driver is None or driver["spec"].get("attachRequired", True):
                names.append(name)
                if volume["spec"].get("accessModes") == [ONE_POD]:
                    self._exclusive[name] = str(volume["metadata"]["name"])
        return names

    async def _find(self, resource: str, name: str, namespace: str | None = None) -> Object | None:
        try:
            return await self._api.get(resource, name, namespace)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            return None

    async def mount(self, pod: Object, names: list[str]) -> None:
        """Report the volumes as in use by the pod, wait until they are attached, and mount them."""
        uid = pod["metadata"]["uid"]
        await self.claim(uid, names)
        for name in names:
            await self._attached(name)
            await self._free_of_others(pod, name)
            self._set_up.setdefault(name, set()).add(uid)
            async with self._mounting.setdefault(name, asyncio.Lock()):
                if name not in self._mounted:
                    if self._injection is not None:
                        await self._injection.before_mount(pod, name)
                    await self._clock.sleep(self._delays.mount)
                    self._mounted.add(name)
            if self._injection is not None:
                await self._injection.after_mount(pod, name)

    async def claim(self, uid: str, names: list[str]) -> None:
        """Report the volumes as in use by the pod."""
        for name in names:
            self._users.setdefault(name, set()).add(uid)
        await self.report()

    def take_over(self, uid: str, names: list[str]) -> None:
        """The pod ran before this agent did, with the volumes mounted; `report` follows once all are taken over."""
        for name in names:
            self._users.setdefault(name, set()).add(uid)
            self._set_up.setdefault(name, set()).add(uid)
            self._mounted.add(name)

    async def _free_of_others(self, pod: Object, name: str) -> None:
        """Of a volume for one pod only (ReadWriteOncePod) a second one waits until the first has let it go.

        Source: K pkg/volume/util/operationexecutor/operation_generator.go GenerateMountVolumeFunc.
        """
        delay = FIRST_RETRY
        while name in self._exclusive and self._set_up.get(name, set()) - {pod["metadata"]["uid"]}:
            text = f'MountVolume.SetUp failed for volume "{self._exclusive[name]}" : {_IN_USE}'
            self._recorder.event(pod, "Warning", "FailedMount", text)
            await self._clock.sleep(delay)
            delay = min(LAST_RETRY, delay * 2)

    async def _attached(self, name: str) -> None:
        while True:
            news = self._news
            node = self._nodes.get(self._node_name)
            attached = ((node or {}).get("status") or {}).get("volumesAttached") or ()
            if any(entry["name"] == name for entry in attached):
                return
            await news.wait()

    async def release(self, uid: str) -> None:
        """The pod `uid` is gone: unmount what no other pod uses; `report` is to tell that it is no longer in use."""
        names = [name for name, users in self._users.items() if uid in users]
        for name in names:
            self._users[name].discard(uid)
            self._set_up.get(name, set()).discard(uid)
        idle = [name for name in names if not self._users[name]]
        if not idle:
            return
        if any(name in self._mounted for name in idle):
            await self._clock.sleep(max(self._delays.unmount, SETTLE * self._clock.speed))
        for name in idle:
            # A pod that came meanwhile found the volume mounted and goes on using it.
            if not self._users.get(name):
                self._mounted.discard(name)
                self._users.pop(name, None)
                self._set_up.pop(name, None)
                self._exclusive.pop(name, None)

    async def report(self) -> None:
        """Write which volumes are in use into the node's status, where it says otherwise."""
        async with self._reporting:  # two writes on their way could arrive the wrong way round
            wanted = sorted(self._users)
            node = self._nodes.get(self._node_name)
            if node is None or wanted == ((node.get("status") or {}).get("volumesInUse") or []):
                return
            patch = {"status": {"volumesInUse": wanted or None}}
            self._nodes.observe(await self._api.patch("nodes", self._node_name, patch, subresource="status"))
