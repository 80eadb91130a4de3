"""Machines that are stopped and started, and what becomes of their disks; force where a machine does not let go."""

from __future__ import annotations

import asyncio

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute import power
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.fault_catalogue import FaultSwitch
from aksdisks.lab.faults.azure_operations import OperationFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.ids import Ids
from tests.lab.arm.conftest import InstantClock

GROUP = "MC_disks_article_westeurope"
POOL = "aks-agentpool-22115152-vmss"


def codes(view):
    return [status.code for status in view.statuses]


def test_a_deallocated_instances_disks_are_reserved(compute, azure):
    vms = compute.virtual_machine_scale_set_vms
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    compute.disks.begin_create_or_update(GROUP, "kept", {"location": "westeurope", "properties": properties}).result()
    attach = {"dataDisksToAttach": [{"diskId": azure.cloud.disks.get(GROUP, "kept").id}]}
    vms.begin_attach_detach_data_disks(GROUP, POOL, "1", attach).result()
    vms.begin_deallocate(GROUP, POOL, "1").result()
    assert codes(vms.get_instance_view(GROUP, POOL, "1")) == ["ProvisioningState/succeeded", "PowerState/deallocated"]
    kept = compute.disks.get(GROUP, "kept")
    assert kept.properties.disk_state == "Reserved"
    assert kept.managed_by.endswith(f"{POOL}_1")
    compute.disks.begin_update(GROUP, "kept", {"sku": {"name": "StandardSSD_LRS"}}).result()
    with pytest.raises(Exception, match=r"OperationNotAllowed.*'restart' is not allowed on VM"):
        vms.begin_restart(GROUP, POOL, "1")
    vms.begin_start(GROUP, POOL, "1").result()
    assert codes(vms.get_instance_view(GROUP, POOL, "1"))[1] == "PowerState/running"
    assert compute.disks.get(GROUP, "kept").properties.disk_state == "Attached"
    with pytest.raises(Exception, match="Cannot change the storage account type of disk kept while it is attached"):
        compute.disks.begin_update(GROUP, "kept", {"sku": {"name": "Premium_LRS"}})
    detach = {"dataDisksToDetach": [{"diskId": kept.id}]}
    vms.begin_attach_detach_data_disks(GROUP, POOL, "1", detach).result()
    compute.disks.begin_delete(GROUP, "kept").result()


def test_a_scale_sets_instances_are_stopped_together(compute):
    sets, vms = compute.virtual_machine_scale_sets, compute.virtual_machine_scale_set_vms

    def powers():
        return [codes(vms.get_instance_view(GROUP, POOL, number))[1].rpartition("/")[2] for number in "012"]

    sets.begin_power_off(GROUP, POOL, {"instanceIds": ["0", "2"]}).result()
    assert powers() == ["stopped", "running", "stopped"]
    sets.begin_restart(GROUP, POOL).result()
    assert powers() == ["running"] * 3
    sets.begin_reimage(GROUP, POOL, {"instanceIds": ["1"]}).result()
    assert powers() == ["running"] * 3
    with pytest.raises(Exception, match="The provided instanceId 9 is not an active Virtual Machine Scale Set VM"):
        sets.begin_start(GROUP, POOL, {"instanceIds": ["9"]})


def test_what_there_is(azure, compute):
    skus = {sku.name: sku for sku in compute.resource_skus.list() if sku.resource_type == "disks"}
    assert set(skus) == set(azure.scenario.offered_skus)
    assert skus["PremiumV2_LRS"].location_info[0].zones == ["1", "2", "3"]
    assert skus["Premium_ZRS"].location_info[0].zones == []
    sizes = {size.name: size.max_data_disk_count for size in compute.virtual_machine_sizes.list("westeurope")}
    assert sizes["Standard_DS2_v2"] == 8


def story(tell, faults=None):
    async def whole():
        clock = InstantClock()
        injection = faults and OperationFaults(faults, clock)
        cloud = Cloud(scenarios.load("regional"), clock, Ids(7), injection)
        try:
            await tell(cloud)
        finally:
            await cloud.close()

    asyncio.run(whole())


def listed(disk, **more):
    return {"lun": 0, "createOption": "Attach", "managedDisk": {"id": disk}, **more}


def update(cloud, *entries):
    machine = cloud.machines.all()[0].spec.resource_id
    return cloud.machines.update(machine, {"properties": {"storageProfile": {"dataDisks": list(entries)}}}).done()


def test_a_disk_that_is_stuck_goes_by_force():
    faults = Faults()

    async def tell(cloud):
        body = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
        disk = (await cloud.disks.put(GROUP, "stuck", body).done())["id"]
        await update(cloud, listed(disk))
        faults.on("detach-fails")
        with pytest.raises(CloudError):
            await update(cloud, listed(disk, toBeDetached=True))
        with pytest.raises(CloudError, match=r"parameter 'dataDisk.detachOption' is out of range"):
            await update(cloud, listed(disk, toBeDetached=True, detachOption="Gently"))
        await update(cloud, listed(disk, toBeDetached=True, detachOption="ForceDetach"))
        assert cloud.disks.find(disk).state == "Unattached"
        assert cloud.machines.all()[0].data_disks == ()

    story(tell, faults)


def test_a_stopped_machines_node_is_not_heard_of():
    faults = Faults()

    async def tell(cloud):
        machine = cloud.machines.all()[0]
        node = f"node/{machine.spec.node_name}"
        faults.on("node-silent", node)
        for act, silent in (("deallocate", True), ("start", False), ("poweroff", True), ("restart", False)):
            await cloud.machines.change_power([machine.spec.resource_id], power.ACTS[act]).done()
            assert (machine.spec.node_name in cloud.machines.powered_off) is silent
            # The user's own fault is neither switched on nor off.
            assert faults.list() == (FaultSwitch("node-silent", node),)
        with pytest.raises(CloudError, match="concurrent request"):
            for act in ("deallocate", "start"):
                cloud.machines.change_power([machine.spec.resource_id], power.ACTS[act])

    story(tell, faults)
