"""The subscription's quota allows no further disk.

What it is
    Each subscription has a limit of disks for each region and kind of SKU. It is reached, so Azure makes no further
    one, in whatever cluster.

How it is recognised
    Words: OperationNotAllowed `… results in exceeding approved …DiskCount quota … Current Limit: …, Current Usage: …`,
    `QuotaExceeded` (Azure; scylla-cluster-tests#12948).

What it is not
    A machine that takes no further disk (`no-disk-slot`, `foreign-disks`).

Next
    Look at the usage, delete disks that nobody needs, or ask for a higher limit.

Links
    https://learn.microsoft.com/azure/quotas/per-vm-quota-requests
"""

from __future__ import annotations

import re

from aksdisks.inspection.diagnosis.case import SUBJECTS, Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import OVER_ACTS, refused
from aksdisks.inspection.diagnosis.rows import claim_row, cluster_of, node_group

_FIGURES = re.compile(r"Location: (\w+).*?Current Limit: (\d+).*?Current Usage: (\d+)", re.DOTALL)


def _rule(case: Case) -> Match | None:
    refusal = refused(case, "disk-quota")
    if refusal is None:
        return None
    quota = refusal.saying.groups.get("quota") or "its quota"
    figures = _FIGURES.search(refusal.evidence.says)
    used = f" ({figures[3]} of {figures[2]} are used in {figures[1]})" if figures else ""
    location = figures[1] if figures else cluster_of(case)[2]
    group = node_group(case) or "NODE_RESOURCE_GROUP"
    return Match(
        because=f"Azure does not {refusal.what}: it would exceed {quota}{used}",
        evidence=(refusal.evidence, *([claim_row(case.claim)] if case.claim else [])),
        next=(
            Step(f"az vm list-usage --location {location} --output table", "how much of each quota is used"),
            Step(
                f"az disk list --resource-group {group} --query \"[?diskState=='Unattached']\" --output table",
                "which disks are attached to nothing",
            ),
        ),
    )


CAUSE = Cause(id="disk-quota", verdict="problem", rule=_rule, kinds=SUBJECTS, page=__doc__, over=OVER_ACTS)
