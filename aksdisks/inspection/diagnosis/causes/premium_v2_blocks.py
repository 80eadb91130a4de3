"""A PremiumV2 disk on a machine outside of zones blocks every other disk of that machine.

What it is
    A disk with SKU PremiumV2_LRS can only be attached to a machine in an availability zone. Where one is to be attached
    to a machine outside of zones, Azure refuses the machine's whole update, so that no other disk can be attached to
    it or detached from it either, for as long as the PremiumV2 disk is asked for.

How it is recognised
    Words: `'PremiumV2_LRS' storage account type can be used only with Virtual Machines in an Availability Zone` (Azure;
    AKS#3880, AKS#3844), in the attach error of whatever disk of that machine.
    States: a volume of a PremiumV2 class has an attachment to the same node.

What it is not
    A PremiumV2 disk that cannot be made without a zone (`impossible-request`).

Next
    Find the pod with the PremiumV2 disk on that node and put it on a node in a zone; the other disks then go on.

Links
    https://learn.microsoft.com/azure/virtual-machines/disks-types#premium-ssd-v2-limitations
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused
from aksdisks.inspection.diagnosis.rows import attachment_rows, kubectl
from aksdisks.inspection.diagnosis.zones import zone_row
from aksdisks.model import Disk, Volume


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "premium-v2")
    if refusal is None:
        return None
    pod = case.pod
    node = pod.node if pod else ""
    own = case.volume is not None and _is_v2(case, case.volume)
    culprits = [] if own else [each for each in _volumes_on(case, node) if _is_v2(case, each)]
    first = case.volume if own else culprits[0] if culprits else None
    what = "its own disk is PremiumV2" if own else "a PremiumV2 disk blocks the machine"
    named = f": that of {first.claim or first.name}" if first and not own else ""
    about = pod or case.subject
    return Match(
        because=f"Azure does not {refusal.what}: {what}{named}, and node {node or 'of the pod'} is in no zone",
        evidence=(
            refusal.evidence,
            *([zone_row(case.node)] if case.node else []),
            *(Evidence("Kubernetes", f"PersistentVolume {each.name}", f"PremiumV2, {each.claim}") for each in culprits),
            *attachment_rows(case),
        ),
        next=(
            kubectl(f"get pods --output wide --field-selector spec.nodeName={node}", about, "which pods are there"),
            kubectl("get pv --output wide", _NOWHERE, "which volumes are of a PremiumV2 class"),
        ),
    )


_NOWHERE = Volume()


def _is_v2(case: Case, volume: Volume) -> bool:
    disk = case.seen.disk(volume.disk_id) if volume.disk_id else None
    of_class = case.seen.storage_class(volume.storage_class)
    sku = disk.sku if isinstance(disk, Disk) else of_class.sku if of_class else ""
    return sku.lower().startswith("premiumv2")


def _volumes_on(case: Case, node: str) -> list[Volume]:
    """The volumes that are, or are to be, attached to a node."""
    found = (case.seen.volume(each.volume) for each in case.seen.inventory.attachments if each.node == node)
    return [volume for volume in found if volume is not None and volume != case.volume]


CAUSE = Cause(
    id="premium-v2-blocks",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    over=(*OVER_ACTS, "zone-mismatch"),
    needs=("azure",),
)
