"""Disks and machines through azure-mgmt-compute and azure-identity over HTTPS."""

from __future__ import annotations

import time

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)

GROUP = "MC_disks_article_westeurope"
POOL = "aks-agentpool-22115152-vmss"
TAGS = {"k8s-azure-created-by": "kubernetes-azure-dd", "kubernetes.io-created-for-pvc-name": "web-0"}


def empty(size=25, sku="Premium_LRS", **more):
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": size}
    return {"location": "westeurope", "sku": {"name": sku}, "tags": TAGS, "properties": properties, **more}


def made(compute, name, **body):
    return compute.disks.begin_create_or_update(GROUP, name, empty(**body)).result()


def data_disks(*entries):
    return {"properties": {"storageProfile": {"dataDisks": list(entries)}}}


def entry(disk, lun, **more):
    identity = {"id": disk.id.lower()}
    return {"lun": lun, "name": disk.name, "createOption": "Attach", "managedDisk": identity, **more}


def put(compute, instance, *entries):
    return compute.virtual_machine_scale_set_vms.begin_update(GROUP, POOL, instance, data_disks(*entries))


def test_a_disks_life(compute, azure):
    disk = made(compute, "life")
    assert disk.id == f"{azure.scenario.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Compute/disks/life"
    assert (disk.name, disk.type, disk.location, disk.tags) == ("life", "Microsoft.Compute/disks", "westeurope", TAGS)
    assert (disk.sku.name, disk.sku.tier) == ("Premium_LRS", "Premium")
    inner = disk.properties
    assert (inner.disk_state, inner.provisioning_state, inner.disk_size_gb) == ("Unattached", "Succeeded", 25)
    assert (inner.disk_size_bytes, inner.tier) == (25 * 1024**3, "P4")
    assert (inner.disk_iops_read_write, inner.disk_m_bps_read_write) == (120, 25)
    assert inner.time_created is not None and inner.unique_id and disk.managed_by is None

    bigger = compute.disks.begin_update(GROUP.upper(), "LIFE", {"properties": {"diskSizeGB": 100}}).result()
    assert (bigger.id, bigger.properties.disk_size_gb, bigger.properties.tier) == (disk.id, 100, "P10")
    with pytest.raises(ResourceExistsError, match="cannot be resized down") as caught:
        compute.disks.begin_update(GROUP, "life", {"properties": {"diskSizeGB": 10}})
    assert caught.value.error.code == "OperationNotAllowed"

    compute.disks.begin_delete(GROUP, "life").result()
    with pytest.raises(ResourceNotFoundError) as caught:
        compute.disks.get(GROUP, "life")
    assert caught.value.error.code == "ResourceNotFound"
    assert caught.value.error.message == (
        f"The Resource 'Microsoft.Compute/disks/life' under resource group '{GROUP}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    compute.disks.begin_delete(GROUP, "life").result()


def test_the_nodes_os_disks_are_in_the_node_resource_group(compute):
    disks = [disk for disk in compute.disks.list_by_resource_group(GROUP) if disk.properties.os_type]
    assert [disk.properties.disk_size_gb for disk in disks] == [128, 128, 128]
    assert {disk.properties.creation_data.create_option for disk in disks} == {"FromImage"}
    assert {disk.properties.disk_state for disk in disks} == {"Attached"}
    assert [disk.managed_by.rpartition("/")[2] for disk in disks] == [f"{POOL}_{number}" for number in range(3)]


def test_attach_and_detach_an_instances_disk(compute, azure):
    disk = made(compute, "moves")
    machine = put(compute, "0", entry(disk, 3, caching="ReadOnly")).result()
    [there] = machine.properties.storage_profile.data_disks
    assert (there.lun, there.name, there.caching, there.to_be_detached) == (3, "moves", "ReadOnly", False)
    assert there.managed_disk.id == disk.id.lower()
    attached = compute.disks.get(GROUP, "moves")
    scale_set = f"{azure.scenario.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Compute"
    assert attached.managed_by == f"{scale_set}/virtualMachineScaleSets/{POOL}/virtualMachines/{POOL}_0"
    assert attached.properties.disk_state == "Attached"
    view = compute.virtual_machine_scale_set_vms.get_instance_view(GROUP, POOL, "0")
    assert "moves" in [status.name for status in view.disks]

    with pytest.raises(ResourceExistsError) as caught:
        compute.disks.begin_delete(GROUP, "moves")
    assert caught.value.error.message == f"Disk moves is attached to VM {attached.managed_by}."
    with pytest.raises(ResourceExistsError) as caught:
        put(compute, "1", entry(disk, 0))
    assert caught.value.error.code == "ConflictingUserInput"
    assert caught.value.error.message == (
        f"Disk '{disk.id}' cannot be attached as the disk is already owned by VM '{attached.managed_by}'."
    )

    with azure.holding(azure.scenario.delays.detach):
        poller = put(compute, "0", entry(disk, 3, toBeDetached=True))
        with pytest.raises(ResourceExistsError) as caught:
            put(compute, "1", entry(disk, 0))
    assert caught.value.error.code == "AttachDiskWhileBeingDetached"
    assert caught.value.error.message.startswith(
        f"Cannot attach data disk 'moves' to VM '{POOL}_1' because the disk is currently being detached"
    )
    poller.result()
    assert compute.disks.get(GROUP, "moves").managed_by is None
    compute.disks.begin_delete(GROUP, "moves").result()


def test_a_machine_holds_eight_data_disks_each_on_its_own_lun(compute):
    disks = [made(compute, f"many-{number}") for number in range(9)]
    for lun, code, message in (
        (0, "InvalidParameter", "A disk at LUN 0 already exists."),
        (64, "InvalidParameter", "The value '64' of parameter 'dataDisk.lun' is out of range."),
    ):
        with pytest.raises(HttpResponseError) as caught:
            put(compute, "2", entry(disks[0], 0), entry(disks[1], lun))
        assert (caught.value.status_code, caught.value.error.code, caught.value.error.message) == (400, code, message)
    with pytest.raises(ResourceExistsError) as caught:
        put(compute, "2", *(entry(disk, lun) for lun, disk in enumerate(disks)))
    assert caught.value.error.target == "dataDisks"
    assert caught.value.error.message == (
        "The maximum number of data disks allowed to be attached to a VM of this size is 8."
    )
    put(compute, "2", *(entry(disk, lun) for lun, disk in enumerate(disks[:8]))).result()
    machine = put(compute, "2").result()
    assert not machine.properties.storage_profile.data_disks
    for disk in disks:
        compute.disks.begin_delete(GROUP, disk.name)


def test_what_cannot_be_attached(compute):
    disk = made(compute, "zonal", zones=["2"])
    with pytest.raises(HttpResponseError) as caught:
        put(compute, "1", entry(disk, 0))
    assert (caught.value.status_code, caught.value.error.code) == (400, "BadRequest")
    assert caught.value.error.message.endswith("VM zone: ''. Disk zone: '2'.")
    compute.disks.begin_delete(GROUP, "zonal").result()
    with pytest.raises(ResourceNotFoundError) as caught:
        put(compute, "1", entry(disk, 0))
    assert (caught.value.error.code, caught.value.error.target) == ("NotFound", disk.id.lower())
    assert caught.value.error.message == "Disk zonal is not found."


def test_a_second_change_of_a_machine_conflicts_and_an_operation_can_fail(compute, azure):
    first, second = made(compute, "first"), made(compute, "second")
    with azure.holding(azure.scenario.delays.attach):
        poller = put(compute, "1", entry(first, 0))
        assert compute.disks.get(GROUP, "first").properties.disk_state == "Unattached"
        with pytest.raises(ResourceExistsError) as caught:
            put(compute, "1", entry(first, 0), entry(second, 1))
        assert caught.value.error.code == "Conflict"
        compute.disks.begin_delete(GROUP, "first").result()
    with pytest.raises(HttpResponseError) as caught:
        poller.result()
    assert (caught.value.status_code, caught.value.error.code) == (200, "NotFound")
    machine = compute.virtual_machine_scale_set_vms.get(GROUP, POOL, "1")
    assert not machine.properties.storage_profile.data_disks
    compute.disks.begin_delete(GROUP, "second").result()


def test_attach_detach_data_disks_says_only_what_changes(compute):
    vms = compute.virtual_machine_scale_set_vms
    disk = made(compute, "alternative")
    vms.begin_attach_detach_data_disks(GROUP, POOL, "0", {"dataDisksToAttach": [{"diskId": disk.id}]}).result()
    [there] = vms.get(GROUP, POOL, "0").properties.storage_profile.data_disks
    assert (there.lun, there.managed_disk.id) == (0, disk.id)
    vms.begin_attach_detach_data_disks(GROUP, POOL, "0", {"dataDisksToDetach": [{"diskId": disk.id}]}).result()
    assert compute.disks.get(GROUP, "alternative").properties.disk_state == "Unattached"
    compute.disks.begin_delete(GROUP, "alternative").result()


def test_scale_set_and_instances(compute):
    [pool] = compute.virtual_machine_scale_sets.list(GROUP)
    assert (pool.name, pool.sku.name, pool.sku.capacity) == (POOL, "Standard_DS2_v2", 3)
    assert [found.id for found in compute.virtual_machine_scale_sets.list_all()] == [pool.id]
    machines = list(compute.virtual_machine_scale_set_vms.list(GROUP, POOL, expand="instanceView"))
    assert [machine.instance_id for machine in machines] == ["0", "1", "2"]
    assert [machine.name for machine in machines] == [f"{POOL}_{number}" for number in range(3)]
    assert [machine.properties.os_profile.computer_name[-6:] for machine in machines] == ["000000", "000001", "000002"]
    assert {status.code for status in machines[0].properties.instance_view.statuses} == {
        "ProvisioningState/succeeded",
        "PowerState/running",
    }
    assert list(compute.virtual_machines.list(GROUP)) == []


def test_long_lists_come_in_pages(compute):
    before = {disk.name for disk in compute.disks.list()}
    names = {f"page-{number:03}" for number in range(120)}
    pollers = [compute.disks.begin_create_or_update(GROUP, name, empty(), polling=False) for name in names]
    assert len(pollers) == 120
    pages = [[disk.name for disk in part] for part in compute.disks.list_by_resource_group(GROUP).by_page()]
    assert [len(part) for part in pages[:-1]] == [50, 50]
    assert {name for part in pages for name in part} == before | names
    assert sum(len(part) for part in pages) == len(before) + 120
    assert {disk.name for disk in compute.disks.list()} == before | names


@pytest.mark.parametrize(
    ("group", "body", "status", "code", "message"),
    [
        ("nowhere", empty(), 404, "ResourceGroupNotFound", "Resource group 'nowhere' could not be found."),
        (GROUP, empty(size=0), 400, "InvalidParameter", "The value '0' of parameter 'disk.diskSizeGB'"),
        (GROUP, empty(size="x"), 400, "InvalidRequestContent", "The request content was invalid"),
        (GROUP, empty(size=None), 400, "InvalidParameter", "Required parameter 'disk.diskSizeGB' is missing (null)."),
        (GROUP, empty(sku="Gold"), 400, "InvalidParameter", "The value 'Gold' of parameter 'disk.sku.name'"),
        (GROUP, empty(location=""), 400, "LocationRequired", "The location property is required"),
    ],
)
def test_disks_that_are_refused(compute, group, body, status, code, message):
    with pytest.raises(HttpResponseError) as caught:
        compute.disks.begin_create_or_update(group, "refused", body)
    assert (caught.value.status_code, caught.value.error.code) == (status, code)
    assert message in caught.value.error.message
    with pytest.raises(ResourceNotFoundError):
        compute.disks.get(GROUP, "refused")


def test_an_availability_sets_machines_are_vms(serve):
    with serve("availability-set") as azure:
        compute = azure.client()
        machines = list(compute.virtual_machines.list(GROUP))
        assert [machine.name for machine in machines] == [f"aks-agentpool-22115152-{number}" for number in range(3)]
        assert machines == list(compute.virtual_machines.list_all())
        assert machines[0].properties.availability_set.id.endswith("/agentpool-availabilitySet-22115152")
        assert list(compute.virtual_machine_scale_sets.list(GROUP)) == []
        disk, name = made(compute, "old"), machines[1].name
        body = {"location": "westeurope", **data_disks(entry(disk, 0))}
        machine = compute.virtual_machines.begin_create_or_update(GROUP, name, body).result()
        assert machine.properties.storage_profile.data_disks[0].lun == 0
        assert compute.disks.get(GROUP, "old").managed_by == machine.id
        assert compute.virtual_machines.instance_view(GROUP, name).computer_name == name
        with pytest.raises(ResourceNotFoundError):
            compute.virtual_machine_scale_set_vms.get(GROUP, POOL, "0")


def test_at_a_real_clusters_pace_pollers_wait_whole_seconds(serve):
    seen = []
    with serve(speed=1) as azure:
        started = time.monotonic()
        poller = azure.client().disks.begin_create_or_update(
            GROUP, "slow", empty(), raw_response_hook=lambda response: seen.append(response.http_response.headers)
        )
        poller.result()
        # A poller that is told nothing waits 30 s.
        assert 2 <= time.monotonic() - started < 30
    assert seen[0]["Retry-After"] == "1"
    assert "/DiskOperations/" in seen[0]["Azure-AsyncOperation"] and "monitor=true" in seen[0]["Location"]
