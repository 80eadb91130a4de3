"""What a disk may be: a request's body becomes a new disk's properties or a change, checked against SKU, zone and size.

Where no source is named beside a refusal's builder the wording is the provider's for parameters in general.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import location_of, member, section, texts
from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.compute.disk import (
    MAX_GIB,
    MAX_PROVISIONED_GIB,
    PREMIUM_TIERS,
    PROVISIONED,
    SKUS,
    Disk,
    most_shares,
    performance,
)
from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]

LARGEST_CACHED_GIB = 4095
"""A larger disk has no host cache, and a smaller one grows past it only while no machine has it."""

_NAME = re.compile(r"[^_\W][\w.-]{0,79}(?<![-.])", re.ASCII)

IOPS_FLOOR, IOPS_PER_GIB, IOPS_CEILING = {"PremiumV2_LRS": 3000, "UltraSSD_LRS": 100}, 500, 80_000
MBPS_FLOOR, MBPS_PER_IOPS, MBPS_CEILING = {"PremiumV2_LRS": 125, "UltraSSD_LRS": 1}, 0.25, 2_000
"""What a provisioned disk may ask for (azure-docs virtual-machines/disks-types.md)."""


@dataclass(frozen=True)
class DiskProperties:
    """A disk as a request wants it; `tier`, `iops` and `mbps` are None where size and SKU decide."""

    location: str
    sku: str
    size_gib: int
    zones: tuple[str, ...]
    tags: Mapping[str, str]
    network_access_policy: str
    public_network_access: str
    tier: str | None
    iops: int | None
    mbps: int | None
    max_shares: int | None


@dataclass(frozen=True)
class Attached:
    """Where a disk is when it is changed: the machine, whether that runs, and the host cache that it has there."""

    machine_id: str
    running: bool
    caching: str


def source_id(body: Json) -> str:
    """What a new disk is to be a copy of, empty for an empty disk. Raises `CloudError`."""
    creation = section(body, "properties", "creationData")
    if (member(creation, "createOption", str) or "").lower() != "copy":
        return ""
    found = member(creation, "sourceResourceId", str)
    if not found:
        raise errors.missing_parameter("disk.creationData.sourceResourceId")
    return found


def new(scenario: Scenario, name: str, body: Json, source_gib: int | None = None) -> DiskProperties:
    """The disk that a PUT asks for; a copy is at least as large as its source. Raises `CloudError`."""
    location = location_of(body)
    if not location:
        raise errors.location_required()
    if location != scenario.location:
        raise errors.location_not_available(location, "Microsoft.Compute/disks", scenario.location)
    check_name(name, "disk.name")
    properties = section(body, "properties")
    option = member(section(properties, "creationData"), "createOption", str)
    if option is None:
        raise errors.missing_parameter("disk.creationData.createOption")
    if option.lower() not in ("empty", "copy"):
        raise errors.bad_parameter("disk.creationData.createOption", option)
    asked = member(properties, "diskSizeGB", int)
    asked = source_gib if asked is None else asked
    if asked is None:
        raise errors.missing_parameter("disk.diskSizeGB")
    if source_gib is not None and asked < source_gib:
        raise errors.bad_parameter("disk.diskSizeGB", asked, source_gib, MAX_GIB)
    sku = _sku(scenario, member(section(body, "sku"), "name", str) or "Standard_LRS")
    size = _size(sku, asked)
    return DiskProperties(
        location=location,
        sku=sku,
        size_gib=size,
        zones=_zones(scenario, name, sku, member(body, "zones", list) or ()),
        tags=texts(body, "tags") or {},
        network_access_policy=member(properties, "networkAccessPolicy", str) or "AllowAll",
        public_network_access=member(properties, "publicNetworkAccess", str) or "Enabled",
        max_shares=_shares(name, sku, size, member(properties, "maxShares", int)),
        **_performance(sku, size, properties),
    )


def changed(scenario: Scenario, disk: Disk, body: Json, attached: Attached | None) -> DiskProperties:
    """The disk after a PATCH, or after a PUT of one that is there. Raises `CloudError`.

    A disk only grows; what it needs to be free for is refused while a machine has it.
    """
    properties = section(body, "properties")
    location = location_of(body)
    if location and location != disk.location:
        raise errors.location_is_fixed(disk.name, disk.group, disk.location, location)
    zones = member(body, "zones", list)
    if zones is not None and tuple(str(zone) for zone in zones) != disk.zones:
        raise refusals.zones_are_fixed(disk.id, disk.zones, [str(zone) for zone in zones])
    option = member(section(properties, "creationData"), "createOption", str)
    if option is not None and option.lower() != disk.create_option.lower():
        raise refusals.property_is_fixed("creationData.createOption")
    source = source_id(body)
    if source and source.lower() != disk.source_id.lower():
        raise refusals.property_is_fixed("creationData.sourceResourceId")
    sku = _sku(scenario, member(section(body, "sku"), "name", str) or disk.sku)
    if sku != disk.sku:
        _check_sku_change(disk, sku, attached)
    size = _size(sku, member(properties, "diskSizeGB", int) or disk.size_gib)
    if size < disk.size_gib:
        raise refusals.shrinking(disk.id)
    if attached is not None and size > disk.size_gib:
        _check_online_growth(disk, size, attached)
    shares = member(properties, "maxShares", int)
    shares = _shares(disk.name, sku, size, disk.max_shares if shares is None else shares)
    if attached is not None and attached.running and (shares or 1) != (disk.max_shares or 1):
        raise refusals.change_while_attached("maxShares", disk.name, attached.machine_id)
    tags = texts(body, "tags")
    return DiskProperties(
        location=disk.location,
        sku=sku,
        size_gib=size,
        zones=disk.zones,
        tags=disk.tags if tags is None else tags,
        network_access_policy=member(properties, "networkAccessPolicy", str) or disk.network_access_policy,
        public_network_access=member(properties, "publicNetworkAccess", str) or disk.public_network_access,
        max_shares=shares,
        **_performance(sku, size, properties, disk if sku == disk.sku else None),
    )


def check_name(name: str, parameter: str) -> None:
    """Raises InvalidParameter for a name that no disk or snapshot may have."""
    if not _NAME.fullmatch(name):
        raise refusals.name_invalid(parameter)


def check_attachable(disk: Disk, caching: str) -> None:
    """What a machine's data disk must be, wherever it is attached. Raises `CloudError`."""
    if disk.sku in PROVISIONED and caching != "None":
        raise refusals.caching_not_supported(disk.sku, caching)
    if disk.sku == "UltraSSD_LRS":
        raise refusals.ultra_not_enabled()
    if disk.size_gib > LARGEST_CACHED_GIB and caching != "None":
        raise refusals.caching_of_large_disk()
    if disk.shared and caching != "None":
        raise refusals.caching_of_shared_disk(disk.name, disk.max_shares or 1)


