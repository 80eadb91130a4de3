"""The share's server does not answer the node.

What it is
    The node cannot reach the storage account: its name is not resolved, or not to the private endpoint that it has, or
    a firewall, a network security group or a route closes port 445 (SMB) or 2049 (NFS). Or the share is found, and the
    folder in it that the volume names is not there.

How it is recognised
    Words: FailedMount with `could not resolve address for …`, `mount error(115): Operation now in progress`, `mount
    error(112): Host is down`, `mount operation timed out after … seconds`; of NFS `Connection timed out`
    (azurefile-csi-driver pkg/azurefile/nodeserver.go, what mount.cifs and mount.nfs say). `mount error(2)` of a share
    that is there.
    States: Azure has the account and the share.

What it is not
    An account or a share that is gone (`share-missing`): an account's name is not resolved any more, either. An answer
    that is a refusal (`mount-refused`).

Next
    Resolve and reach the account from a pod on that node, and compare with the account's network rules and private
    endpoints.

Links
    https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/storage/fail-to-mount-azure-file-share
    https://learn.microsoft.com/azure/storage/files/storage-files-networking-overview
"""

from __future__ import annotations

from shlex import quote

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Step
from aksdisks.inspection.diagnosis.refusals import refused
from aksdisks.inspection.diagnosis.shares import account_state, share_named, share_rows, source_of
from aksdisks.model import FileShare


def _rule(case: Case) -> Match | Not | None:
    source = source_of(case)
    refusal = refused(case, "share-unreachable", "share-not-found")
    if case.pod is None or source is None or refusal is None:
        return None
    there, not_found = isinstance(case.share, FileShare), refusal.saying.id == "share-not-found"
    if not there and (not_found or case.share is None):
        return None if not_found else Not("Azure has no such account or share")
    groups = refusal.saying.groups
    server = groups.get("server") or groups.get("host") or f"{source.account or 'ACCOUNT'}.file.core.windows.net"
    port = 2049 if source.protocol == "nfs" else 445
    if not_found and source.folder:
        because = f"{share_named(source)} is there, and its folder {source.folder} is not found"
    elif not_found:
        because = (
            f"{share_named(source)} is there, and node {case.pod.node} does not find it: it reaches another server"
        )
    else:
        because = f"node {case.pod.node} does not reach {server}, port {port}, for {share_named(source)}"
    shell = quote(f"nslookup {quote(server)}; nc -vz -w 5 {quote(server)} {port}")
    look = f"kubectl debug node/{case.pod.node} --image=busybox -it -- sh -c {shell}"
    return Match(
        because,
        (refusal.evidence, *share_rows(case, source)),
        (Step(look, "whether the node resolves the account's name, and reaches it"), account_state(case, source)),
        "certain" if there and not not_found else "likely",
    )


CAUSE = Cause(id="share-unreachable", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__, needs=("files",))
