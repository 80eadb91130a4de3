"""The file driver's provisioner and resizer on the lab's Azure: what claims become, and what is told of refusals."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from aksdisks.lab.agents.csi.file_provisioner import FileProvisioner
from aksdisks.lab.agents.csi.resizer import FileResizer
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.driver.files import CloudFiles
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.faults.arm_requests import RequestFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.scenario import load
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import claim, storage_class

DRIVER = "file.csi.azure.com"
GROUP = "MC_disks_article_westeurope"
OTHER = "00000000-0000-0000-0000-00000000abcd"
READY = {"volume.kubernetes.io/storage-provisioner": DRIVER}


class Azure:
    """The lab's, on the clock of a test."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.cloud: Any = None

    def files(self, clock: Any, ids: Any) -> CloudFiles:
        if self.cloud is None:
            self.cloud = Cloud(load("regional"), clock, ids)
        return CloudFiles(self.cloud, ids, RequestFaults(self.faults, clock))

    def provisioner(self, api: Any, clock: Any, ids: Any) -> FileProvisioner:
        return FileProvisioner(api, clock, ids, self.files(clock, ids), EventRecorder(api, clock, f"{DRIVER}_pod_uuid"))

    def resizer(self, api: Any, clock: Any, ids: Any) -> FileResizer:
        return FileResizer(api, clock, ids, self.files(clock, ids))

    def shares(self) -> list[tuple[str, int, str]]:
        found = [share for share in self.cloud.storage.shares.everything() if share.deleted is None]
        return [(share.name, share.quota_gib, share.protocol) for share in found]


def on_azure(test: Callable[[World, Azure], Any]) -> None:
    azure = Azure()
    played(lambda world: test(world, azure), azure.provisioner, azure.resizer)


async def waiting(world: World, name: str = "data", size: str = "5Gi", **parameters: str) -> dict[str, Any]:
    if await world.get("storageclasses", "files", None) is None:
        made = storage_class("files", "Immediate", provisioner=DRIVER, parameters=parameters)
        await world.create("storageclasses", made)
    wanted = claim(name, size, "files", accessModes=["ReadWriteMany"])
    wanted["metadata"]["annotations"] = READY
    made = await world.create("persistentvolumeclaims", wanted)
    await world.settle()
    return made


async def volume_of(world: World, made: dict[str, Any]) -> dict[str, Any]:
    found = await world.get("persistentvolumes", f"pvc-{made['metadata']['uid']}", None)
    assert found is not None
    return found


def test_claims_that_come_together_have_shares_in_one_account_and_the_key_in_one_secret() -> None:
    async def test(world: World, azure: Azure) -> None:
        made = [await waiting(world, name, skuName="Standard_LRS") for name in ("one", "two")]
        await world.clock.advance(20)
        [account] = azure.cloud.storage.accounts.all()
        assert (account.sku, account.kind, account.tags) == (
            "Standard_LRS", "StorageV2", {"k8s-azure-created-by": "azure"},
        )  # fmt: skip
        assert sorted(azure.shares()) == sorted((f"pvc-{one['metadata']['uid']}", 5, "SMB") for one in made)
        secret = await world.get("secrets", f"azure-storage-account-{account.name}-secret")
        assert secret is not None
        assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == {
            "azurestorageaccountname": account.name,
            "azurestorageaccountkey": account.key1,
        }
        there = await volume_of(world, made[0])
        name = there["metadata"]["name"]
        attributes = dict(there["spec"]["csi"]["volumeAttributes"])
        assert attributes.pop("storage.kubernetes.io/csiProvisionerIdentity").endswith(f"-{DRIVER}")
        assert there["spec"]["csi"] == {
            "driver": DRIVER,
            "volumeHandle": f"{GROUP}#{account.name}#{name}###walk",
            "volumeAttributes": there["spec"]["csi"]["volumeAttributes"],
        }
        assert attributes == {
            "skuName": "Standard_LRS",
            "csi.storage.k8s.io/pv/name": name,
            "csi.storage.k8s.io/pvc/name": "one",
            "csi.storage.k8s.io/pvc/namespace": "walk",
            "secretnamespace": "walk",
        }
        assert (there["spec"]["capacity"], "nodeAffinity" in there["spec"]) == ({"storage": "5Gi"}, False)
        share = azure.cloud.storage.shares.get(GROUP, account.name, name)
        assert share.metadata == {"createdBy": DRIVER}

    on_azure(test)


