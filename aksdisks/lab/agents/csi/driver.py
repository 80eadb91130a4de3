"""The disk driver with its sidecars, as the controller pod of disk.csi.azure.com runs them."""

from __future__ import annotations

import asyncio

from aksdisks.lab.agents.csi.attacher import Attacher
from aksdisks.lab.agents.csi.modifier import Modifier
from aksdisks.lab.agents.csi.provisioner import Provisioner
from aksdisks.lab.agents.csi.resizer import Resizer
from aksdisks.lab.agents.csi.snapshotter import Snapshotter
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import KubernetesApi
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import DISK_DRIVER
from aksdisks.lab.ids import Ids


class DiskDriver:
    """Runs the sidecars side by side; each meets Kubernetes through its API and Azure through `AzureCompute`."""

    name = DISK_DRIVER

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, compute: AzureCompute) -> None:
        """The events' component is the driver's name with its pod's and a uuid, as the sidecars identify themselves."""
        pod = f"csi-azuredisk-controller-{ids.suffix(10)}-{ids.suffix()}"
        recorder = EventRecorder(api, clock, f"{DISK_DRIVER}_{pod}_{ids.uid()}")
        self.parts: tuple[Controller, ...] = (
            Provisioner(api, clock, ids, compute, recorder),
            Attacher(api, clock, ids, compute),
            Resizer(api, clock, ids, compute),
            Modifier(api, clock, ids, compute),
            Snapshotter(api, clock, ids, compute),
        )

    async def synced(self) -> None:
        """Wait until every part has its first lists."""
        await asyncio.gather(*(part.synced() for part in self.parts))

    async def run(self) -> None:
        """Work until cancelled or stopped."""
        await asyncio.gather(*(part.run() for part in self.parts))

    async def stop(self) -> None:
        """End every part."""
        await asyncio.gather(*(part.stop() for part in self.parts))
