"""What is said of attaching, as sources and issue threads have it, from 2018 to today: what that says, and what not."""

import pytest

from aksdisks.inspection.diagnosis.words import heard

DISK = "/subscriptions/s/resourceGroups/mc_g/providers/Microsoft.Compute/disks/pvc-1"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        # kubernetes#78657, in-tree driver of 2019
        pytest.param(
            'AttachVolume.Attach failed for volume "pvc-1" : Attach volume "kubernetes-dynamic-pvc-1" to instance "x" '
            'failed with compute.VirtualMachineScaleSetVMsClient#Update: Code="AttachDiskWhileBeingDetached" '
            "Message=\"Cannot attach data disk 'dynamic-pvc-2' to VM 'vmss_11' because the disk is currently "
            'being detached or the last detach operation failed."',
            {"disk-being-detached": {"disk": "dynamic-pvc-2", "machine": "vmss_11"}}, id="2019, being detached",
        ),
        # aks-engine#1146
        pytest.param(
            f"Code=\"ConflictingUserInput\" Message=\"Disk '{DISK}' cannot be attached as the disk is already owned by "
            "VM '/subscriptions/s/vm_1'.\"",
            {"disk-elsewhere": {"disk": DISK, "holder": "/subscriptions/s/vm_1"}}, id="2019, owned",
        ),
        # kubernetes#69262, openshift-azure#1362
        pytest.param(
            'MountVolume.WaitForAttach failed for volume "pvc-1" : Cannot find Lun for disk kubernetes-dynamic-pvc-1',
            {"device-missing": {}}, id="2018, no LUN",
        ),
        # azuredisk-csi-driver#73
        pytest.param(
            "MountVolume.MountDevice failed : rpc error: code = Internal desc = azureDisk - findDiskByLun(0) failed "
            "within timeout",
            {"device-missing": {"at": "0"}}, id="2019, the driver's first releases",
        ),
        pytest.param(
            f"attachment timeout for volume {DISK}", {"attach-timeout": {}}, id="2019, an attach that takes long",
        ),
        # azuredisk-csi-driver#1870
        pytest.param(
            "rpc error: code = NotFound desc = Unable to find node k8s-node01: instance not found",
            {"instance-not-found": {"node": "k8s-node01"}}, id="driver 1.27",
        ),
        # azuredisk-csi-driver#1047 and #3118, driver 1.31
        pytest.param(
            'failed to get azure instance id for node "aks-a-vmss000001" (instance not found)',
            {"instance-not-found": {"node": "aks-a-vmss000001"}}, id="driver 1.31",
        ),
        pytest.param(
            'failed to get azure instance id for node "a-1" (Get "http://169.254.169.254/metadata": i/o timeout)', {},
            id="another error on the way to the instance (CSI#165)",
        ),
        # azuredisk-csi-driver#1378
        pytest.param(
            "Cannot attach the disk pvc-1 to VM /s/vm_0 because it is already attached to VM /s/vm_1. A disk can be "
            "attached to only one VM at a time.",
            {"disk-elsewhere": {"disk": "pvc-1", "holder": "/s/vm_1"}}, id="Azure's newer wording",
        ),
        pytest.param(
            f"rpc error: code = FailedPrecondition desc = volume {DISK} still has VolumeAttachments on node aks-2, "
            "refusing dangling detach",
            {"disk-elsewhere": {"disk": DISK, "node": "aks-2"}}, id="driver of 2026",
        ),
        pytest.param(
            f"disk({DISK}) already attached to node(/s/vm_1), could not be deleted", {}, id="it is about deleting",
        ),
        # external-attacher csi_handler.go
        pytest.param(
            'csinode.storage.k8s.io "aks-1" not found', {"csinode-not-found": {"node": "aks-1"}}, id="no CSINode",
        ),
        # kubernetes csi_client.go
        pytest.param(
            "kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name "
            "disk.csi.azure.com not found in the list of registered CSI drivers",
            {"driver-missing": {"driver": "disk.csi.azure.com"}}, id="the kubelet has no driver",
        ),
        # kubernetes#88444
        pytest.param(
            'Code="NotFound" Message="Disk pvc-1 is not found." Target="dataDisks"',
            {"disk-not-found": {"disk": "pvc-1"}}, id="2020, no such disk",
        ),
        pytest.param(
            "Volume not found, failed with error: GET https://x\nRESPONSE 429: 429 Too Many Requests", {},
            id="the driver says so of every error",
        ),
        # what is a consequence, in three generations
        pytest.param(
            'Unable to mount volumes for pod "p_ns(uid)": timeout expired waiting for volumes to attach or mount',
            {}, id="2019, timed out",
        ),
        pytest.param(
            "Unable to attach or mount volumes: unmounted volumes=[a], unattached volumes=[a]: timed out waiting for "
            "the condition",
            {}, id="2021, timed out",
        ),
    ],
)  # fmt: skip
def test_what_is_heard_of_attaching(message: str, says: dict[str, dict[str, str]]) -> None:
    ids = {
        "attach-timeout", "instance-not-found", "disk-elsewhere", "disk-being-detached", "disk-not-found",
        "csinode-not-found", "driver-missing", "device-missing",
    }  # fmt: skip
    assert {each.id: dict(each.groups) for each in heard(message) if each.id in ids} == says
