"""The volume names a share of Azure Files that does not exist.

What it is
    The share was deleted behind Kubernetes' back, or its whole storage account was, by a person, a script or a policy.
    The volume and the claim still look healthy; only the next mount shows it, while pods that mount it already get
    errors from their files. Azure keeps a deleted share for some days, where the account's soft delete is on.
    Or the volume was made by hand, and names no share: its handle is none of the driver's and its volumeAttributes have
    no shareName, or no storageAccount.

How it is recognised
    States: Azure has no storage account of that name in the group that the volume names, or the account has no such
    share. A volume that tells no resource group proves nothing of an account that is not in the node resource group.
    Words: FailedMount with `mount error(2): No such file or directory`, of NFS `reason given by server: No such file or
    directory`, `ShareNotFound` (azurefile-csi-driver pkg/azurefile/nodeserver.go and what mount.cifs says). Of a volume
    that names none: `failed to get file share name from …`, `failed to get account name from …`.

What it is not
    A share that is there and cannot be reached (`share-unreachable`): mount.cifs says error 2 of that, too. A key that
    is not accepted, or a Secret that is missing (`mount-refused`). A disk that is gone (`disk-gone`).

Next
    List the account's shares with the deleted ones, and restore it. Azure's activity log says who deleted it. A new
    share of that name is mounted as well, and is empty.

Links
    https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/storage/fail-to-mount-azure-file-share
    https://learn.microsoft.com/azure/storage/files/storage-files-prevent-file-share-deletion
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.causes.disk_gone import is_kept
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import Refusal, refused
from aksdisks.inspection.diagnosis.shares import (
    account_state,
    restored,
    share_named,
    share_rows,
    shares_there,
    source_of,
)
from aksdisks.model import FileShare, ShareSource, Volume


def _rule(case: Case) -> Match | Not | None:
    source, volume = source_of(case), case.volume
    if source is None or volume is None:
        return None
    if unnamed := refused(case, "no-share-named"):
        return _no_share(case, source, volume, unnamed)
    refusal = refused(case, "share-not-found", "account-not-found")
    if isinstance(case.share, FileShare):
        return Not(f"Azure has {share_named(source)}") if refusal else None
    gone = bool(source.key) and case.share is None and is_kept(case, volume)
    if not gone and not (refusal and case.pod):
        return None
    no_account = case.account is None if gone else refusal is not None and refusal.saying.id == "account-not-found"
    because = f"Azure has no {share_named(source)}, which volume {volume.name} names"
    if no_account:
        because = (
            f"Azure has no storage account {source.account}, of which volume {volume.name} names share {source.share}"
        )
    elif not gone:
        because = f"its node finds no {share_named(source)}, which volume {volume.name} names"
    return Match(
        because,
        (*((refusal.evidence,) if refusal else ()), *share_rows(case, source)),
        (account_state(case, source),) if no_account else (shares_there(case, source), restored(case, source)),
        "certain" if gone else "likely",
    )


def _no_share(case: Case, source: ShareSource, volume: Volume, refusal: Refusal) -> Match:
    attributes = quote("{.spec.csi.volumeHandle} {.spec.csi.volumeAttributes}")
    return Match(
        f"volume {volume.name} does not tell " + ("its storage account" if source.share else "its share"),
        (refusal.evidence, *share_rows(case, source)),
        (Step(f"kubectl get pv {quote(volume.name)} --output jsonpath={attributes}", "what the volume names"),),
    )


CAUSE = Cause(
    id="share-missing",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    over=("mount-refused", "share-unreachable", "not-authorized"),
    needs=("files",),
)
