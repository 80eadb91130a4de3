"""An inventory with indexes: everything that rules look up by key, so that thousands of pods cost no search each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from aksdisks.inspection.index import Index, grouped
from aksdisks.model import (
    FILE_DRIVERS,
    Attachment,
    Disk,
    KubeEvent,
    Machine,
    Named,
    Node,
    Pod,
    StorageClass,
    Unknown,
    Volume,
    Workload,
    id_key,
    known,
)


@dataclass(frozen=True)
class Seen(Index):
    """What was read at one moment, by key, as rules of causes look it up."""

    def saw(self, *kinds: str) -> bool:
        """Whether all these kinds could be read: only then what is not found is not there."""
        return not any(kind in self.inventory.unreadable for kind in kinds)

    def age(self, moment: datetime | None) -> float | None:
        """How long ago that was at least, in cluster seconds and never below 0; None for no moment.

        Kubernetes writes most times in whole seconds, rounded down. In a lab whose time runs faster such a second is
        minutes of cluster time, so there it does not count.
        """
        if moment is None:
            return None
        scale = self.inventory.time_scale
        rounded = 1.0 if scale > 1 and not moment.microsecond else 0.0
        return max(0.0, (self.inventory.taken - moment).total_seconds() - rounded) * scale

    def node(self, name: str) -> Node | None:
        """The node of this name."""
        return self._nodes.get(name)

    def lost(self, name: str) -> bool:
        """Whether a node is known to be NotReady or no longer there; False also where nodes could not be read."""
        node = self.node(name)
        return bool(name) and (not node.ready if node else self.gone(name))

    def gone(self, name: str) -> bool:
        """Whether Kubernetes has no node of this name (any more); False where nodes could not be read."""
        return self.node(name) is None and self.saw("Node")

    def volume(self, name: str) -> Volume | None:
        """The volume of this name."""
        return self._volumes.get(name)

    def storage_class(self, name: str) -> StorageClass | None:
        """The class of this name."""
        return self._classes.get(name)

    def workload(self, kind: str, namespace: str, name: str) -> Workload | None:
        """The Deployment, ReplicaSet or StatefulSet; None also where workloads were not read."""
        return self._workloads.get((kind, namespace, name))

    def pod(self, key: str) -> Pod | None:
        """The pod of this `namespace/name`."""
        return self._pods.get(key)

    def users_of(self, claim: str) -> tuple[Pod, ...]:
        """The pods that keep a claim from being deleted: those on a node, ended ones too.

        Source: kubernetes pkg/controller/volume/pvcprotection/pvc_protection_controller.go podUsesPVC.
        """
        return tuple(pod for pod in self.mounting_pods.get(claim, ()) if pod.node)

    def attachments_of(self, volume: str) -> tuple[Attachment, ...]:
        """The attachments of a volume, to whatever node."""
        return tuple(self._attachments.get(volume, ()))

    def attachments_on(self, node: str) -> tuple[Attachment, ...]:
        """The attachments to a node, as far as their volumes were read."""
        return tuple(self._attachments_on.get(node, ()))

    def events_of(self, about: Named, *reasons: str) -> tuple[KubeEvent, ...]:
        """The events of an object with one of these reasons (none: all), oldest first."""
        found = self._events.get(about.uid, ()) if about.uid else ()
        return tuple(each for each in found if not reasons or each.reason in reasons)

    def content_events(self, content: str, *reasons: str) -> tuple[KubeEvent, ...]:
        """The events with one of these reasons about the VolumeSnapshotContent of this name, oldest first."""
        found = (each for each in self.inventory.events if each.object == content and each.reason in reasons)
        return tuple(each for each in found if each.kind == "VolumeSnapshotContent")

    def disk(self, disk_id: str) -> Disk | Unknown | None:
        """Azure's disk of this id, whose case does not count; Unknown where Azure does not tell."""
        disks = self.inventory.disks
        return disks if isinstance(disks, Unknown) else self.disks_by_id.get(id_key(disk_id))

    def machine(self, node: str) -> Machine | Unknown | None:
        """Azure's machine of this node's name; Unknown where Azure does not tell."""
        machines = self.inventory.machines
        return machines if isinstance(machines, Unknown) else self._machines.get(node.lower())

    def node_of(self, machine_id: str) -> str:
        """The node whose machine this is, by a disk's managedBy or a machine's id; empty for a machine of no node.

        In managedBy a scale set's instance ends with its name (facts E).
        """
        machine = self.machines_by_id.get(id_key(machine_id))
        return machine.node if machine else self._node_of_machine.get(_instance(machine_id), "")

    def lists(self, resource_id: str) -> bool:
        """Whether Azure was asked for the disks and machines of the resource group that this id stands in."""
        group = re.search(r"/resourcegroups/([^/]+)/", resource_id.lower())
        inventory = self.inventory
        asked = not isinstance(inventory.disks, Unknown) and not isinstance(inventory.machines, Unknown)
        return bool(asked and group and group[1] == inventory.resource_group.lower())

    def named(self, disk_id: str) -> str:
        """Whose disk an id names, for people: its volume and claim where they are known, else what its tags say."""
        wanted = id_key(disk_id)
        volume = next(iter(self.volumes_by_disk.get(wanted, ())), None)
        if volume is not None:
            return f"volume {volume.name}" + (f" of claim {volume.claim}" if volume.claim else "")
        disk = self.disk(disk_id)
        if isinstance(disk, Disk) and disk.claim:
            return f"disk {disk.name}, made for claim {disk.claim}"
        return f"disk {disk_id.rstrip('/').rpartition('/')[2]}"

    def driver_worked(self, driver: str) -> datetime | None:
        """When an event last told that the driver made or attached something; None where none tells it."""
        return self._worked.get(driver in FILE_DRIVERS)

    @cached_property
    def _worked(self) -> Mapping[bool, datetime]:
        """By whether it was the driver of Azure Files, which attaches nothing; the provisioner says whose it is."""
        found: dict[bool, datetime] = {}
        for event in self.inventory.events:
            if event.last and event.reason in ("SuccessfulAttachVolume", "ProvisioningSucceeded"):
                files = event.component.startswith(FILE_DRIVERS[0])
                found[files] = max(event.last, found.get(files, event.last))
        return found

    @cached_property
    def _node_of_machine(self) -> Mapping[str, str]:
        return {_instance(node.provider_id): node.name for node in self.inventory.nodes if node.provider_id}

    @cached_property
    def _nodes(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.inventory.nodes}

    @cached_property
    def _volumes(self) -> Mapping[str, Volume]:
        return {volume.name: volume for volume in self.inventory.volumes}

    @cached_property
    def volumes_by_disk(self) -> Mapping[str, list[Volume]]:
        """The volumes by the `id_key` of their disk: two may name one."""
        return grouped((id_key(volume.disk_id), volume) for volume in self.inventory.volumes if volume.disk_id)

    @cached_property
    def _classes(self) -> Mapping[str, StorageClass]:
        return {each.name: each for each in self.inventory.classes}

    @cached_property
    def _workloads(self) -> Mapping[tuple[str, str, str], Workload]:
        return {(each.kind, each.namespace, each.name): each for each in known(self.inventory.workloads)}

    @cached_property
    def _pods(self) -> Mapping[str, Pod]:
        return {pod.key: pod for pod in self.inventory.pods}

    @cached_property
    def _attachments(self) -> Mapping[str, list[Attachment]]:
        return grouped((each.volume, each) for each in self.inventory.attachments)

    @cached_property
    def _attachments_on(self) -> Mapping[str, list[Attachment]]:
        return grouped((each.node, each) for each in self.inventory.attachments)

    @cached_property
    def _events(self) -> Mapping[str, list[KubeEvent]]:
        return grouped((event.object_uid, event) for event in self.inventory.events)

    @cached_property
    def _machines(self) -> Mapping[str, Machine]:
        return {machine.node: machine for machine in known(self.inventory.machines)}


def _instance(machine_id: str) -> str:
    """One spelling of a machine's id: a scale set's instance ends with `/0` in a providerID, `/SET_0` in managedBy."""
    place = machine_id.lower().removeprefix("azure://").rstrip("/")
    return re.sub(r"(/virtualmachinescalesets/([^/]+)/virtualmachines/)\2_", r"\1", place)
