"""Azure's retail price list as a document: which items count, and what is refused."""

from __future__ import annotations

import json

import pytest

from aksdisks.errors import InputError
from aksdisks.prices import retail
from aksdisks.prices.rates import Rate
from tests.prices.listing import PREMIUM, document, item

METER = "P10 LRS Disk"
KEY = ("westeurope", PREMIUM, METER)
GOOD = item(PREMIUM, METER, 20.0)


def p10(price, **changes):
    return item(PREMIUM, METER, price, **changes)


@pytest.mark.parametrize(
    ("items", "steps"),
    [([p10(20.0), p10(20.0)], ((0.0, 20.0),)),
     ([p10(20.0), p10(19.0, isPrimaryMeterRegion=False)], ((0.0, 20.0),)),
     ([p10(19.0, isPrimaryMeterRegion=False)], ((0.0, 19.0),)),
     ([p10(21.0, effectiveStartDate="2026-02-01T00:00:00Z"), p10(20.0)], ((0.0, 21.0),)),
     ([p10(20.0), p10(10.0, tierMinimumUnits=5)], ((0.0, 20.0), (5.0, 10.0))),
     ([p10(10.0, tierMinimumUnits=5), p10(20.0)], ((0.0, 20.0), (5.0, 10.0))),
     ([p10(1.0, unitOfMeasure="1/Hour")], ((0.0, 730.0),)),
     ([p10(20)], ((0.0, 20.0),))],
    ids=["twice the same", "another region's meter beside", "only another region's meter", "a newer price",
         "steps", "steps in another order", "by the hour", "a whole number"],
)  # fmt: skip
def test_of_a_meters_items_those_in_force_make_its_rate(items, steps):
    assert retail.prices(document(*items), "prices.json").rates[KEY].steps == steps


def test_items_of_other_products_and_meters_are_not_looked_at():
    machine = {"productName": "Virtual Machines Dv3 Series", "retailPrice": "free", "currencyCode": "USD"}
    nowhere = p10(3.0, armRegionName="")
    mount = item(PREMIUM, "P10 LRS Disk Mount", 1.0)
    found = retail.prices(document(machine, nowhere, mount, GOOD), "prices.json")
    assert found.rates == {KEY: Rate(((0.0, 20.0),), "2023-12-01")}


@pytest.mark.parametrize(
    ("listed", "said"),
    [([GOOD], "prices.json: expected Azure's price list, with Items, found list"),
     (document(GOOD, Items=None), "prices.json: expected Azure's price list, with Items, found only BillingCurrency, "
      "CustomerEntityId, CustomerEntityType, Items, NextPageLink, Count"),
     (document(), "prices.json: expected prices of disks, found none among 0 items"),
     (document("x"), "prices.json: Items[0]: expected an item of the price list, found \"x\""),
     (document(p10(20.0, currencyCode=None)), "prices.json: Items[0]: expected a text as currencyCode, found none"),
     (document(p10(20.0, currencyCode="euro"), BillingCurrency="euro"),
      'prices.json: expected a currency such as USD, found "euro"'),
     (document(GOOD, item(PREMIUM, "P4 LRS Disk", 5.0, currencyCode="USD")),
      'prices.json: expected prices in one currency, found "EUR", "USD"'),
     (document(GOOD, BillingCurrency="USD"), 'prices.json: expected prices in one currency, found "EUR", "USD"'),
     (document(p10(-1.0)), "prices.json: Items[0] ('P10 LRS Disk' in westeurope): "
      "expected a number of at least 0 as retailPrice, found -1.0"),
     (document(GOOD, p10("20")), "prices.json: Items[1] ('P10 LRS Disk' in westeurope): "
      'expected a number of at least 0 as retailPrice, found "20"'),
     (document(p10(True)), "prices.json: Items[0] ('P10 LRS Disk' in westeurope): "
      "expected a number of at least 0 as retailPrice, found true"),
     (document(p10(float("nan"))), "prices.json: Items[0] ('P10 LRS Disk' in westeurope): "
      "expected a number of at least 0 as retailPrice, found NaN"),
     (document(p10(20.0, tierMinimumUnits="all")), "prices.json: Items[0] ('P10 LRS Disk' in westeurope): "
      'expected a number of at least 0 as tierMinimumUnits, found "all"'),
     (document(p10(20.0, unitOfMeasure="10K")), "prices.json: Items[0] ('P10 LRS Disk' in westeurope): "
      'expected a unitOfMeasure such as 1/Month, 1 GB/Month or 1/Hour, found "10K"'),
     (document(GOOD, p10(21.0)), "prices.json: Items[1] ('P10 LRS Disk' in westeurope): "
      "expected one price from 0 units on, found another one in prices.json: Items[0] ('P10 LRS Disk' in westeurope)")],
)  # fmt: skip
def test_a_list_that_cannot_be_meant_is_refused_by_its_item(listed, said):
    with pytest.raises(InputError) as refused:
        retail.prices(listed, "prices.json")
    assert refused.value.message == said


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"<html>", "expected JSON, found in line 1: Expecting value"),
     (b'{"Items": [', "expected JSON, found in line 1: Expecting value"),
     (b"", "expected JSON, found in line 1: Expecting value"),
     (b'"\xff\xfe"', "expected JSON, found: 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
     (b"[" * 200_000, "expected JSON, found: maximum recursion depth exceeded"),
     (None, "expected a readable file with prices, found: No such file or directory")],
    ids=["a page", "cut off", "empty", "not UTF-8", "too deep", "not there"],
)  # fmt: skip
def test_a_file_that_is_no_json_is_refused_with_the_reason(tmp_path, text, said):
    path = tmp_path / "prices.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(InputError) as refused:
        retail.content(path)
    assert refused.value.message.startswith(f"{path}: {said}")
    assert refused.value.hint == "`aksdisks prices update` writes one"


def test_a_directory_is_no_list(tmp_path):
    with pytest.raises(InputError, match="Is a directory"):
        retail.content(tmp_path)


def test_numbers_are_read_as_they_are_written(tmp_path):
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(document(p10(8.8e-05))))
    assert retail.prices(retail.content(path), "x").rates[KEY].a_month(1) == 8.8e-05
