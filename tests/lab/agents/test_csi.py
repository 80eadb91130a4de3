from __future__ import annotations

import copy
from typing import Any

import pytest

from aksdisks.lab.agents.csi.attacher import Attacher
from aksdisks.lab.agents.csi.common import RpcError, managed_by_id, shortened
from aksdisks.lab.agents.csi.disk_provisioner import DiskProvisioner
from aksdisks.lab.agents.csi.volume_objects import disk_request, persistent_volume
from aksdisks.lab.arm.driver.refusals import AttachedDiskError
from aksdisks.lab.arm.driver.retries import ThrottledError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.controllers.storage import attachment_name
from tests.lab.agents.azure import FakeCompute
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import (
    DISKS,
    DRIVER,
    MACHINES,
    ZONE,
    bound,
    claim,
    csi_node,
    node,
    storage_class,
    volume,
)

HANDLE = f"{DISKS}/pv"
READY = {"volume.kubernetes.io/selected-node": "node-0", "volume.kubernetes.io/storage-provisioner": DRIVER}
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
FULL = CloudError(409, "OperationNotAllowed", "The maximum number of data disks is 8.", "dataDisks")


def provisioner(compute: FakeCompute) -> Any:
    def build(api: Any, clock: Any, ids: Any) -> DiskProvisioner:
        compute.clock = clock
        return DiskProvisioner(api, clock, ids, compute, EventRecorder(api, clock, f"{DRIVER}_pod_uuid"))

    return build


def attacher(compute: FakeCompute) -> Any:
    def build(api: Any, clock: Any, ids: Any) -> Attacher:
        compute.clock = clock
        return Attacher(api, clock, ids, compute)

    return build


async def waiting_claim(
    world: World, of_class: dict[str, Any] | None = None, chosen: str = "node-0", **spec: Any
) -> dict[str, Any]:
    await world.create("nodes", node(0))
    await world.create("storageclasses", storage_class(**(of_class or {})))
    wanted = claim(**spec)
    wanted["metadata"]["annotations"] = READY | {"volume.kubernetes.io/selected-node": chosen}
    made = await world.create("persistentvolumeclaims", wanted)
    await world.settle()
    return made


