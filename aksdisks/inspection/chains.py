"""The chain from a pod to the machine that has its disk, or to its share, joined from both sides' objects; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from aksdisks.model import (
    Attachment,
    Chain,
    Claim,
    Disk,
    Inventory,
    Machine,
    Pod,
    Unknown,
    Volume,
    id_key,
    known,
)


def join(inventory: Inventory) -> tuple[Chain, ...]:
    """The chains of an inventory: one for each pod and claim, then one for each claim that no pod mounts."""
    claims = {claim.key: claim for claim in inventory.claims}
    mounts = [(pod, key) for pod in inventory.pods for key in pod.claim_keys]
    mounted = {key for _, key in mounts}
    links: list[tuple[Pod | None, Claim | None]] = [(pod, claims.get(key)) for pod, key in mounts]
    links += [(None, claim) for claim in inventory.claims if claim.key not in mounted]
    volumes = {volume.name: volume for volume in inventory.volumes}
    ends = _Ends(inventory)
    return tuple(ends.chain(pod, claim, volumes.get(claim.volume) if claim else None) for pod, claim in links)


@dataclass(frozen=True)
class _Ends:
    """What a volume hangs on, by key: thousands of chains cost no search each. The case of ARM's ids does not count."""

    inventory: Inventory

    def chain(self, pod: Pod | None, claim: Claim | None, volume: Volume | None) -> Chain:
        """From a pod, or a claim that none mounts, as far as it goes."""
        if volume is None:
            return Chain(pod, claim)
        if volume.share is not None:
            files = self.inventory.files
            share = files if isinstance(files, Unknown) else files.share(volume.share)
            return Chain(pod, claim, volume, share=share)
        # A pod's attachment is the one to its own node: one that waits on another node has none. Without a pod, any.
        found = self._attachments.get(volume.name, ())
        attachment = next((each for each in found if pod is None or each.node == pod.node), None)
        if isinstance(self.inventory.disks, Unknown):
            unknown = self.inventory.disks
            return Chain(pod, claim, volume, attachment, unknown, unknown, unknown)
        disk = self._disks.get(id_key(volume.disk_id))
        # By what Azure alone says: Kubernetes' attachment is compared with it.
        holder = id_key(disk.managed_by) if disk else ""
        if isinstance(self.inventory.machines, Unknown):
            return Chain(pod, claim, volume, attachment, disk, self.inventory.machines, self.inventory.machines)
        machine = self._machines.get(holder) if holder else None
        luns = (
            [place.lun for place in machine.data_disks if disk and id_key(place.disk_id) == id_key(disk.id)]
            if machine
            else ()
        )
        return Chain(pod, claim, volume, attachment, disk, machine, next(iter(luns), None))

    @cached_property
    def _attachments(self) -> Mapping[str, list[Attachment]]:
        found: defaultdict[str, list[Attachment]] = defaultdict(list)
        for each in self.inventory.attachments:
            found[each.volume].append(each)
        return found

    @cached_property
    def _disks(self) -> Mapping[str, Disk]:
        return {id_key(disk.id): disk for disk in known(self.inventory.disks)}

    @cached_property
    def _machines(self) -> Mapping[str, Machine]:
        return machines_by_id(known(self.inventory.machines))


def machines_by_id(machines: Collection[Machine]) -> dict[str, Machine]:
    """By their ids, and as managedBy names a scale set's instance: `V_0`, where its id ends with `/0` (facts E)."""
    named = {id_key(f"{each.id.rpartition('/')[0]}/{each.name}"): each for each in machines}
    return named | {id_key(each.id): each for each in machines}
