"""An inventory's objects by key, for diagnosis and ownership: thousands of them cost no search each; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from aksdisks.inspection.chains import machines_by_id
from aksdisks.model import (
    Claim,
    Disk,
    Inventory,
    Machine,
    NotServed,
    Pod,
    Unknown,
    VolumeAttributesClass,
    VolumeSnapshot,
    VolumeSnapshotContent,
    id_key,
    known,
)

T = TypeVar("T")
ENDED = ("Succeeded", "Failed")
"""The phases of a pod that has ended, and so uses its volumes no more."""


@dataclass(frozen=True)
class Index:
    """What was read at one moment, by key. An object that is not found gives None; what is unknown says so itself."""

    inventory: Inventory

    def claim(self, key: str) -> Claim | None:
        """The claim of this `namespace/name`."""
        return self.claims.get(key)

    def snapshot(self, key: str) -> VolumeSnapshot | Unknown | None:
        """The VolumeSnapshot of this `namespace/name`; Unknown where they could not be read."""
        return _among(self.inventory.volume_snapshots, self._snapshots, key)

    def content(self, name: str) -> VolumeSnapshotContent | Unknown | None:
        """The VolumeSnapshotContent of this name; Unknown where they could not be read."""
        return _among(self.inventory.volume_snapshot_contents, self._contents, name)

    def attributes_class(self, name: str) -> VolumeAttributesClass | Unknown | None:
        """The VolumeAttributesClass of this name; Unknown where they could not be read."""
        return _among(self.inventory.volume_attributes_classes, self._attributes_classes, name)

    def filled_from(self, snapshot: str) -> tuple[Claim, ...]:
        """The claims that are to be filled from the VolumeSnapshot of this key, and are not yet."""
        return tuple(self._filled_from.get(snapshot, ()))

    def pods_of(self, claim: str) -> tuple[Pod, ...]:
        """The pods that mount the claim of this key and have not ended."""
        return tuple(pod for pod in self.mounting_pods.get(claim, ()) if pod.phase not in ENDED)

    @cached_property
    def claims(self) -> Mapping[str, Claim]:
        """The claims by `namespace/name`."""
        return {each.key: each for each in self.inventory.claims}

    @cached_property
    def mounting_pods(self) -> Mapping[str, list[Pod]]:
        """The pods that mount a claim by the claim's key, ended ones too."""
        return grouped((key, pod) for pod in self.inventory.pods for key in pod.claim_keys)

    @cached_property
    def disks_by_id(self) -> Mapping[str, Disk]:
        """Azure's disks by `id_key`."""
        return {id_key(each.id): each for each in known(self.inventory.disks)}

    @cached_property
    def machines_by_id(self) -> Mapping[str, Machine]:
        """Azure's machines by their ids, however managedBy names them."""
        return machines_by_id(known(self.inventory.machines))

    @cached_property
    def _snapshots(self) -> Mapping[str, VolumeSnapshot]:
        return {each.key: each for each in known(self.inventory.volume_snapshots)}

    @cached_property
    def _contents(self) -> Mapping[str, VolumeSnapshotContent]:
        return {each.name: each for each in known(self.inventory.volume_snapshot_contents)}

    @cached_property
    def _attributes_classes(self) -> Mapping[str, VolumeAttributesClass]:
        return {each.name: each for each in known(self.inventory.volume_attributes_classes)}

    @cached_property
    def _filled_from(self) -> Mapping[str, list[Claim]]:
        waiting = (each for each in self.inventory.claims if each.phase == "Pending")
        return grouped((each.source_key, each) for each in waiting if each.source_kind == "VolumeSnapshot")


def grouped(pairs: Iterable[tuple[str, T]]) -> Mapping[str, list[T]]:
    """The values by their keys, in their order."""
    found: defaultdict[str, list[T]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)


def _among(values: tuple[T, ...] | Unknown, by_key: Mapping[str, T], key: str) -> T | Unknown | None:
    """The value of this key; None where there is none, as where the cluster does not serve the kind."""
    unread = isinstance(values, Unknown) and not isinstance(values, NotServed)
    return values if isinstance(values, Unknown) and unread else by_key.get(key)