def test_a_claim_becomes_a_disk_and_a_volume() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        made = await waiting_claim(world, size="24500Mi")
        name = f"pvc-{made['metadata']['uid']}"
        await world.clock.advance(3)
        assert compute.calls == [f"create {name} 24 Premium_LRS None"]
        assert compute.tags == {
            "k8s-azure-created-by": "kubernetes-azure-dd",
            "kubernetes.io-created-for-pv-name": name,
            "kubernetes.io-created-for-pvc-name": "data",
            "kubernetes.io-created-for-pvc-namespace": "walk",
        }
        assert world.events == [
            'Normal Provisioning External provisioner is provisioning volume for claim "walk/data"',
            f"Normal ProvisioningSucceeded Successfully provisioned volume {name}",
        ]
        there = await world.get("persistentvolumes", name, None)
        assert there["metadata"]["annotations"] == {
            "pv.kubernetes.io/provisioned-by": DRIVER,
            "volume.kubernetes.io/provisioner-deletion-secret-name": "",
            "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
        }
        assert there["metadata"]["finalizers"] == [FINALIZER, "kubernetes.io/pv-protection"]
        attributes = copy.deepcopy(there["spec"]["csi"]["volumeAttributes"])
        assert attributes.pop("storage.kubernetes.io/csiProvisionerIdentity").endswith(f"-{DRIVER}")
        assert attributes == {
            "skuname": "Premium_LRS",
            "csi.storage.k8s.io/pv/name": name,
            "csi.storage.k8s.io/pvc/name": "data",
            "csi.storage.k8s.io/pvc/namespace": "walk",
            "requestedsizegib": "24",
        }
        assert there["spec"]["capacity"] == {"storage": "24Gi"}
        assert there["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]

    played(scenario, provisioner(compute))


GOLD = {"skuName": "PremiumV2_LRS", "DiskIOPSReadWrite": "5000", "DiskMBpsReadWrite": "200"}


def attributes_class(driver: str = DRIVER) -> dict[str, Any]:
    kind = {"kind": "VolumeAttributesClass", "apiVersion": "storage.k8s.io/v1", "metadata": {"name": "gold"}}
    return {**kind, "driverName": driver, "parameters": GOLD}


def test_a_claims_attributes_class_goes_over_its_storage_class() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await world.create("volumeattributesclasses", attributes_class())
        made = await waiting_claim(world, volumeAttributesClassName="gold")
        name = f"pvc-{made['metadata']['uid']}"
        await world.clock.advance(3)
        assert compute.calls == [f"create {name} 25 PremiumV2_LRS None 5000 IOPS 200 MB/s"]
        there = await world.get("persistentvolumes", name, None)
        assert there["spec"]["volumeAttributesClassName"] == "gold"
        assert GOLD.items() <= there["spec"]["csi"]["volumeAttributes"].items()

    played(scenario, provisioner(compute))


@pytest.mark.parametrize(
    ("driver", "text"),
    [
        (None, 'volumeattributesclasses.storage.k8s.io "gold" not found'),
        ("other", "VAC gold referenced in PVC is for driver other which does not match driver name disk.csi.azure.com"),
    ],
)
def test_a_claim_whose_attributes_class_does_not_do_waits(driver: str | None, text: str) -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        if driver is not None:
            await world.create("volumeattributesclasses", attributes_class(driver))
        await waiting_claim(world, volumeAttributesClassName="gold")
        assert world.events[-1] == f"Warning ProvisioningFailed {text}"
        if driver is None:
            await world.create("volumeattributesclasses", attributes_class())
        await world.clock.advance(4)
        assert [call.split()[0] for call in compute.calls] == (["create"] if driver is None else [])

    played(scenario, provisioner(compute))


def test_an_in_tree_class_still_gets_the_in_tree_volume() -> None:
    async def scenario(world: World) -> None:
        made = await waiting_claim(world, {"provisioner": "kubernetes.io/azure-disk"})
        await world.clock.advance(3)
        name = f"pvc-{made['metadata']['uid']}"
        there = await world.get("persistentvolumes", name, None)
        assert there["spec"]["azureDisk"]["diskURI"] == f"{DISKS}/{name}"
        assert there["metadata"]["annotations"]["pv.kubernetes.io/migrated-to"] == DRIVER

    played(scenario, provisioner(FakeCompute()))


@pytest.mark.parametrize(
    ("sku", "zone", "numbered", "topology"),
    [
        ("Premium_LRS", "", None, ("",)),
        ("Premium_LRS", "westeurope-2", "2", ("westeurope-2",)),
        ("Premium_ZRS", "westeurope-2", None, ("westeurope-1", "westeurope-2", "westeurope-3", "westeurope-4", "")),
    ],
)
def test_where_a_disk_is_made(sku: str, zone: str, numbered: str | None, topology: tuple[str, ...]) -> None:
    made = claim()
    made["metadata"]["uid"] = "u"
    request = disk_request(made, storage_class(parameters={"skuName": sku}), node(0, zone=zone))
    assert (request.zone, request.topology) == (numbered, topology)
    assert request.sku == sku


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ({"skuName": "Premium_LRS"}, {"skuName": "Premium_LRS"}),
        ({"skuName": "PremiumV2_LRS"}, {"skuName": "PremiumV2_LRS", "cachingmode": "None"}),
        ({"skuName": "PremiumV2_LRS", "cachingMode": "none"}, {"skuName": "PremiumV2_LRS", "cachingMode": "None"}),
    ],
)
def test_a_volume_of_a_premium_ssd_v2_says_that_it_has_no_cache(stated: dict[str, str], kept: dict[str, str]) -> None:
    made = claim()
    made["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    of_class = storage_class(parameters=stated)
    there = persistent_volume(made, of_class, disk_request(made, of_class, node(0)), "id", "me")
    assert there["spec"]["csi"]["volumeAttributes"].items() >= kept.items()
    assert ("cachingmode" in there["spec"]["csi"]["volumeAttributes"]) is ("cachingmode" in kept)


@pytest.mark.parametrize(
    ("of_class", "of_claim", "text"),
    [
        (
            {"parameters": {"skuname": "premium_lrs"}},
            {},
            "azureDisk - premium_lrs is not supported sku/storageaccounttype. Supported values are [Premium_LRS "
            "PremiumV2_LRS Premium_ZRS Standard_LRS StandardSSD_LRS StandardSSD_ZRS UltraSSD_LRS]",
        ),
        (
            {"parameters": {"skuname": "PremiumV2_LRS", "cachingMode": "ReadOnly"}},
            {},
            "Failed parsing disk parameters: cachingMode ReadOnly is not supported for PremiumV2_LRS",
        ),
        (
            {"parameters": {"skuname": "Gold"}},
            {},
            "azureDisk - Gold is not supported sku/storageaccounttype. Supported values are [Premium_LRS "
            "PremiumV2_LRS Premium_ZRS Standard_LRS StandardSSD_LRS StandardSSD_ZRS UltraSSD_LRS]",
        ),
        (
            {},
            {"accessModes": ["ReadWriteMany"]},
            "mountVolume is not supported for access mode: MULTI_NODE_MULTI_WRITER",
        ),
        (
            {},
            {"accessModes": ["ReadOnlyMany"], "volumeMode": "Block"},
            "access mode: MULTI_NODE_READER_ONLY is not supported for non-shared disk",
        ),
        (
            {"parameters": {"maxShares": "0"}},
            {},
            "Failed parsing disk parameters: parse 0 returned with invalid value: 0",
        ),
        (
            {"parameters": {"DiskMBpsReadWrite": ""}},
            {},
            "Failed parsing disk parameters: parse diskmbpsreadwrite: failed with error: strconv.Atoi: "
            'parsing "": invalid syntax',
        ),
        (
            {"parameters": {"maxShares": "two"}},
            {},
            'Failed parsing disk parameters: parse two failed with error: strconv.Atoi: parsing "two": invalid syntax',
        ),
    ],
)
def test_what_the_driver_refuses(of_class: dict, of_claim: dict, text: str) -> None:
    made = claim(**of_claim)
    made["metadata"]["uid"] = "u"
    with pytest.raises(RpcError) as refused:
        disk_request(made, storage_class(**of_class), node(0))
    assert str(refused.value) == f"rpc error: code = InvalidArgument desc = {text}"
    assert node(0)["metadata"]["labels"][ZONE] == ""


def test_a_class_of_shared_disks() -> None:
    made = claim(accessModes=["ReadWriteMany"], volumeMode="Block")
    made["metadata"]["uid"] = "u"
    assert disk_request(made, storage_class(parameters={"MaxShares": "3"}), node(0)).max_shares == 3


def test_azures_refusal_is_told_and_tried_again() -> None:
    compute = FakeCompute()
    compute.refusals = [CloudError(403, "AuthorizationFailed", "no")]

    async def scenario(world: World) -> None:
        await waiting_claim(world)
        await world.clock.advance(2.5)
        start = "Warning ProvisioningFailed rpc error: code = Internal desc = PUT https://management.azure.com/"
        assert world.events[1].startswith(start)
        assert "RESPONSE 403: 403 Forbidden\nERROR CODE: AuthorizationFailed\n" in world.events[1]
        await world.clock.advance(4)
        assert world.events[-1].startswith("Normal ProvisioningSucceeded")
        assert len(compute.calls) == 2

    played(scenario, provisioner(compute))


async def released(world: World) -> None:
    made = await world.create("persistentvolumeclaims", claim())
    gone = volume(of=made)
    gone["metadata"]["finalizers"] = [FINALIZER]
    await world.create("persistentvolumes", gone)
    await world.api.patch("persistentvolumes", "pv", {"status": {"phase": "Released"}}, subresource="status")


def test_a_released_volume_is_deleted_after_its_disk() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await released(world)
        await world.settle()
        assert (compute.calls, world.taken()) == (["delete pv"], [])
        await world.clock.advance(2.5)
        assert world.taken() == ["delete persistentvolumes pv", "update persistentvolumes pv"]
        left = await world.get("persistentvolumes", "pv", None)
        assert left["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
        assert world.events == []

    played(scenario, provisioner(compute))


BY_HAND: dict[str, str] = {}
BY_US = {"pv.kubernetes.io/provisioned-by": DRIVER}
BY_OTHERS = {"pv.kubernetes.io/provisioned-by": "file.csi.azure.com"}


@pytest.mark.parametrize(
    ("notes", "policy", "had", "phase", "deleted", "has"),
    [
        (BY_US, "Delete", True, "Bound", False, True),
        (BY_US, "Retain", True, "Bound", False, False),
        (BY_US, "Retain", True, "Released", True, False),
        (BY_US, "Delete", True, "Bound", True, True),
        (BY_US, "Delete", False, "Bound", True, False),
        (BY_US, "Delete", False, "Available", False, False),
        (BY_HAND, "Delete", False, "Bound", False, True),
        (BY_HAND, "Retain", False, "Bound", False, False),
        (BY_OTHERS, "Delete", False, "Bound", False, False),
        (BY_OTHERS, "Retain", True, "Bound", False, True),
    ],
)
def test_the_finalizer_follows_the_reclaim_policy(
    notes: dict[str, str], policy: str, had: bool, phase: str, deleted: bool, has: bool
) -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        made = volume(of=await world.create("persistentvolumeclaims", claim()), persistentVolumeReclaimPolicy=policy)
        made["metadata"] |= {"annotations": notes, "finalizers": [FINALIZER] if had else []}
        await world.create("persistentvolumes", made)
        if deleted:
            await world.api.delete("persistentvolumes", "pv")
        await world.api.patch("persistentvolumes", "pv", {"status": {"phase": phase}}, subresource="status")
        await world.settle()
        await world.clock.advance(5)
        left = await world.get("persistentvolumes", "pv", None)
        assert (FINALIZER in left["metadata"]["finalizers"]) == has
        assert compute.calls == []

    played(scenario, provisioner(compute))


def test_a_disk_made_by_hand_goes_with_its_volume_where_the_policy_says_so() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        made = volume(of=await world.create("persistentvolumeclaims", claim()))
        del made["metadata"]["annotations"]
        await world.create("persistentvolumes", made)
        await world.api.patch("persistentvolumes", "pv", {"status": {"phase": "Released"}}, subresource="status")
        await world.settle()
        await world.clock.advance(5)
        assert compute.calls == ["delete pv"]
        assert "deletionTimestamp" in (await world.get("persistentvolumes", "pv", None))["metadata"]

    played(scenario, provisioner(compute))


def test_a_node_that_is_gone_is_chosen_anew() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await waiting_claim(world, chosen="node-9")
        await world.clock.advance(5)
        assert compute.calls == []
        assert world.events == ['Warning ProvisioningFailed node "node-9" not found']
        notes = (await world.get("persistentvolumeclaims", "data"))["metadata"]["annotations"]
        assert "volume.kubernetes.io/selected-node" not in notes

    played(scenario, provisioner(compute))


def test_a_disk_that_is_still_attached_is_not_deleted() -> None:
    compute = FakeCompute()
    text = f"disk({HANDLE}) already attached to node(m), could not be deleted"
    compute.refusals = [AttachedDiskError(text, "m")]

    async def scenario(world: World) -> None:
        # Events about volumes, which have no namespace, go to this one.
        await world.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "default"}})
        await world.create("volumeattachments", attachment())
        await released(world)
        await world.settle()
        await world.clock.advance(0.5)
        told = "Warning VolumeFailedDelete persistentvolume pv is still attached to node node-0"
        assert (compute.calls, world.events) == ([], [told])
        await world.api.delete("volumeattachments", attachment()["metadata"]["name"])
        await world.clock.advance(3.5)
        assert world.events[1:] == [f"Warning VolumeFailedDelete rpc error: code = Unknown desc = {text}"]
        await world.clock.advance(10)
        assert world.taken()[-1] == "update persistentvolumes pv"

    played(scenario, provisioner(compute))


