"""What disks, snapshots and shares cost by a list of prices."""

from __future__ import annotations

import json

import pytest

from aksdisks.model import Disk, DiskSnapshot, FileShare, StorageAccount, Unknown
from aksdisks.model.ownership import Price
from aksdisks.prices import PriceList, cost_per_day
from tests.prices.listing import (
    PREMIUM,
    PREMIUM_V2,
    STANDARD_HDD,
    STANDARD_SSD,
    ULTRA,
    document,
    item,
    provisioned,
)

LISTED = document(
    item(PREMIUM, "P4 LRS Disk", 5.0),
    item(PREMIUM, "P10 LRS Disk", 20.0, effectiveStartDate="2018-05-01T00:00:00Z"),
    item(PREMIUM, "P10 LRS Disk Mount", 1.0),
    item(PREMIUM, "P10 ZRS Disk", 30.0),
    item(PREMIUM, "P30 LRS Disk", 1388.0, type="Reservation", reservationTerm="1 Year", unitOfMeasure="1 Hour"),
    item(PREMIUM, "P40 LRS Disk", 200.0, type="DevTestConsumption"),
    item(PREMIUM, "LRS Snapshots", 0.13, "1 GB/Month"),
    item(STANDARD_SSD, "E10 LRS Disk", 9.6),
    item(STANDARD_SSD, "E10 LRS Disk Operations", 0.002, "10K"),
    item(STANDARD_HDD, "S4 LRS Disk", 1.5),
    item(STANDARD_HDD, "LRS Snapshots", 0.05, "1 GB/Month"),
    item(STANDARD_HDD, "ZRS Snapshots", 5.0, "100 GB/Month"),
    item("Premium Files", "Premium LRS Provisioned", 0.2, "1 GiB/Month"),
    item("Premium Files", "Premium LRS Snapshots", 0.15, "1 GiB/Month"),
    *provisioned(PREMIUM_V2, "Premium", 0.0001, 0.000006, 0.00005, (3000, 125)),
    *provisioned(ULTRA, "Ultra", 0.0002, 0.00007, 0.0005, (0, 0)),
)


def disk(sku: str, size: int | None = 128, *, location: str = "westeurope", **more: object) -> Disk:
    return Disk(sku=sku, size_gib=size, location=location, **more)


@pytest.mark.parametrize(
    ("of", "a_month"),
    [(disk("Premium_LRS"), 20.0),
     (disk("Premium_LRS", 25), 5.0),
     (disk("Premium_LRS", 25, tier="P4"), 5.0),
     (disk("Premium_LRS", 25, tier="P10"), 20.0),  # a performance tier above its size
     (disk("Premium_ZRS"), 30.0),
     (disk("Premium_LRS", location="West Europe"), 20.0),
     (disk("StandardSSD_LRS"), 9.6),
     (disk("StandardSSD_LRS", tier="P10"), 9.6),  # a tier that is not of its SKU
     (disk("Standard_LRS", 1), 1.5),
     (disk("PremiumV2_LRS", 100, iops=3000, mbps=125), 7.3),  # 100 GiB, 730 hours
     (disk("PremiumV2_LRS", 100, iops=4000, mbps=225), 7.3 + 730 * (1000 * 0.000006 + 100 * 0.00005)),
     (disk("UltraSSD_LRS", 10, iops=1000, mbps=10), 730 * (10 * 0.0002 + 1000 * 0.00007 + 10 * 0.0005))],
)  # fmt: skip
def test_a_disk_costs_what_its_meters_cost_a_month(of, a_month):
    price = PriceList.of(LISTED, "prices.json").disk(of)
    assert (price.a_month, price.currency) == (pytest.approx(a_month), "EUR")


def test_a_price_says_whose_it_is_and_since_when():
    listed = PriceList.of(LISTED, "prices.json")
    assert listed.disk(disk("Premium_LRS")) == Price(
        a_month=20.0, currency="EUR", source="prices.json, in force since 2018-05-01"
    )


@pytest.mark.parametrize(
    ("of", "because"),
    [(disk("Premium_LRS", location="eastus"), "prices.json: no price of 'P10 LRS Disk' in eastus"),
     (disk("Premium_LRS", location=""), "prices.json: no price of 'P10 LRS Disk', and Azure does not say its region"),
     (disk("Premium_LRS", 1024),
      "prices.json: no price of 'P30 LRS Disk' in westeurope, only one as Reservation"),
     (disk("Premium_LRS", 2048),
      "prices.json: no price of 'P40 LRS Disk' in westeurope, only one as DevTestConsumption"),
     (disk("Premium_LRS", 100_000), "no tier of Premium_LRS has 100000 GiB"),
     (disk("Premium_LRS", None), "Azure does not say its size"),
     (disk("PremiumV2_LRS", iops=3000), "Azure does not say its IOPS and MB/s"),
     (disk("Quantum_LRS"), "of SKU 'Quantum_LRS' no meter is known"),
     (disk(""), "Azure does not say its SKU")],
)  # fmt: skip
def test_what_the_list_does_not_have_is_unknown_with_the_reason(of, because):
    assert PriceList.of(LISTED, "prices.json").disk(of) == Unknown(because)


def test_the_free_part_of_premium_v2_is_free_where_the_list_has_no_step_for_it():
    flat = document(
        *(each for each in provisioned(PREMIUM_V2, "Premium", 0.0001, 0.000006, 0.00005, (0, 0))),
    )
    stepped = PriceList.of(LISTED, "prices.json")
    of = disk("PremiumV2_LRS", 100, iops=5000, mbps=200)
    assert PriceList.of(flat, "flat.json").disk(of).a_month == pytest.approx(stepped.disk(of).a_month)


