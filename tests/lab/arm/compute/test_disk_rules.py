"""What a disk may be: SKU, zone, size and performance, row by row, and what needs it to be free."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.compute import disk_rules
from aksdisks.lab.arm.compute.disk import Disk
from aksdisks.lab.arm.compute.disk_rules import Attached
from aksdisks.lab.arm.errors import CloudError

REGION = scenarios.load("regional")
OLD = dataclasses.replace(REGION, region_zones=(), offered_skus=("Premium_LRS", "StandardSSD_LRS", "Standard_LRS"))
VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm"


def body(sku="Premium_LRS", size=25, zones=None, location="West Europe", option="Empty", **properties):
    wanted = {"creationData": {"createOption": option}, "diskSizeGB": size, **properties}
    return {"location": location, "sku": {"name": sku}, "properties": wanted} | ({"zones": zones} if zones else {})


@pytest.mark.parametrize(
    ("scenario", "wanted", "status", "code", "message"),
    [
        (
            OLD,
            body("Premium_ZRS"),
            400,
            "InvalidParameter",
            "SKU Premium_ZRS is not supported for resource type Disk in this region. "
            "Supported SKUs for this region are Premium_LRS,StandardSSD_LRS,Standard_LRS",
        ),
        (REGION, body("premiumv2_lrs"), 400, "InvalidParameter", "PremiumV2_LRS disk is not supported."),
        (REGION, body("UltraSSD_LRS"), 400, "InvalidParameter", "UltraSSD_LRS disk is not supported."),
        (
            REGION,
            body("Premium_ZRS", zones=["1"]),
            409,
            "OperationNotAllowed",
            "A disk with sku 'Premium_ZRS' cannot be created in an availability zone.",
        ),
        (
            REGION,
            body(zones=["1", "2"]),
            400,
            "ResourceTypeNotSupportMultiZones",
            "The resource type 'disks' does not support multiple availability zones. The provided zones are '1,2'. "
            "Please provide a single availability zone.",
        ),
        (
            REGION,
            body(zones=["4"]),
            400,
            "InvalidAvailabilityZone",
            "The zone(s) '4' for resource 'Microsoft.Compute/disks/d' is not supported. "
            "The supported zones for location 'westeurope' are '1,2,3'",
        ),
        (
            OLD,
            body(zones=["1"]),
            400,
            "InvalidAvailabilityZone",
            "The supported zones for location 'westeurope' are ''",
        ),
        (
            REGION,
            body(location="eastus"),
            400,
            "LocationNotAvailableForResourceType",
            "The provided location 'eastus' is not available for resource type 'Microsoft.Compute/disks'.",
        ),
        (
            REGION,
            body(size=32768),
            400,
            "InvalidParameter",
            "The value '32768' of parameter 'disk.diskSizeGB' is out of range. "
            "The value must be between '1' and '32767', inclusive.",
        ),
        (REGION, body(tier="P3"), 400, "InvalidParameter", "The value 'P3' of parameter 'disk.tier' is out of range."),
        (REGION, body("Standard_LRS", tier="P10"), 400, "InvalidParameter", "parameter 'disk.tier' is out of range."),
        (REGION, body(option="Restore"), 400, "InvalidParameter", "The value 'Restore' of parameter"),
        (
            REGION,
            body("PremiumV2_LRS", zones=["1"], diskIOPSReadWrite=20000),
            400,
            "InvalidParameter",
            "The value must be between '3000' and '12500', inclusive.",
        ),
        (
            REGION,
            body("PremiumV2_LRS", zones=["1"], diskIOPSReadWrite=4000, diskMBpsReadWrite=1001),
            400,
            "InvalidParameter",
            "The value must be between '125' and '1000', inclusive.",
        ),
    ],
)
def test_new_disks_that_are_refused(scenario, wanted, status, code, message):
    with pytest.raises(CloudError) as caught:
        disk_rules.new(scenario, "d", wanted)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert message in caught.value.message


def test_performance_that_was_asked_for_is_shown():
    for wanted, shown in (
        (body(size=100), ("P10", 500, 100)),
        (body(size=100, tier="P20"), ("P20", 2300, 150)),
        (body("PremiumV2_LRS", zones=["1"]), (None, 3000, 125)),
        (body("PremiumV2_LRS", zones=["1"], diskIOPSReadWrite=4000, diskMBpsReadWrite=200), (None, 4000, 200)),
        (body("StandardSSD_LRS", size=100, diskIOPSReadWrite=9), (None, 500, 100)),
    ):
        properties = disk(wanted).to_json()["properties"]
        found = (properties.get("tier"), properties["diskIOPSReadWrite"], properties["diskMBpsReadWrite"])
        assert found == shown


def disk(wanted=None, **more):
    fields = dataclasses.asdict(disk_rules.new(REGION, "d", wanted or body()))
    return Disk(id="/d", group="g", name="d", unique_id="u", created=datetime.now(UTC), **fields | more)


RUNNING, CACHED = Attached(VM, running=True, caching="None"), Attached(VM, running=True, caching="ReadOnly")
STOPPED = Attached(VM, running=False, caching="None")
V2, ZONAL, ULTRA = (body(sku, 100, ["1"]) for sku in ("PremiumV2_LRS", "Premium_LRS", "UltraSSD_LRS"))


@pytest.mark.parametrize(
    ("before", "attached", "change", "refusal"),
    [
        (disk(), RUNNING, {"properties": {"diskSizeGB": 4095}}, None),
        (disk(), None, {"properties": {"diskSizeGB": 8192}}, None),
        (
            disk(),
            RUNNING,
            {"properties": {"diskSizeGB": 4096}},
            "Disks cannot be resized beyond 4095 GiB when attached",
        ),
        (disk(), CACHED, {"properties": {"diskSizeGB": 4096}}, "Only Disk CachingType 'None' is supported for disk"),
        (disk(body(size=5000)), RUNNING, {"properties": {"diskSizeGB": 6000}}, None),
        (disk(V2), RUNNING, {"properties": {"diskSizeGB": 6000}}, None),
        (
            disk(os_type="Linux"),
            CACHED,
            {"properties": {"diskSizeGB": 30}},
            f"while it is attached to running VM {VM}.",
        ),
        (disk(os_type="Linux"), STOPPED, {"properties": {"diskSizeGB": 30}}, None),
        (disk(), None, {"properties": {"diskSizeGB": 24}}, "cannot be resized down"),
        (disk(), STOPPED, {"sku": {"name": "StandardSSD_LRS"}}, None),
        (
            disk(),
            RUNNING,
            {"sku": {"name": "StandardSSD_LRS"}},
            "Cannot change the storage account type of disk d while",
        ),
        (disk(), None, {"sku": {"name": "Standard_LRS"}}, None),
        (disk(), None, {"sku": {"name": "PremiumV2_LRS"}}, "PremiumV2_LRS disk is not supported."),
        (disk(ZONAL), None, {"sku": {"name": "PremiumV2_LRS"}}, None),
        (disk(ZONAL), None, {"sku": {"name": "Premium_ZRS"}}, "A disk with sku 'Premium_ZRS' cannot be created in an"),
        (disk(ZONAL), STOPPED, {"sku": {"name": "PremiumV2_LRS"}}, None),
        (
            disk(ZONAL),
            Attached(VM, running=False, caching="ReadOnly"),
            {"sku": {"name": "PremiumV2_LRS"}},
            "Storage Account type PremiumV2_LRS is not supported with caching type ReadOnly.",
        ),
        (disk(ZONAL), RUNNING, {"sku": {"name": "PremiumV2_LRS"}}, "Cannot change the storage account type of disk d"),
        (disk(ZONAL), None, {"sku": {"name": "UltraSSD_LRS"}}, "cannot be changed from Premium_LRS to UltraSSD_LRS"),
        (disk(ULTRA), None, {"sku": {"name": "Premium_LRS"}}, "cannot be changed from UltraSSD_LRS to Premium_LRS"),
        (disk(V2), RUNNING, {"properties": {"diskIOPSReadWrite": 5000, "diskMBpsReadWrite": 1200}}, None),
        (disk(V2), RUNNING, {"properties": {"diskMBpsReadWrite": 1200}}, "must be between '125' and '750', inclusive."),
        (disk(V2), RUNNING, {"properties": {"diskIOPSReadWrite": 99}}, "between '3000' and '50000', inclusive."),
        (disk(), None, {"zones": ["1"]}, "availability zone constraint 'NO_ZONE' and the request has"),
        (disk(), None, {"location": "eastus"}, "The resource 'd' already exists in location 'westeurope'"),
        (
            disk(),
            None,
            {"properties": {"creationData": {"createOption": "Restore"}}},
            "Changing property 'creationData",
        ),
        (disk(), RUNNING, body(), None),
    ],
)
def test_changes_of_a_disk(before, attached, change, refusal):
    if refusal is None:
        after = disk_rules.changed(REGION, before, change, attached)
        assert after.size_gib == change.get("properties", {}).get("diskSizeGB", before.size_gib)
        assert after.sku == change.get("sku", {}).get("name", before.sku)
        return
    with pytest.raises(CloudError) as caught:
        disk_rules.changed(REGION, before, change, attached)
    assert refusal in caught.value.message


@pytest.mark.parametrize(
    ("wanted", "caching", "refusal"),
    [
        (body(), "ReadOnly", None),
        (body(size=4096), "None", None),
        (body(size=4096), "ReadOnly", "Only Disk CachingType 'None' is supported"),
        (V2, "None", None),
        (
            V2,
            "ReadWrite",
            "Storage Account type PremiumV2_LRS is not supported with caching type ReadWrite. Please use",
        ),
        (body("UltraSSD_LRS", zones=["1"]), "None", "only when additionalCapabilities.ultraSSDEnabled is set."),
    ],
)
def test_what_a_data_disk_must_be(wanted, caching, refusal):
    if refusal is None:
        disk_rules.check_attachable(disk(wanted), caching)
        return
    with pytest.raises(CloudError) as caught:
        disk_rules.check_attachable(disk(wanted), caching)
    assert refusal in caught.value.message