def test_a_full_account_is_left_for_another_one_and_says_so() -> None:
    async def test(world: World, azure: Azure) -> None:
        await waiting(world, "most", "102400Gi", skuName="Premium_LRS")
        await world.clock.advance(20)
        await waiting(world, "more", "100Gi")
        await world.clock.advance(40)
        [full, other] = sorted(
            azure.cloud.storage.accounts.all(), key=lambda account: "skip-matching" not in account.tags
        )
        assert (full.tags["skip-matching"], "skip-matching" in other.tags) == ("", False)
        assert [share.quota_gib for share in azure.cloud.storage.shares.of(other)] == [100]

        named = {"skuName": "Premium_LRS", "storageAccount": full.name}
        await world.create("storageclasses", storage_class("named", "Immediate", provisioner=DRIVER, parameters=named))
        wanted = claim("stuck", "100Gi", "named", accessModes=["ReadWriteMany"])
        wanted["metadata"]["annotations"] = READY
        await world.create("persistentvolumeclaims", wanted)
        await world.clock.advance(20)
        told = [event for event in world.events if "ProvisioningFailed" in event]
        code = "TotalSharesProvisionedCapacityExceedsAccountLimit"
        assert told[0].endswith(f"account({full.name}) is in {code}, wait for a few minutes to retry")

    on_azure(test)


@pytest.mark.parametrize(
    ("parameters", "share", "kind"),
    [
        ({"skuName": "Premium_LRS"}, ("pvc-", 100, "SMB"), "FileStorage"),
        ({"protocol": "nfs"}, ("pvcn-", 100, "NFS"), "FileStorage"),
    ],
)
def test_premium_and_nfs_shares_are_at_least_as_large_as_azure_makes_them(
    parameters: dict[str, str], share: tuple[str, int, str], kind: str
) -> None:
    async def test(world: World, azure: Azure) -> None:
        made = await waiting(world, **parameters)
        await world.clock.advance(20)
        [(name, *rest)] = azure.shares()
        assert (name.removesuffix(made["metadata"]["uid"]), *rest) == share
        [account] = azure.cloud.storage.accounts.all()
        assert (account.kind, account.settings["supportsHttpsTrafficOnly"]) == (kind, share[2] == "SMB")
        there = await volume_of(world, made)
        assert there["spec"]["capacity"] == {"storage": "100Gi"}
        assert len(await world.names("secrets")) == (share[2] == "SMB")

    on_azure(test)


def test_a_share_goes_with_its_claim_unless_it_is_retained_and_the_account_stays() -> None:
    async def test(world: World, azure: Azure) -> None:
        made = [await waiting(world, name) for name in ("gone", "kept")]
        await world.clock.advance(20)
        for one, policy in zip(made, ("Delete", "Retain"), strict=True):
            name = f"pvc-{one['metadata']['uid']}"
            await world.api.patch("persistentvolumes", name, {"spec": {"persistentVolumeReclaimPolicy": policy}})
            await world.api.patch("persistentvolumes", name, {"status": {"phase": "Released"}}, subresource="status")
        await world.settle()
        assert azure.shares() == [(f"pvc-{made[1]['metadata']['uid']}", 5, "SMB")]
        # Nobody takes away the finalizer that the cluster's own controllers put there.
        assert [("deletionTimestamp" in (await volume_of(world, one))["metadata"]) for one in made] == [True, False]
        assert len(azure.cloud.storage.accounts.all()) == 1

    on_azure(test)


async def released(world: World, made: dict[str, Any]) -> None:
    name = f"pvc-{made['metadata']['uid']}"
    await world.api.patch("persistentvolumes", name, {"status": {"phase": "Released"}}, subresource="status")
    await world.settle()


