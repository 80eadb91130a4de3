"""Volumes of the file driver: the share that one stands for, and the PersistentVolume that is made for a claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aksdisks.lab.agents.csi.common import parameter
from aksdisks.lab.agents.csi.share_parameters import ShareRequest, with_names
from aksdisks.lab.agents.csi.volume_objects import PROVISIONER_FINALIZER
from aksdisks.lab.arm.storage.refusals import FULL
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.storage import FILE_DRIVER, PROVISIONED_BY, claim_reference, class_name
from aksdisks.lab.kube.authz.attributes import quote

ACCOUNT_NAME, ACCOUNT_KEY = "azurestorageaccountname", "azurestorageaccountkey"
"""What stands in the secret with an account's key."""

KEY_KEPT = 180.0
"""Cluster seconds for which the driver keeps an account's key in mind (azurefile.go accountCacheMap)."""


def full_account(account: str) -> str:
    """What the driver says of an account that takes no more, without asking Azure once it knows (azurefile.go)."""
    return f"account({account}) is in {FULL}, wait for a few minutes to retry"


class HandleError(ValueError):
    """A handle that names no share; the message is the driver's."""


@dataclass(frozen=True)
class ShareAddress:
    """Where a share is; empty what is not said: `group` the node resource group, `subscription` the cluster's.

    `namespace`: that of the secret with the account's key.
    """

    group: str
    account: str
    share: str
    namespace: str = ""
    subscription: str = ""


def address_in(handle: str) -> ShareAddress:
    """The share that a volume's handle names, of the form `rg#account#share#disk#uuid#namespace#subscription`.

    All from `disk` on may be missing (pkg/azurefile/azurefile.go GetFileShareInfo). Raises `HandleError`.
    """
    parts = handle.split("#")
    if len(parts) < 3:
        raise HandleError(f"error parsing volume id: {quote(handle)}, should at least contain two #")
    at = 5 if parts[0] else 4
    more = [*parts[at : at + 2], "", ""]
    for name, value in (("diskName", "".join(parts[3:4])), ("namespace", more[0])):
        if ".." in value.replace("\\", "/").split("/"):
            raise HandleError(f"invalid {name} {quote(value)}: contains directory traversal sequence")
    return ShareAddress(parts[0], parts[1], parts[2], more[0], more[1] if parts[0] else "")


def secret_name(account: str) -> str:
    """The name of the secret with an account's key, where nobody says another."""
    return f"azure-storage-account-{account}-secret"


def handle_of(address: ShareAddress, unique: str) -> str:
    """The handle of a volume made for a claim; `unique` differs where a class names the share, else it is empty."""
    return "#".join((address.group, address.account, address.share, "", unique, address.namespace))


def share_of(volume: Object) -> ShareAddress:
    """The share of a PersistentVolume: what its attributes say goes over its handle (GetAccountInfo)."""
    csi = volume["spec"]["csi"]
    attributes = csi.get("volumeAttributes") or {}
    try:
        found = address_in(str(csi["volumeHandle"]))
    except HandleError:
        found = ShareAddress("", "", "")
    namespace = parameter(attributes, "secretnamespace") or found.namespace
    share = with_names(parameter(attributes, "sharename") or found.share, attributes)
    return ShareAddress(
        parameter(attributes, "resourcegroup") or found.group,
        parameter(attributes, "storageaccount") or found.account,
        share,
        namespace or parameter(attributes, "csi.storage.k8s.io/pvc/namespace") or "default",
        parameter(attributes, "subscriptionid") or found.subscription,
    )


def is_nfs(volume: Object) -> bool:
    """Whether it is mounted by NFS; otherwise by SMB."""
    return parameter(volume["spec"]["csi"].get("volumeAttributes") or {}, "protocol") == "nfs"


def persistent_volume(
    claim: Object, storage_class: Object, request: ShareRequest, address: ShareAddress, name: str, identity: str
) -> Object:
    """The volume as the external-provisioner creates it; `identity` is the provisioner's."""
    spec = claim["spec"]
    attributes = {**request.parameters, "storage.kubernetes.io/csiProvisionerIdentity": identity}
    volume: dict[str, Any] = {
        "kind": "PersistentVolume",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "annotations": {
                PROVISIONED_BY: FILE_DRIVER,
                "volume.kubernetes.io/provisioner-deletion-secret-name": "",
                "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
            },
            "finalizers": [PROVISIONER_FINALIZER],
        },
        "spec": {
            "capacity": {"storage": f"{request.size_gib}Gi"},
            "csi": {
                "driver": FILE_DRIVER,
                "volumeHandle": handle_of(address, name if request.names_share else ""),
                "volumeAttributes": attributes,
            },
            "accessModes": list(spec.get("accessModes") or ()),
            "claimRef": claim_reference(claim),
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
            "storageClassName": class_name(claim),
            "volumeMode": spec.get("volumeMode") or "Filesystem",
        },
    }
    if storage_class.get("mountOptions"):
        volume["spec"]["mountOptions"] = list(storage_class["mountOptions"])
    return volume
