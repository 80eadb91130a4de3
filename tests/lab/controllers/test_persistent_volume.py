from __future__ import annotations

import pytest

from aksdisks.lab.controllers.persistent_volume import PersistentVolumeController
from aksdisks.lab.lifecycles import IllegalStep
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DRIVER, claim, pod, storage_class, volume

WAITS = "Normal WaitForFirstConsumer waiting for first consumer to be created before binding"
EXTERNAL = (
    f"Normal ExternalProvisioning Waiting for a volume to be created either by the external provisioner '{DRIVER}' or "
    "manually by the system administrator. If volume creation is delayed, please verify that the provisioner is "
    "running and correctly registered."
)
SELECT = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "node-0"}}}


def test_a_claim_that_waits_is_told_so_and_then_handed_to_the_provisioner() -> None:
    async def scenario(world: World) -> None:
        await world.create("storageclasses", storage_class())
        await world.create("persistentvolumeclaims", claim())
        await world.settle()
        assert (world.events, world.taken()) == ([WAITS], [])
        await world.create("pods", pod("p", "data"))
        await world.clock.advance(15)
        assert world.events[1:] == ["Normal WaitForPodScheduled waiting for pod p to be scheduled"]
        await world.api.patch("persistentvolumeclaims", "data", SELECT, "walk")
        await world.settle()
        assert world.taken() == ["update persistentvolumeclaims data"]
        assert world.events[2:] == [EXTERNAL, f"{EXTERNAL} x2"]
        notes = (await world.get("persistentvolumeclaims", "data"))["metadata"]["annotations"]
        assert sorted(notes) == [
            "volume.beta.kubernetes.io/storage-provisioner",
            "volume.kubernetes.io/selected-node",
            "volume.kubernetes.io/storage-provisioner",
        ]

    played(scenario, PersistentVolumeController)


@pytest.mark.parametrize(
    ("classes", "wanted", "event"),
    [
        ([], {}, 'Warning ProvisioningFailed storageclass.storage.k8s.io "managed-premium" not found'),
        ([storage_class(mode="Immediate")], {}, EXTERNAL),
        ([storage_class(mode="Immediate", provisioner="kubernetes.io/azure-disk")], {}, EXTERNAL),
        (
            [],
            {"storage_class": ""},
            "Normal FailedBinding no persistent volumes available for this claim and no storage class is set",
        ),
    ],
    ids=["no such class", "immediate", "in-tree", "no class"],
)
def test_what_a_claim_without_a_volume_is_told(classes: list[dict], wanted: dict, event: str) -> None:
    async def scenario(world: World) -> None:
        for item in classes:
            await world.create("storageclasses", item)
        await world.create("persistentvolumeclaims", claim(**wanted))
        await world.settle()
        assert world.events[0] == event
        assert (await world.get("persistentvolumeclaims", "data"))["status"] == {"phase": "Pending"}

    played(scenario, PersistentVolumeController)


def test_a_provisioned_volume_is_bound_in_the_recorded_order() -> None:
    async def scenario(world: World) -> None:
        await world.create("storageclasses", storage_class())
        made = await world.create("persistentvolumeclaims", claim())
        await world.settle()
        await world.create("persistentvolumes", volume(of=made))
        await world.settle()
        assert world.taken() == [
            "update persistentvolumes/status pv",
            "update persistentvolumeclaims data",
            "update persistentvolumeclaims/status data",
        ]
        now = await world.get("persistentvolumeclaims", "data")
        assert now["metadata"]["annotations"] == {
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
        }
        wanted = {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "25Gi"}}
        assert (now["spec"]["volumeName"], now["status"]) == ("pv", wanted)

    played(scenario, PersistentVolumeController)


