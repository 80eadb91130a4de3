"""Faults of mounts: what keeps a node from mounting an attached volume, with the kubelet's retries and events."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.agents.kubelet.volume_manager import FIRST_RETRY, LAST_RETRY
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import DISK_DRIVER, attachment_name, driver_and_handle, handle_in
from aksdisks.lab.faults.registry import Faults

DEVICE_WAIT = 120.0
"""How long the driver looks for a device, and the kubelet waits for the driver (facts D: CSI RPC 2 min)."""
MANY_FILES = 1800.0
FILES_A_SECOND = 1000
OWNERSHIP_REPORT, OWNERSHIP_REPORT_AGAIN = 30.0, 60.0
_OWNERSHIP_ADVICE = (
    "consider using OnRootMismatch - https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"
    "#configure-volume-permission-and-ownership-change-policy-for-pods"
)


class MountFaults:
    """One for a node agent; every method returns once the mount can go on."""

    def __init__(
        self, api: KubernetesApi, clock: Clock, recorder: EventRecorder, node_name: str, faults: Faults
    ) -> None:
        """`recorder` is the kubelet's."""
        self._api = api
        self._clock = clock
        self._recorder = recorder
        self._node_name = node_name
        self._faults = faults

    async def before_mount(self, pod: Object, unique_name: str) -> None:
        """Whatever keeps the device from being staged: the driver is not there, or the device is not."""
        delay = FIRST_RETRY
        while (problem := await self._problem(unique_name)) is not None:
            volume, text = problem
            self._tell(pod, "FailedMount", f'MountVolume.MountDevice failed for volume "{volume}" : {text}')
            await self._until_news(delay)
            delay = min(LAST_RETRY, delay * 2)

    async def _problem(self, unique_name: str) -> tuple[str, str] | None:
        """The volume's name and what went wrong; None when it can be mounted."""
        handle = handle_in(unique_name)
        places = f"node/{self._node_name}", f"disk/{handle.rpartition('/')[2]}"
        if self._faults.is_on("driver-down", places[0]):
            text = "kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name "
            return await self._volume(handle), text + f"{DISK_DRIVER} not found in the list of registered CSI drivers"
        if not self._faults.occurs("device-missing", *places):
            return None
        await self._faults.until_off("device-missing", *places, at_most=DEVICE_WAIT, clock=self._clock)
        if not self._faults.is_on("device-missing", *places):
            return None
        lun = await self._lun(handle)
        text = f"rpc error: code = Internal desc = failed to find disk on lun {lun}. context deadline exceeded"
        return await self._volume(handle), text

    async def after_mount(self, pod: Object, unique_name: str) -> None:
        """The walk over a volume's files that `fsGroup` asks for (K pkg/volume/volume_linux.go)."""
        security: dict[str, Any] = pod["spec"].get("securityContext") or {}
        handle = handle_in(unique_name)
        places = f"node/{self._node_name}", f"disk/{handle.rpartition('/')[2]}"
        asked = security.get("fsGroup") is not None and security.get("fsGroupChangePolicy") != "OnRootMismatch"
        if not asked or not self._faults.occurs("fsgroup-slow", *places):
            return
        began, wait = self._clock.monotonic(), OWNERSHIP_REPORT
        path = f"{pod['metadata']['uid']}/volumes/kubernetes.io~csi/{await self._volume(handle)}/mount"
        subject = f"Setting volume ownership for {path}"
        while self._faults.is_on("fsgroup-slow", *places):
            await self._faults.until_off("fsgroup-slow", *places, at_most=wait, clock=self._clock)
            passed = self._clock.monotonic() - began
            if passed >= MANY_FILES or not self._faults.is_on("fsgroup-slow", *places):
                return
            first, wait = wait == OWNERSHIP_REPORT, OWNERSHIP_REPORT_AGAIN
            rest = f" is taking longer than expected, {_OWNERSHIP_ADVICE}"
            if not first:
                rest = f", processed {int(passed) * FILES_A_SECOND} files."
            self._tell(pod, "VolumePermissionChangeInProgress", subject + rest)

    async def _until_news(self, seconds: float) -> None:
        """Wait so many cluster seconds, or until a fault is switched: its end shows at once."""
        await self._faults.until_switched_within(seconds, self._clock)

    async def _volume(self, handle: str) -> str:
        volumes, _ = await self._api.list("persistentvolumes")
        for volume in volumes:
            found = driver_and_handle(volume)
            if found is not None and found[1] == handle:
                return str(volume["metadata"]["name"])
        return handle.rpartition("/")[2]

    async def _lun(self, handle: str) -> str:
        try:
            name = attachment_name(handle, DISK_DRIVER, self._node_name)
            attachment = await self._api.get("volumeattachments", name)
        except ApiError:
            return "0"
        return str(((attachment.get("status") or {}).get("attachmentMetadata") or {}).get("LUN", "0"))

    def _tell(self, pod: Object, reason: str, message: str) -> None:
        self._recorder.event(pod, "Warning", reason, message)
