"""What a location offers of disks and machines, as the list of resource SKUs tells it: sizes, performance, zones."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.arm.compute.disk import MAX_PROVISIONED_GIB, PREMIUM_TIERS, PROVISIONED, most_shares, performance
from aksdisks.lab.arm.compute.disk_rules import IOPS_CEILING, MBPS_CEILING
from aksdisks.lab.scenario import VM_SIZES, Scenario

Json = dict[str, Any]

LETTERS = {"Premium": "P", "StandardSSD": "E", "Standard": "S"}
"""P10 is a premium disk of up to 128 GiB, E10 and S10 are standard ones of that size."""

SMALLEST_HARD_DISK = 32
"""GiB; smaller ones are billed as that."""


def skus_json(scenario: Scenario) -> list[Json]:
    """All of them: a disk's kind once for each size, a machine's size once."""
    disks = [entry for sku in scenario.offered_skus for entry in _disk_skus(scenario, sku)]
    machines = [
        _sku(
            scenario,
            "virtualMachines",
            name,
            size=name.partition("_")[2],
            MaxDataDiskCount=size.max_data_disks,
            vCPUs=size.cpus,
            MemoryGB=size.memory_gib,
            PremiumIO=True,
        )
        for name, size in VM_SIZES.items()
    ]
    return [*disks, *machines]


def _disk_skus(scenario: Scenario, sku: str) -> list[Json]:
    zonal = not sku.endswith("_ZRS")
    if sku in PROVISIONED:
        return [
            _sku(
                scenario,
                "disks",
                sku,
                zonal=zonal,
                MaxSizeGiB=MAX_PROVISIONED_GIB,
                MinSizeGiB=1,
                MaxIOps=IOPS_CEILING,
                MaxBandwidthMBps=MBPS_CEILING,
                MaxValueOfMaxShares=most_shares(sku, MAX_PROVISIONED_GIB),
            )
        ]
    letter = LETTERS[sku.partition("_")[0]]
    found, smaller = [], 0
    for largest, name, _, _ in PREMIUM_TIERS:
        if letter == "S" and largest < SMALLEST_HARD_DISK:
            continue
        _, iops, rate = performance(sku, largest)
        found.append(
            _sku(
                scenario,
                "disks",
                sku,
                zonal=zonal,
                size=f"{letter}{name[1:]}",
                MaxSizeGiB=largest,
                MinSizeGiB=smaller or 1,
                MaxIOps=iops,
                MinIOps=iops,
                MaxBandwidthMBps=rate,
                MinBandwidthMBps=rate,
                MaxValueOfMaxShares=most_shares(sku, largest),
            )
        )
        smaller = largest
    return found


def _sku(
    scenario: Scenario, kind: str, name: str, *, zonal: bool = True, size: str = "", **capabilities: object
) -> Json:
    """An entry of the list; zone-redundant disks are not to be had in a zone of their own."""
    zones = list(scenario.region_zones) if zonal else []
    return {
        "resourceType": kind,
        "name": name,
        "tier": name.partition("_")[0],
        **({"size": size} if size else {}),
        "locations": [scenario.location],
        "locationInfo": [{"location": scenario.location, "zones": zones, "zoneDetails": []}],
        "capabilities": [{"name": key, "value": str(value)} for key, value in capabilities.items()],
        "restrictions": [],
    }