def _check_sku_change(disk: Disk, sku: str, attached: Attached | None) -> None:
    """Source: azure-docs virtual-machines/disks-convert-types.md; CSI deploy/example/modifyvolume/README.md."""
    if "UltraSSD_LRS" in (sku, disk.sku):
        raise refusals.sku_is_fixed(disk.name, disk.sku, sku)
    if sku in PROVISIONED and not disk.zones:
        raise refusals.zone_needed(sku)
    if sku.endswith("_ZRS") and disk.zones:
        raise refusals.zone_of_redundant_disk(sku)
    if attached is None:
        return
    if attached.running:
        raise refusals.change_while_attached("storage account type", disk.name, attached.machine_id)
    if sku in PROVISIONED and attached.caching != "None":
        raise refusals.caching_not_supported(sku, attached.caching)


def _check_online_growth(disk: Disk, size: int, attached: Attached) -> None:
    if (disk.os_type or disk.shared) and attached.running:
        raise refusals.resize_while_attached(disk.name, attached.machine_id)
    if disk.sku in PROVISIONED or size <= LARGEST_CACHED_GIB or disk.size_gib > LARGEST_CACHED_GIB:
        return
    if attached.caching != "None":
        raise refusals.caching_of_large_disk()
    raise refusals.growth_needs_detach(disk.name, attached.machine_id)