def test_a_share_that_is_gone_is_deleted_but_not_one_whose_account_is_gone() -> None:
    async def test(world: World, azure: Azure) -> None:
        await world.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        made = [await waiting(world, name) for name in ("one", "two")]
        await world.clock.advance(20)
        [account] = azure.cloud.storage.accounts.all()
        azure.cloud.storage.shares.delete(GROUP, account.name, f"pvc-{made[0]['metadata']['uid']}")
        await released(world, made[0])
        assert "deletionTimestamp" in (await volume_of(world, made[0]))["metadata"]
        azure.cloud.storage.accounts.delete(GROUP, account.name)
        await released(world, made[1])
        name = f"pvc-{made[1]['metadata']['uid']}"
        told = f"DeleteFileShare {name} under account({account.name}) rg({GROUP}) failed with error: DELETE "
        [failed] = [event for event in world.events if "VolumeFailedDelete" in event]
        assert failed.startswith(f"Warning VolumeFailedDelete rpc error: code = Internal desc = {told}")
        assert "ERROR CODE: ParentResourceNotFound" in failed
        assert "deletionTimestamp" not in (await volume_of(world, made[1]))["metadata"]

    on_azure(test)


def test_an_account_that_was_full_takes_shares_again_half_an_hour_after_it_was_left() -> None:
    async def test(world: World, azure: Azure) -> None:
        made = [await waiting(world, name) for name in ("one", "two")]
        await world.clock.advance(20)
        [account] = azure.cloud.storage.accounts.all()
        left = {**account.tags, "skip-matching": ""}
        azure.cloud.storage.accounts.patch(GROUP, account.name, {"tags": left})
        await released(world, made[0])
        assert account_tags(azure) == {"k8s-azure-created-by": "azure"}
        azure.cloud.storage.accounts.patch(GROUP, account.name, {"tags": left})
        await released(world, made[1])
        assert account_tags(azure) == left
        assert azure.shares() == []
        later = await waiting(world, "later", storageAccount=account.name)
        await world.clock.advance(1800)
        await released(world, later)
        assert account_tags(azure) == {"k8s-azure-created-by": "azure"}

    on_azure(test)


def account_tags(azure: Azure) -> dict[str, str]:
    return dict(min(azure.cloud.storage.accounts.all(), key=lambda account: account.created).tags)


def test_for_a_minute_the_account_that_was_found_last_is_taken_though_it_is_gone() -> None:
    async def test(world: World, azure: Azure) -> None:
        await waiting(world, "one")
        await world.clock.advance(20)
        [account] = azure.cloud.storage.accounts.all()
        azure.cloud.storage.accounts.delete(GROUP, account.name)
        two = await waiting(world, "two")
        [failed] = [event for event in world.events if "ProvisioningFailed" in event]
        assert "failed to create share pvc-" in failed and f"in account {account.name}: PUT " in failed
        assert "ERROR CODE: ParentResourceNotFound" in failed
        await world.clock.advance(60)
        three = await waiting(world, "three")
        await world.clock.advance(90)
        [other] = azure.cloud.storage.accounts.all()
        for one in (two, three):
            assert (await volume_of(world, one))["spec"]["csi"]["volumeHandle"].startswith(f"{GROUP}#{other.name}#")

    on_azure(test)


REFUSED = (
    ("role-missing", "action/Microsoft.Storage/storageAccounts/read",
     "failed to ensure storage account: could not list storage accounts for account type : GET "),
    ("role-missing", "action/Microsoft.Storage/storageAccounts/write",
     "failed to ensure storage account: failed to create storage account f"),
    ("role-missing", "action/Microsoft.Storage/storageAccounts/listKeys/action",
     "failed to ensure storage account: could not get storage key for storage account f"),
    ("role-missing", "action/Microsoft.Storage/storageAccounts/fileServices/shares/write",
     "failed to create file share(pvc-"),
)  # fmt: skip


@pytest.mark.parametrize(("fault", "aim", "words"), REFUSED)
def test_what_azure_refuses_is_told_in_the_drivers_words_until_it_is_over(fault: str, aim: str, words: str) -> None:
    async def test(world: World, azure: Azure) -> None:
        azure.faults.on(fault, aim)
        made = await waiting(world)
        await world.clock.advance(20)
        told = [event for event in world.events if "ProvisioningFailed" in event]
        assert told[0].startswith(f"Warning ProvisioningFailed rpc error: code = Internal desc = {words}")
        assert "ERROR CODE: AuthorizationFailed" in told[0]
        assert await world.get("persistentvolumes", f"pvc-{made['metadata']['uid']}", None) is None
        azure.faults.off(fault)
        await world.clock.advance(60)
        assert (await volume_of(world, made))["spec"]["claimRef"]["name"] == "data"
        assert (len(azure.shares()), len(azure.cloud.storage.accounts.all())) == (1, 1)

    on_azure(test)


