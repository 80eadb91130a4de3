"""A node's connection to the API server, which a fault or a machine that is off cuts: calls wait until it is back."""

from __future__ import annotations

from aksdisks.lab.arm.compute.powered_off import PoweredOff
from aksdisks.lab.client.forwarding import ForwardingApi
from aksdisks.lab.client.interface import KubernetesApi
from aksdisks.lab.faults.registry import Faults

NODE_SILENT = "node-silent"


class NodeConnection(ForwardingApi):
    """`KubernetesApi` of one node: the kubelet behind it goes on with what it knows while it is cut off."""

    def __init__(self, api: KubernetesApi, faults: Faults, node_name: str, powered_off: PoweredOff) -> None:
        self._api = api
        self._faults = faults
        self._node_name = node_name
        self._node = f"node/{node_name}"
        self._powered_off = powered_off

    async def _target(self, resource: str) -> KubernetesApi:
        del resource
        while self._node_name in self._powered_off or self._faults.is_on(NODE_SILENT, self._node):
            await self._powered_off.until_on(self._node_name)
            await self._faults.until_off(NODE_SILENT, self._node)
        return self._api
