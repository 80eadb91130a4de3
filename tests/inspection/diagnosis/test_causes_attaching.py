"""Causes about attaching, nodes and machines, each on a handmade world: found first, near misses, Azure unreadable."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import Finding, diagnose
from aksdisks.inspection.diagnosis.catalogue import catalogue
from aksdisks.model import (
    Condition,
    ContainerState,
    Disk,
    Inventory,
    Machine,
    Node,
    NotAsked,
    Pod,
    Unknown,
    Workload,
)
from tests.world import (
    CLAIM,
    GROUP,
    SPACE,
    START,
    attachment,
    claim,
    disk,
    event,
    machine,
    multi_attach,
    node,
    pod,
    volume,
    world,
)

PV = f"pvc-{CLAIM}"
DISK = f"{GROUP}/disks/{PV}"
OTHER = f"{GROUP}/disks/pvc-other"
DENIED = Unknown("403 AuthorizationFailed: no right to read disks")
UNASKED = NotAsked("nothing needed Azure")


def ago(seconds: float) -> Any:
    return START - timedelta(seconds=seconds)


def scheduled(seconds: float) -> tuple[Condition, ...]:
    return (Condition(type="PodScheduled", status="True", since=ago(seconds)),)


def vm_node(number: int, **changes: Any) -> Node:
    """A node with its CSINode and its machine's id, as AKS has them."""
    drivers = ("disk.csi.azure.com", "file.csi.azure.com")
    return node(number, **{"provider_id": f"azure://{machine(number).id}", "drivers": drivers} | changes)


A = pod("web-1-a", 0, owner="ReplicaSet/web-1")
B = pod("web-2-b", 1, ready=False, owner="ReplicaSet/web-2", conditions=scheduled(30))
LATE = replace(B, conditions=scheduled(900))
CSI = volume(driver="disk.csi.azure.com")
HERE = attachment(to=1, attached=False, created=ago(30), lun=None)
ON_ITS_WAY: dict[str, Any] = {"pods": (B,), "events": (), "attachments": (HERE,), "disks": (disk(on=None),)}


def parts(**changes: Any) -> dict[str, Any]:
    """Two nodes that are well, and the volume with its driver."""
    return {"nodes": (vm_node(0), vm_node(1)), "volumes": (CSI,)} | changes


def attaching(error: str = "", at: float = 30.0, **changes: Any) -> dict[str, Any]:
    """The pod waits for its disk, and attaching it says so much."""
    here = replace(HERE, attach_error=error, attach_error_at=ago(5) if error else None, created=ago(at))
    waiting = replace(B, conditions=scheduled(at))
    return parts(**ON_ITS_WAY | {"pods": (waiting,), "attachments": (here,)} | changes)


def failed(message: str, about: Pod = B) -> Any:
    return event(about, "FailedAttachVolume", f'AttachVolume.Attach failed for volume "{PV}" : {message}')


OF_ANOTHER = event(
    B,
    "FailedAttachVolume",
    f'Multi-Attach error for volume "{PV}" Volume is already used by 1 pod(s) in different namespaces',
)


def powered(number: int, power: str, *disks: Disk) -> Machine:
    return replace(machine(number, *disks), power=power, provisioning_state="Succeeded")


def changing(number: int, state: str, *disks: Disk) -> Machine:
    return replace(machine(number, *disks), provisioning_state=state)


def replica_sets(replicas: int, strategy: str = "RollingUpdate", surge: str = "25%") -> tuple[Workload, ...]:
    named = {"namespace": SPACE}
    return (
        Workload(kind="Deployment", name="web", replicas=replicas, strategy=strategy, max_surge=surge, **named),
        Workload(kind="ReplicaSet", name="web-1", owner="Deployment/web", **named),
        Workload(kind="ReplicaSet", name="web-2", owner="Deployment/web", **named),
    )


def found(inventory: Inventory, about: str = "Pod web-2-b") -> Finding | None:
    """The finding about an object, which must be one at most."""
    kind, _, name = about.partition(" ")
    findings = [each for each in diagnose(inventory) if (each.object.kind, each.object.name) == (kind, name)]
    assert len(findings) <= 1, findings
    return findings[0] if findings else None


