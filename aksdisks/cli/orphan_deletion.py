"""Deletes the orphans of a list once a person, or a flag, has named their resource group; says what became of each."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import typer

from aksdisks.azure.compute import Azure
from aksdisks.cli.orphan_listing import Listing, Printer
from aksdisks.cli.signals import Signals
from aksdisks.errors import InputError, NotAllowed
from aksdisks.inspection.diagnosis.asking import Asked
from aksdisks.session.disk_removal import DiskRemoval, journal_of


def begin(asked: Asked, state_dir: Path, yes: str, *, save: bool, printer: Printer) -> DiskRemoval:
    """What deletes on the cluster that was asked, with its journal in the state directory; nothing is deleted yet.

    Raises InputError where `yes` names another node resource group than the cluster's, NotAllowed where nobody can say
    which that is.
    """
    azure = asked.azure if isinstance(asked.azure, Azure) else asked.azure(asked.cluster.nodes())
    if azure.unknown is not None:
        raise NotAllowed(f"Azure is {azure.unknown}")
    if yes and yes.lower() != azure.resource_group.lower():
        expected = f"{azure.resource_group}, the node resource group of this cluster"
        raise InputError(object="--yes-delete-from", expected=expected, found=repr(yes))
    journal = journal_of(state_dir, azure)
    return DiskRemoval(asked.cluster, azure, journal, save, asked.time_scale, progress=printer.progress)


def delete(listing: Listing, removal: DiskRemoval, yes: str, printer: Printer) -> int:
    """Ask, delete, say what became of each disk, those of `listing.outcomes` too; gives the exit code."""
    outcomes = list(listing.outcomes)
    if listing.orphans and not yes:
        printer.before(listing)
        _ask(listing.ownership.resource_group, len(listing.orphans))
    with Signals(printer.progress, "It ends after what is under way; what was begun is found again.") as signals:
        removal = replace(removal, interrupted=lambda: bool(signals.reason))
        outcomes += map(printer.outcome, removal.carry_out(listing.orphans))
    printer.whole(replace(listing, outcomes=tuple(outcomes)))
    if signals.reason:
        return 130
    if any(each.state in ("failed", "begun") for each in outcomes):
        return 1
    return 3 if listing.unseen else 0


def _ask(group: str, count: int) -> None:
    """Raises InputError where the name of the node resource group is not typed."""
    what = "this disk" if count == 1 else f"these {count} disks"
    typer.echo(f"Type the name of the node resource group, {group}, to delete {what}: ", nl=False, err=True)
    typed = sys.stdin.readline().strip()
    if typed.lower() != group.lower():
        raise InputError(object="the answer", expected=f"{group}; nothing was deleted", found=repr(typed))
