"""What disks and snapshots cost a month: Azure's tiers, the meters that it bills by, and lists of their prices."""

from aksdisks.prices.meters import PRODUCTS
from aksdisks.prices.price_list import PriceList, cost_per_day
from aksdisks.prices.tiers import disk_tier

__all__ = ["PRODUCTS", "PriceList", "cost_per_day", "disk_tier"]
