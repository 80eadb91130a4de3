"""The fault driver-down as a node shows it: the driver leaves its CSINode, and its pod there ends again and again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from aksdisks.lab.agents.kubelet.pod_status import crashing, runs_again
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.daemonset import NAMESPACE
from aksdisks.lab.controllers.storage import DISK_DRIVER, DRIVER_CONTAINER, DRIVER_ON_NODES
from aksdisks.lab.faults.registry import Faults

log = logging.getLogger("aksdisks.lab.registrar")


class Registrar:
    """Takes the driver out of CSINodes and puts it back as the fault driver-down is switched (K csi_plugin.go)."""

    name = "node-driver-registrar"

    def __init__(
        self, api: KubernetesApi, clock: Clock, faults: Faults, drivers: Mapping[str, Sequence[Object]]
    ) -> None:
        """`drivers`: each node's, as they stand in its CSINode when all is well."""
        self._api = api
        self._clock = clock
        self._faults = faults
        self._drivers = drivers

    async def synced(self) -> None:
        """Nothing to wait for."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for node, drivers in self._drivers.items():
                try:
                    await self._register(node, drivers)
                except ApiError as error:
                    if error.reason != "NotFound":
                        log.warning("%s: %s", node, error)
            await self._faults.until_switched()

    async def _register(self, node: str, drivers: Sequence[Object]) -> None:
        down = self._faults.is_on("driver-down", f"node/{node}")
        present = (await self._api.get("csinodes", node))["spec"].get("drivers") or []
        if down is any(entry["name"] == DISK_DRIVER for entry in present):
            wanted = [entry for entry in drivers if not (down and entry["name"] == DISK_DRIVER)]
            await self._api.patch("csinodes", node, {"spec": {"drivers": wanted}})
            await self._show(node, down=down)

    async def _show(self, node: str, *, down: bool) -> None:
        """Let the driver's pod on the node tell of it; where the real driver is to run, there is none of the lab's."""
        on_node = f"spec.nodeName={node}"
        pods, _ = await self._api.list(
            "pods", NAMESPACE, label_selector=f"app={DRIVER_ON_NODES}", field_selector=on_node
        )
        for pod in pods:
            now = timestamp(self._clock.now())
            status = crashing(pod, DRIVER_CONTAINER, now) if down else runs_again(pod, now)
            await self._api.patch("pods", pod["metadata"]["name"], {"status": status}, NAMESPACE, subresource="status")