def attachment() -> dict[str, Any]:
    return {
        "kind": "VolumeAttachment",
        "apiVersion": "storage.k8s.io/v1",
        "metadata": {"name": attachment_name(HANDLE, DRIVER, "node-0")},
        "spec": {"attacher": DRIVER, "source": {"persistentVolumeName": "pv"}, "nodeName": "node-0"},
    }


async def attached(world: World) -> dict[str, Any]:
    return await world.get("volumeattachments", attachment()["metadata"]["name"], None)


def test_attach_and_detach() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await world.create("nodes", node(0))
        await world.create("csinodes", csi_node(0, 8))
        await bound(world)
        made = await world.create("volumeattachments", attachment())
        await world.clock.advance(0.1)
        there = await attached(world)
        assert there["metadata"]["annotations"] == {"csi.alpha.kubernetes.io/node-id": "node-0"}
        assert there["metadata"]["finalizers"] == ["external-attacher/disk-csi-azure-com"]
        assert there["status"] == {"attached": False}
        await world.clock.advance(3)
        assert (await attached(world))["status"] == {"attached": True, "attachmentMetadata": {"LUN": "3"}}
        finalizers = (await world.get("persistentvolumes", "pv", None))["metadata"]["finalizers"]
        assert finalizers == ["kubernetes.io/pv-protection", "external-attacher/disk-csi-azure-com"]
        world.taken()
        name = made["metadata"]["name"]
        await world.api.delete("volumeattachments", name)
        await world.settle()
        await world.clock.advance(3)
        assert compute.calls == ["attach pv node-0 ReadOnly", "detach pv node-0"]
        assert world.taken() == [f"patch volumeattachments/status {name}", f"patch volumeattachments {name}"]
        assert await attached(world) is None
        assert world.events == []

    played(scenario, attacher(compute))