# The words, each where its comment says.
# azuredisk-csi-driver pkg/azuredisk/controllerserver.go; CSI#249, CSI#1047
NO_INSTANCE = 'rpc error: code = NotFound desc = failed to get azure instance id for node "aks-1" (instance not found)'
# controllerserver.go around cloud-provider-azure azure_vmss.go; karpenter-provider-azure#1789
NO_VMSS = f"rpc error: code = Internal desc = could not get disk lun for volume {DISK}: not a vmss instance"
# azure_controller_common.go, in controllerserver.go's frame (facts I)
ELSEWHERE = (
    f"rpc error: code = Internal desc = Attach volume {PV} to instance aks-1 failed with disk({DISK}) already attached "
    f"to node({GROUP}/virtualMachines/vm_7), could not be attached to node(aks-1)"
)
# facts E; kubernetes#78657, AKS#1278
BEING_DETACHED = (
    f"rpc error: code = Internal desc = Attach volume {PV} to instance aks-1 failed with PUT https://x\n"
    "RESPONSE 409: 409 Conflict\nERROR CODE: AttachDiskWhileBeingDetached\n"
    "Cannot attach data disk 'pvc-other' to VM 'vm_1' because the disk is currently being detached or the last detach "
    "operation failed. Please wait until the disk is completely detached and then try again."
)
# controllerserver.go, checkDiskExists (facts I)
NO_DISK = (
    f"rpc error: code = NotFound desc = Volume not found, failed with error: GET https://x{DISK}\n"
    f"RESPONSE 404: 404 Not Found\nERROR CODE: ResourceNotFound\nThe Resource 'Microsoft.Compute/disks/{PV}' under "
    "resource group 'MC_disks_article_westeurope' was not found."
)
NO_ID = "rpc error: code = NotFound desc = Volume not found, failed with error: invalid URI: group#account#share"
NO_RIGHT = f"rpc error: code = NotFound desc = Volume not found, failed with error: GET https://x{DISK}\nRESPONSE 403"
# external-attacher csi_handler.go; CSI#1301
NO_CSINODE = 'rpc error: csinode.storage.k8s.io "aks-0" not found'
NO_DRIVER = "CSINode aks-1 does not contain driver disk.csi.azure.com"
# nodeserver.go; CSI#2357
NO_DEVICE = (
    f'MountVolume.MountDevice failed for volume "{PV}" : rpc error: code = Internal desc = failed to find disk on lun '
    "0. azureDisk - findDiskByLun(0) failed within timeout"
)
# kubernetes pkg/volume/volume_linux.go
OWNERSHIP = (
    f"Setting volume ownership for uid/volumes/kubernetes.io~csi/{PV}/mount is taking longer than expected, consider "
    "using OnRootMismatch"
)
# kubernetes scheduler nodevolumelimits/csi.go
FULL = (
    "0/2 nodes are available: 2 node(s) exceed max volume count. preemption: 0/2 nodes are available: 2 Preemption is "
    "not helpful for scheduling."
)
# facts E, CSI#879
MACHINE_FULL = "rpc error: The maximum number of data disks allowed to be attached to a VM of this size is 2."
# kubernetes pkg/volume/csi/csi_attacher.go
TIMED_OUT = f"timed out waiting for external-attacher of disk.csi.azure.com CSI driver to attach volume {DISK}"
# kubernetes pv_controller.go, today's and 2019's
EXTERNAL = (
    "Waiting for a volume to be created either by the external provisioner 'disk.csi.azure.com' or manually by the "
    "system administrator."
)
NO_DETACH = f"rpc error: code = Internal desc = Could not detach volume {DISK} from node aks-0: InternalExecutionError"

MOVING = parts(pods=(B,), events=(multi_attach(B),))
PENDING = claim(phase="Pending", volume="", created=ago(900), selected_node="aks-1")
UNPLACED = replace(B, node="", conditions=())
READY_DISK = disk(on=1)
MOUNTING = parts(
    pods=(B,), events=(event(B, "FailedMount", NO_DEVICE),), attachments=(attachment(to=1, created=ago(90)),),
    disks=(READY_DISK,), machines=(machine(0), machine(1, READY_DISK)),
)  # fmt: skip
WALKING = replace(B, fs_group=2000, conditions=scheduled(900))
OWNED = parts(
    pods=(WALKING,), events=(), attachments=(attachment(to=1, created=ago(900)),), disks=(READY_DISK,),
    machines=(machine(0), machine(1, READY_DISK)),
)  # fmt: skip
FOREIGN = disk("other", on=1, tags={})
CROWDED = attaching(
    MACHINE_FULL,
    nodes=(vm_node(0), vm_node(1, disk_slots=2)),
    attached={"aks-1": 2},
    attachments=(replace(HERE, attach_error=MACHINE_FULL), attachment("kept", to=1)),
    volumes=(CSI, volume("kept", driver="disk.csi.azure.com")),
    claims=(claim(), claim("kept", volume="pvc-kept")),
    disks=(disk(on=None), FOREIGN, disk("kept", on=1)),
    machines=(machine(0), machine(1, FOREIGN, disk("kept", on=1))),
)


