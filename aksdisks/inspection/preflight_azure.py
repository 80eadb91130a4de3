"""What Azure tells beforehand: that it can be asked, and that region and subscription have room for the run's disks."""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.connection import Target
from aksdisks.model import NotPermitted, StorageClass, Unknown, known
from aksdisks.model.checks import Check, check

DEFAULT_SKU = "StandardSSD_LRS"
"""What the driver makes where the class names no SKU (facts A)."""

_SHOWN = "Azure shows the node resource group, its disks and its machines"
_OFFERED = "The region offers the disks of the class"
_QUOTA = "The subscription's quota allows every disk"


def azure_answers(target: Target, storage_class: StorageClass | Unknown) -> Iterator[Check]:
    """Whether Azure can be asked, whether the region offers the class's disks, and whether the quota allows them all.

    The last two need rights on the whole subscription; without them they are not applicable.
    """
    azure = target.azure
    if azure.unknown is not None:
        off = target.parameters.azure == "off"
        yield check(_SHOWN, None if off else azure.unknown, str(azure.unknown))
        return
    location, disks, machines = azure.location(), azure.disks(), azure.machines()
    if isinstance(location, Unknown) or isinstance(disks, Unknown) or isinstance(machines, Unknown):
        why = next(answer for answer in (location, disks, machines) if isinstance(answer, Unknown))
        yield check(_SHOWN, why, azure.resource_group)
        return
    seen = f"{azure.resource_group} in {location}: {len(known(disks))} disks, {len(known(machines))} machines"
    yield check(_SHOWN, True, seen)
    if isinstance(storage_class, Unknown):
        yield from (check(statement, storage_class, location) for statement in (_OFFERED, _QUOTA))
        return
    sku = storage_class.sku or DEFAULT_SKU
    yield _offered(target, location, sku)
    yield _quota(target, location, sku)


def _offered(target: Target, location: str, sku: str) -> Check:
    offered = target.azure.offered_disks(location)
    if isinstance(offered, Unknown):
        return _unasked(_OFFERED, offered, "Microsoft.Compute/skus/read")
    return check(_OFFERED, sku in offered, f"{sku} in {location}, which offers {', '.join(sorted(offered)) or 'none'}")


def _quota(target: Target, location: str, sku: str) -> Check:
    """Each kind of disk has a quota of its own, such as PremiumDiskCount and PremiumZRSDiskCount."""
    quotas = target.azure.quotas(location)
    if isinstance(quotas, Unknown):
        return _unasked(_QUOTA, quotas, "Microsoft.Compute/locations/usages/read")
    kind, _, redundancy = sku.partition("_")
    name = f"{kind}{'ZRS' if redundancy == 'ZRS' else ''}DiskCount"
    if name not in quotas:
        return check(_QUOTA, Unknown(f"{location} tells of no {name}"), f"{len(quotas)} quotas")
    used, limit = quotas[name]
    needed = 1 + target.parameters.stateful_replicas
    return check(_QUOTA, used + needed <= limit, f"{name} in {location}: {used} of {limit} used, {needed} needed")


def _unasked(statement: str, answer: Unknown, action: str) -> Check:
    """A run needs no right to what is only asked beforehand."""
    if isinstance(answer, NotPermitted):
        return check(statement, None, f"not looked for: it takes {action} on the subscription")
    return check(statement, answer, "nothing")