def test_a_refused_attach_stands_in_the_attachment_until_it_succeeds() -> None:
    compute = FakeCompute()
    compute.refusals = [FULL]

    async def scenario(world: World) -> None:
        await world.create("nodes", node(0))
        await world.create("csinodes", csi_node(0, 8))
        await bound(world)
        await world.create("volumeattachments", attachment())
        await world.settle()
        await world.clock.advance(2.5)
        problem = (await attached(world))["status"]["attachError"]
        start = "rpc error: code = Internal desc = Attach volume pv to instance node-0 failed with PUT https://"
        assert problem["message"].startswith(start)
        assert f"{MACHINES}/0\n" in problem["message"]
        assert "ERROR CODE: OperationNotAllowed" in problem["message"]
        assert problem["errorCode"] == 13
        await world.clock.advance(4)
        assert (await attached(world))["status"] == {"attached": True, "attachmentMetadata": {"LUN": "3"}}

    played(scenario, attacher(compute))


def test_a_disk_that_is_gone_is_found_out_before_it_is_attached() -> None:
    compute = FakeCompute()
    compute.missing = {"pv"}

    async def scenario(world: World) -> None:
        await world.create("nodes", node(0))
        await world.create("csinodes", csi_node(0, 8))
        await bound(world)
        await world.create("volumeattachments", attachment())
        await world.settle()
        problem = (await attached(world))["status"]["attachError"]
        start = (
            "rpc error: code = NotFound desc = Volume not found, failed with error: GET https://management.azure.com"
        )
        assert problem["message"].startswith(f"{start}{HANDLE}\n")
        assert "RESPONSE 404: 404 Not Found\nERROR CODE: ResourceNotFound\n" in problem["message"]
        assert (problem["errorCode"], compute.calls) == (5, [])

    played(scenario, attacher(compute))