@pytest.mark.parametrize(
    ("volumes", "wanted", "chosen"),
    [
        ({"big": "100Gi", "fits": "32Gi", "small": "10Gi"}, {}, "fits"),
        ({"small": "10Gi"}, {}, None),
        ({"big": "100Gi", "fits": "32Gi"}, {"volumeName": "big"}, "big"),
    ],
)
def test_volumes_made_by_hand(volumes: dict[str, str], wanted: dict, chosen: str | None) -> None:
    async def scenario(world: World) -> None:
        await world.create("storageclasses", storage_class(mode="Immediate"))
        for name, size in volumes.items():
            await world.create("persistentvolumes", volume(name, size))
        await world.settle()
        await world.create("persistentvolumeclaims", claim(**wanted))
        await world.settle()
        phases = {name: (await world.get("persistentvolumes", name, None))["status"]["phase"] for name in volumes}
        assert phases == {name: "Bound" if name == chosen else "Available" for name in volumes}
        if chosen:
            made = await world.get("persistentvolumes", chosen, None)
            assert made["spec"]["claimRef"]["name"] == "data"
            assert made["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] == "yes"

    played(scenario, PersistentVolumeController)


CLAIM_REF = {"namespace": "walk", "name": "data"}


@pytest.mark.parametrize(
    ("volumes", "wanted", "chosen"),
    [
        ({"more": {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}, "alike": {"size": "100Gi"}}, {}, "alike"),
        ({"more": {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}}, {}, "more"),
        ({"less": {}}, {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}, None),
        ({"free": {}, "made-for-it": {"size": "100Gi", "claimRef": CLAIM_REF}}, {}, "made-for-it"),
        ({"other-class": {"storageClassName": "other", "claimRef": CLAIM_REF}}, {}, "other-class"),
        ({"other-class": {"storageClassName": "other"}}, {}, None),
        ({"for-another": {"claimRef": CLAIM_REF | {"name": "other"}}}, {}, None),
        ({"too-small": {"size": "1Gi", "claimRef": CLAIM_REF}}, {}, None),
        ({"unlabelled": {}}, {"selector": {"matchLabels": {"disk": "1"}}}, None),
        ({"unlabelled": {"claimRef": CLAIM_REF}}, {"selector": {"matchLabels": {"disk": "1"}}}, "unlabelled"),
    ],
)
def test_which_of_the_volumes_a_claim_gets(volumes: dict[str, dict], wanted: dict, chosen: str | None) -> None:
    async def scenario(world: World) -> None:
        for name, spec in volumes.items():
            await world.create("persistentvolumes", volume(name, **spec))
        await world.settle()
        await world.create("persistentvolumeclaims", claim(**wanted))
        await world.settle()
        assert (await world.get("persistentvolumeclaims", "data"))["spec"].get("volumeName") == chosen

    played(scenario, PersistentVolumeController)


@pytest.mark.parametrize(
    ("wanted", "marked", "given"),
    [
        ({}, ["old", "new"], "new"),
        ({"storageClassName": ""}, ["new"], ""),
        ({}, [], None),
    ],
)
def test_a_claim_from_before_the_default_class_gets_it(wanted: dict, marked: list[str], given: str | None) -> None:
    async def scenario(world: World) -> None:
        made = claim()
        del made["spec"]["storageClassName"]
        made["spec"] |= wanted
        await world.create("persistentvolumeclaims", made)
        await world.settle()
        for name in ("old", "new"):
            await world.clock.advance(1)
            default = storage_class(name)
            default["metadata"]["annotations"] = {
                "storageclass.kubernetes.io/is-default-class": str(name in marked).lower()
            }
            await world.create("storageclasses", default)
        await world.clock.advance(15)
        assert (await world.get("persistentvolumeclaims", "data"))["spec"].get("storageClassName") == given

    played(scenario, PersistentVolumeController)


@pytest.mark.parametrize(
    ("ref", "phase", "event"),
    [
        ({}, "Bound", None),
        (
            CLAIM_REF,
            "Lost",
            "Warning ClaimMisbound Two claims are bound to the same volume, this one is bound incorrectly",
        ),
    ],
    ids=["no claimRef", "a claimRef without uid"],
)
def test_a_bound_claim_whose_volume_was_set_free_by_hand(ref: dict, phase: str, event: str | None) -> None:
    async def scenario(world: World) -> None:
        made = await world.create("persistentvolumeclaims", claim())
        await world.create("persistentvolumes", volume(of=made))
        await world.settle()
        changed = [{"op": "remove", "path": "/spec/claimRef"}]
        if ref:
            changed.append({"op": "add", "path": "/spec/claimRef", "value": ref})
        await world.api.patch("persistentvolumes", "pv", changed, patch_type="json")
        await world.settle()
        assert (await world.get("persistentvolumeclaims", "data"))["status"]["phase"] == phase
        assert (world.events or [None])[-1] == event

    played(scenario, PersistentVolumeController)


@pytest.mark.parametrize(
    ("of_volume", "text"),
    [
        ({"size": "10Gi"}, "requested PV is too small"),
        ({"storageClassName": "other"}, "storageClassName does not match"),
        ({"volumeAttributesClassName": "gold"}, "volumeAttributesClassName does not match"),
        ({"volumeMode": "Block"}, "incompatible volumeMode"),
        ({"accessModes": ["ReadOnlyMany"]}, "incompatible accessMode"),
    ],
)
def test_a_volume_that_a_claim_names_must_suit_it(of_volume: dict, text: str) -> None:
    async def scenario(world: World) -> None:
        await world.create("persistentvolumes", volume("pv", **of_volume))
        await world.create("persistentvolumeclaims", claim(volumeName="pv"))
        await world.settle()
        assert world.events[0] == f'Warning VolumeMismatch Cannot bind to requested volume "pv": {text}'

    played(scenario, PersistentVolumeController)


@pytest.mark.parametrize(
    ("policy", "phase", "events"),
    [
        ("Delete", "Released", []),
        ("Retain", "Released", []),
        ("Recycle", "Failed", ["Warning VolumeFailedRecycle No recycler plugin found for the volume!"]),
    ],
)
def test_a_volume_whose_claim_is_deleted_is_released(policy: str, phase: str, events: list[str]) -> None:
    async def scenario(world: World) -> None:
        # Events about volumes, which have no namespace, go to this one.
        await world.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "default"}})
        await world.create("storageclasses", storage_class())
        made = await world.create("persistentvolumeclaims", claim())
        await world.create("persistentvolumes", volume(of=made, persistentVolumeReclaimPolicy=policy))
        await world.settle()
        await world.api.patch("persistentvolumeclaims", "data", {"metadata": {"finalizers": None}}, "walk")
        await world.api.delete("persistentvolumeclaims", "data", "walk")
        await world.settle()
        left = await world.get("persistentvolumes", "pv", None)
        assert (left["status"]["phase"], world.events) == (phase, events)
        assert left["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]

    played(scenario, PersistentVolumeController)


def test_a_bound_claim_has_the_attributes_class_of_its_volume() -> None:
    async def scenario(world: World) -> None:
        await world.create("storageclasses", storage_class())
        made = await world.create("persistentvolumeclaims", claim(volumeAttributesClassName="gold"))
        await world.create("persistentvolumes", volume(of=made, volumeAttributesClassName="gold"))
        await world.settle()
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert (status["phase"], status["currentVolumeAttributesClassName"]) == ("Bound", "gold")
        await world.api.delete("persistentvolumes", "pv")
        stored = await world.get("persistentvolumes", "pv", None)
        await world.api.update("persistentvolumes", {**stored, "metadata": {**stored["metadata"], "finalizers": []}})
        await world.settle()
        status = (await world.get("persistentvolumeclaims", "data"))["status"]
        assert (status["phase"], "currentVolumeAttributesClassName" in status) == ("Lost", False)

    played(scenario, PersistentVolumeController)


def test_a_claim_whose_volume_is_gone_is_lost() -> None:
    async def scenario(world: World) -> None:
        made = await world.create("persistentvolumeclaims", claim())
        await world.create("persistentvolumes", volume(of=made))
        await world.settle()
        await world.api.patch("persistentvolumes", "pv", {"metadata": {"finalizers": None}})
        await world.api.delete("persistentvolumes", "pv")
        await world.settle()
        assert (await world.get("persistentvolumeclaims", "data"))["status"] == {"phase": "Lost"}
        assert world.events[-1] == (
            "Warning ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        )

    played(scenario, PersistentVolumeController)


def test_a_phase_that_the_table_lacks_is_a_defect_and_is_not_written() -> None:
    async def scenario(world: World) -> None:
        await world.create("persistentvolumes", volume())
        await world.create("persistentvolumeclaims", claim())
        controller = PersistentVolumeController(world.api, world.clock, world.ids)
        made = await world.get("persistentvolumes", "pv", None)
        asked = await world.get("persistentvolumeclaims", "data")
        with pytest.raises(IllegalStep, match="volume Pending: expected Available, Bound, Released, found Failed"):
            await controller._set_volume_phase(made, "Failed")
        with pytest.raises(IllegalStep, match="claim Pending: expected Bound, Lost, found Available"):
            await controller._set_claim_status(asked, "Available", None)
        assert await world.get("persistentvolumes", "pv", None) == made
        assert await world.get("persistentvolumeclaims", "data") == asked

    played(scenario)


@pytest.mark.parametrize("phase", ["Available", "Released", "Failed", "Pending", "Sold"])
def test_a_phase_that_a_user_wrote_is_put_right(phase: str) -> None:
    async def scenario(world: World) -> None:
        made = await world.create("persistentvolumeclaims", claim(storage_class=""))
        await world.create("persistentvolumes", volume(of=made, storageClassName=""))
        await world.settle()
        await world.api.patch("persistentvolumes", "pv", {"status": {"phase": phase}}, subresource="status")
        await world.api.patch(
            "persistentvolumeclaims", "data", {"status": {"phase": "Lost"}}, "walk", subresource="status"
        )
        await world.settle()
        assert (await world.get("persistentvolumes", "pv", None))["status"]["phase"] == "Bound"
        assert (await world.get("persistentvolumeclaims", "data"))["status"]["phase"] == "Bound"

    played(scenario, PersistentVolumeController)
