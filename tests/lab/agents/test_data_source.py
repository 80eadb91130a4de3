"""Claims that name a data source, against the provisioner's and the driver's rules. Scope: no Azure but a fake one."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.in_tree.driver import InTreeProvisioner
from tests.lab.agents.azure import FakeCompute
from tests.lab.agents.test_csi import READY, provisioner
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import DISKS, claim, node, storage_class, volume

Json = dict[str, Any]
CLONING = "provisioner.storage.kubernetes.io/cloning-protection"
SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "old"}
OLD = {"kind": "PersistentVolumeClaim", "name": "old"}
EVERY_ZONE = [*(f"westeurope-{number}" for number in range(1, 5)), ""]
HANDLE = "Warning ProvisioningFailed error getting handle for DataSource Type"
OF_OLD = f"{HANDLE} PersistentVolumeClaim by Name old:"


def disk(gib: int, zone: str = "", source: str = "") -> Json:
    creation = {"createOption": "Copy", "sourceResourceId": source} if source else {"createOption": "Empty"}
    zones = {"zones": [zone]} if zone else {}
    return {**zones, "properties": {"diskSizeGB": gib, "creationData": creation}}


async def old_claim(
    world: World, size: str = "25Gi", phase: str = "Bound", pv: Json | None = None, **spec: Any
) -> Json:
    """A claim `old` with its volume `pv`."""
    made = await world.create("persistentvolumeclaims", claim("old", size, volumeName="pv", **spec))
    await world.create("persistentvolumes", volume(of=made, size=size, **(pv or {})))
    for resource, name, namespace in (("persistentvolumeclaims", "old", "walk"), ("persistentvolumes", "pv", None)):
        await world.api.patch(resource, name, {"status": {"phase": phase}}, namespace, subresource="status")
    return made


async def new_claim(world: World, source: Json, *, of_class: Json | None = None, **spec: Any) -> Json:
    await world.create("nodes", node(0))
    await world.create("storageclasses", storage_class(**(of_class or {})))
    wanted = claim(**(spec | {"dataSourceRef": source}))
    wanted["metadata"]["annotations"] = READY
    made = await world.create("persistentvolumeclaims", wanted)
    await world.settle()
    await world.clock.advance(2.5)
    return made


def test_a_clone_is_a_copy_of_the_claims_disk() -> None:
    compute = FakeCompute()
    compute.disks = {"pv": disk(25)}

    async def scenario(world: World) -> None:
        await old_claim(world)
        made = await new_claim(world, OLD)
        name = f"pvc-{made['metadata']['uid']}"
        assert compute.calls == [f"create {name} 25 Premium_LRS None from pv"]
        source = await world.get("persistentvolumeclaims", "old")
        assert source is not None
        assert CLONING in source["metadata"]["finalizers"]
        there = await world.get("persistentvolumes", name, None)
        assert there is not None
        assert "resizeRequired" not in there["spec"]["csi"]["volumeAttributes"]
        assert world.events[-1] == f"Normal ProvisioningSucceeded Successfully provisioned volume {name}"

    played(scenario, provisioner(compute))


@pytest.mark.parametrize(
    ("disks", "sku", "call", "zones", "resize"),
    [
        ({"pv": disk(25)}, "Premium_LRS", "30 Premium_LRS None from pv", [""], True),
        ({"pv": disk(30, "2")}, "StandardSSD_LRS", "30 StandardSSD_LRS 2 from pv", ["westeurope-2"], False),
        ({"pv": disk(30, "2")}, "Premium_ZRS", "30 Premium_ZRS None from pv", EVERY_ZONE, False),
        ({"pv": disk(30, source=f"{DISKS}/first"), "first": disk(20, "1")}, "Premium_LRS",
         "30 Premium_LRS 1 from pv", ["westeurope-1"], True),
        ({"pv": disk(20, "1", DISKS.replace("disks", "snapshots") + "/s")}, "Premium_LRS",
         "30 Premium_LRS None from pv", [""], False),
    ],
)  # fmt: skip
def test_size_sku_and_zone_of_a_copy(disks: Json, sku: str, call: str, zones: list[str], resize: bool) -> None:
    compute = FakeCompute()
    compute.disks, compute.missing = disks, {"s"}

    async def scenario(world: World) -> None:
        await old_claim(world)
        made = await new_claim(world, OLD, of_class={"parameters": {"skuname": sku}}, size="30Gi")
        name = f"pvc-{made['metadata']['uid']}"
        assert compute.calls == [f"create {name} {call}"]
        there = await world.get("persistentvolumes", name, None)
        assert there is not None
        terms = there["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        assert [term["matchExpressions"][0]["values"][0] for term in terms] == zones
        assert (there["spec"]["csi"]["volumeAttributes"].get("resizeRequired") == "true") is resize

    played(scenario, provisioner(compute))


@pytest.mark.parametrize(
    ("source", "old", "new", "told"),
    [
        (SNAPSHOT, None, {}, f"{HANDLE} VolumeSnapshot by Name old: error getting snapshot old from api server: the "
         "server could not find the requested resource (get volumesnapshots.snapshot.storage.k8s.io old)"),
        (SNAPSHOT | {"apiGroup": "example.org"}, None, {}, "Warning ProvisioningFailed the PVC source does not belong "
         "to the right APIGroup. Expected snapshot.storage.k8s.io, Got example.org"),
        (OLD, None, {}, f'{OF_OLD} error getting PVC old (namespace "walk") from api server: '
         'persistentvolumeclaim "old" not found'),
        (OLD, {"phase": "Lost"}, {}, f"{OF_OLD} the PVC DataSource old must have a status of Bound.  Got {{Lost [] "
         "map[] [] map[] map[] <nil> <nil>}"),
        (OLD, {"size": "26Gi"}, {}, f"{OF_OLD} error, new PVC request must be greater than or equal in size to the "
         "specified PVC data source, requested 26843545600 but source is 27917287424"),
        (OLD, {"pv": {"csi": {"driver": "file.csi.azure.com", "volumeHandle": "h"}}}, {},
         f"{OF_OLD} claim in dataSource not bound or invalid"),
        (OLD, {}, {"volumeMode": "Block"}, f"{OF_OLD} the source PVC and destination PVCs must have the same volume "
         "mode for cloning.  Source is Filesystem, but new PVC requested Block"),
        ({"apiGroup": "example.org", "kind": "Backup", "name": "b"}, None, {},
         "Normal Provisioning Assuming an external populator will provision the volume"),
    ],
)  # fmt: skip
def test_what_is_not_copied_is_refused_and_no_empty_disk_made(
    source: Json, old: Json | None, new: Json, told: str
) -> None:
    compute = FakeCompute()

    async def scenario(world: World) -> None:
        if old is not None:
            await old_claim(world, **old)
        made = await new_claim(world, source, **new)
        assert world.events[:2] == [
            'Normal Provisioning External provisioner is provisioning volume for claim "walk/data"', told
        ]  # fmt: skip
        await world.clock.advance(30)
        assert compute.calls == []
        assert await world.get("persistentvolumes", f"pvc-{made['metadata']['uid']}", None) is None

    played(scenario, provisioner(compute))


def test_the_plug_in_of_2019_copies_nothing() -> None:
    compute = FakeCompute()
    in_tree = "kubernetes.io/azure-disk"

    def build(api: Any, clock: Any, ids: Any) -> InTreeProvisioner:
        return InTreeProvisioner(api, clock, ids, compute, EventRecorder(api, clock, "persistentvolume-controller"))

    async def scenario(world: World) -> None:
        await old_claim(world)
        await world.create("nodes", node(0))
        await world.create("storageclasses", storage_class(provisioner=in_tree))
        wanted = claim(dataSource=OLD)
        wanted["metadata"]["annotations"] = READY | {"volume.beta.kubernetes.io/storage-provisioner": in_tree}
        await world.create("persistentvolumeclaims", wanted)
        await world.settle()
        assert world.events == [
            f'Warning ProvisioningFailed plugin "{in_tree}" is not a CSI plugin. Only CSI plugin can provision a claim '
            "with a datasource"
        ]
        assert compute.calls == []

    played(scenario, build)


def test_a_source_that_is_deleted_goes_once_nothing_is_made_from_it() -> None:
    compute = FakeCompute()
    compute.disks = {"pv": disk(25)}

    async def scenario(world: World) -> None:
        await old_claim(world)
        await new_claim(world, OLD)
        await world.api.delete("persistentvolumeclaims", "old", "walk")
        await world.settle()
        await world.clock.advance(20)
        left = await world.get("persistentvolumeclaims", "old")
        assert left is not None
        assert CLONING in left["metadata"]["finalizers"]
        await world.api.patch(
            "persistentvolumeclaims", "data", {"status": {"phase": "Bound"}}, "walk", subresource="status"
        )
        await world.clock.advance(60)
        left = await world.get("persistentvolumeclaims", "old")
        assert left is not None
        assert CLONING not in left["metadata"]["finalizers"]

    played(scenario, provisioner(compute))
