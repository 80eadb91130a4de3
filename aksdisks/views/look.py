"""One moment of a walk: what Kubernetes and Azure say, ready to be compared with each other and with a later moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from aksdisks.inspection.comparison import Side, azure_side, equal, kubernetes_side, second_node
from aksdisks.inspection.slots import free_slots
from aksdisks.model import Pod, StorageClass, Unknown
from aksdisks.model.checks import Holds
from aksdisks.views.tables import Tables
from aksdisks.waiting import listed


@dataclass(frozen=True)
class Sides:
    """What Kubernetes says and what Azure says about the same thing."""

    kubernetes: Side
    azure: Side


@dataclass(frozen=True)
class Look(Tables):
    """What both sides say of the claims in scope, to be judged; as tables it can be shown."""

    @cached_property
    def kubernetes(self) -> Side:
        """What Kubernetes says."""
        return kubernetes_side(self.inventory, self.scope)

    @cached_property
    def azure(self) -> Side:
        """What Azure says."""
        return azure_side(self.inventory, self.scope)

    def since(self, before: Look) -> Sides:
        """What each side says now and did not say before."""
        return Sides(self.kubernetes.minus(before.kubernetes), self.azure.minus(before.azure))

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """Names and uids of the pods in scope."""
        return frozenset((pod.name, pod.uid) for pod in self._pods())

    @property
    def nodes_used(self) -> int:
        """How many nodes the pods in scope are on."""
        return len({pod.node for pod in self._pods() if pod.node})

    def storage_class(self, name: str) -> StorageClass:
        """The class of this name."""
        return next(each for each in self.inventory.classes if each.name == name)

    def given(self, **behaviour: str) -> bool | None:
        """True where the class of the claims in scope behaves so; None, for `not applicable`, where it does not."""
        used = {claim.storage_class for claim in self.inventory.claims if self.scope(claim.name)}
        classes = [each for each in self.inventory.classes if each.name in used]
        return all(getattr(each, key) == value for each in classes for key, value in behaviour.items()) or None

    def same(self, said: str) -> bool | Unknown:
        """Whether both sides say the same of the `disks` or another part of a Side; unknown where one says nothing."""
        return equal(getattr(self.kubernetes, said), getattr(self.azure, said))

    def none_before(self, before: Look) -> bool | Unknown:
        """Whether nothing in scope was there at an earlier look: only then can what is there now be shown to be new."""
        there = [claim.name for claim in before.inventory.claims if self.scope(claim.name)]
        return Unknown(f"claims were there before this runbook looked: {listed(there)}") if there else True

    def second_node(self) -> bool | Unknown:
        """Whether a pod sits on a second node that its volume admits: Multi-Attach needs one."""
        return second_node(self.inventory, self.scope)

    def room(self) -> tuple[Holds, str]:
        """Whether some node takes another disk, and how many each takes."""
        now = self.inventory
        if isinstance(now.machines, Unknown):
            return now.machines, "not counted"
        free = free_slots(now.nodes, now.attached, now.machines)
        return any(free.values()), f"free slots: {', '.join(map(str, sorted(free.values())))}"

    def _pods(self) -> list[Pod]:
        return [pod for pod in self.inventory.pods if any(map(self.scope, pod.claims))]
