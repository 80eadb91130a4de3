"""Disks that several machines have at the same time, and changes of machines that somebody else has changed."""

from __future__ import annotations

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError

GROUP = "MC_disks_article_westeurope"
POOL = "aks-agentpool-22115152-vmss"


def create(compute, name, shares, size=4, sku="Premium_LRS"):
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": size, "maxShares": shares}
    body = {"location": "westeurope", "sku": {"name": sku}, "properties": properties}
    return compute.disks.begin_create_or_update(GROUP, name, body).result()


def attach(compute, instance, disk, caching="None"):
    vms = compute.virtual_machine_scale_set_vms
    what = {"dataDisksToAttach": [{"diskId": disk.id, "caching": caching}]}
    return vms.begin_attach_detach_data_disks(GROUP, POOL, instance, what).result()


def detach(compute, instance, disk):
    vms = compute.virtual_machine_scale_set_vms
    what = {"dataDisksToDetach": [{"diskId": disk.id}]}
    return vms.begin_attach_detach_data_disks(GROUP, POOL, instance, what).result()


def holders(compute, name):
    disk = compute.disks.get(GROUP, name)
    vms = [entry.vm_uri for entry in disk.properties.share_info or ()]
    assert vms == (disk.managed_by_extended or [])
    assert disk.managed_by == (vms[0] if vms else None)
    return disk.properties.disk_state, [vm.rpartition("_")[2] for vm in vms]


def test_a_shared_disk_has_as_many_machines_as_it_says(compute):
    disk = create(compute, "shared", 2)
    assert disk.properties.max_shares == 2
    with pytest.raises(HttpResponseError) as caught:
        attach(compute, "0", disk, "ReadOnly")
    assert caught.value.error.code == "BadRequest"
    assert caught.value.error.message == (
        "Shared disk 'shared' with maxShares 2 supports only Disk CachingType 'None'."
    )
    for instance in "01":
        attach(compute, instance, disk)
    assert holders(compute, "shared") == ("Attached", ["0", "1"])
    with pytest.raises(ResourceExistsError, match="already attached to 2 VMs"):
        attach(compute, "2", disk)
    for change, problem in (({"maxShares": 3}, "Cannot change the maxShares"), ({"diskSizeGB": 8}, "Cannot resize")):
        with pytest.raises(ResourceExistsError, match=problem):
            compute.disks.begin_update(GROUP, "shared", {"properties": change})
    detach(compute, "0", disk)
    assert holders(compute, "shared") == ("Attached", ["1"])
    attach(compute, "2", disk)
    for instance in "12":
        detach(compute, instance, disk)
    assert holders(compute, "shared") == ("Unattached", [])
    compute.disks.begin_delete(GROUP, "shared").result()


@pytest.mark.parametrize(
    ("sku", "size", "shares"),
    [
        ("Premium_LRS", 4, 0),
        ("Premium_LRS", 512, 4),
        ("StandardSSD_ZRS", 1024, 6),
        ("Premium_ZRS", 8192, 11),
        ("Standard_LRS", 1024, 2),
    ],
)
def test_how_many_depends_on_kind_and_size(compute, sku, size, shares):
    with pytest.raises(HttpResponseError) as caught:
        create(compute, "refused", shares, size, sku)
    assert (caught.value.status_code, caught.value.error.code) == (400, "BadRequest")
    assert caught.value.error.message == (
        f"MaxShares '{shares}' for disk 'refused' of size '{size}' GB is invalid. Please refer to "
        "https://docs.microsoft.com/azure/virtual-machines/windows/disks-shared-enable#disk-sizes"
    )


def test_a_machine_that_somebody_else_has_changed(compute):
    vms = compute.virtual_machine_scale_set_vms
    before = vms.get(GROUP, POOL, "2")
    conditions = {"etag": before.etag, "match_condition": MatchConditions.IfNotModified}
    vms.begin_update(GROUP, POOL, "2", {"tags": before.tags}, **conditions).result()
    with pytest.raises(ResourceModifiedError) as caught:
        vms.begin_update(GROUP, POOL, "2", {"tags": before.tags}, **conditions)
    after = vms.get(GROUP, POOL, "2").etag
    assert caught.value.error.message == (
        f"Etag provided in if-match header {before.etag} does not match etag {after} of resource."
    )
