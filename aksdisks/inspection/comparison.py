"""What Kubernetes says about disks and what Azure says, as sets that can be compared; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from aksdisks.inspection.diagnosis.multi_attach import multi_attach_events
from aksdisks.model import Chain, Disk, Inventory, Machine, Unknown, Volume, known
from aksdisks.model.checks import Check, check
from aksdisks.quantities import gib
from aksdisks.waiting import listed

Said = frozenset[Any] | tuple[Any, ...] | Unknown
"""A set, a sequence where the order matters, or why it cannot be known."""

Scope = Callable[[str], bool]
"""Which claims are looked at, by name."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one of the two says, from its own objects; a name means the same on both sides. Disks go by name."""

    nodes: Said  # names; Azure: of the node that each machine is
    disks: Said  # (disk, GiB); Kubernetes: what volumes promise
    owners: Said  # (disk, namespace/claim); Azure: by tags
    claims: Said  # names of those that have a disk; Azure: by tags
    places: Said  # (disk, node); Kubernetes: where running pods use it, Azure: whose machine holds it
    running: Said  # pods; Azure: whose machine holds their disk
    refused: Said  # pods; Kubernetes: with a standing Multi-Attach event, Azure: whose disk another machine holds
    unused: Said  # disks; Kubernetes: of claims that no pod mounts, Azure: unattached
    births: Said  # (disk, when it was made): the same pair later is the same disk

    def minus(self, other: Side) -> Side:
        """What this side says and the other does not; unknown where either is."""
        return Side(**{each.name: minus(getattr(self, each.name), getattr(other, each.name)) for each in fields(Side)})


def kubernetes_side(inventory: Inventory, scope: Scope) -> Side:
    """What the API server says about the claims in scope."""
    volumes = [volume for volume in inventory.volumes if volume.disk_id and scope(volume.claim_name)]
    chains = _live(inventory, scope)
    names = {chain.pod.name for chain in chains if chain.pod}
    used = {key for pod in inventory.pods for key in pod.claim_keys}
    ready = [(chain.pod, _disk(chain.volume)) for chain in chains if chain.pod and chain.pod.ready]
    return _side(
        [(_disk(v), gib(v.capacity), v.claim, v.created, v.claim not in used) for v in volumes],
        nodes=frozenset(node.name for node in inventory.nodes),
        places=frozenset((disk, pod.node) for pod, disk in ready if disk),
        running=frozenset(pod.name for pod, _ in ready),
        refused=frozenset(event.object for event in multi_attach_events(inventory) if event.object in names),
    )


def azure_side(inventory: Inventory, scope: Scope) -> Side:
    """What Azure Resource Manager says about the disks whose tags name a claim in scope."""
    disks, machines = inventory.disks, inventory.machines
    if isinstance(disks, Unknown) or isinstance(machines, Unknown):
        why = disks if isinstance(disks, Unknown) else machines
        return Side(**{each.name: why for each in fields(Side)})
    own = disks_of(inventory, scope)
    names = {disk.id.lower(): disk.name for disk in own}
    places = frozenset(
        (names[held.disk_id.lower()], machine.node)
        for machine in machines
        for held in machine.data_disks
        if held.disk_id.lower() in names and not held.leaving
    )
    placed = [(chain.pod, chain.volume) for chain in _live(inventory, scope) if chain.volume]
    pods = [(pod.name, (_disk(volume), pod.node) in places) for pod, volume in placed if pod and pod.node]
    return _side(
        [(disk.name, disk.size_gib, disk.claim, disk.created, not disk.managed_by) for disk in own],
        nodes=frozenset(machine.node for machine in machines),
        places=places,
        running=frozenset(name for name, near in pods if near),
        refused=frozenset(name for name, near in pods if not near),
    )


def disks_of(inventory: Inventory, scope: Scope) -> list[Disk]:
    """Azure's disks whose tags name a claim in scope."""
    own = [disk for disk in known(inventory.disks) if inventory.namespace in (None, disk.claim_namespace)]
    return [disk for disk in own if scope(disk.claim_name)]


def _side(disks: Sequence[tuple[str, int | None, str, datetime | None, bool]], **said: Said) -> Side:
    """What one side says, of rows (disk, GiB, namespace/claim, when it was made, whether it is unused)."""
    return Side(
        disks=frozenset((name, size) for name, size, *_ in disks),
        owners=frozenset((name, claim) for name, _, claim, *_ in disks),
        claims=frozenset(claim.rpartition("/")[2] for _, _, claim, *_ in disks),
        births=frozenset((name, born) for name, _, _, born, _ in disks),
        unused=frozenset(name for name, *_, unused in disks if unused),
        **said,
    )


def check_agreement(
    statement: str,
    one: Said,
    other: Said,
    *,
    count: int | None = None,
    sides: tuple[str, str] = ("Kubernetes", "Azure"),
) -> Check:
    """The check that both sides say the same, of `count` things (None: of at least one); unknown where either is."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return check(statement, equal(one, other), "only one side could be asked")
    if one != other or (count is None and not one) or count not in (None, len(one)):
        expected = "" if count is None else f"; expected {count}"
        return check(statement, False, f"{sides[0]}: {_listed(one)}; {sides[1]}: {_listed(other)}{expected}")
    # Numbers only: names differ from run to run, stand in the view above, and would never compare equal.
    seen = f"{sides[0]}: {len(one)}, {sides[1]}: the same {len(other)}" if one else "none on either side"
    return check(statement, True, seen)


def _listed(said: frozenset[Any] | tuple[Any, ...]) -> str:
    texts = [" on ".join(map(str, item)) if isinstance(item, tuple) else str(item) for item in said]
    return listed(texts if isinstance(said, tuple) else sorted(texts), 6)


def by_age(births: Said) -> Said:
    """The names, oldest first."""
    if isinstance(births, Unknown):
        return births
    return tuple(name for name, born in sorted(births, key=lambda pair: (pair[1], pair[0])))


def second_node(inventory: Inventory, scope: Scope) -> bool | Unknown:
    """Whether a pod sits on a second node that its volume admits, without which there is no Multi-Attach."""
    nodes = {node.name: node for node in inventory.nodes}
    for chain in _live(inventory, scope):
        pod, volume = chain.pod, chain.volume
        if pod and volume and pod.node in nodes:
            told = [each for each in inventory.attachments if each.volume == volume.name]
            holders = {each.node for each in told if each.attached}
            if not told and isinstance(chain.machine, Machine):  # in-tree disks have no VolumeAttachment
                holders = {chain.machine.node}
            admitted = not volume.zones or nodes[pod.node].disk_zone in volume.zones
            if admitted and holders and pod.node not in holders:
                return True
    return Unknown(f"no pod sits on a second node that the volume admits; nodes in the cluster: {len(nodes)}")


def equal(one: Said, other: Said) -> bool | Unknown:
    """Whether both say the same; unknown where either is."""
    for said in (one, other):
        if isinstance(said, Unknown):
            return said
    return one == other


def _live(inventory: Inventory, scope: Scope) -> list[Chain]:
    """The chains of pods that are not on their way out, and whose volumes are no other driver's."""
    chains = [c for c in inventory.chains if c.pod and not c.pod.deleting and c.claim and scope(c.claim.name)]
    return [chain for chain in chains if chain.volume is None or chain.volume.disk_id]


def _disk(volume: Volume | None) -> str:
    return volume.disk_name if volume else ""


def minus(left: Said, right: Said) -> Said:
    """What the left one says and the right one does not; unknown where either is."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return left if isinstance(left, Unknown) else right
    return frozenset(left) - frozenset(right)
