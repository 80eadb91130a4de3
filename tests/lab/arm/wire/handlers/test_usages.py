"""Quotas, a scale set's summary, sizes and availability sets through the SDK."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

GROUP = "MC_disks_article_westeurope"
POOL = "aks-agentpool-22115152-vmss"


def test_usages(compute):
    used = {entry.name.value: (entry.current_value, entry.limit) for entry in compute.usage.list("westeurope")}
    assert used["PremiumDiskCount"] == (3, 50_000)
    assert used["cores"] == used["standardDSv2Family"] == (6, 100)
    assert (used["virtualMachines"][0], used["virtualMachineScaleSets"][0]) == (3, 1)
    with pytest.raises(HttpResponseError, match="No registered resource provider found for location 'moon'"):
        list(compute.usage.list("moon"))


def test_a_scale_sets_summary_and_sizes(compute):
    sets = compute.virtual_machine_scale_sets
    [state] = sets.get_instance_view(GROUP, POOL).virtual_machine.statuses_summary
    assert (state.code, state.count) == ("ProvisioningState/succeeded", 3)
    assert "Standard_D4s_v5" in [entry.sku.name for entry in sets.list_skus(GROUP, POOL)]
    assert [entry.name for entry in sets.list_by_location("westeurope")] == [POOL]
    assert list(compute.virtual_machines.list_by_location("westeurope")) == []
    with pytest.raises(ResourceNotFoundError):
        sets.get_instance_view(GROUP, "other")


def test_skus_of_a_location(compute):
    assert list(compute.resource_skus.list(filter="location eq 'moon'")) == []
    there = list(compute.resource_skus.list(filter="location eq 'westeurope'"))
    assert there == list(compute.resource_skus.list())


def test_what_the_sizes_of_a_disk_can_do(compute):
    disks = [sku for sku in compute.resource_skus.list() if sku.resource_type == "disks"]
    local = [sku for sku in disks if sku.name.endswith("_LRS")]
    sizes = {sku.size: {entry.name: entry.value for entry in sku.capabilities} for sku in local}
    assert sizes["P30"] == {
        "MaxSizeGiB": "1024",
        "MinSizeGiB": "512",
        "MaxIOps": "5000",
        "MinIOps": "5000",
        "MaxBandwidthMBps": "200",
        "MinBandwidthMBps": "200",
        "MaxValueOfMaxShares": "5",
    }
    assert (sizes["E60"]["MaxValueOfMaxShares"], sizes["S4"]["MaxValueOfMaxShares"]) == ("10", "1")
    assert "S3" not in sizes


def test_availability_sets(serve):
    with serve("availability-set") as azure:
        compute = azure.client()
        [found] = compute.availability_sets.list(GROUP)
        assert found.name == "agentpool-availabilitySet-22115152"
        assert len(found.properties.virtual_machines) == 3
        assert compute.availability_sets.get(GROUP, found.name) == found
        with pytest.raises(ResourceNotFoundError, match="availabilitySets/other"):
            compute.availability_sets.get(GROUP, "other")
        assert len(list(compute.virtual_machines.list_by_location("westeurope"))) == 3
        sizes = compute.virtual_machines.list_available_sizes(GROUP, "aks-agentpool-22115152-0")
        assert "Standard_DS2_v2" in [size.name for size in sizes]