def test_a_handle_that_is_no_arm_id_is_neither_attached_nor_let_go() -> None:
    """A static volume's: the driver finds no disk in it, and refuses the detach that the attacher asks for as well."""
    compute, handle = FakeCompute(), "group#account#share"

    async def scenario(world: World) -> None:
        await world.create("nodes", node(0))
        await world.create("csinodes", csi_node(0, 8))
        await bound(world, csi={"driver": DRIVER, "volumeHandle": handle})
        await world.create("volumeattachments", attachment())
        await world.settle()
        problem = (await attached(world))["status"]["attachError"]
        text = f"rpc error: code = NotFound desc = Volume not found, failed with error: invalid URI: {handle}"
        assert (problem["message"], problem["errorCode"]) == (text, 5)
        await world.api.delete("volumeattachments", attachment()["metadata"]["name"])
        await world.settle()
        problem = (await attached(world))["status"]["detachError"]
        assert problem["message"] == f"rpc error: code = Internal desc = invalid URI: {handle}"
        assert compute.calls == []

    played(scenario, attacher(compute))


def test_a_message_that_is_too_long_for_an_attachment_is_not_saved_and_tried_again() -> None:
    """The attacher shortens nothing: what it may not write leaves the cluster waiting (ATT saveAttachError)."""
    compute = FakeCompute()
    compute.reads = [CloudError(403, "AuthorizationFailed", "no " * 400)]

    async def scenario(world: World) -> None:
        await world.create("nodes", node(0))
        await world.create("csinodes", csi_node(0, 8))
        await bound(world)
        await world.create("volumeattachments", attachment())
        await world.settle()
        assert (await attached(world))["status"] == {"attached": False}
        await world.clock.advance(0.8)
        assert compute.calls == [], "its back-off is a second"
        await world.clock.advance(3)
        assert (await attached(world))["status"]["attached"] is True

    played(scenario, attacher(compute))


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (ThrottledError(), "rpc error: code = Aborted desc = throttled due to too many requests"),
        (40.0, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
    ],
)
def test_what_the_driver_gives_up_is_told_in_its_own_words(refusal: Exception | float, told: str) -> None:
    compute = FakeCompute()
    compute.refusals = [refusal]

    async def scenario(world: World) -> None:
        await waiting_claim(world)
        await world.clock.advance(31)
        assert world.events[1] == f"Warning ProvisioningFailed {told}"
        await world.clock.advance(9)
        assert world.events[-1].startswith("Normal ProvisioningSucceeded")

    played(scenario, provisioner(compute))