@pytest.mark.parametrize(
    ("sku", "incremental", "a_month"),
    [("Standard_LRS", True, 5.0), ("Standard_ZRS", True, 5.0), ("Premium_LRS", False, 13.0),
     ("Premium_LRS", True, 5.0)],  # incremental ones are on Standard HDD
)  # fmt: skip
def test_a_snapshot_costs_at_most_what_it_would_cost_when_full(sku, incremental, a_month):
    listed = PriceList.of(LISTED, "prices.json")
    found = listed.snapshot(DiskSnapshot(sku=sku, size_gib=100, incremental=incremental, location="westeurope"))
    assert found == Price(
        a_month=pytest.approx(a_month),
        currency="EUR",
        source="of snapshots at most, by prices.json, in force since 2023-12-01",
    )


@pytest.mark.parametrize(
    ("of", "because"),
    [(DiskSnapshot(sku="Standard_LRS"), "Azure does not say its size"),
     (DiskSnapshot(size_gib=1), "Azure does not say its SKU"),
     (DiskSnapshot(sku="Standard_LRS", size_gib=1, location="eastus"),
      "prices.json: no price of 'LRS Snapshots' in eastus")],
)  # fmt: skip
def test_a_snapshot_without_a_price_is_unknown(of, because):
    assert PriceList.of(LISTED, "prices.json").snapshot(of) == Unknown(because)


def of_share(sku: str, quota: int | None = 100, location: str = "westeurope") -> object:
    account = StorageAccount(name="f1", sku=sku, location=location)
    return PriceList.of(LISTED, "eur.json").share(FileShare(name="docs", quota_gib=quota), account)


def test_a_premium_share_costs_its_quota() -> None:
    found = of_share("Premium_LRS")
    assert isinstance(found, Price) and (found.a_month, found.currency) == (pytest.approx(20.0), "EUR")


@pytest.mark.parametrize(
    ("found", "because"),
    [
        (of_share("Standard_LRS"), "what is stored in it, and its transactions"),
        (of_share("Premium_ZRS"), "eur.json: no price of 'Premium ZRS Provisioned' in westeurope"),
        (of_share("Premium_LRS", location="eastus"), "in eastus"),
        (of_share("Premium_LRS", None), "Azure does not say its quota"),
        (of_share("PremiumV2_LRS"), "of SKU 'PremiumV2_LRS' no meter is known"),
        (of_share(""), "Azure does not say its SKU"),
        (PriceList.builtin().share(FileShare(quota_gib=100), StorageAccount(sku="Premium_LRS")), "no price of"),
        (PriceList.builtin().share(Unknown("403"), StorageAccount()), "403"),
        (PriceList.builtin().share(FileShare(), Unknown("404")), "404"),
    ],
)
def test_what_a_share_costs_is_unknown_with_the_reason(found: object, because: str) -> None:
    assert isinstance(found, Unknown) and because in found.because


def test_a_file_is_read_and_named(tmp_path):
    path = tmp_path / "of today.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LISTED).encode())  # PowerShell begins a file with such a mark
    listed = PriceList.read(path)
    assert (listed.currency, listed.source) == ("EUR", str(path))
    assert listed.disk(disk("Premium_LRS")).a_month == 20.0


def test_a_page_that_names_a_next_one_says_that_it_is_not_all():
    page = PriceList.of(document(*LISTED["Items"], NextPageLink="https://prices.azure.com:443/?$skip=1000"), "p.json")
    found = page.disk(disk("Premium_LRS", location="eastus"))
    assert found == Unknown("p.json, which is one page of several: no price of 'P10 LRS Disk' in eastus")


def test_the_built_in_list_is_for_any_region_and_says_its_day():
    price = PriceList.builtin().disk(disk("Premium_ZRS", location="westeurope"))
    assert price == Price(
        a_month=pytest.approx(19.71 * 1.5),
        currency="USD",
        source="list prices of a US region, 2026-09-23, approximate",
    )


@pytest.mark.parametrize(
    ("of", "a_month"),
    [(disk("Premium_LRS", 32767), 3604.11), (disk("StandardSSD_LRS", 1024), 76.80), (disk("Standard_LRS", 25), 1.536),
     (disk("PremiumV2_LRS", 1000, iops=3000, mbps=125), 81.03),
     (disk("UltraSSD_LRS", 100, iops=1000, mbps=100), 730 * (0.0164 + 0.068 + 0.0479))],
)  # fmt: skip
def test_the_built_in_list_has_each_kind_of_disk(of, a_month):
    assert PriceList.builtin().disk(of).a_month == pytest.approx(a_month)


def test_the_built_in_list_has_snapshots_and_no_zone_redundant_hdd():
    listed = PriceList.builtin()
    found = listed.snapshot(DiskSnapshot(sku="Standard_ZRS", size_gib=100, incremental=True))
    assert found.a_month == pytest.approx(5.0)
    assert isinstance(listed.disk(disk("Standard_ZRS")), Unknown)


def test_cost_a_day_is_by_tier_not_by_size_and_unknown_without_tiers():
    assert cost_per_day("Premium_LRS", 128) == pytest.approx(19.71 * 12 / 365)
    assert cost_per_day("StandardSSD_LRS", 1024) == pytest.approx(76.80 * 12 / 365)
    assert cost_per_day("Premium_LRS", 17) == cost_per_day("Premium_LRS", 32)
    assert cost_per_day("Premium_ZRS", 25) > cost_per_day("Premium_LRS", 25)
    assert cost_per_day("UltraSSD_LRS", 25) is None
    assert cost_per_day("Premium_LRS", 0) is None
