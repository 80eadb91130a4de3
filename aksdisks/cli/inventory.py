"""The command that tells whose each disk is and what it costs: `aksdisks inventory`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aksdisks.cli.options import (
    ClusterFileOption,
    ContextOption,
    DisksOfOption,
    EverywhereOption,
    GraceOption,
    PricesOption,
    chosen,
    disks_of,
    grace_seconds,
    price_list,
)

EXIT_CODES = (
    "Exit codes: 0 all was seen, 2 bad input, 3 something could not be seen, so that rows are missing or unknown."
)


class Format(StrEnum):
    """How the inventory is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


def inventory(
    namespace: DisksOfOption = "",
    everywhere: EverywhereOption = False,
    file: ClusterFileOption = None,
    context: ContextOption = "",
    grace: GraceOption = "24h",
    prices: PricesOption = None,
    format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --format json, and end.")] = False,
) -> None:
    """Say whose each Azure disk, snapshot and share is, what it costs a month, and what does not fit. It only reads.

    The document stands alone on stdout; the first line on stderr names the cluster. HTML is one page that opens
    offline: aksdisks inventory --format html > disks.html
    """
    from aksdisks.cli.inventory_table import Printer
    from aksdisks.inspection.diagnosis import asking
    from aksdisks.inspection.ownership import read_ownership
    from aksdisks.runner import shipped

    if schema:
        typer.echo((shipped.folder("docs") / "inventory.schema.json").read_text(encoding="utf-8"), nl=False)
        return
    where = disks_of(namespace, everywhere=everywhere)
    seconds, listed = grace_seconds(grace), price_list(prices)
    choice = chosen(file, context)
    printer = Printer(format.value)
    asked = asking.open_cluster(choice, printer.progress)
    printer.cluster(choice.name, asked.cluster.server)
    asked_for = {"time_scale": asked.time_scale, "grace": seconds, "prices": listed, "shares": True}
    found = read_ownership(asked.cluster, asked.azure, where, **asked_for)
    if where and not (found.pods or found.claims):
        asked.require_namespace(where)
    raise typer.Exit(printer.inventory(found, asked.cluster.server))