def test_an_account_is_taken_for_what_the_class_says_of_its_copies_to_other_tenants() -> None:
    async def test(world: World, azure: Azure) -> None:
        await waiting(world, allowCrossTenantReplication="true")
        await world.clock.advance(20)
        named = storage_class(
            "own", "Immediate", provisioner=DRIVER, parameters={"allowCrossTenantReplication": "false"}
        )
        await world.create("storageclasses", named)
        wanted = claim("other", "5Gi", "own", accessModes=["ReadWriteMany"])
        wanted["metadata"]["annotations"] = READY
        await world.create("persistentvolumeclaims", wanted)
        await world.clock.advance(20)
        found = [account.settings["allowCrossTenantReplication"] for account in azure.cloud.storage.accounts.all()]
        assert sorted(found) == [False, True]

    on_azure(test)


async def accounts(world: World, azure: Azure) -> None:
    for name, sku, kind in (("mine", "Standard_LRS", "StorageV2"), ("premium", "Premium_LRS", "FileStorage")):
        body = {"location": "westeurope", "sku": {"name": sku}, "kind": kind}
        azure.cloud.storage.accounts.put(GROUP, name, body)
    await world.settle()
    await world.clock.advance(20)


@pytest.mark.parametrize(
    ("parameters", "size", "words"),
    [
        ({"shareName": "Upper_Case", "storageAccount": "mine"}, "5Gi", "InvalidResourceName"),
        ({"shareName": "ab", "storageAccount": "mine"}, "5Gi", "OutOfRangeInput"),
        # The driver asks Azure for the account's SKU only below 32 GiB, and so for less than that has.
        ({"storageAccount": "premium"}, "40Gi", "InvalidHeaderValue"),
        ({"storageAccount": "mine"}, "6Ti", "InvalidHeaderValue"),
        ({"storageAccount": "nobodys"}, "5Gi", "ParentResourceNotFound"),
        ({"resourceGroup": "elsewhere"}, "5Gi", "ResourceGroupNotFound"),
        ({"location": "mars"}, "5Gi", "LocationNotAvailableForResourceType"),
        ({"subscriptionID": OTHER, "resourceGroup": "elsewhere"}, "5Gi", "SubscriptionNotFound"),
        ({"subscriptionID": OTHER, "resourceGroup": GROUP, "storageAccount": "mine"}, "5Gi", "SubscriptionNotFound"),
    ],
)  # fmt: skip
def test_bad_input_is_azures_to_refuse_and_leaves_nothing(parameters: dict[str, str], size: str, words: str) -> None:
    async def test(world: World, azure: Azure) -> None:
        await accounts(world, azure)
        made = await waiting(world, size=size, **parameters)
        await world.clock.advance(30)
        told = [event for event in world.events if "ProvisioningFailed" in event]
        assert told[0].startswith("Warning ProvisioningFailed rpc error: code = Internal desc = ")
        assert f"ERROR CODE: {words}" in told[0]
        assert ("subscriptionID" in parameters) is (f" https://management.azure.com/subscriptions/{OTHER}/" in told[0])
        assert (azure.shares(), len(azure.cloud.storage.accounts.all())) == ([], 2)
        assert await world.get("persistentvolumes", f"pvc-{made['metadata']['uid']}", None) is None
        assert await world.names("secrets") == []

    on_azure(test)


def test_a_class_may_name_account_and_share_which_several_claims_then_have() -> None:
    async def test(world: World, azure: Azure) -> None:
        await accounts(world, azure)
        made = [await waiting(world, name, storageAccount="premium", shareName="common") for name in ("one", "two")]
        await world.clock.advance(5)
        assert azure.shares() == [("common", 100, "SMB")]
        handles = [(await volume_of(world, one))["spec"]["csi"]["volumeHandle"] for one in made]
        names = [f"pvc-{one['metadata']['uid']}" for one in made]
        assert handles == [f"{GROUP}#premium#common##{name}#walk" for name in names]
        await waiting(world, "large", "200Gi")
        assert (
            "Warning ProvisioningFailed rpc error: code = AlreadyExists desc = request file share(common) already "
            "exists, but its capacity 100 is smaller than 200"
        ) in world.events

    on_azure(test)


