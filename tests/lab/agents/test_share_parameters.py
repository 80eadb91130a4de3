"""The file driver's reading of classes: what becomes of them, and what it refuses in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.agents.csi.common import RefusalError, RpcError
from aksdisks.lab.agents.csi.share_parameters import ShareRequest, share_request
from aksdisks.lab.agents.csi.share_volumes import HandleError, ShareAddress, address_in, is_nfs, share_of
from tests.lab.controllers.storage_objects import claim, storage_class

FILES = "file.csi.azure.com"


def asked(parameters: dict[str, str], size: str = "5Gi", **spec: Any) -> ShareRequest:
    files = storage_class("files", "Immediate", provisioner=FILES, parameters=parameters)
    return share_request(claim(size=size, storage_class="files", **spec), files, "pvc-4711", "own")


SETTINGS = {"allowBlobPublicAccess": False}


@pytest.mark.parametrize(
    ("parameters", "size", "expected"),
    [
        ({}, "5Gi", ("pvc-4711", 5, "SMB", "", "StorageV2", True, SETTINGS)),
        ({"skuName": "Standard_ZRS"}, "4500Mi", ("pvc-4711", 5, "SMB", "Standard_ZRS", "StorageV2", True, SETTINGS)),
        ({"skuName": "Premium_LRS"}, "5Gi", ("pvc-4711", 100, "SMB", "Premium_LRS", "FileStorage", True, SETTINGS)),
        ({"skuName": "Premium_ZRS"}, "2Ti", ("pvc-4711", 2048, "SMB", "Premium_ZRS", "FileStorage", True, SETTINGS)),
        (
            {"storageAccountType": "StandardV2_LRS"}, "5Gi",
            ("pvc-4711", 32, "SMB", "StandardV2_LRS", "FileStorage", True, SETTINGS),
        ),
        ({"protocol": "nfs"}, "5Gi", ("pvcn-4711", 100, "NFS", "Premium_LRS", "FileStorage", False, SETTINGS)),
        ({"fsType": "nfs"}, "5Gi", ("pvcn-4711", 100, "NFS", "Premium_LRS", "FileStorage", False, SETTINGS)),
        ({"storeAccountKey": "false"}, "5Gi", ("pvc-4711", 5, "SMB", "", "StorageV2", False, SETTINGS)),
        ({"subscriptionID": "own"}, "5Gi", ("pvc-4711", 5, "SMB", "", "StorageV2", True, SETTINGS)),
        ({"shareNamePrefix": "app"}, "5Gi", ("app-pvc-4711", 5, "SMB", "", "StorageV2", True, SETTINGS)),
        (
            {"shareName": "${pvc.metadata.namespace}-${pvc.metadata.name}-${pv.metadata.name}"}, "5Gi",
            ("walk-data-pvc-4711", 5, "SMB", "", "StorageV2", True, SETTINGS),
        ),
        (
            {"enableLargeFileShares": "true", "allowBlobPublicAccess": "T", "allowCrossTenantReplication": "0"}, "5Gi",
            ("pvc-4711", 5, "SMB", "", "StorageV2", True, SETTINGS | {
                "largeFileSharesState": "Enabled", "allowBlobPublicAccess": True, "allowCrossTenantReplication": False,
            }),
        ),
    ],
)  # fmt: skip
def test_a_class_and_a_claim_become_a_share(parameters: dict[str, str], size: str, expected: tuple[Any, ...]) -> None:
    found = asked(parameters, size)
    shown = found.share, found.size_gib, found.protocol, found.sku, found.kind, found.keeps_key, dict(found.settings)
    assert shown == expected


@pytest.mark.parametrize(
    ("parameters", "spec", "words"),
    [
        ({}, {"volumeMode": "Block"},
         "CreateVolume Volume capabilities not valid: driver does not support block volumes"),
        ({"skuname": "Standard_LRS", "cachingmode": "None"}, {}, 'invalid parameter "cachingmode" in storage class'),
        ({"enableLargeFileShares": "yes"}, {}, "invalid enablelargefileshares: yes in storage class"),
        ({"mountPermissions": "0799"}, {}, "invalid mountPermissions 0799 in storage class"),
        ({"matchTags": "true", "storageAccount": "mine"}, {},
         "matchTags must set as false when storageAccount(mine) is provided"),
        ({"protocol": "cifs"}, {}, "protocol(cifs) is not supported, supported protocol list: [smb nfs]"),
        ({"fsType": "btrfs"}, {},
         "fsType(btrfs) is not supported, supported fsType list: [cifs smb nfs ext4 ext3 ext2 xfs]"),
        ({"fsType": "smb", "protocol": "nfs"}, {}, "fsType(smb) is not supported with protocol(nfs)"),
        ({"protocol": "nfs", "skuName": "Standard_LRS"}, {},
         "nfs protocol only supports premium storage, current account type: Standard_LRS"),
        ({"accessTier": "Archive"}, {}, "shareAccessTier(Archive) is not supported, supported ShareAccessTier list: "
         "[Cool Hot Premium TransactionOptimized]"),
        ({"rootSquashType": "Some"}, {}, "rootSquashType(Some) is not supported, supported RootSquashType list: "
         "[AllSquash NoRootSquash RootSquash]"),
        ({"shareNamePrefix": "-App"}, {}, "shareNamePrefix(-App) can only contain lowercase letters, numbers, hyphens, "
         "and length should be less than 21"),
        ({"tags": "a=1,b"}, {}, "Tags 'a=1,b' are invalid, the format should like: 'key1=value1,key2=value2'"),
        ({"allowSharedKeyAccess": "false"}, {},
         "storeAccountKey is not supported for account with shared access key disabled"),
    ],
)  # fmt: skip
def test_what_the_driver_refuses_is_infeasible(parameters: dict[str, str], spec: dict[str, Any], words: str) -> None:
    with pytest.raises(RpcError) as found:
        asked(parameters, **spec)
    assert str(found.value) == f"rpc error: code = InvalidArgument desc = {words}"


@pytest.mark.parametrize("parameters", [{"folderName": "a/b"}, {"networkEndpointType": "privateEndpoint"},
                                        {"mountWithManagedIdentity": "true"}, {"fsType": "ext4"}])  # fmt: skip
def test_what_the_lab_has_not_it_refuses_in_its_own_words(parameters: dict[str, str]) -> None:
    [(name, value)] = parameters.items()
    with pytest.raises(RefusalError, match=f"{name} .*found '?{value}'?"):
        asked(parameters)


@pytest.mark.parametrize(
    ("handle", "attributes", "expected"),
    [
        ("rg#acc#share###walk", {}, ShareAddress("rg", "acc", "share", "walk")),
        ("rg#acc#share###walk#4-7-1-1", {}, ShareAddress("rg", "acc", "share", "walk", "4-7-1-1")),
        ("rg#acc#share#", {"csi.storage.k8s.io/pvc/namespace": "ns"}, ShareAddress("rg", "acc", "share", "ns")),
        ("rg#acc#share", {"shareName": "other"}, ShareAddress("rg", "acc", "other", "default")),
        # As in-tree volumes were translated: the namespace stands one place before.
        ("#acc#share##ns", {}, ShareAddress("", "acc", "share", "ns")),
        ("any-unique-name", {"resourceGroup": "rg", "storageAccount": "acc", "sharename": "s", "secretNamespace": "ns"},
         ShareAddress("rg", "acc", "s", "ns")),
        ("any", {}, ShareAddress("", "", "", "default")),
    ],
)  # fmt: skip
def test_a_volume_names_its_share_by_handle_or_attributes(
    handle: str, attributes: dict[str, str], expected: ShareAddress
) -> None:
    volume = {"spec": {"csi": {"driver": FILES, "volumeHandle": handle, "volumeAttributes": attributes}}}
    assert (share_of(volume), is_nfs(volume)) == (expected, False)


@pytest.mark.parametrize(
    ("handle", "words"),
    [
        ("rg#acc", 'error parsing volume id: "rg#acc", should at least contain two #'),
        ("rg#acc#share#../x", 'invalid diskName "../x": contains directory traversal sequence'),
        (r"rg#acc#share###..\x", r'invalid namespace "..\\x": contains directory traversal sequence'),
    ],
)
def test_a_handle_that_names_no_share_is_told(handle: str, words: str) -> None:
    with pytest.raises(HandleError) as found:
        address_in(handle)
    assert str(found.value) == words
