"""The node may not mount the share: its key is not accepted, the Secret with it is missing, or the account is closed.

What it is
    A share is mounted by SMB with the key of its storage account, which the node takes from a Secret. The mount is
    refused where the key was renewed in Azure and the Secret has the old one, where the Secret is missing or has no
    key, where the account accepts no keys at all, or where its network rules do not admit the node. NFS asks for no
    key: there the account refuses a network that it does not admit, and any transfer that is not encrypted, where it is
    to be. A share speaks one of both, and is not found by the other. Pods that mount the share already go on until they
    connect anew.

How it is recognised
    Words: FailedMount with `mount error(13): Permission denied`, of NFS `access denied by server while mounting`
    (azurefile-csi-driver pkg/azurefile/nodeserver.go); `failed to find the secret …` (kubernetes
    pkg/volume/csi/csi_util.go) or `could not get secret(…)`; `could not find accountkey or azurestorageaccountkey field
    in secrets`, `accountName(…) or accountKey is empty` (azurefile.go).
    States: Azure has account and share; the account's allowSharedKeyAccess, network rules and publicNetworkAccess tell
    which of them it is. Keys and Secrets are not read, so that a Secret with an old key is not told from one that
    was deleted, whose key the driver has kept.

What it is not
    A share or an account that is gone (`share-missing`). A server that does not answer (`share-unreachable`). Azure
    that refuses the driver, which asks for the key where no Secret is named (`not-authorized`).

Next
    See whether the Secret has both names, and whether the account accepts keys and admits the nodes. Then write today's
    key into the Secret, over what it had for every volume that is mounted with it; the kubelet tries again by itself
    within two minutes. Where the volume names no Secret itself, as one that was made for a claim, the driver of a node
    tries the old key again as long as pods there try to mount with less than three minutes between: scale them to zero
    for three minutes, or restart its pod on that node (azurefile.go GetAccountInfo, accountCacheMap).

Links
    https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/storage/fail-to-mount-azure-file-share
    https://github.com/kubernetes-sigs/azurefile-csi-driver/blob/master/docs/driver-parameters.md
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Confidence, Step
from aksdisks.inspection.diagnosis.refusals import Refusal, refused
from aksdisks.inspection.diagnosis.shares import account_state, names_in, renewed, share_named, share_rows, source_of
from aksdisks.model import FileShare, ShareSource, StorageAccount

_Told = tuple[str, tuple[Step, ...], Confidence]


def _rule(case: Case) -> Match | None:
    source = source_of(case)
    refusal = refused(case, "mount-denied", "secret-not-found", "secret-without-keys", "share-not-found")
    if case.pod is None or source is None or refusal is None:
        return None
    told = _of_secret(case, source, refusal) if refusal.saying.id.startswith("secret") else _of_protocol(case, source)
    if refusal.saying.id == "share-not-found" and told is None:
        return None  # what is not found refuses nobody
    because, steps, sure = told or _of_account(case, source) or _of_key(case, source)
    return Match(because, (refusal.evidence, *share_rows(case, source)), steps, sure)


def _of_secret(case: Case, source: ShareSource, refusal: Refusal) -> _Told:
    """The Secret is missing, or lacks what the mount needs; the words say which one, else the volume."""
    groups, namespace = refusal.saying.groups, source.secret.partition("/")[0]
    named = f"{groups['namespace']}/{groups['name']}" if "name" in groups else groups.get("key", "")
    secret = named or (f"{namespace}/{groups['secret']}" if "secret" in groups else source.secret)
    if refusal.saying.id == "secret-not-found":
        because = f"Secret {secret}, from which the mount takes the key of the storage account, is not there"
    else:
        because = f"Secret {secret} lacks the name or the key of the storage account, with which the share is mounted"
    return because, (names_in(secret), renewed(case, source, secret)) if "/" in secret else (), "certain"


def _of_protocol(case: Case, source: ShareSource) -> _Told | None:
    """The share speaks another protocol than that by which it is mounted; None where nothing tells that."""
    spoken = case.share.protocol.lower() if isinstance(case.share, FileShare) else source.protocol
    if spoken == source.protocol:
        return None
    because = f"{share_named(source)} speaks {spoken.upper()}, and volume {case.volume.name if case.volume else ''} "
    look = Step(f"kubectl get pv {case.volume.name if case.volume else 'VOLUME'} --output yaml", "its protocol")
    return f"{because}mounts it by {source.protocol.upper()}", (look,), "certain"


def _of_account(case: Case, source: ShareSource) -> _Told | None:
    """The account refuses whoever comes with a key, or from the node's network; None where nothing tells that."""
    account, look = case.account, (account_state(case, source),)
    by_key, known = source.protocol != "nfs", isinstance(account, StorageAccount)
    if by_key and isinstance(account, StorageAccount) and not account.shared_keys:
        return f"storage account {account.name} accepts no keys, and the share is mounted with one", look, "certain"
    closed = isinstance(account, StorageAccount) and (account.networks, account.public_access) not in (
        ("Allow", ""),
        ("Allow", "Enabled"),
    )
    if by_key and not closed:
        return None
    if not by_key and isinstance(account, StorageAccount) and account.encrypted_only:
        because = f"storage account {account.name} wants encrypted transfer, and NFS is mounted without"
        return because, look, "certain" if not closed else "likely"
    node = case.pod.node if case.pod else ""
    rules = "its network rules name who may" if known and closed else "NFS asks nothing but the network"
    return f"storage account {source.account} does not admit node {node}: {rules}", look, "likely"


def _of_key(case: Case, source: ShareSource) -> _Told:
    """The key is not the account's, or not any more."""
    there = isinstance(case.share, FileShare)
    node = case.pod.node if case.pod else ""
    because = (
        f"{share_named(source)}{' is there, and' if there else ''} refuses the key with which node {node} mounts it"
    )
    which = f"the one in Secret {source.secret}, or one that the driver has kept from before"
    steps = (names_in(source.secret), account_state(case, source), renewed(case, source, source.secret))
    return f"{because}: {which}, is old or another account's", steps, "certain" if there else "likely"


CAUSE = Cause(
    id="mount-refused",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    over=("not-authorized", "share-unreachable"),
    needs=("files",),
)
