"""The volumes of one node: reported as in use, waited for until attached, mounted once, and unmounted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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


class StagingError(Exception):
    """What keeps a volume from being mounted, in the words of the kubelet or of the driver."""


class MountInjection(Protocol):
    """Where faults reach into mounts; every method returns once what is in the way is over."""

    async def before_mount(self, pod: Object, unique_name: str) -> None:
        """Before the pod's volume is mounted on the node."""

    async def after_mount(self, pod: Object, unique_name: str) -> None:
        """Before the pod is given its volume, which is mounted."""


class Staging(Protocol):
    """The part on this node of a driver whose volumes are not attached."""

    async def stage(self, volume: Object, fs_group: str = "") -> None:
        """Mount the volume on the node, for all its pods; `fs_group`: the pod's. Raises `StagingError`."""


@dataclass(frozen=True, eq=False)
class NeededVolume:
    """A volume of a pod's: its unique name, its PersistentVolume, and whether it is attached to the node before."""

    name: str
    volume: Object
    attached: bool


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
        staging: Staging | None = None,
    ) -> None:
        """`nodes` is the agent's copy of the nodes, its own among them; `injection`: what faults do to mounts.

        `recorder` is the kubelet's. Without `staging`, volumes that are not attached are mounted whatever they name.
        """
        self._api = api
        self._clock = clock
        self._nodes = nodes
        self._node_name = node_name
        self._delays = delays
        self._recorder = recorder
        self._injection = injection
        self._staging = staging
        self._attachable: set[str] = set()
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

    async def needed(self, pod: Object) -> list[NeededVolume] | None:
        """The pod's volumes of drivers; None while a claim is not bound."""
        namespace = pod["metadata"]["namespace"]
        wanted = []
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
            attached = driver is None or bool(driver["spec"].get("attachRequired", True))
            wanted.append(NeededVolume(name, volume, attached))
            if volume["spec"].get("accessModes") == [ONE_POD]:
                self._exclusive[name] = str(volume["metadata"]["name"])
        return wanted

    async def _find(self, resource: str, name: str, namespace: str | None = None) -> Object | None:
        try:
            return await self._api.get(resource, name, namespace)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            return None

    async def mount(self, pod: Object, volumes: Sequence[NeededVolume]) -> None:
        """Report the volumes as in use by the pod, wait until they are attached, and mount them."""
        uid = pod["metadata"]["uid"]
        await self.claim(uid, volumes)
        for entry in pod["spec"].get("volumes") or ():
            if "azureFile" in entry or "csi" in entry:
                text = f"Volume {entry['name']} is an empty directory: the lab mounts shares of claims, no pod's own"
                self._recorder.event(pod, "Warning", "VolumeSkipped", text)
        for wanted in volumes:
            name = wanted.name
            if wanted.attached:
                await self._attached(name)
            await self._free_of_others(pod, name)
            self._set_up.setdefault(name, set()).add(uid)
            if not wanted.attached:
                await self._mount_unattached(pod, wanted)
                continue
            async with self._mounting.setdefault(name, asyncio.Lock()):
                if name not in self._mounted:
                    if self._injection is not None:
                        await self._injection.before_mount(pod, name)
                    await self._clock.sleep(self._delays.mount)
                    self._mounted.add(name)
            if self._injection is not None:
                await self._injection.after_mount(pod, name)

    async def _mount_unattached(self, pod: Object, wanted: NeededVolume) -> None:
        """Stage what no controller attaches; pods of the node that wait for the same volume try in turn."""
        name, delay = wanted.name, FIRST_RETRY
        security: dict[str, Any] = pod["spec"].get("securityContext") or {}
        while True:
            try:
                async with self._mounting.setdefault(name, asyncio.Lock()):
                    if name not in self._mounted:
                        if self._staging is not None:
                            await self._staging.stage(wanted.volume, str(security.get("fsGroup") or ""))
                        await self._clock.sleep(self._delays.mount)
                        self._mounted.add(name)
            except StagingError as error:
                volume = wanted.volume["metadata"]["name"]
                text = f'MountVolume.MountDevice failed for volume "{volume}" : {error}'
                self._recorder.event(pod, "Warning", "FailedMount", text)
            else:
                return
            await self._clock.sleep(delay)
            delay = min(LAST_RETRY, delay * 2)

    async def claim(self, uid: str, volumes: Iterable[NeededVolume]) -> None:
        """Report the volumes as in use by the pod."""
        self._use(uid, volumes)
        await self.report()

    def take_over(self, uid: str, volumes: Iterable[NeededVolume]) -> None:
        """The pod ran before this agent did, with the volumes mounted; `report` follows once all are taken over."""
        self._use(uid, volumes)
        for wanted in volumes:
            self._set_up.setdefault(wanted.name, set()).add(uid)
            self._mounted.add(wanted.name)

    def _use(self, uid: str, volumes: Iterable[NeededVolume]) -> None:
        for wanted in volumes:
            self._users.setdefault(wanted.name, set()).add(uid)
            if wanted.attached:
                self._attachable.add(wanted.name)

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
                self._attachable.discard(name)
                self._set_up.pop(name, None)
                self._exclusive.pop(name, None)

    async def report(self) -> None:
        """Write which volumes are in use into the node's status, where it says otherwise."""
        async with self._reporting:  # two writes on their way could arrive the wrong way round
            wanted = sorted(self._attachable & self._users.keys())
            node = self._nodes.get(self._node_name)
            if node is None or wanted == ((node.get("status") or {}).get("volumesInUse") or []):
                return
            patch = {"status": {"volumesInUse": wanted or None}}
            self._nodes.observe(await self._api.patch("nodes", self._node_name, patch, subresource="status"))
