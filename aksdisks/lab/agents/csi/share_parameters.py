"""How the file driver reads the parameters of classes, and what it refuses before it asks Azure.

Source: kubernetes-sigs/azurefile-csi-driver pkg/azurefile/controllerserver.go CreateVolume, azurefile.go, utils.go.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aksdisks.lab.agents.csi.common import INVALID_ARGUMENT, RefusalError, RpcError
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.volume_matching import requested_bytes
from aksdisks.lab.kube.authz.attributes import quote

GIB = 2**30
SMB, NFS = "SMB", "NFS"
PREMIUM_LEAST, V2_LEAST = 100, 32
"""GiB of the smallest share on premium files, and on files whose speed is provisioned apart (v2)."""
LONGEST_NAME = 63

_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")

_OPEN = frozenset(
    (
        "accesstier", "createaccount", "csi.storage.k8s.io/pv/name", "csi.storage.k8s.io/pvc/name",
        "csi.storage.k8s.io/pvc/namespace", "fsgroupchangepolicy", "fstype", "location", "matchtags",
        "mountpermissions", "protocol", "publicnetworkaccess", "resourcegroup", "rootsquashtype", "secretname",
        "secretnamespace", "shareaccesstier", "sharename", "sharenameprefix", "skuname", "storageaccount",
        "storageaccounttype", "storeaccountkey", "subscriptionid", "tags", "tagvaluedelimiter",
        "usesecretcache",
    )
)  # fmt: skip
_YES_OR_NO = (
    "allowblobpublicaccess", "allowsharedkeyaccess", "enablelargefileshares", "getlatestaccountkey",
    "requireinfraencryption", "selectrandommatchingaccount", "allowcrosstenantreplication",
)  # fmt: skip
_NOT_EMULATED = frozenset(
    (
        "accountaccesstier", "accountquota", "clientid", "confidentialcontainerlabel", "createfolderifnotexist",
        "disabledeleteretentionpolicy", "diskname", "enablemultichannel", "encryptintransit", "foldername",
        "mountwithmanagedidentity", "mountwithoauthtoken", "mountwithworkloadidentitytoken", "networkendpointtype",
        "privatednszoneresourcegroup", "provisionedbandwidth", "provisionediops", "runtimeclasshandler", "server",
        "storageendpointsuffix", "subnetname", "tenantid", "usedataplaneapi", "vnetlinkname", "vnetname",
        "vnetresourcegroup",
    )
)  # fmt: skip
"""Parameters of the driver's that ask for what the lab's Azure has not: networks, identities, a data plane, files that
are disks."""

_LISTS = (
    ("fstype", "fsType", "fsType", ("cifs", "smb", "nfs", "ext4", "ext3", "ext2", "xfs")),
    ("protocol", "protocol", "protocol", ("smb", "nfs")),
    (
        "shareaccesstier",
        "shareAccessTier",
        "ShareAccessTier",
        ("Cool", "Hot", "Premium", "TransactionOptimized"),
    ),
    ("rootsquashtype", "rootSquashType", "RootSquashType", ("AllSquash", "NoRootSquash", "RootSquash")),
    ("fsgroupchangepolicy", "fsGroupChangePolicy", "fsGroupChangePolicy", ("None", "Always", "OnRootMismatch")),
    (
        "publicnetworkaccess",
        "publicNetworkAccess",
        "PublicNetworkAccess",
        ("Disabled", "Enabled", "SecuredByPerimeter"),
    ),
)
"""A parameter, how a refusal names it, how it names what there is, and that: in the order in which they are checked."""

_PREFIX = re.compile(r"[0-9a-z][0-9a-z-]{0,19}")
_ENDS = re.compile(r"[a-z0-9]([\s\S]*[a-z0-9])?")


@dataclass(frozen=True)
class ShareRequest:
    """The share that a claim of a class asks for; empty texts are left to the driver.

    `account` empty: one that fits is looked for, or made. `settings`: the account's properties that the class
    decides, as Azure names them. `group` empty: the node resource group. `keeps_key`: whether a secret gets the
    account's key.
    """

    share: str
    size_gib: int
    protocol: str
    sku: str
    kind: str
    account: str
    group: str
    subscription: str
    location: str
    tags: Mapping[str, str]
    match_tags: bool
    make_account: bool
    settings: Mapping[str, Any]
    access_tier: str
    root_squash: str
    keeps_key: bool
    secret_name: str
    secret_namespace: str
    names_share: bool
    parameters: Mapping[str, str] = field(default_factory=dict)


def share_request(claim: Object, storage_class: Object, volume_name: str, subscription: str) -> ShareRequest:
    """`subscription`: the id of the cluster's.

    Raises `RpcError` for what the driver refuses, `RefusalError` for what the lab has not.
    """
    if claim["spec"].get("volumeMode") == "Block":
        text = "CreateVolume Volume capabilities not valid: driver does not support block volumes"
        raise RpcError(INVALID_ARGUMENT, text)
    meta = claim["metadata"]
    parameters = dict(storage_class.get("parameters") or {}) | {
        "csi.storage.k8s.io/pv/name": volume_name,
        "csi.storage.k8s.io/pvc/name": meta["name"],
        "csi.storage.k8s.io/pvc/namespace": meta["namespace"],
    }
    given = _read(parameters)
    protocol = NFS if "nfs" in (given.get("protocol"), given.get("fstype")) else SMB
    keeps_key = given.get("storeaccountkey", "").lower() != "false" and protocol == SMB
    settings = _settings(given)
    _check(given, subscription, keyless=keeps_key and settings.get("allowSharedKeyAccess") is False)
    sku = given.get("skuname") or given.get("storageaccounttype", "")
    if protocol == NFS:
        sku = sku or "Premium_LRS"
        _set(parameters, "protocol", "nfs")
    size, kind = _fitting(sku, max(1, math.ceil(requested_bytes(claim) / GIB)))
    named = with_names(given.get("sharename", ""), parameters)
    namespace = given.get("secretnamespace") or str(meta["namespace"])
    _set(parameters, "secretnamespace", namespace)
    return ShareRequest(
        share=named or _own_name(volume_name, given.get("sharenameprefix", ""), protocol),
        size_gib=size,
        protocol=protocol,
        sku=sku,
        kind=kind,
        account=given.get("storageaccount", ""),
        group=given.get("resourcegroup", ""),
        subscription=given.get("subscriptionid", ""),
        location=given.get("location", ""),
        tags=_tags(given.get("tags", ""), given.get("tagvaluedelimiter") or ","),
        match_tags=_is(given, "matchtags"),
        make_account=_is(given, "createaccount"),
        settings=settings,
        access_tier=given.get("shareaccesstier", ""),
        root_squash=given.get("rootsquashtype", ""),
        keeps_key=keeps_key,
        secret_name=given.get("secretname", ""),
        secret_namespace=namespace,
        names_share=bool(given.get("sharename")),
        parameters=parameters,
    )


def of_account(request: ShareRequest, sku: str) -> ShareRequest:
    """The request, once the SKU of the account that its class names is known."""
    size, kind = _fitting(sku, request.size_gib)
    return replace(request, sku=sku, size_gib=size, kind=kind)


def _fitting(sku: str, size_gib: int) -> tuple[int, str]:
    """At least the smallest share of the SKU, and the kind of account that has it."""
    if "v2" in sku.lower():
        return max(size_gib, V2_LEAST), "FileStorage"
    if sku.lower().startswith("premium"):
        return max(size_gib, PREMIUM_LEAST), "FileStorage"
    return size_gib, "StorageV2"


def with_names(text: str, parameters: Mapping[str, str]) -> str:
    """The names of claim and volume put in where a class or a volume asks for them (replaceWithMap)."""
    for key in ("pvc/name", "pvc/namespace", "pv/name"):
        text = text.replace(
            "${" + key.replace("/", ".metadata.") + "}", parameters.get(f"csi.storage.k8s.io/{key}", "")
        )
    return text


def _read(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters by their names in lower case, the two names of the share's tier as one."""
    given: dict[str, str] = {}
    for name, value in parameters.items():
        key = name.lower()
        if key in _NOT_EMULATED:
            raise RefusalError(f"parameter {name} of the class: expected one that the lab emulates, found {value!r}")
        if key in _YES_OR_NO and value not in (*_TRUE, *_FALSE):
            raise _invalid(f"invalid {key}: {value} in storage class")
        if key == "mountpermissions" and (re.fullmatch("[0-7]+", value, re.ASCII) is None or int(value, 8) >= 2**32):
            raise _invalid(f"invalid mountPermissions {value} in storage class")
        if key not in _OPEN and key not in _YES_OR_NO:
            raise _invalid(f"invalid parameter {quote(name)} in storage class")
        given["shareaccesstier" if key == "accesstier" else key] = value
    return given


