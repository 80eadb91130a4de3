"""The command `aksdisks orphans`: which disks may go, and, where a person says so, their deletion."""

from __future__ import annotations

import sys
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
    "Exit codes: 0 all was seen, and with --delete all that may go went, or is no orphan any more; 1 a disk could not "
    "be deleted; 2 bad input; 3 what could not be seen could hide an orphan; 130 interrupted."
)


class Format(StrEnum):
    """How the disks are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


_SnapshotOption = Annotated[
    bool, typer.Option("--snapshot", help="With --delete: make an incremental snapshot of each before.")
]
_YesOption = Annotated[
    str,
    typer.Option(
        "--yes-delete-from",
        metavar="GROUP",
        help="With --delete: the node resource group, instead of the question.",
        show_default=False,
    ),
]


def orphans(
    namespace: DisksOfOption = "",
    everywhere: EverywhereOption = False,
    file: ClusterFileOption = None,
    context: ContextOption = "",
    grace: GraceOption = "24h",
    prices: PricesOption = None,
    format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    delete: Annotated[bool, typer.Option("--delete", help="Delete them, after a question.")] = False,
    snapshot: _SnapshotOption = False,
    yes: _YesOption = "",
) -> None:
    """List the disks that nothing needs any more: made for a claim, attached to nothing, named by no volume.

    It only reads, unless --delete is given. The list is printed on stdout; the first line on stderr names the cluster.
    """
    from aksdisks.cli import orphan_deletion
    from aksdisks.cli.orphan_listing import Listing, Printer
    from aksdisks.errors import CannotRun
    from aksdisks.inspection.diagnosis import asking
    from aksdisks.inspection.ownership import read_ownership
    from aksdisks.model import Unknown
    from aksdisks.session.disk_removal import Outcome

    where = disks_of(namespace, everywhere=everywhere)
    _check_flags(yes, delete=delete, snapshot=snapshot)
    seconds, listed = grace_seconds(grace), price_list(prices)
    printer = Printer(format.value)
    choice = chosen(file, context)
    asked = asking.open_cluster(choice, printer.progress)
    printer.cluster(choice.name, asked.cluster.server)
    removal, outcomes = None, list[Outcome]()
    if delete:
        removal = orphan_deletion.begin(asked, choice.settings.state_dir, yes, save=snapshot, printer=printer)
        outcomes += map(printer.outcome, removal.unfinished())
    scale, azure = asked.time_scale, removal.azure if removal else asked.azure
    inventory = read_ownership(asked.cluster, azure, where, time_scale=scale, grace=seconds, prices=listed)
    if isinstance(inventory.ownership, Unknown):
        raise CannotRun(f"whose the disks are is {inventory.ownership}")
    unlisted = inventory.disks.because if isinstance(inventory.disks, Unknown) else ""
    listing = Listing(asked.cluster.server, inventory.ownership, scale, tuple(outcomes), unlisted)
    if removal:
        raise typer.Exit(orphan_deletion.delete(listing, removal, yes, printer))
    printer.whole(listing)
    raise typer.Exit(3 if listing.unseen else 0)


def asks_a_person() -> bool:
    """Whether a person can be asked on standard input."""
    return sys.stdin.isatty()


def _check_flags(yes: str, *, delete: bool, snapshot: bool) -> None:
    from aksdisks.errors import InputError

    for flag, given in (("--snapshot", snapshot), ("--yes-delete-from", bool(yes))):
        if given and not delete:
            raise InputError(object=flag, expected="--delete beside it", found="none")
    if delete and not yes and not asks_a_person():
        raise InputError(
            object="--delete", expected="a terminal, to ask on, or --yes-delete-from GROUP", found="neither"
        )
