"""The fault driver-down as a node shows it: the driver leaves its CSINode, and its pod there ends again and again."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping, Sequence

from aksdisks.lab.agents.kubelet.pod_status import CRASHING, crashing, runs_again
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.daemonset import NAMESPACE
from aksdisks.lab.controllers.storage import DISK_DRIVER, DRIVER_CONTAINER, DRIVER_ON_NODES
from aksdisks.lab.faults.registry import Faults

_LOOK, _LOOK_REAL = 10.0, 0.5
"""Cluster seconds between looks at the pods while the driver is down somewhere, and real seconds at the least."""

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
            down = {node for node, drivers in self._drivers.items() if await self._register(node, drivers)}
            try:
                await self._show(down)
            except ApiError as error:
                log.warning("%s: %s", DRIVER_ON_NODES, error)
            if down:
                # A pod that somebody deletes comes again, and ends like the one before.
                await self._faults.until_switched_within(max(_LOOK, _LOOK_REAL * self._clock.speed), self._clock)
            else:
                await self._faults.until_switched()

    async def _register(self, node: str, drivers: Sequence[Object]) -> bool:
        """Bring the node's CSINode up to date; whether the driver does not run there."""
        down = self._faults.is_on("driver-down", f"node/{node}")
        try:
            present = (await self._api.get("csinodes", node))["spec"].get("drivers") or []
            if down is any(entry["name"] == DISK_DRIVER for entry in present):
                wanted = [entry for entry in drivers if not (down and entry["name"] == DISK_DRIVER)]
                await self._api.patch("csinodes", node, {"spec": {"drivers": wanted}})
        except ApiError as error:
            if error.reason != "NotFound":
                log.warning("%s: %s", node, error)
        return down

    async def _show(self, down: Container[str]) -> None:
        """Let the driver's pods tell of it; where the real driver is to run, there are none of the lab's."""
        pods, _ = await self._api.list("pods", NAMESPACE, label_selector=f"app={DRIVER_ON_NODES}")
        for pod in pods:
            containers = pod["status"].get("containerStatuses") or ()
            state: Object = next((one["state"] for one in containers if one["name"] == DRIVER_CONTAINER), {})
            is_down, now = pod["spec"].get("nodeName") in down, timestamp(self._clock.now())
            if is_down and "running" in state:
                status = crashing(pod, DRIVER_CONTAINER, now)
            elif not is_down and state.get("waiting", {}).get("reason") == CRASHING:
                status = runs_again(pod, now)
            else:
                continue
            await self._api.patch("pods", pod["metadata"]["name"], {"status": status}, NAMESPACE, subresource="status")
