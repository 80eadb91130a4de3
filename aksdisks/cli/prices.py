"""The commands about what disks cost: `aksdisks prices …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Azure's retail prices of disks, snapshots and shares.", no_args_is_help=True)


@app.command("update", epilog="Exit codes: 0 written, 2 bad input, 3 no price list answers, 130 interrupted.")
def update(
    regions: Annotated[
        list[str] | None,
        typer.Option("--region", metavar="REGION", help="Such as westeurope. Repeatable. Default: all.",
                     show_default=False),
    ] = None,
    currency: Annotated[str, typer.Option(help="Such as USD or EUR; Azure bills in USD.")] = "USD",
    output: Annotated[Path, typer.Option("-o", "--output", help="The file; it is replaced.")] = Path("prices.json"),
    endpoint: Annotated[
        str,
        typer.Option(envvar="AKSDISKS_PRICES_ENDPOINT", help="Where the price list is. Default: Azure's public one.",
                     show_default=False),
    ] = "",
) -> None:  # fmt: skip
    """Write Azure's retail prices of disks, snapshots and shares to a file, for `--prices`. No credential is sent.

    All regions together are a few dozen pages.
    """
    from aksdisks.azure.retail_prices import ENDPOINT, RetailPrices
    from aksdisks.errors import InputError
    from aksdisks.prices import PriceList, retail

    if output.is_dir() or not output.parent.is_dir():
        raise InputError(object="--output", expected="a file in a folder that exists", found=repr(str(output)))
    client = RetailPrices(endpoint or ENDPOINT, _progress)
    try:
        wanted = [region.replace(" ", "").lower() for region in regions or ()]
        document = client.read(currency.upper(), wanted)
    finally:
        client.close()
    listed = PriceList.of(document, "Azure's price list")  # what cannot be read again is not written
    retail.write(output, document)
    found = f"{len({region for region, _, _ in listed.rates})} regions, {listed.currency}"
    typer.echo(f"{output}: {len(listed.rates)} prices of {found}", err=True)


def _progress(said: Any) -> None:
    if said:
        from aksdisks.views.markup import printable

        typer.echo(printable(str(said)), err=True)