def _check(given: Mapping[str, str], subscription: str, *, keyless: bool) -> None:
    """What does not go together; `keyless`: a key is to be kept of an account that is to have none."""
    account, sku = given.get("storageaccount", ""), given.get("skuname") or given.get("storageaccounttype", "")
    if _is(given, "matchtags") and account:
        raise _invalid(f"matchTags must set as false when storageAccount({account}) is provided")
    if given.get("subscriptionid", "") not in ("", subscription) and not given.get("resourcegroup"):
        raise _invalid(f"resourceGroup must be provided in cross subscription({given['subscriptionid']})")
    _check_lists(given)
    if "nfs" in (given.get("protocol"), given.get("fstype")) and sku.lower().startswith("standard"):
        raise _invalid(f"nfs protocol only supports premium storage, current account type: {sku}")
    if keyless:
        raise _invalid("storeAccountKey is not supported for account with shared access key disabled")


def _check_lists(given: Mapping[str, str]) -> None:
    for key, name, plural, known in _LISTS:
        value = given.get(key, "")
        if value and value not in known:
            raise _invalid(f"{name}({value}) is not supported, supported {plural} list: [{' '.join(known)}]")
        if key == "fstype" and value in ("ext4", "ext3", "ext2", "xfs"):
            raise RefusalError(
                f"fsType of the class: expected none, smb or nfs in the lab, found {value}: a file as disk"
            )
    prefix = given.get("sharenameprefix", "")
    if prefix and _PREFIX.fullmatch(prefix) is None:
        raise _invalid(
            f"shareNamePrefix({prefix}) can only contain lowercase letters, numbers, hyphens, and length should be "
            "less than 21"
        )
    fstype = given.get("fstype", "")
    if given.get("protocol") == "nfs" and fstype not in ("", "nfs"):
        raise _invalid(f"fsType({fstype}) is not supported with protocol(nfs)")


