"""A managed disk: its state, what size and SKU give it, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aksdisks.lab import lifecycles
from aksdisks.lab.arm.bodies import section
from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.resources.operations import azure_time
from aksdisks.lab.persistence.records import Observable
from aksdisks.lab.scenario import DISK_SKUS

Json = dict[str, Any]

SKUS = DISK_SKUS
MAX_GIB = 32767
PROVISIONED = ("PremiumV2_LRS", "UltraSSD_LRS")
"""Disks whose performance is asked for; they are zonal, have no host cache, and no tiers."""
MAX_PROVISIONED_GIB = 65536

PREMIUM_TIERS = (
    (4, "P1", 120, 25),
    (8, "P2", 120, 25),
    (16, "P3", 120, 25),
    (32, "P4", 120, 25),
    (64, "P6", 240, 50),
    (128, "P10", 500, 100),
    (256, "P15", 1100, 125),
    (512, "P20", 2300, 150),
    (1024, "P30", 5000, 200),
    (2048, "P40", 7500, 250),
    (4096, "P50", 7500, 250),
    (8192, "P60", 16000, 500),
    (16384, "P70", 18000, 750),
    (32767, "P80", 20000, 900),
)
"""Up to GiB, tier, IOPS, MB/s (facts D: azure-docs includes/disk-storage-premium-ssd-sizes.md)."""

STANDARD_SSD_LIMITS = ((4096, 500, 100), (8192, 2000, 400), (16384, 4000, 600), (32767, 6000, 750))
STANDARD_LIMITS = ((4096, 500, 60), (8192, 1300, 300), (32767, 2000, 500))
"""Up to GiB, IOPS, MB/s (azure-docs includes/disk-storage-standard-ssd-sizes.md, …-standard-hdd-sizes.md)."""


SHARES = ((512, 3), (4096, 5), (32767, 10))
PROVISIONED_SHARES = 15
"""Up to GiB, machines that may have an SSD at the same time (azure-docs virtual-machines/disks-shared.md)."""


def most_shares(sku: str, size_gib: int) -> int:
    """How many machines a disk may be attached to at the same time."""
    if sku in PROVISIONED:
        return PROVISIONED_SHARES
    if sku == "Standard_LRS":
        return 1
    return next(shares for limit, shares in SHARES if size_gib <= limit)


def performance(sku: str, size_gib: int) -> tuple[str, int, int]:
    """Tier (empty where the SKU has none), IOPS and MB/s of a disk: those of the next size up."""
    if sku.startswith("Premium_"):
        return next((tier, iops, rate) for limit, tier, iops, rate in PREMIUM_TIERS if size_gib <= limit)
    if sku in PROVISIONED:
        return "", 3000, 125
    limits = STANDARD_LIMITS if sku == "Standard_LRS" else STANDARD_SSD_LIMITS
    return next(("", iops, rate) for limit, iops, rate in limits if size_gib <= limit)


@dataclass(eq=False)
class Disk(Observable):
    """One disk as Azure holds it; `managed_by` is the machine's id, empty while no machine has it.

    A shared disk (`max_shares` above 1) has `others` besides. `source_id`: what it is a copy of.
    """

    id: str
    group: str
    name: str
    location: str
    sku: str
    size_gib: int
    unique_id: str
    created: datetime
    tags: dict[str, str] = field(default_factory=dict)
    zones: tuple[str, ...] = ()
    create_option: str = "Empty"
    os_type: str = ""
    network_access_policy: str = "AllowAll"
    public_network_access: str = "Enabled"
    tier: str | None = None
    iops: int | None = None
    mbps: int | None = None
    provisioning_state: str = "Succeeded"
    state: str = lifecycles.DISK.initial
    managed_by: str = ""
    owner_changed: datetime | None = None
    max_shares: int | None = None
    others: tuple[str, ...] = ()
    source_id: str = ""
    source_unique_id: str = ""

    @property
    def key(self) -> str:
        """What it is found by: the id without case."""
        return self.id.lower()

    @property
    def shared(self) -> bool:
        """Several machines may have it."""
        return (self.max_shares or 1) > 1

    @property
    def holders(self) -> tuple[str, ...]:
        """The ids of the machines that have it."""
        return (self.managed_by, *self.others) if self.managed_by else ()

    def attach(self, machine_id: str, now: datetime) -> None:
        """One more machine has it. Raises `lifecycles.IllegalStep`."""
        if not self.managed_by:
            self.step("attached", managed_by=machine_id, now=now)
        elif machine_id not in self.holders:
            if self.state == "Reserved":
                self.step("machine started", managed_by=self.managed_by, now=now)
            self.others, self.owner_changed = (*self.others, machine_id), now

    def detach(self, machine_id: str, now: datetime) -> None:
        """That machine has it no longer, if it had. Raises `lifecycles.IllegalStep`."""
        left = tuple(holder for holder in self.holders if holder != machine_id)
        if left == self.holders:
            return
        self.others = left[1:]
        if left:
            self.managed_by, self.owner_changed = left[0], now
        else:
            self.step("detached", managed_by="", now=now)

    def step(self, step: str, *, managed_by: str, now: datetime) -> None:
        """Take a step of its life, and the owner that comes with it. Raises `lifecycles.IllegalStep`."""
        self.state = lifecycles.DISK.after(self.state, step)
        self.managed_by, self.owner_changed = managed_by, now

    def to_json(self) -> Json:
        """As a GET answers it (facts E, Disk)."""
        tier, iops, rate = performance(self.sku, self.size_gib)
        if self.tier is not None:
            tier, iops, rate = self.tier, *next(row[2:] for row in PREMIUM_TIERS if row[1] == self.tier)
        creation: Json = {"createOption": self.create_option}
        if self.create_option == "FromImage":
            creation["imageReference"] = {"id": _image_id(self.id)}
        if self.source_id:
            creation |= {"sourceResourceId": self.source_id, "sourceUniqueId": self.source_unique_id}
        properties: Json = {
            "creationData": creation,
            "diskSizeGB": self.size_gib,
            "diskIOPSReadWrite": self.iops or iops,
            "diskMBpsReadWrite": self.mbps or rate,
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "networkAccessPolicy": self.network_access_policy,
            "publicNetworkAccess": self.public_network_access,
            "timeCreated": azure_time(self.created),
            "provisioningState": self.provisioning_state,
            "diskState": self.state,
            "diskSizeBytes": self.size_gib * 1024**3,
            "uniqueId": self.unique_id,
        }
        if self.os_type:
            properties = {"osType": self.os_type, "hyperVGeneration": "V2", **properties}
        if tier:
            properties["tier"] = tier
        if self.max_shares is not None:
            properties["maxShares"] = self.max_shares
        if self.shared and self.holders:
            properties["shareInfo"] = [{"vmUri": holder} for holder in self.holders]
        if self.owner_changed is not None:
            properties["LastOwnershipUpdateTime"] = azure_time(self.owner_changed)
        body: Json = {
            "name": self.name,
            "id": self.id,
            "type": "Microsoft.Compute/disks",
            "location": self.location,
        }
        if self.tags:
            body["tags"] = dict(self.tags)
        if self.zones:
            body["zones"] = list(self.zones)
        if self.managed_by:
            body["managedBy"] = self.managed_by
        if self.shared and self.holders:
            body["managedByExtended"] = list(self.holders)
        return {**body, "sku": {"name": self.sku, "tier": self.sku.partition("_")[0]}, "properties": properties}

    def accepted_json(self, asked: Json, *, fresh: bool) -> Json:
        """As the answer to a PUT or PATCH shows it, see the function of this name; a disk's size is always known."""
        return accepted_json(self.to_json(), asked, fresh=fresh, known={"diskSizeGB"})


