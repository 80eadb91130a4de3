"""One moment of a walk: what both sides say, ready to be compared, and how it can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from aksdisks.checks import Holds
from aksdisks.diagnosis import diagnose
from aksdisks.model import Inventory, Pod, Unknown
from aksdisks.quantities import cost_per_day, show_gib
from aksdisks.sides import Scope, Side, azure_side, free_slots, kubernetes_side, second_node
from aksdisks.views import tables
from aksdisks.views.base import Chains, Stack, Table, View


@dataclass(frozen=True)
class Sides:
    """Kubernetes' word and Azure's about the same thing."""

    kubernetes: Side
    azure: Side


@dataclass(frozen=True)
class Look:
    """An inventory, seen through the claims in scope."""

    inventory: Inventory
    scope: Scope

    @cached_property
    def kubernetes(self) -> Side:
        """Kubernetes' word."""
        return kubernetes_side(self.inventory, self.scope)

    @cached_property
    def azure(self) -> Side:
        """Azure's word."""
        return azure_side(self.inventory, self.scope)

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """Names and uids of the pods in scope."""
        return frozenset((p.name, p.uid) for p in self.inventory.pods if any(map(self.scope, p.claims)))

    def given(self, **behaviour: str) -> bool | None:
        """True where the class of the claims in scope behaves so; None, for `not applicable`, where it does not."""
        names = {claim.storage_class for claim in self.inventory.claims if self.scope(claim.name)}
        used = [each for each in self.inventory.classes if each.name in names]
        return all(getattr(each, key) == value for each in used for key, value in behaviour.items()) or None

    def second_node(self) -> bool | Unknown:
        """Whether a pod sits on a second node that its volume admits: Multi-Attach needs one."""
        return second_node(self.inventory, self.scope)

    def room(self) -> tuple[Holds, str]:
        """Whether some node takes another disk, and how many each takes."""
        free = free_slots(self.inventory)
        if isinstance(free, Unknown):
            return free, "not counted"
        return any(free.values()), f"free slots: {', '.join(map(str, sorted(free.values())))}"

    @property
    def nodes_used(self) -> int:
        """How many nodes the pods in scope are on."""
        return len({pod.node for pod in self.inventory.pods if pod.node and any(map(self.scope, pod.claims))})

    def classes(self, used: str) -> Table:
        """`kubectl get storageclasses`."""
        return tables.classes(self.inventory, used)

    def attachments(self) -> Table:
        """`kubectl get volumeattachments`."""
        return tables.attachments(self.inventory)

    def since(self, before: Look) -> Sides:
        """What each side says now and did not say before."""
        return Sides(self.kubernetes.minus(before.kubernetes), self.azure.minus(before.azure))

    def pods(self) -> Table:
        """`kubectl get pods -o wide`."""
        return tables.pods(self.inventory)

    def claims(self) -> Table:
        """`kubectl get pvc`."""
        return tables.claims(self.inventory)

    def volumes(self) -> Table:
        """`kubectl get pv`."""
        return tables.volumes(self.inventory)

    def nodes(self) -> Table:
        """Nodes beside machines."""
        return tables.nodes(self.inventory)

    def disks(self, since: Look | None = None) -> Table:
        """The node resource group's disks, and what changed since an earlier look."""
        return tables.difference((since or self).inventory, self.inventory)

    def tags(self) -> View:
        """The tags of the disks in scope."""
        disks, named = self.inventory.disks, self.azure.owners
        if isinstance(disks, Unknown) or isinstance(named, Unknown):
            return Table("Tags of the disks", ("tag", "value"), (), empty=str(disks))
        names = {name for name, _ in named}
        return Stack([tables.tags(disk) for disk in disks if disk.name in names])

    def chain(self) -> Chains:
        """Pod, claim, volume, disk, machine."""
        return tables.chains(self.inventory, [c for c in self.inventory.chains if c.claim and self.scope(c.claim.name)])

    def events(self, *reasons: str) -> Table:
        """The namespace's events of these reasons."""
        found = [event for event in self.inventory.events if event.reason in reasons]
        return tables.events(f"kubectl get events, reason {', '.join(reasons)}", found, self.inventory)

    def describe(self, pod: Pod) -> Table:
        """What belongs to one pod."""
        rows = (("name", pod.name), ("node", pod.node), ("claim", ", ".join(pod.claims)), ("made by", pod.owner))
        return Table(f"kubectl describe pod {pod.name}", ("", ""), rows)

    def why(self) -> View:
        """What the rules of `aksdisks.diagnosis` make of it."""
        return tables.findings(diagnose(self.inventory))

    def costs(self) -> Table:
        """What the disks in scope cost a day, whether or not a machine holds them."""
        disks, sides = self.inventory.disks, self.azure.owners
        columns = ("made for claim", "size", "sku", "billed as", "state", "USD a day, about")
        if isinstance(disks, Unknown) or isinstance(sides, Unknown):
            return Table("What the disks cost", columns, (), empty=str(disks))
        own = sorted((disk for disk in disks if (disk.name, disk.claim) in sides), key=lambda disk: disk.claim)
        prices = [cost_per_day(disk.sku, disk.size_gib or 0) for disk in own]
        rows = [
            (
                d.claim.rpartition("/")[2],
                show_gib(d.size_gib),
                d.sku,
                d.tier,
                d.state,
                None if p is None else f"{p:.2f}",
            )
            for d, p in zip(own, prices, strict=True)
        ]
        total = f"together about {sum(price or 0 for price in prices):.2f} USD a day (list price, approximate)"
        return Table("What the disks cost", columns, rows, total if rows else "", empty="no disks")
