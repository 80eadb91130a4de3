"""The verdict on a share of Azure Files: rules in the order in which they are asked, each with its reason; pure.

Azure knows no claim of a share, and accounts may be shared: an `orphan` is only what the driver made in an account of
its own, and what nothing that could be read names.
"""

from __future__ import annotations

from collections.abc import Callable

from aksdisks.inspection.ownership.case import ShareCase
from aksdisks.inspection.ownership.clusters import other_cluster
from aksdisks.inspection.ownership.uses import (
    Judgement,
    first_verdict,
    hangs_on,
    kept,
    moment,
    mounted,
    some,
    span,
    volumes_unread,
    without_claim,
)
from aksdisks.model import FileShare, StorageAccount, Unknown

# What the driver writes on the accounts that it makes (azurefile-csi-driver docs/driver-parameters.md).
_MADE_BY = "k8s-azure-created-by"


def judge_share(case: ShareCase) -> Judgement:
    """The verdict of the first rule that has one; the reason names the other volumes of the same share."""
    return first_verdict(case, RULES, case.facts.volumes_of_share(case.key), "share")


def _mounted_inline(case: ShareCase) -> Judgement | None:
    """A pod names a share without an account, which is in its Secret: one of that name is taken for it."""
    pods = case.facts.inline.get(case.name, ())
    if not pods:
        return None
    return "in-use", f"pod {some([pod.key for pod in pods])} mounts a share of this name without a claim"


def _unread(case: ShareCase) -> Judgement | None:
    if not isinstance(case.share, Unknown):
        return None
    return "unknown", f"{case.share.because}; {hangs_on(case)}"


def _elsewhere(case: ShareCase) -> Judgement | None:
    if not case.facts.is_elsewhere(case.id):
        return None
    return (
        "unknown",
        f"its account is outside the node resource group: who else uses it cannot be told; {hangs_on(case)}",
    )


def _snapshots(case: ShareCase) -> Judgement | None:
    if isinstance(case.facts.contents, Unknown):
        return "unknown", f"no volume names it; whether a snapshot of it is kept is {case.facts.contents}"
    content = case.facts.snapshots_of_shares.get(case.key)
    return ("kept", f"VolumeSnapshotContent {content.name} has its snapshot in it") if content else None


def _foreign(case: ShareCase) -> Judgement | None:
    return None if case.by_driver else ("foreign", "nothing says that it was made for a claim")


def _other_cluster(case: ShareCase) -> Judgement | None:
    """The account is tagged as another cluster's, or a person made it, so that several clusters may name it."""
    account = case.account
    if not isinstance(account, StorageAccount):
        return "unknown", f"no volume names it; its account is {account}"
    if because := other_cluster(case.facts, account.tags):
        return "unknown", f"of its account {account.name}: {because}"
    if _MADE_BY in account.tags:
        return None
    return "unknown", f"no volume names it; no driver made account {account.name}, so that another cluster may use it"


def _leased(case: ShareCase) -> Judgement | None:
    leased = isinstance(case.share, FileShare) and case.share.lease.lower() == "leased"
    return ("unknown", "no volume names it, and somebody has a lease on it") if leased else None


def _awaited(case: ShareCase) -> Judgement | None:
    """The claim that it was named after is there."""
    facts = case.facts
    if because := facts.unread("PersistentVolumeClaim"):
        return "unknown", f"no volume names it; whether its claim is there is not known: {because}"
    claim = facts.claims_by_uid.get(case.claim_uid)
    if claim is None:
        return None
    if not claim.volume:
        return "kept", f"claim {claim.key} is {claim.phase}: its share is being made"
    if claim.volume not in facts.volumes_by_name:
        return "kept", f"claim {claim.key} is {claim.phase}: it names volume {claim.volume}, which is gone"
    return "unknown", f"it was made for claim {claim.key}, which has volume {claim.volume} instead"


def _pods_unread(case: ShareCase) -> Judgement | None:
    because = case.facts.unread("Pod")
    return (
        ("unknown", f"no volume names it; whether a pod mounts it without one is not known: {because}")
        if because
        else None
    )


def _left(case: ShareCase) -> Judgement:
    """Nothing names it: an orphan once it is old enough."""
    share, facts = case.share, case.facts
    if not isinstance(share, FileShare) or share.modified is None:
        return "unknown", "no volume names it, and Azure does not say since when it is as it is"
    age = (facts.inventory.taken - share.modified).total_seconds() * facts.inventory.time_scale
    text = f"the driver made it, no volume names it, and its properties are as they are since {moment(share.modified)}"
    if age < facts.grace:
        return "young", f"{text}, less than {span(facts.grace)} ago"
    return "orphan", f"{text}; Azure does not tell whether files in it are used"


RULES: tuple[Callable[[ShareCase], Judgement | None], ...] = (
    mounted,
    _mounted_inline,
    volumes_unread,
    _unread,
    _elsewhere,
    kept,
    without_claim,
    _snapshots,
    _foreign,
    _other_cluster,
    _leased,
    _awaited,
    _pods_unread,
    _left,
)
"""The first that has a verdict is right; the last always has one."""