def accepted_json(whole: Json, asked: Json, *, fresh: bool, known: set[str]) -> Json:
    """A disk or snapshot as the answer to a PUT or PATCH shows it, which is accepted but not done.

    It holds what was `known` and what is `asked` for in the request's body, and nothing that Azure has yet to find out
    (cloud-provider-azure pkg/azclient/diskclient/testdata/Disk.yaml). `whole`: as a GET answers it; `fresh`: there was
    none of that name.
    """
    body: Json = {key: whole[key] for key in ("name", "id", "type", "location", "tags", "zones") if key in whole}
    if not fresh or asked.get("sku"):
        body["sku"] = {"name": whole["sku"]["name"]} if fresh else whole["sku"]
    creation = {key: value for key, value in whole["properties"]["creationData"].items() if key != "sourceUniqueId"}
    properties = {**whole["properties"], "creationData": creation, "provisioningState": "Updating"}
    shown = {"creationData", "provisioningState", *known, *section(asked, "properties")}
    return {**body, "properties": {key: value for key, value in properties.items() if key in shown}}


def group_and_name(disk_id: str) -> tuple[str, str]:
    """Out of a disk's or a snapshot's id. Raises NotFound for what is no such id."""
    parts = disk_id.split("/")
    if len(parts) != 9 or parts[7].lower() not in ("disks", "snapshots"):
        raise refusals.disk_not_found(disk_id)
    return parts[4], parts[8]


def _image_id(disk_id: str) -> str:
    subscription = "/".join(disk_id.split("/")[:3])
    return (
        f"{subscription}/resourceGroups/AKS-Ubuntu/providers/Microsoft.Compute/galleries/AKSUbuntu"
        "/images/2204gen2containerd/versions/2026.11.0"
    )
