"""The drivers with their sidecars, as the controller pods of disk.csi.azure.com and file.csi.azure.com run them."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from aksdisks.lab.agents.csi.attacher import Attacher
from aksdisks.lab.agents.csi.disk_provisioner import DiskProvisioner
from aksdisks.lab.agents.csi.file_provisioner import FileProvisioner
from aksdisks.lab.agents.csi.modifier import Modifier
from aksdisks.lab.agents.csi.resizer import DiskResizer, FileResizer
from aksdisks.lab.agents.csi.snapshotter import DiskSnapshotter, FileSnapshotter
from aksdisks.lab.arm.driver.files import AzureFiles
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import KubernetesApi
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import DISK_DRIVER, FILE_DRIVER
from aksdisks.lab.ids import Ids


class Driver:
    """Runs the sidecars side by side; each meets Kubernetes and Azure through their interfaces alone."""

    name: ClassVar[str]
    parts: tuple[Controller, ...]

    async def synced(self) -> None:
        """Wait until every part has its first lists."""
        await asyncio.gather(*(part.synced() for part in self.parts))

    async def run(self) -> None:
        """Work until cancelled or stopped."""
        await asyncio.gather(*(part.run() for part in self.parts))

    async def stop(self) -> None:
        """End every part."""
        await asyncio.gather(*(part.stop() for part in self.parts))


class DiskDriver(Driver):
    """The one of disks."""

    name = DISK_DRIVER

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """`compute`: its view of Azure."""
        recorder = _recorder(DISK_DRIVER, "csi-azuredisk-controller", api, clock, ids)
        self.parts: tuple[Controller, ...] = (
            DiskProvisioner(api, clock, ids, compute, recorder),
            Attacher(api, clock, ids, compute),
            DiskResizer(api, clock, ids, compute),
            Modifier(api, clock, ids, compute),
            DiskSnapshotter(api, clock, ids, compute),
        )


class FileDriver(Driver):
    """The one of shares."""

    name = FILE_DRIVER

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, azure: AzureFiles) -> None:
        """`azure`: its view of Azure."""
        recorder = _recorder(FILE_DRIVER, "csi-azurefile-controller", api, clock, ids)
        self.parts = (
            FileProvisioner(api, clock, ids, azure, recorder),
            FileResizer(api, clock, ids, azure),
            FileSnapshotter(api, clock, ids),
        )


def _recorder(driver: str, deployment: str, api: KubernetesApi, clock: Clock, ids: Ids) -> EventRecorder:
    """The events' component is the driver's name with its pod's and a uuid, as the sidecars identify themselves."""
    return EventRecorder(api, clock, f"{driver}_{deployment}-{ids.suffix(10)}-{ids.suffix()}_{ids.uid()}")
