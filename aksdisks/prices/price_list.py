"""A list of prices, built in or read from a file, and what a disk, a snapshot or a share costs by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aksdisks.model import Disk, DiskSnapshot, FileShare, StorageAccount, Unknown
from aksdisks.model.ownership import Price
from aksdisks.prices import builtin, retail
from aksdisks.prices.meters import Use, uses_of_disk, uses_of_share, uses_of_snapshot
from aksdisks.prices.rates import Rates

_DAYS_A_MONTH = 365 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices in one currency; `source` says whose they are.

    `not_billed` has, for meters without such a price, of which other types the list has them, such as Reservation.
    """

    source: str
    currency: str
    rates: Rates = field(repr=False)
    not_billed: Mapping[tuple[str, str, str], str] = field(default_factory=dict, repr=False)

    @classmethod
    def builtin(cls) -> PriceList:
        """The small dated table of this package, taken for any region."""
        return cls(source=builtin.SOURCE, currency=builtin.CURRENCY, rates=builtin.rates())

    @classmethod
    def read(cls, path: Path) -> PriceList:
        """A file in the shape of Azure's retail price list, as `aksdisks prices update` writes it.

        Raises InputError for a file that cannot be read, or that is no such list: it names the item in it.
        """
        return cls.of(retail.content(path), str(path))

    @classmethod
    def of(cls, document: object, source: str) -> PriceList:
        """The same from the document itself; raises InputError that begins with `source`."""
        found = retail.prices(document, source)
        if found.cut_short:
            source = f"{source}, which is one page of several"
        return cls(source=source, currency=found.currency, rates=found.rates, not_billed=found.not_billed)

    def disk(self, disk: Disk) -> Price | Unknown:
        """What a disk costs a month, attached or not, or why that is not known; see `meters` for what is left out."""
        return self._price(uses_of_disk(disk), disk.location)

    def snapshot(self, snapshot: DiskSnapshot) -> Price | Unknown:
        """What a snapshot costs a month at most: as if each of its blocks were used."""
        found = self._price(uses_of_snapshot(snapshot), snapshot.location)
        if isinstance(found, Unknown):
            return found
        return Price(a_month=found.a_month, currency=found.currency, source=f"of snapshots at most, by {found.source}")

    def share(self, share: FileShare | Unknown, account: StorageAccount | Unknown) -> Price | Unknown:
        """What a premium share costs a month; that of others is Unknown."""
        if isinstance(share, Unknown):
            return share
        if isinstance(account, Unknown):
            return account
        return self._price(uses_of_share(share, account), account.location)

    def _price(self, uses: tuple[Use, ...] | Unknown, location: str) -> Price | Unknown:
        if isinstance(uses, Unknown):
            return uses
        region = location.replace(" ", "").lower()
        total, since = 0.0, ""
        for use in uses:
            key = (region, use.product, use.meter)
            rate = self.rates.get(key) or self.rates.get(("", use.product, use.meter))
            if rate is None:
                return self._missing(key)
            total += rate.a_month(use.units, use.free)
            since = max(since, rate.since)
        dated = f", in force since {since}" if since else ""
        return Price(a_month=total, currency=self.currency, source=f"{self.source}{dated}")

    def _missing(self, key: tuple[str, str, str]) -> Unknown:
        region, _, meter = key
        where = f" in {region}" if region else ", and Azure does not say its region"
        only = f", only one as {self.not_billed[key]}" if key in self.not_billed else ""
        return Unknown(f"{self.source}: no price of {meter!r}{where}{only}")


def cost_per_day(sku: str, size_gib: int) -> float | None:
    """Roughly what one disk costs a day in USD, by the built-in list; None where no price of its SKU is known here."""
    found = PriceList.builtin().disk(Disk(sku=sku, size_gib=size_gib))
    return None if isinstance(found, Unknown) else found.a_month / _DAYS_A_MONTH