@pytest.mark.parametrize(
    ("made", "about", "cause", "verdict", "words", "evidence"),
    [
        pytest.param(
            parts(pods=(A, B), events=(multi_attach(B, "web-1-a"),)), "Pod web-2-b", "shared-claim", "problem",
            "it is on aks-0, where web-1-a runs",
            {("Kubernetes", "Pod walk/web-2-b"), ("Kubernetes", "Pod walk/web-1-a"), ("Azure", f"disk {PV}")},
            id="shared-claim: refused",
        ),
        pytest.param(
            parts(pods=(A, B), events=()), f"PersistentVolumeClaim {CLAIM}", "shared-claim", "problem",
            "it is on aks-0, where web-1-a runs", {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-0")},
            id="shared-claim: by states, the event has expired; the claim has it, too",
        ),
        pytest.param(
            {"pods": (A, B), "attachments": (), "events": (multi_attach(B, "web-1-a"),)}, "Pod web-2-b",
            "shared-claim", "problem", "where web-1-a runs", {("Kubernetes", "Pod walk/web-1-a")},
            id="shared-claim: in 2019, without VolumeAttachments",
        ),
        pytest.param(
            parts(pods=(A, B), events=(multi_attach(B, "web-1-a"),), workloads=replica_sets(3)), "Pod web-2-b",
            "shared-claim", "problem", "where web-1-a runs", set(), id="shared-claim: of several replicas",
        ),
        pytest.param(
            parts(pods=(A, B), events=(), workloads=replica_sets(1)[:1]), "Pod web-2-b", "rolling-update-surge",
            "problem", "Deployment web starts web-2-b", set(), id="rolling-update-surge: ReplicaSets not read",
        ),
        pytest.param(
            parts(pods=(A, B), events=(multi_attach(B, "web-1-a"),), workloads=replica_sets(1)), "Pod web-2-b",
            "rolling-update-surge", "problem", "Deployment web starts web-2-b before it ends web-1-a on aks-0",
            {("Kubernetes", "Deployment walk/web"), ("Kubernetes", "Pod walk/web-1-a")}, id="rolling-update-surge",
        ),
        pytest.param(
            MOVING, "Pod web-2-b", "detach-pending", "wait", "still on aks-0, where nobody uses it any more",
            {("Kubernetes", "Pod walk/web-2-b"), ("Kubernetes", f"VolumeAttachment csi-{CLAIM}-0")},
            id="detach-pending: nobody counts there",
        ),
        pytest.param(
            parts(pods=(replace(A, deleting=START + timedelta(seconds=20)), B), events=(multi_attach(B, "web-1-a"),)),
            "Pod web-2-b", "detach-pending", "wait", "where web-1-a is ending", {("Kubernetes", "Pod walk/web-1-a")},
            id="detach-pending: the holder has time to end, although the words name it",
        ),
        pytest.param(
            parts(pods=(LATE,), events=(multi_attach(LATE),)), "Pod web-2-b", "detach-pending", "problem",
            "15 min are longer than a detach takes", {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-0")},
            id="detach-pending: for too long",
        ),
        pytest.param(
            MOVING | {"attachments": (attachment(detach_error=NO_DETACH, detach_error_at=ago(9), deleting=ago(60)),)},
            "Pod web-2-b", "detach-failed", "problem", "could not be detached from aks-0: rpc error",
            {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-0"), ("Azure", f"disk {PV}")}, id="detach-failed",
        ),
        pytest.param(
            parts(pods=(), events=(), attachments=(attachment(detach_error=NO_DETACH, deleting=ago(60)),)),
            f"PersistentVolume {PV}", "detach-failed", "problem", "could not be detached from aks-0",
            {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-0")}, id="detach-failed: nobody waits for the disk",
        ),
        pytest.param(
            MOVING | {
                "attachments": (attachment(detach_error=NO_DETACH, deleting=ago(600)),), "pods": (LATE,),
                "machines": (changing(0, "Failed", disk()), machine(1)),
            },
            "Pod web-2-b", "detach-failed", "problem", "could not be detached from aks-0", {("Azure", "machine vm_0")},
            id="detach-failed: over machine-stuck, whose state is its consequence",
        ),
        pytest.param(
            parts(
                nodes=(vm_node(0, ready=False, ready_reason="Kubelet stopped posting node status."), vm_node(1)),
                pods=(replace(A, ready=False, deleting=ago(300)), B), events=(multi_attach(B, "web-1-a"),),
                machines=(powered(0, "running", disk()), machine(1)),
            ),
            "Pod web-2-b", "holder-lost", "problem",
            "holds the disk: it is Terminating on aks-0, which is NotReady; its machine is running in Azure",
            {("Kubernetes", "Node aks-0"), ("Kubernetes", "Pod walk/web-1-a"), ("Azure", "machine vm_0")},
            id="holder-lost: the words say shared, the states do not",
        ),
        pytest.param(
            parts(nodes=(vm_node(0, ready=False), vm_node(1)), pods=(B,), events=(multi_attach(B),)),
            "Pod web-2-b", "holder-lost", "problem", "still on aks-0, which is NotReady; whether its machine",
            {("Kubernetes", "Node aks-0")}, id="holder-lost: the pod is gone, the node is not back",
        ),
        pytest.param(
            parts(pods=(replace(A, deleting=ago(600)), B), events=(multi_attach(B, "web-1-a"),)), "Pod web-2-b",
            "holder-lost", "problem", "Terminating on aks-0, which is Ready", {("Kubernetes", "Pod walk/web-1-a")},
            id="holder-lost: it does not end, although its node is Ready",
        ),
        pytest.param(
            parts(
                nodes=(vm_node(0), vm_node(1, ready=False, ready_reason="Kubelet stopped posting node status.")),
                pods=(replace(B, deleting=ago(60)),), events=(), attachments=(attachment(to=1),),
                machines=(machine(0), powered(1, "deallocated", READY_DISK)),
            ),
            "Pod web-2-b", "node-lost", "problem",
            "aks-1 is NotReady: Kubelet stopped posting node status; its machine is deallocated in Azure",
            {("Kubernetes", "Node aks-1"), ("Azure", "machine vm_1")}, id="node-lost: NotReady",
        ),
        pytest.param(
            parts(nodes=(vm_node(0),), pods=(replace(B, claims=()),), events=()), "Pod web-2-b", "node-lost", "problem",
            "aks-1 is gone from the cluster", set(), id="node-lost: gone, a pod without claims",
        ),
        pytest.param(
            parts(nodes=(vm_node(0), vm_node(1, ready=False, created=ago(30))), pods=(B,), events=()),
            "Pod web-2-b", "node-lost", "wait", "has just joined", {("Kubernetes", "Node aks-1")},
            id="node-lost: a node that is getting ready",
        ),
        pytest.param(
            attaching(at=900.0, machines=(machine(0), changing(1, "Updating"))), "Pod web-2-b", "machine-stuck",
            "problem", "a change of the machine of aks-1 has not ended for 15 min", {("Azure", "machine vm_1")},
            id="machine-stuck: Updating for long",
        ),
        pytest.param(
            attaching(at=90.0, machines=(machine(0), changing(1, "Failed"))), "Pod web-2-b", "machine-stuck", "problem",
            "it is in state Failed", {("Azure", "machine vm_1")}, id="machine-stuck: Failed",
        ),
        pytest.param(
            parts(
                pods=(LATE,), events=(multi_attach(LATE),), machines=(changing(0, "Updating", disk()), machine(1)),
                attachments=(attachment(deleting=ago(880)),),
            ),
            "Pod web-2-b", "machine-stuck", "problem", "machine of aks-0 has not ended", {("Azure", "machine vm_0")},
            id="machine-stuck: the old machine does not let go",
        ),
        pytest.param(
            attaching(
                BEING_DETACHED, volumes=(CSI, volume("other")),
                claims=(claim(), claim("other")), disks=UNASKED, machines=UNASKED,
            ),
            "Pod web-2-b", "machine-stuck", "problem",
            "disk pvc-other (volume pvc-other of claim walk/other) is being detached, or its last detach failed",
            {("Kubernetes", f"VolumeAttachment of {PV} to aks-1")}, id="machine-stuck: another pod's disk",
        ),
        pytest.param(
            attaching(NO_INSTANCE, machines=(machine(0),), events=(failed(NO_INSTANCE),)), "Pod web-2-b",
            "instance-not-found", "problem", "find the machine of node aks-1 in Azure, and Azure does not list it",
            {("Kubernetes", "Pod walk/web-2-b"), ("Azure", "machine of aks-1")},
            id="instance-not-found: nor does Azure",
        ),
        pytest.param(
            parts(
                nodes=(vm_node(0, ready=False), vm_node(1)),
                pods=(replace(A, ready=False, deleting=ago(300)), B), events=(multi_attach(B, "web-1-a"),),
                attachments=(attachment(deleting=ago(60), detach_error=NO_INSTANCE.replace("aks-1", "aks-0")),),
            ),
            "Pod web-2-b", "instance-not-found", "problem",
            "does not find the machine of node aks-0 in Azure, although Azure lists it as vm_0",
            {("Azure", "machine vm_0")}, id="instance-not-found: over holder-lost",
        ),
        pytest.param(
            attaching(NO_VMSS), "Pod web-2-b", "not-a-vmss-instance", "problem", "aks-1 among the scale sets'",
            {("Kubernetes", f"VolumeAttachment of {PV} to aks-1"), ("Kubernetes", "Node aks-1")},
            id="not-a-vmss-instance",
        ),
        pytest.param(
            attaching(disks=(disk(on=7),)), "Pod web-2-b", "disk-elsewhere", "problem",
            "Azure has its disk on machine vm_7, which is no node of this cluster", {("Azure", f"disk {PV}")},
            id="disk-elsewhere: a foreign machine, by Azure's word alone",
        ),
        pytest.param(
            attaching(ELSEWHERE, disks=UNASKED, machines=UNASKED), "Pod web-2-b", "disk-elsewhere", "problem",
            "Azure has its disk on machine vm_7", {("Kubernetes", f"VolumeAttachment of {PV} to aks-1")},
            id="disk-elsewhere: by the driver's words",
        ),
        pytest.param(
            attaching(ELSEWHERE.replace(DISK, OTHER), volumes=(CSI, volume("other")), claims=(claim(), claim("other"))),
            "Pod web-2-b", "disk-elsewhere", "problem", "disk pvc-other (volume pvc-other of claim walk/other)", set(),
            id="disk-elsewhere: another pod's disk is named",
        ),
        pytest.param(
            parts(pods=(B,), attachments=(), events=(OF_ANOTHER,), disks=(disk(on=0),)), "Pod web-2-b",
            "disk-elsewhere", "problem", "for a volume of another namespace's claim, which names the same disk",
            {("Kubernetes", "Pod walk/web-2-b"), ("Azure", f"disk {PV}")}, id="disk-elsewhere: of another namespace",
        ),
        pytest.param(
            parts(nodes=(vm_node(1), vm_node(2)), pods=(B,), events=(multi_attach(B),), disks=(disk(on=2),)),
            "Pod web-2-b", "disk-elsewhere", "problem", "on the machine of node aks-2", {("Azure", f"disk {PV}")},
            id="disk-elsewhere: over stale-attachment",
        ),
        pytest.param(
            parts(
                nodes=(vm_node(1), vm_node(2)), pods=(B,), events=(multi_attach(B),), disks=(disk(on=2),),
                volumes=(CSI, volume("twin", disk_id=CSI.disk_id.upper())), attachments=(attachment("twin", to=2),),
            ),
            "Pod web-2-b", "disk-elsewhere", "problem", "for volume pvc-twin, which names the same disk",
            {("Azure", f"disk {PV}")}, id="disk-elsewhere: by a second volume of one disk",
        ),
        pytest.param(
            parts(
                nodes=(vm_node(1),), pods=(B,), events=(multi_attach(B),), machines=(machine(1),),
                attachments=(attachment(deleting=ago(60), detach_error=NO_CSINODE),), disks=(disk(on=None),),
            ),
            "Pod web-2-b", "stale-attachment", "problem", "node aks-0, which is gone, and Azure has no such machine",
            {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-0"), ("Kubernetes", "Node aks-0"), ("Azure", f"disk {PV}")},
            id="stale-attachment: proven",
        ),
        pytest.param(
            parts(nodes=(vm_node(1),), pods=(A, B), events=(multi_attach(B, "web-1-a"),)), "Pod web-2-b",
            "stale-attachment", "problem", "its machine vm_0 still exists in Azure", {("Azure", "machine vm_0")},
            id="stale-attachment: the machine is still there; over holder-lost",
        ),
        pytest.param(
            attaching(NO_DISK, disks=UNASKED, machines=UNASKED), "Pod web-2-b", "disk-gone", "problem",
            f"Azure has no disk {PV}", {("Kubernetes", f"PersistentVolume {PV}")}, id="disk-gone: by words",
        ),
        pytest.param(
            attaching(NO_ID, disks=(), volumes=(replace(CSI, disk_id="group#account#share"),)), "Pod web-2-b",
            "disk-gone", "problem", f"volume {PV} names group#account#share, which is no disk's id in Azure",
            {("Kubernetes", f"VolumeAttachment of {PV} to aks-1")}, id="disk-gone: a handle that is no id",
        ),
        pytest.param(
            attaching(disks=(), machines=(machine(0), machine(1))), "Pod web-2-b", "disk-gone", "problem",
            f"Azure has no disk {PV}, which volume {PV} names", {("Azure", f"disk {PV}")}, id="disk-gone: by states",
        ),
        pytest.param(
            parts(pods=(), events=(), attachments=(), disks=()), f"PersistentVolumeClaim {CLAIM}", "disk-gone",
            "problem", f"Azure has no disk {PV}", {("Azure", f"disk {PV}")}, id="disk-gone: a claim without a pod",
        ),
        pytest.param(
            attaching(), "Pod web-2-b", "attach-slow", "wait", "to aks-1 for 30 s; that usually takes 15 s to 1 min",
            {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-1"), ("Azure", f"disk {PV}")}, id="attach-slow",
        ),
        pytest.param(
            attaching(at=200.0, machines=(machine(0), changing(1, "Updating")), events=(failed(TIMED_OUT),)),
            "Pod web-2-b", "attach-slow", "wait", "for 3 min", {("Kubernetes", "Pod walk/web-2-b")},
            id="attach-slow: Kubernetes has timed out, Azure is at it",
        ),
        pytest.param(
            attaching("rpc error: something new", at=200.0), "Pod web-2-b", "attach-slow", "problem",
            "attaching its disk to aks-1 fails for 3 min: rpc error: something new",
            {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-1")}, id="attach-slow: an error that no cause knows",
        ),
        pytest.param(
            MOUNTING, "Pod web-2-b", "device-missing", "problem", "attached to aks-1 on both sides",
            {("Kubernetes", "Pod walk/web-2-b"), ("Azure", "machine vm_1")}, id="device-missing: on both sides",
        ),
        pytest.param(
            MOUNTING | {"machines": (machine(0), replace(machine(1, READY_DISK), size="Standard_D4s_v6"))},
            "Pod web-2-b", "device-missing", "problem", "Standard_D4s_v6 has NVMe disks", {("Azure", "machine vm_1")},
            id="device-missing: NVMe",
        ),
        pytest.param(
            MOUNTING | {"machines": (machine(0), machine(1)), "disks": (disk(on=None),), "events": ()}, "Pod web-2-b",
            "device-missing", "problem", "attached to aks-1, and Azure has it not on that machine",
            {("Azure", "machine vm_1"), ("Azure", f"disk {PV}")}, id="device-missing: in Kubernetes alone",
        ),
        pytest.param(
            OWNED | {"events": (event(WALKING, "VolumePermissionChangeInProgress", OWNERSHIP),)}
            | {"events": (replace(event(WALKING, "VolumePermissionChangeInProgress", OWNERSHIP), type="Warning"),)},
            "Pod web-2-b", "fsgroup-slow", "problem", "to group 2000, 15 min after the disk was attached",
            {("Kubernetes", "Pod walk/web-2-b")}, id="fsgroup-slow: the kubelet says so",
        ),
        pytest.param(
            OWNED | {"attachments": (), "volumes": (volume(),), "events": (replace(event(
                WALKING, "SuccessfulAttachVolume", f'AttachVolume.Attach succeeded for volume "{PV}" ', at=-900.0),
                first=ago(900)),)},
            "Pod web-2-b", "fsgroup-slow", "problem", "15 min after the disk was attached", set(),
            id="fsgroup-slow: in 2019",
        ),
        pytest.param(
            OWNED, "Pod web-2-b", "fsgroup-slow", "problem", "gives all files of volume", set(),
            id="fsgroup-slow: silence",
        ),
        pytest.param(
            parts(pods=(UNPLACED,), events=(event(UNPLACED, "FailedScheduling", FULL),), attachments=(),
                  nodes=(vm_node(0, disk_slots=2), vm_node(1, disk_slots=2)), attached={"aks-0": 2, "aks-1": 2}),
            "Pod web-2-b", "no-disk-slot", "problem", "have no place left for its disks",
            {("Kubernetes", "Pod walk/web-2-b"), ("Kubernetes", "Node aks-0")}, id="no-disk-slot: the scheduler",
        ),
        pytest.param(
            attaching(MACHINE_FULL, attached={"aks-1": 3}), "Pod web-2-b", "no-disk-slot", "problem",
            "the machine of aks-1 takes 2 data disks", {("Kubernetes", "Node aks-1")}, id="no-disk-slot: Azure",
        ),
        pytest.param(
            CROWDED, "Pod web-2-b", "foreign-disks", "problem",
            "aks-1, Azure counts 2 data disks and Kubernetes 1: pvc-other is not Kubernetes' to count",
            {("Azure", "machine vm_1"), ("Kubernetes", "Node aks-1")}, id="foreign-disks",
        ),
        pytest.param(
            attaching(NO_DRIVER, nodes=(vm_node(0), vm_node(1, drivers=()))), "Pod web-2-b", "driver-missing",
            "problem", "not registered on node aks-1", {("Kubernetes", "CSINode aks-1")}, id="driver-missing: words",
        ),
        pytest.param(
            attaching(NO_DRIVER, nodes=(vm_node(0), vm_node(1, drivers=(), created=ago(60))), driver_pods=(
                pod("csi-azuredisk-node-a", 0), pod("csi-azuredisk-node-b", 1, ready=False, status="ImagePullBackOff"),
            )), "Pod web-2-b", "driver-missing", "problem",
            "not registered on node aks-1; its pod there is ImagePullBackOff",
            {("Kubernetes", "Pod walk/csi-azuredisk-node-b")}, id="driver-missing: the driver's pod",
        ),
        pytest.param(
            attaching(nodes=(vm_node(0), vm_node(1, drivers=("file.csi.azure.com",), created=ago(86400)))),
            "Pod web-2-b", "driver-missing", "problem", "not registered on node aks-1",
            {("Kubernetes", "CSINode aks-1")}, id="driver-missing: the CSINode",
        ),
        pytest.param(
            attaching(nodes=(vm_node(0), vm_node(1, drivers=(), created=ago(60)))), "Pod web-2-b", "driver-missing",
            "wait", "which has just joined", {("Kubernetes", "CSINode aks-1")}, id="driver-missing: a node that starts",
        ),
        pytest.param(
            attaching(at=900.0), "Pod web-2-b", "driver-down", "problem", "answered for 15 min: it should attach",
            {("Kubernetes", f"VolumeAttachment csi-{CLAIM}-1"), ("Azure", "machine vm_1")}, id="driver-down: no attach",
        ),
        pytest.param(
            parts(pods=(UNPLACED,), claims=(PENDING,), volumes=(), attachments=(),
                  events=(event(PENDING, "ExternalProvisioning", EXTERNAL, at=-300.0),)),
            f"PersistentVolumeClaim {CLAIM}", "driver-down", "problem", "claim azure-managed-disk waits for a disk",
            {("Kubernetes", f"PersistentVolumeClaim walk/{CLAIM}")}, id="driver-down: no disk",
        ),
        pytest.param(
            parts(pods=(UNPLACED,), claims=(PENDING,), volumes=(), attachments=(), nodes=(vm_node(1, drivers=()),),
                  events=(event(PENDING, "ExternalProvisioning", EXTERNAL, at=-5.0),)),
            "Pod web-2-b", "driver-down", "problem", "has not answered", {("Kubernetes", "CSINodes")},
            id="driver-down: no node has it, so nothing is waited for",
        ),
    ],
)  # fmt: skip
def test_each_cause_is_found_first_with_its_evidence(
    made: dict[str, Any], about: str, cause: str, verdict: str, words: str, evidence: set[tuple[str, str]]
) -> None:
    finding = found(world(**made), about)
    assert finding is not None
    assert (finding.cause, finding.verdict) == (cause, verdict), finding
    assert words in finding.because
    assert evidence <= {(row.source, row.object) for row in finding.evidence}
    assert finding.next and finding.next[0].risk == "none" and finding.docs == catalogue()[cause].docs != ""


RUNNING = (ContainerState(name="web", running=True),)
PULLING = event(WALKING, "Pulling", 'Pulling image "web:1"')
ATTACHED_SINCE = replace(event(A, "SuccessfulAttachVolume", 'AttachVolume.Attach succeeded for volume "x" '), uid="e")
OTHERS_HOLDER = pod("web-0-c", 0, claim="other", deleting=ago(600))


@pytest.mark.parametrize(
    ("made", "cause", "instead"),
    [
        pytest.param(
            parts(pods=(A, B), events=(), volumes=(replace(CSI, access_modes=("ReadWriteMany",)),)), "shared-claim",
            "attach-slow", id="a shared disk may be on several nodes",
        ),
        pytest.param(
            parts(pods=(A, replace(B, node="aks-0")), events=()), "shared-claim", "", id="both pods on one node",
        ),
        pytest.param(
            parts(pods=(A, B), events=(), attachments=(attachment(), attachment(to=1))), "shared-claim", "",
            id="the disk is on the pod's node already",
        ),
        pytest.param(
            parts(pods=(A, B), events=(), workloads=replica_sets(1, "Recreate")), "rolling-update-surge",
            "shared-claim", id="a Deployment that ends the old pod first",
        ),
        pytest.param(
            parts(pods=(A, B), events=(), workloads=Unknown("forbidden")), "rolling-update-surge", "shared-claim",
            id="workloads that may not be read",
        ),
        pytest.param(
            parts(pods=(replace(A, owner="ReplicaSet/api-1"), B), events=(), workloads=replica_sets(1)),
            "rolling-update-surge", "shared-claim", id="pods of two Deployments",
        ),
        pytest.param(
            attaching(events=(multi_attach(B, at=-40.0),)), "detach-pending", "attach-slow",
            id="refused before, and now it is being attached",
        ),
        pytest.param(
            parts(pods=(B,), events=(), attachments=(attachment(detach_error=NO_DETACH), attachment(to=1))),
            "detach-failed", "", id="an old error, and the disk is where it should be",
        ),
        pytest.param(
            parts(events=(), pods=(), attachments=(attachment(detach_error=NO_DETACH),)), "detach-failed", "",
            id="an error of a detach that nobody wants any more",
        ),
        pytest.param(
            attaching(pods=(OTHERS_HOLDER, B), nodes=(vm_node(0, ready=False), vm_node(1))), "holder-lost",
            "attach-slow", id="a lost pod with another claim",
        ),
        pytest.param(
            parts(pods=(A, B), events=(multi_attach(B, "web-1-a"),), nodes=(), unreadable={"Node": "forbidden"}),
            "holder-lost", "shared-claim", id="nodes that may not be read are not lost",
        ),
        pytest.param(
            attaching(nodes=(), unreadable={"Node": "forbidden"}), "node-lost", "attach-slow",
            id="a node that may not be read is not lost",
        ),
        pytest.param(
            attaching(machines=(machine(0), changing(1, "Updating"))), "machine-stuck", "attach-slow",
            id="a machine that has been changing for half a minute",
        ),
        pytest.param(
            attaching(at=90.0, machines=(changing(0, "Failed"), machine(1))), "machine-stuck", "attach-slow",
            id="another machine is in state Failed",
        ),
        pytest.param(
            parts(pods=(B,), events=(failed(NO_INSTANCE),), attachments=(attachment(to=1, attach_error=NO_INSTANCE),)),
            "instance-not-found", "", id="the machine was found since",
        ),
        pytest.param(
            parts(pods=(B,), events=(failed(NO_VMSS),), attachments=(attachment(to=1),)), "not-a-vmss-instance", "",
            id="attached all the same",
        ),
        pytest.param(
            attaching(disks=(disk(on=1),)), "disk-elsewhere", "attach-slow", id="Azure, asked later, has it attached",
        ),
        pytest.param(
            attaching(ELSEWHERE), "disk-elsewhere", "attach-slow", id="Azure has taken it off the other machine since",
        ),
        pytest.param(
            MOVING, "disk-elsewhere", "detach-pending", id="Azure has it where Kubernetes has it still",
        ),
        pytest.param(
            MOVING | {"volumes": (volume(),), "attachments": ()}, "disk-elsewhere", "detach-pending",
            id="in 2019, without VolumeAttachments, the old node is not known",
        ),
        pytest.param(
            attaching(nodes=(node(0), node(1)), disks=(disk(on=0),), machines=DENIED), "disk-elsewhere", "attach-slow",
            id="neither machines nor providerIDs are known, so it may be the pod's own node",
        ),
        pytest.param(
            attaching(attachments=(), unreadable={"VolumeAttachment": "forbidden"}, disks=(disk(on=0),)),
            "disk-elsewhere", "attach-slow", id="VolumeAttachments that may not be read",
        ),
        pytest.param(
            parts(
                pods=(B,), events=(multi_attach(B),),
                attachments=(attachment(detach_error=NO_CSINODE, deleting=ago(60)),),
            ),
            "stale-attachment", "detach-failed", id="the node is back",
        ),
        pytest.param(
            attaching(NO_RIGHT), "disk-gone", None, id="the driver says that it found no volume: it may not look",
        ),
        pytest.param(
            attaching(NO_DISK), "disk-gone", "attach-slow", id="Azure has the disk again",
        ),
        pytest.param(
            attaching(disks=(), volumes=(replace(CSI, disk_id=DISK.replace("MC_disks", "other")),)), "disk-gone",
            "attach-slow", id="a disk in a group that was not asked for",
        ),
        pytest.param(
            parts(
                pods=(), events=(), attachments=(), disks=(), claims=(claim(deleting=ago(5)),),
                volumes=(replace(CSI, phase="Released"),),
            ),
            "disk-gone", None, id="a disk that is being deleted",
        ),
        pytest.param(
            MOUNTING | {"pods": (replace(B, container_states=RUNNING),)}, "device-missing", None,
            id="the device was found since: the container runs",
        ),
        pytest.param(
            MOUNTING | {"events": (event(B, "FailedMount", "Unable to attach or mount volumes: timed out waiting"),)},
            "device-missing", None, id="a time-out is a consequence",
        ),
        pytest.param(
            OWNED | {"pods": (replace(WALKING, fs_group_policy="OnRootMismatch"),)}, "fsgroup-slow", None,
            id="only the root is looked at",
        ),
        pytest.param(
            OWNED | {"events": (PULLING,)}, "fsgroup-slow", None, id="an image is being pulled, so all is mounted",
        ),
        pytest.param(
            OWNED | {"attachments": (attachment(to=1, created=ago(20)),)}, "fsgroup-slow", None, id="just attached",
        ),
        pytest.param(
            OWNED | {"events": (event(WALKING, "FailedMount", NO_DEVICE),)}, "fsgroup-slow", "device-missing",
            id="the kubelet says what it misses",
        ),
        pytest.param(
            attaching(events=(event(B, "FailedScheduling", FULL),)), "no-disk-slot", "attach-slow",
            id="it found a place since",
        ),
        pytest.param(
            CROWDED | {"attached": {"aks-1": 3}}, "foreign-disks", "no-disk-slot",
            id="Kubernetes counts all of the machine's disks",
        ),
        pytest.param(
            {"pods": (B,), "events": (), "attachments": (), "disks": (disk(on=None),),
             "nodes": (vm_node(0, drivers=()), vm_node(1, drivers=()))},
            "driver-missing", "attach-slow", id="in 2019 disks need no registered driver",
        ),
        pytest.param(
            attaching(nodes=(vm_node(0, drivers=None), vm_node(1, drivers=None))), "driver-missing", "attach-slow",
            id="CSINodes that may not be read",
        ),
        pytest.param(
            attaching(NO_DRIVER), "driver-missing", "attach-slow", id="the driver has registered since",
        ),
        pytest.param(
            attaching(at=900.0, events=(ATTACHED_SINCE,)), "driver-down", "attach-slow", id="it attaches other disks",
        ),
        pytest.param(
            attaching(at=900.0, machines=(machine(0), changing(1, "Updating"))), "driver-down", "machine-stuck",
            id="Azure works on the machine: the driver asked for it",
        ),
        pytest.param(
            parts(
                pods=(UNPLACED,), claims=(PENDING,), volumes=(), attachments=(),
                events=(
                    event(PENDING, "ExternalProvisioning", EXTERNAL, at=-300.0),
                    event(PENDING, "Provisioning", "External provisioner is provisioning volume", at=-299.0),
                ),
            ),
            "driver-down", None, id="the provisioner has answered",
        ),
        pytest.param(
            parts(
                pods=(UNPLACED,), claims=(PENDING,), volumes=(), attachments=(),
                events=(event(PENDING, "ExternalProvisioning", EXTERNAL, at=-20.0),),
            ),
            "driver-down", None, id="a disk that was asked for 20 s ago",
        ),
    ],
)  # fmt: skip
def test_what_looks_like_a_cause_and_is_not(made: dict[str, Any], cause: str, instead: str | None) -> None:
    """`instead`: what it is; nothing at all that is a cause of this file where empty, anything else where None."""
    findings = diagnose(world(**made))
    assert cause not in {id_ for each in findings for id_ in (each.cause, *each.also)}
    of_pod = found(world(**made))
    if instead:
        assert of_pod is not None and of_pod.cause == instead
    elif instead == "" and of_pod is not None:
        assert of_pod.verdict != "problem" or of_pod.cause == "unknown"


@pytest.mark.parametrize("silent", [pytest.param(DENIED, id="denied"), pytest.param(UNASKED, id="not asked")])
@pytest.mark.parametrize(
    ("made", "cause", "confidence"),
    [
        pytest.param(parts(pods=(A, B), events=()), "shared-claim", "certain", id="shared-claim"),
        pytest.param(
            parts(pods=(A, B), events=(), workloads=replica_sets(1)), "rolling-update-surge", "certain",
            id="rolling-update-surge",
        ),
        pytest.param(MOVING, "detach-pending", "certain", id="detach-pending"),
        pytest.param(
            MOVING | {"attachments": (attachment(detach_error=NO_DETACH, deleting=ago(60)),)}, "detach-failed",
            "certain", id="detach-failed",
        ),
        pytest.param(
            parts(nodes=(vm_node(0, ready=False), vm_node(1)), pods=(A, B), events=(multi_attach(B, "web-1-a"),)),
            "holder-lost", "certain", id="holder-lost: nothing is said of the machine but that it must be proven",
        ),
        pytest.param(parts(nodes=(vm_node(0),), pods=(B,), events=()), "node-lost", "certain", id="node-lost"),
        pytest.param(attaching(BEING_DETACHED), "machine-stuck", "certain", id="machine-stuck: words"),
        pytest.param(attaching(at=900.0), "driver-down", "likely", id="machine-stuck: without Azure's word"),
        pytest.param(attaching(NO_INSTANCE), "instance-not-found", "certain", id="instance-not-found"),
        pytest.param(attaching(NO_VMSS), "not-a-vmss-instance", "certain", id="not-a-vmss-instance"),
        pytest.param(attaching(ELSEWHERE), "disk-elsewhere", "certain", id="disk-elsewhere: words"),
        pytest.param(
            parts(nodes=(vm_node(1),), pods=(B,), events=(multi_attach(B),)), "stale-attachment", "certain",
            id="stale-attachment: of the machine nothing is said",
        ),
        pytest.param(attaching(NO_DISK), "disk-gone", "certain", id="disk-gone: words"),
        pytest.param(attaching(), "attach-slow", "certain", id="disk-gone, disk-elsewhere: not without Azure's word"),
        pytest.param(MOUNTING, "device-missing", "certain", id="device-missing"),
        pytest.param(OWNED, "fsgroup-slow", "likely", id="fsgroup-slow"),
        pytest.param(CROWDED, "no-disk-slot", "certain", id="foreign-disks: not without Azure's word"),
        pytest.param(
            attaching(NO_DRIVER, nodes=(vm_node(0), vm_node(1, drivers=()))), "driver-missing", "certain",
            id="driver-missing",
        ),
    ],
)  # fmt: skip
def test_azure_that_does_not_tell(made: dict[str, Any], cause: str, confidence: str, silent: Unknown) -> None:
    finding = found(world(**made | {"disks": silent, "machines": silent}))
    assert finding is not None and (finding.cause, finding.confidence) == (cause, confidence), finding
    assert "Azure has no" not in finding.because or cause == "disk-gone"
    assert {row.source for row in finding.evidence} == {"Kubernetes"}


def test_for_the_disk_of_a_claim_without_a_pod_azure_is_not_asked() -> None:
    """Between a look at claims and one at disks a claim may go with its disk, which is no loss."""
    for disks in ((disk(on=None),), DENIED, UNASKED):
        made: dict[str, Any] = {"pods": (), "events": (), "attachments": (), "disks": disks}
        finding = found(world(**parts(**made)), f"PersistentVolumeClaim {CLAIM}")
        assert finding is not None and (finding.cause, finding.also, finding.needs) == ("claim-kept", (), ())
        assert "it is kept with its data until it is deleted; deleting it deletes its disk" in finding.because


def test_a_machine_in_another_resource_group_is_not_proven_gone() -> None:
    elsewhere = machine(2).id.replace("MC_disks_article_westeurope", "another")
    nodes = (vm_node(1), node(2, provider_id=f"azure://{elsewhere}"))
    made = {"nodes": nodes, "pods": (B,), "events": (multi_attach(B),), "disks": (disk(on=None),)}
    finding = found(world(**parts(**made, machines=(machine(1),))))
    assert finding is not None and finding.because == "its volume is said to be on node aks-0, which is gone"


def test_what_risks_data_comes_after_its_proof() -> None:
    lost = parts(nodes=(vm_node(0, ready=False), vm_node(1)), pods=(A, B), events=(multi_attach(B, "web-1-a"),))
    finding = found(world(**lost))
    assert finding is not None
    first, second = finding.next
    assert first.command.startswith(f"az vm get-instance-view --ids {GROUP}/virtualMachines/vm_0 ")
    assert "kubectl taint nodes aks-0 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute" in second.command
    assert (first.risk, second.risk) == ("none", "data")


def test_a_scale_sets_instance_is_asked_for_by_its_number() -> None:
    place = f"azure://{GROUP}/virtualMachineScaleSets/aks-pool-1-vmss/virtualMachines/3"
    nodes = (node(0, ready=False, provider_id=place), vm_node(1))
    finding = found(world(**parts(nodes=nodes, pods=(A, B), events=(multi_attach(B, "web-1-a"),))))
    assert finding is not None
    assert "--name aks-pool-1-vmss --instance-id 3 " in finding.next[0].command
    gone = {
        "nodes": (vm_node(1),),
        "disks": (disk(on=None),),
        "attachments": (attachment(node="aks-pool-1-vmss00000a"),),
        "machines": (machine(1),),
    }
    finding = found(world(**parts(pods=(B,), events=(multi_attach(B),)) | gone))
    assert finding is not None and finding.cause == "stale-attachment"
    assert finding.next[0].command.startswith("az vmss list-instances --resource-group MC_disks_article_westeurope ")
    assert "[?osProfile.computerName=='aks-pool-1-vmss00000a']" in finding.next[0].command


@pytest.mark.parametrize(
    ("made", "commands"),
    [
        pytest.param(
            parts(pods=(A, B), events=()), "kubectl scale deployment/web --replicas=1 --namespace walk",
            id="a Deployment",
        ),
        pytest.param(
            parts(pods=(replace(A, owner=""), replace(B, owner="")), events=()),
            "kubectl delete pod web-2-b --namespace walk", id="bare pods",
        ),
        pytest.param(
            OWNED | {"pods": (replace(WALKING, owner="StatefulSet/web"),)},
            "kubectl patch statefulset/web --patch '{\"spec\": {\"template\": {\"spec\": {\"securityContext\": "
            '{"fsGroupChangePolicy": "OnRootMismatch"}}}}}\' --namespace walk', id="a StatefulSet",
        ),
    ],
)  # fmt: skip
def test_a_remedy_is_a_command_for_what_makes_the_pod(made: dict[str, Any], commands: str) -> None:
    finding = found(world(**made))
    assert finding is not None and finding.next[-1].command == commands
