"""A node's heartbeats: its Lease, and the heartbeat times of its conditions."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aksdisks.lab.client.interface import ApiError, KubernetesApi, own_copy
from aksdisks.lab.clock import Clock, micro_timestamp, timestamp
from aksdisks.lab.controllers.node_lifecycle import LEASES, renewal_seconds

LEASE_DURATION = 40
RENEW_EVERY = 10.0
REPORT_EVERY, RENEWALS_A_REPORT = 300.0, 30
"""Cluster seconds between reports of a node's conditions, and never less than so many times `renewal_seconds`: else
a large or a fast lab would do little else."""

_WELL = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}

log = logging.getLogger("aksdisks.lab.kubelet")


class Heartbeat:
    """Renews the Lease of one node, and reports its conditions when nothing else changed for long (kubelet: 5 min)."""

    def __init__(
        self,
        api: KubernetesApi,
        clock: Clock,
        node_name: str,
        recovered: Callable[[], Awaitable[None]] | None = None,
        nodes: int = 1,
    ) -> None:
        """`recovered` is called when a node that was taken for lost has reported itself ready; `nodes`: in all."""
        renewal = renewal_seconds(nodes) * clock.speed
        self._period = max(RENEW_EVERY, renewal)
        self._report_every = max(REPORT_EVERY, RENEWALS_A_REPORT * renewal)
        self._recovered = recovered
        self._api = api
        self._clock = clock
        self._node_name = node_name

    async def run(self) -> None:
        """Renew and report until cancelled; a failed write is logged, and made again at the next turn."""
        reported = self._clock.monotonic()
        while True:
            try:
                await self._renew()
                given_up = await self._given_up()
                if given_up or self._clock.monotonic() - reported >= self._report_every:
                    reported = self._clock.monotonic()
                    await self._report()
                if given_up and self._recovered is not None:
                    await self._recovered()
            except ApiError as error:
                log.warning("%s: %s", self._node_name, error)
            await self._clock.sleep(self._period)

    async def _given_up(self) -> bool:
        """The node-controller took the node for lost: say at once that it is not."""
        node = await self._api.get("nodes", self._node_name)
        return any(entry["status"] == "Unknown" for entry in (node.get("status") or {}).get("conditions") or ())

    async def _renew(self) -> None:
        now = micro_timestamp(self._clock.now())
        try:
            await self._api.patch("leases", self._node_name, {"spec": {"renewTime": now}}, LEASES)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            await self._create(now)

    async def _create(self, now: str) -> None:
        node = await self._api.get("nodes", self._node_name)
        owner = {"apiVersion": "v1", "kind": "Node", "name": self._node_name, "uid": node["metadata"]["uid"]}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._node_name, "namespace": LEASES, "ownerReferences": [owner]},
            "spec": {
                "holderIdentity": self._node_name,
                "leaseDurationSeconds": LEASE_DURATION,
                "renewTime": now,
            },
        }
        await self._api.create("leases", lease, LEASES)

    async def _report(self) -> None:
        node = await self._api.get("nodes", self._node_name)
        conditions = own_copy((node.get("status") or {}).get("conditions") or [])
        now = timestamp(self._clock.now())
        for condition in conditions:
            condition["lastHeartbeatTime"] = now
            if condition["status"] == "Unknown" and condition["type"] in _WELL:
                status, reason, message = _WELL[condition["type"]]
                condition.update(status=status, reason=reason, message=message, lastTransitionTime=now)
        patch = {"status": {"conditions": conditions}}
        await self._api.patch("nodes", self._node_name, patch, subresource="status", patch_type="strategic")