def _sku(scenario: Scenario, name: str) -> str:
    sku = canonical(name, SKUS, "disk.sku.name")
    if sku not in scenario.offered_skus:
        raise refusals.sku_not_supported(sku, scenario.offered_skus)
    return sku


def _zones(scenario: Scenario, name: str, sku: str, wanted: Iterable[object]) -> tuple[str, ...]:
    zones = tuple(str(zone) for zone in wanted)
    if len(zones) > 1:
        raise refusals.several_zones(zones)
    if zones and zones[0] not in scenario.region_zones:
        raise refusals.zone_not_supported(
            f"Microsoft.Compute/disks/{name}", zones, scenario.location, scenario.region_zones
        )
    if zones and sku.endswith("_ZRS"):
        raise refusals.zone_of_redundant_disk(sku)
    if not zones and sku in PROVISIONED:
        raise refusals.zone_needed(sku)
    return zones


def _size(sku: str, gib: int) -> int:
    largest = MAX_PROVISIONED_GIB if sku in PROVISIONED else MAX_GIB
    if not 1 <= gib <= largest:
        raise errors.bad_parameter("disk.diskSizeGB", gib, 1, largest)
    return gib


def _shares(name: str, sku: str, size: int, shares: int | None) -> int | None:
    """None: no more than one machine was ever asked for."""
    if shares is not None and not 1 <= shares <= most_shares(sku, size):
        raise refusals.shares_invalid(name, shares, size)
    return shares


def _performance(sku: str, size: int, properties: Json, before: Disk | None = None) -> dict[str, Any]:
    """The performance that was asked for, else what the disk had been given before."""
    tier = member(properties, "tier", str)
    iops, mbps = member(properties, "diskIOPSReadWrite", int), member(properties, "diskMBpsReadWrite", int)
    if before is not None:
        tier, iops, mbps = tier or before.tier, iops or before.iops, mbps or before.mbps
    if tier is not None:
        tiers = [entry[1] for entry in PREMIUM_TIERS]
        baseline = performance(sku, size)[0]
        if not baseline or tier not in tiers or tiers.index(tier) < tiers.index(baseline):
            raise errors.bad_parameter("disk.tier", tier)
    if sku not in PROVISIONED:
        # Azure ignores what it decides itself; clients send back what they read.
        return {"tier": tier, "iops": None, "mbps": None}
    if iops is not None:
        most = max(IOPS_FLOOR[sku], min(IOPS_CEILING, IOPS_PER_GIB * size))
        if not IOPS_FLOOR[sku] <= iops <= most:
            raise errors.bad_parameter("disk.diskIOPSReadWrite", iops, IOPS_FLOOR[sku], most)
    if mbps is not None:
        most = max(MBPS_FLOOR[sku], min(MBPS_CEILING, int(MBPS_PER_IOPS * (iops or IOPS_FLOOR[sku]))))
        if not MBPS_FLOOR[sku] <= mbps <= most:
            raise errors.bad_parameter("disk.diskMBpsReadWrite", mbps, MBPS_FLOOR[sku], most)
    return {"tier": None, "iops": iops, "mbps": mbps}


def canonical(value: str, known: Iterable[str], parameter: str) -> str:
    """The known value that is the same but for case. Raises `CloudError` (InvalidParameter)."""
    for entry in known:
        if entry.lower() == value.lower():
            return entry
    raise errors.bad_parameter(parameter, value)
