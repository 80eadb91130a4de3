"""One moment of a walk: what both sides say, ready to be compared, and how it is shown; nothing here fetches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from aksdisks.inspection.comparison import Scope, Side, azure_side, disks_of, equal, kubernetes_side, second_node
from aksdisks.inspection.old_diagnosis import Finding, diagnose
from aksdisks.inspection.slots import free_slots
from aksdisks.model import Chain, Claim, Disk, Inventory, Pod, StorageClass, Unknown, known
from aksdisks.model.checks import Holds
from aksdisks.quantities import cost_per_day, show_gib
from aksdisks.views.base import Card, Chains, Link, Stack, Table
from aksdisks.views.markup import View
from aksdisks.waiting import listed

_VERDICTS = {"expected": "As it should be", "wait": "Wait", "problem": "A problem"}
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


@dataclass(frozen=True)
class Sides:
    """Kubernetes' word and Azure's about the same thing."""

    kubernetes: Side
    azure: Side


@dataclass(frozen=True)
class Look:
    """An inventory, seen through the claims in scope. Rows are in an order that does not depend on random names."""

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

    def nodes(self) -> Table:
        """Kubernetes' nodes beside Azure's machines of the same name."""
        machines, remark = {m.node: m for m in known(self.inventory.machines)}, _remark(self.inventory.machines)
        rows = []
        for node in self.inventory.nodes:
            machine = machines.get(node.name)
            state = ("Ready" if node.ready else "NotReady") + ("" if node.schedulable else ", cordoned")
            azure = (machine.name, machine.size, len(machine.data_disks)) if machine else (None, None, None)
            rows.append((node.name, state, node.disk_slots, *azure))
        columns = ("node", "state", "disk slots", "Azure machine", "size", "disks held")
        return Table("Nodes (Kubernetes) and their machines (Azure)", columns, rows, remark, unknown=remark)

    def classes(self, used: str) -> Table:
        """`kubectl get storageclasses`; the one that the claims use is marked."""
        rows = [
            ("→" if c.name == used else " ", c.name, c.provisioner, c.sku, c.reclaim_policy, c.binding_mode)
            for c in self.inventory.classes
        ]
        columns = ("", "NAME", "PROVISIONER", "SKU", "RECLAIMPOLICY", "VOLUMEBINDINGMODE")
        return Table("kubectl get storageclasses", columns, rows)

    def pods(self) -> Table:
        """`kubectl get pods -o wide`, without the ages: they differ each time."""
        rows = [
            (pod.name, f"{pod.containers_ready}/{pod.containers}", pod.status, pod.restarts, pod.node)
            for pod in sorted(self.inventory.pods, key=_place)
        ]
        return Table("kubectl get pods -o wide", ("NAME", "READY", "STATUS", "RESTARTS", "NODE"), rows)

    def claims(self) -> Table:
        """`kubectl get pvc`."""
        rows = [
            (c.name, _phase(c), c.volume, c.capacity, _short(c.access_modes), c.storage_class)
            for c in self.inventory.claims
        ]
        return Table("kubectl get pvc", ("NAME", "STATUS", "VOLUME", "CAPACITY", "MODES", "STORAGECLASS"), rows)

    def volumes(self) -> Table:
        """`kubectl get pv`, the columns of the article."""
        rows = [
            (v.name, v.capacity, _short(v.access_modes), v.reclaim_policy, v.phase, v.claim, v.storage_class)
            for v in self.inventory.volumes
        ]
        columns = ("NAME", "CAPACITY", "MODES", "RECLAIM", "STATUS", "CLAIM", "STORAGECLASS")
        return Table("kubectl get pv", columns, rows)

    def attachments(self) -> Table:
        """`kubectl get volumeattachments`, for the volumes of this namespace."""
        found = sorted(self.inventory.attachments, key=lambda each: (each.node, each.volume))
        rows = [(each.volume, each.node, each.attached, each.lun) for each in found]
        return Table("kubectl get volumeattachments", ("VOLUME", "NODE", "ATTACHED", "LUN"), rows)

    def disks(self, since: Look | None = None) -> Table:
        """The node resource group's disks of this namespace, and every disk that came or went since an earlier look."""
        title = f"Disks in the node resource group {self.inventory.resource_group}"
        columns = ("", "disk", "size", "state", "attached to", "made for claim")
        before, after = (since or self).inventory.disks, self.inventory.disks
        if isinstance(before, Unknown) or isinstance(after, Unknown):
            remark = _remark(before) or _remark(after)
            return Table(title, columns, (), empty=remark, unknown=remark)
        old, new = ({disk.id.lower(): disk for disk in disks} for disks in (before, after))
        rows, others = [], 0
        for key, disk in sorted((old | new).items(), key=lambda item: (item[1].claim, item[1].name)):
            change = "gone" if key not in new else "new" if key not in old else "same"
            if change == "same" and not disk.claim.startswith(f"{self.inventory.namespace}/"):
                others += 1
                continue
            state = ("", "") if change == "gone" else (disk.state, disk.managed_by.rpartition("/")[2])
            rows.append((change, disk.name, f"{show_gib(disk.size_gib)} {disk.sku}", *state, disk.claim_name))
        note = f"{len(old)} before, {len(new)} now; {others} of others not shown"
        return Table(title, columns, rows, note, empty="none of this namespace")

    def costs(self) -> Table:
        """What the disks in scope cost a day, whether or not a machine holds them."""
        rows, total = [], Decimal(0)
        for disk in self._disks():
            price = cost_per_day(disk.sku, disk.size_gib or 0)
            shown = None if price is None else Decimal(f"{price:.2f}")
            total += shown or 0  # of what is shown, so that who adds it up finds the same
            rows.append((disk.claim_name, f"{show_gib(disk.size_gib)} {disk.sku}", disk.tier, disk.state, shown))
        columns = ("made for claim", "size", "billed as", "state", "USD a day, about")
        unpriced = sum(row[-1] is None for row in rows)
        but = f", without {unpriced} of unknown price" if unpriced else ""
        note = _remark(self.inventory.disks) or f"together about {total:.2f} USD a day (list price, approximate){but}"
        return Table("What the disks cost", columns, rows, note, unknown=_remark(self.inventory.disks))

    def tags(self) -> View:
        """The tags of the disks in scope."""
        tables = [
            Table(f"Tags of disk {disk.name}", ("tag", "value"), sorted(disk.tags.items())) for disk in self._disks()
        ]
        remark = _remark(self.inventory.disks)
        return Stack(tables or [Table("Tags", ("tag", "value"), (), remark, unknown=remark)])

    def chain(self) -> Chains:
        """From the pods in scope, and the claims without one, to the machines."""
        found = [chain for chain in self.inventory.chains if chain.claim and self.scope(chain.claim.name)]
        found.sort(key=lambda c: (*(_place(c.pod) if c.pod else ("",)), c.claim.name if c.claim else ""))
        return Chains("From the pod to the machine", [_links(chain) for chain in found])

    def describe(self, pod: Pod) -> Table:
        """What belongs to one pod."""
        rows = (("node", pod.node), ("claim", ", ".join(pod.claims)), ("made by", pod.owner))
        return Table(f"kubectl describe pod {pod.name}", ("", ""), rows)

    def events(self, *reasons: str) -> Table:
        """The events of these reasons, in the order of their pods; times are left out, they differ each time."""
        order = {pod.name: number for number, pod in enumerate(sorted(self.inventory.pods, key=_place))}
        found = [event for event in self.inventory.events if event.reason in reasons]
        found.sort(key=lambda event: (order.get(event.object, -1), event.reason, event.object))
        rows = [(f"{event.kind.lower()} {event.object}", event.component, event.message) for event in found]
        return Table(f"kubectl get events, reason {', '.join(reasons)}", ("about", "from", "message"), rows)

    def why(self) -> View:
        """What the rules of `aksdisks.inspection.diagnosis` make of it: those of one cause on one card."""
        causes: dict[tuple[str, str], list[Finding]] = {}
        for each in diagnose(self.inventory):
            causes.setdefault((each.rule, each.cause), []).append(each)
        return Stack([_card(alike) for alike in causes.values()] or [Card("Nothing to explain")])

    def _pods(self) -> list[Pod]:
        return [pod for pod in self.inventory.pods if any(map(self.scope, pod.claims))]

    def _disks(self) -> list[Disk]:
        return sorted(disks_of(self.inventory, self.scope), key=lambda disk: disk.claim_name)


