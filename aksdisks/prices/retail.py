"""Azure's retail price list as a document: read, checked item by item, and turned into rates by meter.

Its shape is that of learn.microsoft.com, "Azure Retail Prices overview": `{"BillingCurrency", …, "Items": […],
"NextPageLink", "Count"}`. Only items of the products of disks are looked at, so a longer list does as well.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from aksdisks.errors import InputError
from aksdisks.prices.meters import PRODUCTS
from aksdisks.prices.rates import HOURS_A_MONTH, Rate, Rates

Key = tuple[str, str, str]
_WRITE_ONE = "`aksdisks prices update` writes one"
# What disks, snapshots and shares are billed by; other meters of the same products are mounts, transactions, bursts.
_OURS = re.compile(r"[PES]\d+ \w+ Disk|\w+ \w+ Provisioned(?: (?:Capacity|IOPS|Throughput \(MBps\)))?|\w+ Snapshots")
_UNIT = re.compile(r"(\d+)(?: ?(?:GB|GiB))?/(Month|Hour)")
_CURRENCY = re.compile(r"[A-Z]{3}")
_TEXTS = ("armRegionName", "meterName", "unitOfMeasure", "type", "currencyCode")


@dataclass(frozen=True, slots=True)
class ListedPrices:
    """What a list says of disks, as `PriceList` has it; `cut_short` where it names a next page."""

    currency: str
    rates: Rates
    not_billed: Mapping[Key, str]
    cut_short: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """A checked item of the list: a price a month and unit. Of two for one step of a meter the higher rank counts.

    `rank` is whether the region is the meter's primary one, and the day from which on the price is in force.
    """

    where: str
    key: Key
    type: str
    begins: float
    price: float
    rank: tuple[bool, str]


def content(path: Path) -> Any:
    """The JSON of a file; raises InputError where there is none."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        what = {"expected": "a readable file with prices", "cause": f"{error.strerror}"}
        raise InputError(object=f"{path}", **what, hint=_WRITE_ONE) from error
    except json.JSONDecodeError as error:
        found = f"in line {error.lineno}: {error.msg}"
        raise InputError(object=f"{path}", expected="JSON", found=found, hint=_WRITE_ONE) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InputError(object=f"{path}", expected="JSON", cause=f"{error}", hint=_WRITE_ONE) from error


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a list to a file, whole or not at all; raises OSError, and leaves what was there before."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def prices(document: Any, source: str) -> ListedPrices:
    """The prices of disks in a list; raises InputError that names `source` and the item."""
    items = document.get("Items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        found = f"only {', '.join(document) or 'nothing'}" if isinstance(document, dict) else type(document).__name__
        raise InputError(object=source, expected="Azure's price list, with Items", found=found, hint=_WRITE_ONE)
    ours = list(_items(items, source))
    if not ours:
        what = {"expected": "prices of disks", "found": f"none among {len(items)} items"}
        raise InputError(object=source, **what, hint=_WRITE_ONE)
    billed: dict[Key, dict[float, _Item]] = defaultdict(dict)
    others: dict[Key, str] = {}
    for item in ours:
        if item.type == "Consumption":
            billed[item.key][item.begins] = _chosen(billed[item.key].get(item.begins), item)
        else:
            others[item.key] = item.type
    rates = {key: _rate(steps) for key, steps in billed.items()}
    cut_short = bool(document.get("NextPageLink"))
    return ListedPrices(_currency(document, items, source), rates, others, cut_short)


def _items(items: list[Any], source: str) -> Iterator[_Item]:
    for number, raw in enumerate(items):
        where = f"{source}: Items[{number}]"
        if not isinstance(raw, dict):
            raise InputError(object=where, expected="an item of the price list", found=_shown(raw))
        if raw.get("productName") not in PRODUCTS:
            continue
        for name in _TEXTS:
            if not isinstance(raw.get(name), str):
                raise InputError(object=where, expected=f"a text as {name}", found=_shown(raw.get(name)))
        region, meter = raw["armRegionName"].lower(), raw["meterName"]
        if region and _OURS.fullmatch(meter):
            yield _item(raw, (region, raw["productName"], meter), f"{where} ({meter!r} in {region})")


def _item(raw: dict[str, Any], key: Key, where: str) -> _Item:
    price = _number(raw, "retailPrice", where)
    begins = _number({"tierMinimumUnits": 0, **raw}, "tierMinimumUnits", where)
    if raw["type"] == "Reservation":  # for a whole term, so its unit says nothing
        return _Item(where, key, raw["type"], begins, price, (True, ""))
    unit = _UNIT.fullmatch(raw["unitOfMeasure"])
    if unit is None or int(unit[1]) == 0:
        expected = "a unitOfMeasure such as 1/Month, 1 GB/Month or 1/Hour"
        raise InputError(object=where, expected=expected, found=_shown(raw["unitOfMeasure"]))
    hours = HOURS_A_MONTH if unit[2] == "Hour" else 1
    since = str(raw.get("effectiveStartDate") or "")[:10]
    rank = raw.get("isPrimaryMeterRegion") is not False, since
    return _Item(where, key, raw["type"], begins, price * hours / int(unit[1]), rank)


def _number(raw: dict[str, Any], name: str, where: str) -> float:
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise InputError(object=where, expected=f"a number of at least 0 as {name}", found=_shown(value))
    return float(value)


def _chosen(one: _Item | None, other: _Item) -> _Item:
    """Which of two items is a meter's price; raises InputError where they contradict each other."""
    if one is None or one.rank == other.rank:
        if one is not None and one.price != other.price:
            expected = f"one price from {other.begins:g} units on"
            raise InputError(object=other.where, expected=expected, found=f"another one in {one.where}")
        return other
    return max(one, other, key=lambda item: item.rank)


def _rate(steps: Mapping[float, _Item]) -> Rate:
    since = max(item.rank[1] for item in steps.values())
    return Rate(tuple((begins, steps[begins].price) for begins in sorted(steps)), since)


def _currency(document: dict[str, Any], items: list[Any], source: str) -> str:
    """The one currency of the list and of its items of disks."""
    found = {raw["currencyCode"] for raw in items if raw.get("productName") in PRODUCTS}
    found |= {document["BillingCurrency"]} if isinstance(document.get("BillingCurrency"), str) else set()
    if len(found) > 1:
        raise InputError(object=source, expected="prices in one currency", found=", ".join(map(_shown, sorted(found))))
    currency: str = found.pop()
    if not _CURRENCY.fullmatch(currency):
        raise InputError(object=source, expected="a currency such as USD", found=_shown(currency))
    return currency


def _shown(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)[:60]
