"""ClusterRoles that are collected from others: their rules follow whatever their selectors find."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import KubernetesApi, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.authz.bootstrap_policy import aggregated


class RoleAggregation(Controller):
    """The clusterrole-aggregation-controller."""

    name: ClassVar[str] = "clusterrole-aggregation-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches ClusterRoles."""
        super().__init__(api, clock, ids)
        self._roles = self.watch("clusterroles", self._concerned)

    def _concerned(self, _before: Object | None, _after: Object | None) -> Iterable[str]:
        """Any change may add to any role that collects."""
        return [role["metadata"]["name"] for role in self._roles.items() if role.get("aggregationRule")]

    async def reconcile(self, key: str) -> float | None:
        """Write the collected rules where they differ."""
        role = self._roles.get_key(key)
        if role is None or not role.get("aggregationRule"):
            return None
        rules = aggregated(role, self._roles.items())
        if rules != (role.get("rules") or []):
            await self.api.update("clusterroles", {**role, "rules": rules})
        return None
