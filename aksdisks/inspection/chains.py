"""The chain from a pod to the machine that has its disk, joined from both sides' objects; pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aksdisks.azure.compute import same
from aksdisks.model import Chain, Claim, Inventory, Machine, Pod, Unknown, Volume

T = TypeVar("T")


def join(inventory: Inventory) -> tuple[Chain, ...]:
    """The chains of an inventory: one for each pod and claim, then one for each claim that no pod mounts."""
    claims = {claim.key: claim for claim in inventory.claims}
    mounts = [(pod, key) for pod in inventory.pods for key in pod.claim_keys]
    mounted = {key for _, key in mounts}
    links: list[tuple[Pod | None, Claim | None]] = [(pod, claims.get(key)) for pod, key in mounts]
    links += [(None, claim) for claim in inventory.claims if claim.key not in mounted]
    volumes = {volume.name: volume for volume in inventory.volumes}
    return tuple(_chain(inventory, pod, claim, volumes.get(claim.volume) if claim else None) for pod, claim in links)


def _chain(inventory: Inventory, pod: Pod | None, claim: Claim | None, volume: Volume | None) -> Chain:
    if volume is None:
        return Chain(pod, claim)
    # A pod's attachment is the one to its own node: one that waits on another node has none. Without a pod, any.
    found = [each for each in inventory.attachments if each.volume == volume.name]
    attachment = next((each for each in found if pod is None or each.node == pod.node), None)
    disk = _first(inventory.disks, lambda disk: same(disk.id, volume.disk_id))
    if isinstance(disk, Unknown):
        return Chain(pod, claim, volume, attachment, disk, disk, disk)
    # By what Azure alone says: Kubernetes' attachment is compared with it.
    holder = disk.managed_by if disk else ""
    machine = _first(inventory.machines, lambda machine: bool(holder) and _manages(holder, machine))
    if isinstance(machine, Unknown):
        return Chain(pod, claim, volume, attachment, disk, machine, machine)
    luns = [place.lun for place in machine.data_disks if disk and same(place.disk_id, disk.id)] if machine else []
    return Chain(pod, claim, volume, attachment, disk, machine, next(iter(luns), None))


def _first(among: tuple[T, ...] | Unknown, fits: Callable[[T], bool]) -> T | Unknown | None:
    return among if isinstance(among, Unknown) else next(filter(fits, among), None)


def _manages(managed_by: str, machine: Machine) -> bool:
    """For a scale set's instance managedBy ends with its name, `V_0`, where its id ends with `/0` (facts E)."""
    return same(managed_by, machine.id) or same(managed_by, f"{machine.id.rpartition('/')[0]}/{machine.name}")
