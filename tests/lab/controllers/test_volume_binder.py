from __future__ import annotations

import pytest

from aksdisks.lab.controllers.volume_binder import VolumeBinder
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

    played(scenario, VolumeBinder)


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

    played(scenario, VolumeBinder)


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

    played(scenario, VolumeBinder)


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

    played(scenario, VolumeBinder)


@pytest.mark.parametrize(
    ("of_volume", "text"),
    [
        ({"size": "10Gi"}, "requested PV is too small"),
        ({"storageClassName": "other"}, "storageClassName does not match"),
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

    played(scenario, VolumeBinder)


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_a_volume_whose_claim_is_deleted_is_released(policy: str) -> None:
    async def scenario(world: World) -> None:
        await world.create("storageclasses", storage_class())
        made = await world.create("persistentvolumeclaims", claim())
        await world.create("persistentvolumes", volume(of=made, persistentVolumeReclaimPolicy=policy))
        await world.settle()
        await world.api.patch("persistentvolumeclaims", "data", {"metadata": {"finalizers": None}}, "walk")
        await world.api.delete("persistentvolumeclaims", "data", "walk")
        await world.settle()
        left = await world.get("persistentvolumes", "pv", None)
        assert left["status"]["phase"] == "Released"
        assert left["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]

    played(scenario, VolumeBinder)


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

    played(scenario, VolumeBinder)