def _settings(given: Mapping[str, str]) -> dict[str, Any]:
    """The account's properties, as the driver sets them (cloud-provider-azure azure_storageaccount.go)."""
    settings: dict[str, Any] = {"allowBlobPublicAccess": given.get("allowblobpublicaccess") in _TRUE}
    for key, name in (
        ("allowsharedkeyaccess", "allowSharedKeyAccess"),
        ("allowcrosstenantreplication", "allowCrossTenantReplication"),
    ):
        if key in given:
            settings[name] = given[key] in _TRUE
    if "enablelargefileshares" in given:
        settings["largeFileSharesState"] = "Enabled" if given["enablelargefileshares"] in _TRUE else "Disabled"
    if "requireinfraencryption" in given:
        settings["encryption"] = {
            "requireInfrastructureEncryption": given["requireinfraencryption"] in _TRUE,
            "keySource": "Microsoft.Storage",
        }
    if given.get("publicnetworkaccess"):
        settings["publicNetworkAccess"] = given["publicnetworkaccess"]
    return settings


def _own_name(volume_name: str, prefix: str, protocol: str) -> str:
    """The share's name where the class gives none (getValidFileShareName)."""
    name = f"{prefix}-{volume_name}" if prefix else volume_name
    if protocol == NFS and not prefix:
        name = name.replace("pvc", "pvcn", 1)
    name = name.lower()[:LONGEST_NAME]
    assert _ENDS.fullmatch(name), name
    return name.replace("--", "-")


def _tags(text: str, delimiter: str) -> dict[str, str]:
    tags = {}
    for entry in text.split(delimiter) if text else ():
        key, equals, value = entry.partition("=")
        if not equals or not key.strip():
            raise _invalid(f"Tags '{text}' are invalid, the format should like: 'key1=value1{delimiter}key2=value2'")
        tags[key.strip()] = value.strip()
    return tags


def _is(given: Mapping[str, str], key: str) -> bool:
    return given.get(key, "").lower() == "true"


def _set(parameters: dict[str, str], key: str, value: str) -> None:
    """In the case in which the class has the name (setKeyValueInMap)."""
    parameters[next((name for name in parameters if name.lower() == key), key)] = value


def _invalid(text: str) -> RpcError:
    return RpcError(INVALID_ARGUMENT, text)
