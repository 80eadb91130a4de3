"""Joins both sides: pod, claim, volume, attachment, disk, machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from aksdisks.azure.compute import same
from aksdisks.inspection.slots import attached_disks
from aksdisks.model import Chain, Claim, Inventory, Machine, Pod, Unknown, Volume, known
from aksdisks.session.session import Session

T = TypeVar("T")


def take(session: Session) -> Inventory:
    """Read both sides now: the session's namespace, the cluster's nodes, the node resource group's disks and machines.

    The resource group's name is taken from a disk where there is one: in the nodes' providerID it is in lower case.
    """
    cluster, namespace = session.cluster, session.namespace
    claims = cluster.claims(namespace)
    volumes = tuple(volume for volume in cluster.volumes() if volume.claim_namespace == namespace)
    names = {volume.name for volume in volumes}
    disks, attachments = session.azure.disks(), cluster.attachments()
    inventory = Inventory(
        taken=datetime.now(UTC),
        namespace=namespace,
        nodes=cluster.nodes(),
        pods=tuple(sorted(cluster.pods(namespace), key=lambda pod: pod.name)),
        claims=tuple(sorted(claims, key=lambda claim: claim.name)),
        volumes=tuple(sorted(volumes, key=lambda volume: volume.claim_name)),
        attachments=tuple(entry for entry in attachments if entry.volume in names),
        attached=attached_disks(attachments),
        events=cluster.events(namespace),
        classes=cluster.classes(),
        disks=disks,
        machines=session.azure.machines(),
        resource_group=next((disk.resource_group for disk in known(disks)), session.azure.resource_group),
    )
    return replace(inventory, chains=join(inventory))


def join(inventory: Inventory) -> tuple[Chain, ...]:
    """The chains of an inventory: one for each pod and claim, then one for each claim that no pod mounts; pure."""
    claims = {claim.name: claim for claim in inventory.claims}
    mounts = [(pod, name) for pod in inventory.pods for name in pod.claims]
    mounted = {name for _, name in mounts}
    links: list[tuple[Pod | None, Claim | None]] = [(pod, claims.get(name)) for pod, name in mounts]
    links += [(None, claim) for claim in inventory.claims if claim.name not in mounted]
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
    # The machine is that of Azure's word alone: it is what Kubernetes' word is compared with.
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
