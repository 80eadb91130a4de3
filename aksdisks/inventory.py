"""Joins both sides: pod, claim, volume, attachment, disk, machine."""

from __future__ import annotations

from aksdisks.model import Chain, Inventory
from aksdisks.session import Session


def take(session: Session) -> Inventory:
    """Read both sides now; the Kubernetes side of the session's namespace, Azure's of the node resource group."""
    ...


def join(inventory: Inventory) -> tuple[Chain, ...]:
    """The chains of an inventory: one per pod and claim, then one for each claim that no pod mounts; pure."""
    ...
