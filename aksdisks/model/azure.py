"""Azure's disks and machines as frozen values."""

# `at` and the like make a new field at each call, as `field` itself does.
# ruff: noqa: RUF009

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from aksdisks.model.decoding import Decoded, at, find, listed, mapping, read, texts, time, whole

CLUSTER_TAG = "aks-managed-cluster-name"
"""The tag with the managed cluster's name on what AKS makes in Azure, the node resource group among it."""


def id_key(arm_id: str) -> str:
    """An ARM id as it is compared: its case does not count."""
    return arm_id.rstrip("/").lower()


def group_of(raw: Any) -> str:
    """The fourth part of an ARM id; empty for another id."""
    parts = str(find(raw, "id", "")).split("/")
    return parts[4] if len(parts) > 4 else ""


def tags_of(raw: Any) -> dict[str, str]:
    """The tags of a resource; what is no text is left out."""
    return {key: value for key, value in mapping(raw, "tags").items() if isinstance(value, str)}


def _completion(raw: Any) -> float | None:
    """How much of a copy is there; 0 is a value here, which `at` takes for none."""
    percent = mapping(raw, "properties").get("completionPercent")
    return float(percent) if isinstance(percent, int | float) else None


def _holders(raw: Any) -> tuple[str, ...]:
    shares = [each.get("vmUri") for each in listed(raw, "properties.shareInfo")]
    found = [find(raw, "managedBy"), *texts(raw, "managedByExtended"), *shares]
    return tuple(dict.fromkeys(each for each in found if each and isinstance(each, str)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk(Decoded):
    """An Azure managed disk; `managed_by` is the id of the machine that holds it, empty when unattached.

    `os_type` is filled where a machine starts from it. `owner_changed` is when it was attached or detached last;
    `unique_id` is another one for a disk re-made by its name. `holders` are all machines that have it, a shared disk's
    others too. `source` is what it is a copy of, and `completion` how many percent of that are there; None where Azure
    does not say.
    """

    id: str = at("id")
    name: str = at("name")
    resource_group: str = read(group_of, "")
    size_gib: int | None = whole("properties.diskSizeGB")
    sku: str = at("sku.name")
    tier: str = at("properties.tier")
    state: str = at("properties.diskState")
    managed_by: str = at("managedBy")
    tags: Mapping[str, str] = read(tags_of, {})
    created: datetime | None = time("properties.timeCreated")
    zones: tuple[str, ...] = at("zones", ())
    provisioning_state: str = at("properties.provisioningState")
    unique_id: str = at("properties.uniqueId")
    owner_changed: datetime | None = time("properties.LastOwnershipUpdateTime")
    iops: int | None = whole("properties.diskIOPSReadWrite")
    mbps: int | None = whole("properties.diskMBpsReadWrite")
    holders: tuple[str, ...] = read(_holders, ())
    source: str = at("properties.creationData.sourceResourceId")
    completion: float | None = read(_completion)
    location: str = at("location")
    os_type: str = at("properties.osType")

    @property
    def claim_namespace(self) -> str:
        """The namespace of the claim that it was made for, by its tags (facts: CSI docs/driver-parameters.md)."""
        return self.tags.get("kubernetes.io-created-for-pvc-namespace", "")

    @property
    def claim_name(self) -> str:
        """The name of that claim."""
        return self.tags.get("kubernetes.io-created-for-pvc-name", "")

    @property
    def claim(self) -> str:
        """Both, as kubectl shows it."""
        return f"{self.claim_namespace}/{self.claim_name}" if self.claim_name else ""

    @property
    def volume(self) -> str:
        """The PersistentVolume that it was made for, by its tags."""
        return self.tags.get("kubernetes.io-created-for-pv-name", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSnapshot(Decoded):
    """An Azure snapshot of a disk; `source` is the id of the disk that it was made of.

    `completion` is how much is copied, in percent, where Azure copies on after it is there; None elsewhere.
    """

    id: str = at("id")
    name: str = at("name")
    resource_group: str = read(group_of, "")
    size_gib: int | None = whole("properties.diskSizeGB")
    sku: str = at("sku.name")
    state: str = at("properties.diskState")
    provisioning_state: str = at("properties.provisioningState")
    completion: float | None = read(_completion)
    incremental: bool = at("properties.incremental", False)
    source: str = at("properties.creationData.sourceResourceId")
    created: datetime | None = time("properties.timeCreated")
    unique_id: str = at("properties.uniqueId")
    tags: Mapping[str, str] = read(tags_of, {})
    location: str = at("location")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDisk(Decoded):
    """A place on a machine where a disk sits, in Azure's words; `leaving` while it is detached."""

    lun: int = at("lun", 0)
    disk_id: str = at("managedDisk.id")
    leaving: bool = at("toBeDetached", False)


def _power(raw: Any) -> str:
    codes = [str(find(each, "code", "")) for each in listed(raw, "properties.instanceView.statuses")]
    return next((code.partition("/")[2] for code in codes if code.startswith("PowerState/")), "")


def _held_disks(raw: Any) -> tuple[DataDisk, ...]:
    disks = map(DataDisk.of, listed(raw, "properties.storageProfile.dataDisks"))
    return tuple(sorted(disks, key=lambda disk: disk.lun))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Decoded):
    """An Azure machine: a scale set's instance (`kind` vmss) or a virtual machine (`kind` vm).

    `power` is the instance view's power state, such as `running` or `deallocated`; empty where that was not asked for.
    """

    id: str = at("id")
    name: str = at("name")
    node: str = read(lambda raw: str(find(raw, "properties.osProfile.computerName name", "")).lower(), "")
    kind: Literal["vmss", "vm"] = read(
        lambda raw: "vmss" if "/virtualmachinescalesets/" in str(find(raw, "id")).lower() else "vm", "vm"
    )
    size: str = at("properties.hardwareProfile.vmSize sku.name")
    zones: tuple[str, ...] = at("zones", ())
    provisioning_state: str = at("properties.provisioningState")
    power: str = read(_power, "")
    data_disks: tuple[DataDisk, ...] = read(_held_disks, ())

    @property
    def stopped(self) -> bool | None:
        """Whether it has stopped, so that nothing on it writes any more; None where its power was not asked for."""
        return self.power in ("stopped", "deallocated") if self.power else None