def _place(pod: Pod) -> tuple[object, ...]:
    """By workload; a StatefulSet's pods by name, a Deployment's, whose names are random, the running first, by node."""
    ordered = pod.owner.startswith("StatefulSet/")
    return (pod.owner, False if ordered else not pod.ready, "" if ordered else pod.node, pod.name)


def _links(chain: Chain) -> list[Link]:
    def link(kind: str, value: Any, word: str, more: Callable[[Any], str], absent: str = "none") -> Link:
        azure = kind in ("disk", "machine")
        if value is None or isinstance(value, Unknown):
            return Link(kind, "-", absent if value is None else str(value), azure, waits=True)
        state = getattr(value, word) if word else ""
        waits = not value.ready if kind == "pod" else bool(word) and state not in ("Bound", "Attached")
        return Link(kind, value.name, ", ".join(filter(None, (state, more(value)))), azure, waits)

    return [
        link("pod", chain.pod, "status", lambda pod: pod.node or "no node yet"),
        link("claim", chain.claim, "phase", lambda _: ""),
        link("volume", chain.volume, "phase", lambda volume: str(volume.capacity), "none yet"),
        link("disk", chain.disk, "state", lambda disk: f"{show_gib(disk.size_gib)} {disk.sku}", "none yet"),
        link("machine", chain.machine, "", lambda machine: f"LUN {chain.lun}, {machine.size}"),
    ]


def _card(alike: Sequence[Finding]) -> Card:
    first = alike[0]
    rows = [(f"{row.source} says", f"{row.object}: {row.says}") for row in first.evidence]
    title = f"{_VERDICTS[first.verdict]}: {', '.join(each.object for each in alike)}"
    return Card(title, [("why", first.cause), *rows, ("next", first.next)])


def _phase(claim: Claim) -> str:
    return "Terminating" if claim.deleting else claim.phase


def _short(modes: Iterable[str]) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in modes)


def _remark(value: object) -> str:
    return f"Azure: {value}" if isinstance(value, Unknown) else ""
