"""Documents in the shape in which Azure answers with its retail prices."""

from __future__ import annotations

from typing import Any

PREMIUM, STANDARD_SSD, STANDARD_HDD = (
    f"{kind} Managed Disks" for kind in ("Premium SSD", "Standard SSD", "Standard HDD")
)
PREMIUM_V2, ULTRA = "Azure Premium SSD v2", "Ultra Disks"


def item(product: str, meter: str, price: Any, unit: str = "1/Month", **changes: Any) -> dict[str, Any]:
    """An item as the documentation shows it; a change to None takes the field out."""
    raw = {
        "currencyCode": "EUR",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": "westeurope",
        "location": "EU West",
        "effectiveStartDate": "2023-12-01T00:00:00Z",
        "meterId": "53c34f93-1bfc-4528-9edc-5579adab17b9",
        "meterName": meter,
        "productId": "DZH318Z0BP04",
        "skuId": "DZH318Z0BP04/0014",
        "productName": product,
        "skuName": " ".join(meter.split()[:2]),
        "serviceName": "Storage",
        "serviceId": "DZH317F1HKN0",
        "serviceFamily": "Storage",
        "unitOfMeasure": unit,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "",
    } | changes
    return {name: value for name, value in raw.items() if value is not None}


def document(*items: Any, **changes: Any) -> dict[str, Any]:
    """A whole list, or a page of one."""
    whole = {
        "BillingCurrency": "EUR",
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": list(items),
        "NextPageLink": None,
        "Count": len(items),
    }
    return whole | changes


def provisioned(product: str, word: str, gib: float, iops: float, mbps: float, free: tuple[int, int]) -> list[Any]:
    """The meters of a product that is billed by GiB, IOPS and MB/s, each with the step that costs nothing."""
    meters = []
    for unit, price, step in (("IOPS", iops, free[0]), ("Throughput (MBps)", mbps, free[1])):
        name = f"{word} LRS Provisioned {unit}"
        if step:
            meters.append(item(product, name, 0, "1/Hour"))
        meters.append(item(product, name, price, "1/Hour", tierMinimumUnits=float(step)))
    return [*meters, item(product, f"{word} LRS Provisioned Capacity", gib, "1 GiB/Hour")]
