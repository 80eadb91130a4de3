"""Joins both sides: pod, claim, volume, attachment, disk, machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from aksdisks.azure import Azure, same
from aksdisks.model import Attachment, Chain, Claim, Disk, Inventory, Machine, Pod, Unknown, Volume, known
from aksdisks.session import Session


def take(session: Session) -> Inventory:
    """Read both sides now: the session's namespace, the cluster's nodes, the node resource group's disks and machines.

    The resource group's name is taken from a disk where there is one: in the nodes' providerID it is in lower case.
    """
    cluster, namespace = session.cluster, session.namespace
    claims = cluster.claims(namespace)
    volumes = tuple(volume for volume in cluster.volumes() if volume.claim_namespace == namespace)
    names = {volume.name for volume in volumes}
    azure = session.azure
    disks = azure.disks() if isinstance(azure, Azure) else azure
    inventory = Inventory(
        taken=datetime.now(UTC),
        namespace=namespace,
        nodes=cluster.nodes(),
        pods=tuple(sorted(cluster.pods(namespace), key=lambda pod: pod.name)),
        claims=tuple(sorted(claims, key=lambda claim: claim.name)),
        volumes=tuple(sorted(volumes, key=lambda volume: volume.claim_name)),
        attachments=tuple(entry for entry in cluster.attachments() if entry.volume in names),
        events=cluster.events(namespace),
        classes=cluster.classes(),
        disks=disks,
        machines=azure.machines() if isinstance(azure, Azure) else azure,
        resource_group=next((disk.resource_group for disk in known(disks)), getattr(azure, "resource_group", "")),
    )
    return replace(inventory, chains=join(inventory))


def join(inventory: Inventory) -> tuple[Chain, ...]:
    """The chains of an inventory: one for each pod and claim, then one for each claim that no pod mounts; pure."""
    claims = {claim.name: claim for claim in inventory.claims}
    mounted: set[str] = set()
    chains = []
    for pod in inventory.pods:
        for name in pod.claims:
            mounted.add(name)
            chains.append(_chain(inventory, pod, claims.get(name)))
    chains += [_chain(inventory, None, claim) for claim in inventory.claims if claim.name not in mounted]
    return tuple(chains)


def _chain(inventory: Inventory, pod: Pod | None, claim: Claim | None) -> Chain:
    volume = _volume(inventory, claim)
    if volume is None:
        return Chain(pod, claim)
    attachment = _attachment(inventory, pod, volume)
    disk = _disk(inventory, volume)
    machine = _machine(inventory, disk)
    return Chain(pod, claim, volume, attachment, disk, machine, _lun(machine, disk))


def _volume(inventory: Inventory, claim: Claim | None) -> Volume | None:
    if claim is None or not claim.volume:
        return None
    return next((volume for volume in inventory.volumes if volume.name == claim.volume), None)


def _attachment(inventory: Inventory, pod: Pod | None, volume: Volume) -> Attachment | None:
    """The attachment to the pod's own node: a pod that waits on another node has none. Without a pod, any."""
    found = [entry for entry in inventory.attachments if entry.volume == volume.name]
    if pod is not None:
        found = [entry for entry in found if entry.node == pod.node]
    return next(iter(found), None)


def _disk(inventory: Inventory, volume: Volume) -> Disk | Unknown | None:
    if isinstance(inventory.disks, Unknown):
        return inventory.disks
    return next((disk for disk in inventory.disks if same(disk.id, volume.disk_id)), None)


def _machine(inventory: Inventory, disk: Disk | Unknown | None) -> Machine | Unknown | None:
    """The machine that holds the disk, by Azure's word alone: it is what Kubernetes' word is compared with."""
    if isinstance(disk, Unknown):
        return disk
    if isinstance(inventory.machines, Unknown):
        return inventory.machines
    if disk is None or not disk.managed_by:
        return None
    return next((machine for machine in inventory.machines if _manages(disk.managed_by, machine)), None)


def _manages(managed_by: str, machine: Machine) -> bool:
    """For a scale set's instance managedBy ends with its name, `V_0`, where its id ends with `/0` (facts E)."""
    return same(managed_by, machine.id) or same(managed_by, f"{machine.id.rpartition('/')[0]}/{machine.name}")


def _lun(machine: Machine | Unknown | None, disk: Disk | Unknown | None) -> int | Unknown | None:
    if isinstance(machine, Unknown):
        return machine
    if machine is None or not isinstance(disk, Disk):
        return None
    return next((place.lun for place in machine.data_disks if same(place.disk_id, disk.id)), None)