def test_a_copy_is_refused_in_the_labs_words_and_block_volumes_in_the_drivers() -> None:
    async def test(world: World, _azure: Azure) -> None:
        await waiting(world, "source")
        wanted = claim("copy", "5Gi", "files", dataSource={"kind": "PersistentVolumeClaim", "name": "source"})
        wanted["metadata"]["annotations"] = READY
        await world.create("persistentvolumeclaims", wanted)
        wanted = claim("raw", "5Gi", "files", volumeMode="Block")
        wanted["metadata"]["annotations"] = READY
        await world.create("persistentvolumeclaims", wanted)
        await world.settle()
        assert [event for event in world.events if "Failed" in event] == [
            "Warning ProvisioningFailed data source of claim copy: expected none, since the lab's file driver copies "
            "no shares, found PersistentVolumeClaim source",
            "Warning ProvisioningFailed Volume provisioning failed with infeasible error. Retries will be delayed. rpc "
            "error: code = InvalidArgument desc = CreateVolume Volume capabilities not valid: driver does not support "
            "block volumes",
        ]

    on_azure(test)


def test_a_larger_claim_has_a_larger_quota_at_once_and_a_handle_without_share_cannot_grow() -> None:
    async def test(world: World, azure: Azure) -> None:
        made = await waiting(world)
        await world.clock.advance(20)
        there = await volume_of(world, made)
        name = there["metadata"]["name"]
        bind = {"spec": {"volumeName": name}}
        await world.api.patch("persistentvolumeclaims", "data", bind, "walk")
        status = {"status": {"phase": "Bound", "capacity": {"storage": "5Gi"}}}
        await world.api.patch("persistentvolumeclaims", "data", status, "walk", subresource="status")
        more = {"spec": {"resources": {"requests": {"storage": "7500Mi"}}}}
        await world.api.patch("persistentvolumeclaims", "data", more, "walk")
        await world.settle()
        assert azure.shares() == [(name, 8, "SMB")]
        grown = await world.get("persistentvolumeclaims", "data")
        assert grown is not None
        assert (grown["status"]["capacity"], "conditions" in grown["status"]) == ({"storage": "8Gi"}, False)
        assert (await volume_of(world, made))["spec"]["capacity"] == {"storage": "8Gi"}
        assert world.events[-2:] == [
            f"Normal Resizing External resizer is resizing volume {name}",
            "Normal VolumeResizeSuccessful Resize volume succeeded",
        ]
        too_much = {"spec": {"resources": {"requests": {"storage": "6Ti"}}}}
        await world.api.patch("persistentvolumeclaims", "data", too_much, "walk")
        await world.settle()
        failed = f'Warning VolumeResizeFailed resize volume "{name}" by resizer "{DRIVER}" failed: rpc error'
        assert world.events[-1].startswith(f"{failed}: code = Internal desc = expand volume error: PATCH ")
        assert "InvalidHeaderValue" in world.events[-1]
        account = azure.cloud.storage.accounts.all()[0].name
        azure.cloud.storage.shares.delete(GROUP, account, name)
        await world.clock.advance(300)
        told = [event.partition("desc = ")[2] for event in world.events if event.startswith(failed)]
        full = f"account({account}) is in TotalSharesProvisionedCapacityExceedsAccountLimit, wait for a few minutes"
        assert any("ERROR CODE: ShareNotFound" in text for text in told)
        assert f"{full} to retry" in told

    on_azure(test)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("csi.storage.k8s.io/fstype", ""),
        (
            "csi.storage.k8s.io/fstypes",
            "failed to strip CSI Parameters of prefixed keys: found unknown parameter key "
            '"csi.storage.k8s.io/fstypes" with reserved namespace csi.storage.k8s.io/',
        ),
        (
            "csi.storage.k8s.io/provisioner-secret-name",
            "parameter csi.storage.k8s.io/provisioner-secret-name of the class: expected one that the lab emulates, "
            "found 'smb'",
        ),
    ],
)
def test_parameters_of_the_provisioners_own_do_not_reach_the_driver(name: str, words: str) -> None:
    async def test(world: World, _azure: Azure) -> None:
        made = await waiting(world, **{name: "smb"})
        await world.clock.advance(20)
        failed = [event for event in world.events if "ProvisioningFailed" in event]
        assert failed[:1] == ([f"Warning ProvisioningFailed {words}"] if words else [])
        if not words:
            csi = (await volume_of(world, made))["spec"]["csi"]
            assert csi["fsType"] == "smb" and name not in csi["volumeAttributes"]

    on_azure(test)