def test_a_disk_that_another_machine_has_is_taken_from_it() -> None:
    compute = FakeCompute()
    holder = managed_by_id(f"{MACHINES}/1").upper()
    compute.refusals = [AttachedDiskError("taken", holder), None, AttachedDiskError("taken again", holder)]

    async def scenario(world: World) -> None:
        for number in range(2):
            await world.create("nodes", node(number))
            await world.create("csinodes", csi_node(number, 8))
        await bound(world)
        await world.create("volumeattachments", attachment())
        await world.settle()
        await world.clock.advance(6.5)
        assert compute.calls == ["attach pv node-0 ReadOnly", "detach pv node-1", "attach pv node-0 ReadOnly"]
        # What was read of the disk before still names the other machine.
        problem = (await attached(world))["status"]["attachError"]
        text = "rpc error: code = Internal desc = Attach volume pv to instance node-0 failed with taken again"
        assert (problem["message"], problem["errorCode"]) == (text, 13)
        await world.clock.advance(4)
        assert (await attached(world))["status"]["attached"] is True

    played(scenario, attacher(compute))


@pytest.mark.parametrize(
    ("machine", "managed_by"),
    [
        ("/g/virtualMachineScaleSets/V/virtualMachines/0", "/g/virtualMachineScaleSets/V/virtualMachines/V_0"),
        ("/g/virtualMachines/vm-0", "/g/virtualMachines/vm-0"),
    ],
)
def test_what_managed_by_says_of_a_machine(machine: str, managed_by: str) -> None:
    assert managed_by_id(machine) == managed_by


def test_a_long_message_loses_its_middle() -> None:
    text = shortened("a" * 600 + "b" * 600)
    assert text == "a" * 394 + " ... " + "b" * 591
    assert shortened("short") == "short"


@pytest.mark.parametrize(
    ("there", "refused"),
    [
        (False, 'csinode.storage.k8s.io "node-0" not found'),
        (True, f"CSINode node-0 does not contain driver {DRIVER}"),
    ],
)
def test_a_node_without_the_driver_gets_no_disk(there: bool, refused: str) -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        await world.create("nodes", node(0))
        if there:
            await world.create("csinodes", csi_node(0, 8) | {"spec": {"drivers": []}})
        await bound(world)
        await world.create("volumeattachments", attachment())
        await world.clock.advance(0.1)
        assert (await attached(world))["status"]["attachError"]["message"] == refused
        assert compute.calls == []

    played(scenario, attacher(compute))


def test_what_the_cluster_attached_does_not_dangle() -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        for number in range(2):
            await world.create("nodes", node(number))
            await world.create("csinodes", csi_node(number, 8))
        await bound(world)
        other = attachment()
        other["metadata"]["name"], other["spec"]["nodeName"] = "other", "node-1"
        await world.create("volumeattachments", other)
        await world.settle()
        await world.clock.advance(3)
        compute.refusals.append(AttachedDiskError("taken", managed_by_id(f"{MACHINES}/1")))
        await world.create("volumeattachments", attachment())
        await world.settle()
        await world.clock.advance(3)
        problem = (await attached(world))["status"]["attachError"]
        assert problem["errorCode"] == 9
        assert problem["message"].endswith("still has VolumeAttachments on node node-1, refusing dangling detach")

    played(scenario, attacher(compute))
