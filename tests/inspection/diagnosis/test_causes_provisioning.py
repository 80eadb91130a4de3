"""Causes about claims, volumes, scheduling and Azure's refusals, each on a handmade world: found first, unread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import Finding, diagnose
from aksdisks.inspection.diagnosis.causes.api_unreachable import unreachable
from aksdisks.model import (
    Claim,
    Condition,
    ContainerState,
    Inventory,
    KubeEvent,
    Named,
    NotAsked,
    Unknown,
    VolumeSnapshot,
)
from tests.world import (
    CLAIM,
    GROUP,
    SPACE,
    START,
    attachment,
    claim,
    disk,
    machine,
    node,
    pod,
    storage_class,
    volume,
    world,
)

PV = f"pvc-{CLAIM}"
UNASKED = NotAsked("nothing needed Azure")
SCOPE = "/subscriptions/s/resourceGroups/MC_disks_article_westeurope"


def ago(seconds: float) -> Any:
    return START - timedelta(seconds=seconds)


def told(about: Named, reason: str, message: str, *, at: float = 30.0, normal: bool = False) -> KubeEvent:
    """An event `at` seconds ago, as an API server returns it."""
    kind = {"Claim": "PersistentVolumeClaim", "Volume": "PersistentVolume"}.get(type(about).__name__, "Pod")
    return KubeEvent(
        name=f"{about.name}.{reason}.{at}",
        namespace=about.namespace or "default",
        type="Normal" if normal else "Warning",
        reason=reason,
        message=message,
        kind=kind,
        object=about.name,
        object_uid=about.uid,
        first=ago(at),
        last=ago(at),
    )


def answer(status: int, code: str, message: str, verb: str = "PUT") -> str:
    """An answer of Azure's as azcore prints it (azure-sdk-for-go sdk/azcore/internal/exported/response_error.go)."""
    rule = "-" * 80
    body = f'{{\n  "error": {{\n    "code": "{code}",\n    "message": "{message}"\n  }}\n}}'
    url = f"https://management.azure.com{SCOPE}/providers/Microsoft.Compute/disks/{PV}"
    return f"{verb} {url}\n{rule}\nRESPONSE {status}: {status} Some\nERROR CODE: {code}\n{rule}\n{body}\n{rule}"


def rpc(text: str, code: str = "Internal") -> str:
    return f"rpc error: code = {code} desc = {text}"


# A claim that waits for its disk, and the pod that waits for the claim.
PENDING = claim(phase="Pending", volume="", capacity="", requested="25Gi", created=ago(200), selected_node="aks-1")
UNPLACED = pod("disk-deploy-1-b", 1, ready=False, node="", created=ago(200), phase="Pending", status="Pending")
PLACED = pod("disk-deploy-1-b", 1, ready=False, created=ago(200), phase="Pending")
LATE = replace(PLACED, created=ago(7200))
RUNS = pod("disk-deploy-1-a", 0, created=ago(7200), phase="Running")
NODES = (node(0), node(1))
CLASS = storage_class()
DEFAULT = replace(CLASS, is_default=True)


def making(*messages: str, of: Claim = PENDING, **parts: Any) -> Inventory:
    """The claim's disk is to be made, and the provisioner said this of it."""
    events = tuple(told(of, "ProvisioningFailed", each, at=20 - n) for n, each in enumerate(messages))
    start = told(
        of, "Provisioning", f'External provisioner is provisioning volume for claim "{of.key}"', at=190, normal=True
    )
    plain: dict[str, Any] = {"pods": (UNPLACED,), "claims": (of,), "volumes": (), "attachments": ()}
    plain |= {"events": (start, *events), "disks": UNASKED, "machines": UNASKED, "resource_group": ""}
    return world(**plain | parts)


def attaching(message: str, **parts: Any) -> Inventory:
    """The disk is to be attached to aks-1, and both the attachment and an event say so much."""
    event = told(PLACED, "FailedAttachVolume", f'AttachVolume.Attach failed for volume "{PV}" : {message}', at=10)
    here = attachment(to=1, attached=False, attach_error=message, attach_error_at=ago(12), created=ago(100), lun=None)
    plain: dict[str, Any] = {"pods": (PLACED,), "attachments": (here,), "events": (event,)}
    return world(**plain | {"disks": (disk(on=None),), "machines": (machine(0), machine(1))} | parts)


def growing(message: str = "", **changes: Any) -> Inventory:
    """A claim that asks for more than it has, while its pod runs."""
    plain = {"capacity": "25Gi", "requested": "30Gi", "created": ago(7200)}
    grown = claim(**plain | changes)
    events = (told(grown, "VolumeResizeFailed", message),) if message else ()
    return world(pods=(RUNS,), claims=(grown,), events=events)


def deleting(message: str = "", *, at: float = 900.0, **parts: Any) -> Inventory:
    """The claim is gone, and the volume's disk is to be deleted."""
    gone = volume(phase="Released", uid="uid-pv")
    events = (told(gone, "VolumeFailedDelete", message, at=at),) if message else ()
    plain: dict[str, Any] = {"pods": (), "claims": (), "volumes": (gone,), "attachments": (), "events": events}
    return world(**plain | {"disks": (disk(on=0),)} | parts)


def placing(message: str, zones: tuple[str, ...] = ("westeurope-1",), **parts: Any) -> Inventory:
    """The volume is there, and the scheduler said this."""
    events = (told(UNPLACED, "FailedScheduling", message),) if message else ()
    plain: dict[str, Any] = {
        "pods": (UNPLACED,),
        "volumes": (volume(zones=zones),),
        "attachments": (),
        "events": events,
    }
    return world(**plain | {"disks": (disk(on=None),)} | parts)


def stopped(**state: Any) -> Inventory:
    """A pod whose container is in this state; its disk is attached."""
    container = ContainerState(**{"name": "busy"} | state)
    waiting = replace(PLACED, container_states=(container,), created=ago(7200))
    return world(pods=(waiting,), attachments=(attachment(to=1),), events=())


POD, PVC, VOLUME = f"Pod {UNPLACED.name}", f"PersistentVolumeClaim {CLAIM}", f"PersistentVolume {PV}"


def found(inventory: Inventory, about: str = POD) -> Finding | None:
    """The finding about an object, which must be one at most."""
    kind, _, name = about.partition(" ")
    findings = [each for each in diagnose(inventory) if (each.object.kind, each.object.name) == (kind, name)]
    assert len(findings) <= 1, findings
    return findings[0] if findings else None


# The words, each where its comment says.
# facts E; azuredisk-csi-driver#403
NOT_ALLOWED = answer(
    403,
    "AuthorizationFailed",
    "The client 'c-1' with object id 'o-1' does not have authorization to perform action 'Microsoft.Compute/"
    f"disks/write' over scope '{SCOPE}/providers/Microsoft.Compute/disks/{PV}' or the scope is invalid.",
)
# The same of a driver until 1.29: cloud-provider-azure pkg/retry/azure_error.go, as in azuredisk-csi-driver#2349
NOT_ALLOWED_BEFORE = (
    'Retriable: false, RetryAfter: 0s, HTTPStatusCode: 403, RawError: {"error":{"code":"AuthorizationFailed","message":'
    "\"The client 'c-1' with object id 'o-1' does not have authorization to perform action "
    f"'Microsoft.Compute/disks/write' over scope '{SCOPE}' or the scope is invalid.\"}}}}"
)
# The same in 2019: go-autorest, as in kubernetes#71940
NOT_ALLOWED_2019 = (
    "compute.DisksClient#CreateOrUpdate: Failure sending request: StatusCode=403 -- Original Error: "
    "Code=\"AuthorizationFailed\" Message=\"The client 'c-1' with object id 'o-1' does not have authorization to "
    f"perform action 'Microsoft.Compute/disks/write' over scope '{SCOPE}'.\""
)
# ARO-RP#423
LINKED = (
    "The client 'c-1' has permission to perform action 'Microsoft.Compute/virtualMachines/write' on scope '/a'; "
    "however, it does not have permission to perform action 'Microsoft.Compute/disks/write' on the linked scope(s) "
    "'/linked' or the linked scope(s) are invalid."
)
# azuredisk-csi-driver#2349
POLICY = (
    'Retriable: false, RetryAfter: 0s, HTTPStatusCode: 403, RawError: {"error":{"code":"RequestDisallowedByPolicy",'
    '"target":"0","message":"Resource \'0\' was disallowed by policy. Policy identifiers: \'[{\\"policyAssignment\\":'
    '{\\"name\\":\\"No public addresses\\",\\"id\\":\\"/subscriptions/s\\"}}]\'."}}'
)
# azure-sdk-for-java#2560
LOCKED = answer(
    409,
    "ScopeLocked",
    f"The scope '{SCOPE}/x' cannot perform write operation because following scope(s) are locked: '{SCOPE}'.",
)
# AKS#4291; the code is that of learn.microsoft.com/azure/role-based-access-control/deny-assignments
LOCKDOWN = answer(
    403, "DenyAssignmentAuthorizationFailed", "The client 'c-1' ... the access is denied because of the deny assignment"
)
# azuredisk-csi-driver#3118
NO_IDENTITY = (
    "azure.BearerAuthorizer#WithAuthorization: Failed to refresh the Token for request to https://management.azure.com/x:"
    " StatusCode=400 -- Original Error: adal: Refresh request failed. Status Code = '400'. Response body: "
    '{"error":"invalid_request","error_description":"Identity not found"} Endpoint '
    "http://169.254.169.254/metadata/identity/oauth2/token?client_id=b7f4740a-8820-48c4-a683-6541d9411e49"
)
# AKS#4287
EXPIRED = answer(
    401,
    "ExpiredAuthenticationToken",
    "The access token expiry UTC time 'a' is earlier than current UTC time 'b'.",
    "GET",
)
# AKS#371
SECRET = (
    'failed to get azure instance id for node "aks-1" (azure.BearerAuthorizer#WithAuthorization: Failed to refresh the '
    "Token for request to https://management.azure.com/x: StatusCode=401 -- Original Error: adal: Refresh request"
    ' failed. Response body: {"error":"invalid_client","error_description":"AADSTS7000222: The provided client '
    'secret keys are expired."})'
)
# facts E; aks-engine#2295
THROTTLED = (
    "PUT https://management.azure.com/x\n---\nRESPONSE 429: 429 Too Many Requests\nERROR CODE: OperationNotAllowed\n---"
    '\n{"code":"OperationNotAllowed","message":"The server rejected the request because too many requests have been '
    'received for this subscription.","details":[{"code":"TooManyRequests","target":"HighCostGet30Min"}]}'
)
# azure-docs#105248, in the frame of cloud-provider-azure pkg/retry
THROTTLED_BEFORE = (
    'Retriable: true, RetryAfter: 217s, HTTPStatusCode: 429, RawError: {"error":{"code":"SubscriptionRequestsThrottled"'
    ',"message":"Number of requests for subscription exceeded the backend storage limit."}}'
)
# AKS#1413
CLIENT_THROTTLED = 'azure cloud provider throttled for operation DiskGet with reason "client throttled"'
# AKS#2797
FAILING = rpc(
    'Volume not found, failed with error: Retriable: true, RetryAfter: 0s, HTTPStatusCode: 503, RawError: {"error":'
    '{"code":"ServerTimeout","message":"The request timed out."}}',
    "NotFound",
)
# sig-storage-lib-external-provisioner 13, --timeout of the sidecar
SILENT = rpc("context deadline exceeded", "DeadlineExceeded")
# azure-cli#22732
NO_SKU = answer(
    400,
    "InvalidParameter",
    "SKU Premium_LRS is not supported for resource type Disk in this region. Supported SKUs for this region are A",
)
# scylla-cluster-tests#12948
QUOTA = answer(
    409,
    "OperationNotAllowed",
    "Operation could not be completed as it results in exceeding approved PremiumDiskCount quota. Additional details - "
    "Deployment Model: Resource Manager, Location: westeurope, Current Limit: 3, Current Usage: 3, Additional",
)
# AKS#3880
V2 = answer(
    400,
    "BadRequest",
    "'PremiumV2_LRS' storage account type can be used only with Virtual Machines in an Availability Zone.",
)
# azuredisk-csi-driver pkg/azureutils/azure_disk_utils.go, in external-provisioner 6's frame
MANY_WRITERS = "Volume provisioning failed with infeasible error. Retries will be delayed. " + rpc(
    "mountVolume is not supported for access mode: MULTI_NODE_MULTI_WRITER", "InvalidArgument"
)
PARAMETER = rpc("Failed parsing disk parameters: invalid parameter colour in storage class", "InvalidArgument")
# azuredisk-csi-driver#1659
ULTRA = answer(
    400,
    "InvalidParameter",
    "StorageAccountType UltraSSD_LRS can be used only when additionalCapabilities.ultraSSDEnabled is set.",
)
# facts E
OTHER_ZONE = answer(
    400,
    "BadRequest",
    f"Disk {PV} cannot be attached to the VM because it is not in the same zone as the VM. VM zone: '1'. "
    "Disk zone: '2'.",
)
# client-go, as azuredisk-csi-driver passes it on
API_GONE = rpc(
    'failed to check VolumeAttachments: Get \\"https://10.0.0.1:443/apis/storage.k8s.io/v1/volumeattachments\\": dial '
    "tcp 10.0.0.1:443: i/o timeout"
)
# azuredisk-csi-driver azure_managedDiskController.go DeleteManagedDisk; external-provisioner canDeleteVolume
HELD = rpc(
    f"disk({GROUP}/disks/{PV}) already attached to node({GROUP}/virtualMachines/vm_0), could not be deleted", "Unknown"
)
HELD_BY_ATTACHMENT = f"persistentvolume {PV} is still attached to node aks-0"
# kubernetes pkg/scheduler/framework/plugins, 1.36 and 1.30
ELSEWHERE = (
    "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity. preemption: 0/2 nodes are"
)
ELSEWHERE_BEFORE = "0/2 nodes are available: 2 node(s) had volume node affinity conflict."
NO_ROOM = (
    "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found."
)
BIND = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
UNBOUND = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
CLAIM_GOES = f'0/2 nodes are available: persistentvolumeclaim "{CLAIM}" is being deleted.'
NO_VOLUME = f'0/2 nodes are available: persistentvolumeclaim "{CLAIM}" bound to non-existent persistentvolume "{PV}".'
# kubernetes pkg/controller/volume/persistentvolume/pv_controller.go
NO_CLASS_SET = "no persistent volumes available for this claim and no storage class is set"
# external-provisioner pkg/controller/controller.go
FROM_SNAPSHOT = "error getting handle for DataSource Type VolumeSnapshot by Name backup: "
NOT_READY = f"{FROM_SNAPSHOT}snapshot backup is not Ready"
NO_SNAPSHOT = (
    f"{FROM_SNAPSHOT}error getting snapshot backup from api server: volumesnapshots.snapshot.storage.k8s.io "
    '"backup" not found'
)
# learn.microsoft.com/troubleshoot/azure/azure-kubernetes, on sizes without premium storage
NO_PREMIUM = answer(
    409,
    "OperationNotAllowed",
    "Requested operation cannot be performed because the VM size Standard_D2_v3 does not support the storage account "
    "type Premium_LRS of disk 'x'.",
)
ZONE_1, ZONE_2 = ({"disk_zone": f"westeurope-{n}", "zone": f"westeurope-{n}"} for n in (1, 2))
LOST = claim(phase="Lost", volume=PV, created=ago(7200))
SNAPSHOT = replace(PENDING, source_kind="VolumeSnapshot", source_name="backup")
COPY = replace(PENDING, source_kind="PersistentVolumeClaim", source_name="first")
V2_CLASS = storage_class(name="v2", sku="PremiumV2_LRS")
V2_VOLUME = volume("fast", storage_class="v2")
GOING = claim(deleting=ago(60), created=ago(7200))
UNUSED = {"pods": (), "volumes": (), "attachments": (), "events": (), "disks": UNASKED, "machines": UNASKED}
FRESH = replace(PENDING, selected_node="", created=ago(7200))

ROWS = [
    # claims that wait
    ("no-consumer", "expected", PVC, "no pod mounts", world(**UNUSED | {"claims": (FRESH,)})),
    ("provisioning", "wait", POD, "being made, for 3 min", making()),
    ("provisioning", "wait", PVC, "worry after 2 min", making()),
    (
        "provisioning",
        "wait",
        PVC,
        "",
        making(of=replace(PENDING, selected_node=""), pods=(), classes=(storage_class(binding_mode="Immediate"),)),
    ),
    (
        "starting",
        "wait",
        POD,
        "no node yet",
        placing("", pods=(replace(UNPLACED, created=ago(5)),), nodes=(node(1, **ZONE_1),)),
    ),
    (
        "starting",
        "wait",
        POD,
        "volumes are mounted",
        world(pods=(replace(PLACED, created=ago(60)),), attachments=(attachment(to=1),), events=()),
    ),
    (
        "unknown",
        "problem",
        POD,
        "nothing that was seen says why",
        world(pods=(LATE,), attachments=(attachment(to=1),), events=()),
    ),
    ("unknown", "problem", PVC, "does not know", making("rpc error: code = Internal desc = the moon is full")),
    # deletion and what is kept
    (
        "claim-protected",
        "wait",
        PVC,
        "pod disk-deploy-1-a still uses it",
        world(pods=(RUNS,), claims=(GOING,), events=()),
    ),
    (
        "claim-protected",
        "wait",
        PVC,
        "pod disk-deploy-1-a still",
        world(pods=(replace(RUNS, phase="Succeeded", ready=False),), claims=(GOING,), events=()),
    ),
    (
        "claim-protected",
        "wait",
        VOLUME,
        f"claim {SPACE}/{CLAIM} is bound",
        world(pods=(RUNS,), volumes=(volume(deleting=ago(60)),), events=()),
    ),
    ("claim-protected", "wait", POD, "still uses it", placing(CLAIM_GOES, claims=(GOING,), pods=(RUNS, UNPLACED))),
    ("claim-kept", "expected", PVC, "deleting it deletes its disk", world(pods=(), attachments=(), events=())),
    (
        "volume-released",
        "expected",
        VOLUME,
        "policy Retain keeps",
        deleting(volumes=(volume(phase="Released", reclaim_policy="Retain"),)),
    ),
    ("volume-released", "wait", VOLUME, "being deleted", deleting()),
    (
        "volume-released",
        "expected",
        VOLUME,
        "nothing deletes it or its disk: it was made by hand and names no provisioner",
        deleting(volumes=(volume(phase="Released", by_hand=True),)),
    ),
    (
        "volume-released",
        "expected",
        VOLUME,
        "nothing deletes it or its disk",
        deleting("no deletable volume plugin matched", volumes=(volume(phase="Failed", by_hand=True, uid="uid-pv"),)),
    ),
    (
        "volume-released",
        "wait",
        VOLUME,
        "its disk is being deleted, though it was made by hand",
        deleting(volumes=(volume(phase="Released", by_hand=True, provisioner="disk.csi.azure.com"),)),
    ),
    ("volume-released", "wait", VOLUME, "being", deleting(HELD_BY_ATTACHMENT, at=30, disks=())),
    ("volume-released", "wait", VOLUME, "detached first", deleting(HELD, at=30, attachments=(attachment(),))),
    ("delete-failed", "problem", VOLUME, "machine vm_0, which is node aks-0, holds it", deleting(HELD)),
    ("delete-failed", "problem", VOLUME, "machine vm_0, which is node aks-0, holds it", deleting(HELD, at=30)),
    (
        "delete-failed",
        "problem",
        VOLUME,
        "Kubernetes has it attached to aks-0",
        deleting(HELD_BY_ATTACHMENT, attachments=(attachment(),)),
    ),
    (
        "delete-failed",
        "problem",
        VOLUME,
        "the moon",
        deleting(volumes=(volume(phase="Failed", message="the moon is full"),)),
    ),
    (
        "claim-lost",
        "problem",
        PVC,
        "volume pvc-azure-managed-disk is not there, and its disk still exists",
        world(pods=(), claims=(LOST,), volumes=(), attachments=(), events=()),
    ),
    (
        "claim-lost",
        "problem",
        POD,
        "is not there",
        world(
            pods=(UNPLACED,),
            claims=(claim(created=ago(99)),),
            volumes=(),
            attachments=(),
            events=(told(UNPLACED, "FailedScheduling", NO_VOLUME),),
        ),
    ),
    # zones
    (
        "zone-mismatch",
        "problem",
        POD,
        "is in zone westeurope-1, and all nodes are in zone westeurope-2",
        placing(ELSEWHERE, nodes=(node(0, **ZONE_2), node(1, **ZONE_2))),
    ),
    (
        "zone-mismatch",
        "problem",
        POD,
        "all nodes are in zone westeurope-2",
        placing(ELSEWHERE_BEFORE, nodes=(node(0, **ZONE_2), node(1, **ZONE_2))),
    ),
    (
        "zone-mismatch",
        "problem",
        POD,
        "is in no zone, and all nodes are in zone westeurope-2",
        placing("", ("",), nodes=(node(0, **ZONE_2),)),
    ),
    (
        "zone-mismatch",
        "problem",
        POD,
        "the only nodes there (aks-0) take no pods",
        placing(ELSEWHERE, nodes=(node(0, schedulable=False, **ZONE_1), node(1, **ZONE_2))),
    ),
    ("zone-mismatch", "problem", POD, "(disk: zone 2, machine: zone 1)", attaching(rpc(OTHER_ZONE))),
    (
        "zone-label-mismatch",
        "problem",
        POD,
        "both in no zone",
        placing(ELSEWHERE, ("",), nodes=(node(0, disk_zone="0", zone="0"), node(1, **ZONE_2))),
    ),
    (
        "zone-label-mismatch",
        "problem",
        POD,
        "both in no zone",
        placing(ELSEWHERE, ("",), nodes=(node(0, zone="0"), node(1, **ZONE_2))),
    ),
    ("zone-label-mismatch", "problem", POD, "spells it '0' or '1'", placing(ELSEWHERE_BEFORE, ("0", "1"), nodes=NODES)),
    # changes of claims
    (
        "resize-pending",
        "wait",
        PVC,
        "from 25Gi to 30Gi: Azure's disk is being expanded",
        growing(resize_status="ControllerResizeInProgress"),
    ),
    (
        "resize-pending",
        "wait",
        PVC,
        "on aks-0, where disk-deploy-1-a",
        growing(conditions=(Condition(type="FileSystemResizePending", status="True", since=ago(9)),)),
    ),
    (
        "resize-pending",
        "wait",
        PVC,
        "when a pod mounts it",
        world(
            pods=(),
            claims=(claim(capacity="25Gi", requested="30Gi", resize_status="NodeResizePending"),),
            events=(),
            attachments=(),
        ),
    ),
    (
        "resize-failed",
        "problem",
        PVC,
        "cannot grow from 25Gi to 30Gi: no",
        growing(conditions=(Condition(type="ControllerResizeError", status="True", message="no"),)),
    ),
    ("resize-failed", "problem", PVC, "cannot grow", growing(resize_status="NodeResizeInfeasible")),
    ("resize-failed", "problem", PVC, "resize2fs said no", growing("resize2fs said no")),
    (
        "modify-failed",
        "problem",
        PVC,
        "VolumeAttributesClass gold: too many",
        growing(
            requested="25Gi",
            attributes_class="gold",
            modify_status="Infeasible",
            conditions=(Condition(type="ModifyVolumeError", status="True", message="too many IOPS"),),
        ),
    ),
    (
        "modify-failed",
        "problem",
        PVC,
        "there is no such class",
        growing(requested="25Gi", attributes_class="gold", modify_status="Pending"),
    ),
    # what cannot be
    (
        "impossible-request",
        "problem",
        POD,
        "asks for ReadWriteMany",
        making(MANY_WRITERS, of=replace(PENDING, access_modes=("ReadWriteMany",), storage_class="x")),
    ),
    (
        "impossible-request",
        "problem",
        PVC,
        "asks for ReadWriteMany",
        making(of=replace(PENDING, access_modes=("ReadWriteMany",))),
    ),
    ("impossible-request", "problem", POD, "invalid parameter colour", making(PARAMETER)),
    ("impossible-request", "problem", POD, "ultraSSDEnabled", making(rpc(ULTRA))),
    ("sku-unavailable", "problem", POD, "does not offer SKU Premium_LRS", making(rpc(NO_SKU))),
    ("sku-unavailable", "problem", POD, "size Standard_D2_v3 do not take", attaching(rpc(NO_PREMIUM))),
    ("disk-quota", "problem", POD, "PremiumDiskCount (3 of 3 are used in westeurope)", making(rpc(QUOTA))),
    (
        "premium-v2-blocks",
        "problem",
        POD,
        f"that of {SPACE}/fast",
        attaching(
            rpc(V2),
            classes=(CLASS, V2_CLASS),
            volumes=(volume(), V2_VOLUME),
            attachments=(
                attachment(to=1, attached=False, attach_error=rpc(V2)),
                attachment("fast", to=1, attached=False),
            ),
        ),
    ),
    (
        "premium-v2-blocks",
        "problem",
        POD,
        "its own disk",
        attaching(rpc(V2), classes=(storage_class(sku="PremiumV2_LRS"),), disks=UNASKED),
    ),
    # who may not
    (
        "not-authorized",
        "problem",
        POD,
        "identity c-1 lacks Microsoft.Compute/disks/write over",
        making(rpc(NOT_ALLOWED)),
    ),
    (
        "not-authorized",
        "problem",
        POD,
        "identity c-1 lacks Microsoft.Compute/disks/write over",
        making(rpc(NOT_ALLOWED_BEFORE)),
    ),
    (
        "not-authorized",
        "problem",
        POD,
        "identity c-1 lacks Microsoft.Compute/disks/write over",
        making(NOT_ALLOWED_2019),
    ),
    (
        "not-authorized",
        "problem",
        POD,
        "lacks Microsoft.Compute/disks/write over /linked",
        attaching(rpc(answer(403, "LinkedAuthorizationFailed", LINKED))),
    ),
    ("not-authorized", "problem", PVC, "expand claim", growing(rpc(NOT_ALLOWED))),
    ("not-authorized", "problem", VOLUME, "delete the disk of", deleting(rpc(NOT_ALLOWED))),
    ("not-authorized", "problem", VOLUME, "detach", deleting(attachments=(attachment(detach_error=rpc(NOT_ALLOWED)),))),
    ("denied-by-policy", "problem", POD, "policy 'No public addresses' forbids it", attaching(rpc(POLICY))),
    ("denied-by-policy", "problem", POD, "a lock", making(rpc(LOCKED))),
    ("denied-by-policy", "problem", POD, "a deny assignment", making(rpc(LOCKDOWN))),
    ("identity-missing", "problem", POD, "identity b7f4740a-8820-48c4-a683-6541d9411e49", attaching(NO_IDENTITY)),
    (
        "signed-out",
        "problem",
        POD,
        "(ExpiredAuthenticationToken)",
        attaching(rpc(f"Volume not found, failed with error: {EXPIRED}", "NotFound")),
    ),
    ("signed-out", "problem", POD, "(AADSTS7000222)", attaching(SECRET)),
    ("throttled", "problem", POD, "too many requests", making(rpc(THROTTLED, "Aborted"))),
    ("throttled", "problem", POD, "again in 217 s", attaching(rpc(THROTTLED_BEFORE))),
    ("throttled", "problem", POD, "too many requests", attaching(rpc(CLIENT_THROTTLED))),
    (
        "throttled",
        "problem",
        POD,
        "Azure says of too many requests",
        making(SILENT, disks=Unknown("Azure answers OperationNotAllowed: too many requests have been received")),
    ),
    ("azure-failing", "problem", POD, "(ServerTimeout)", attaching(FAILING)),
    ("azure-failing", "wait", POD, "worry after 5 min", making(SILENT)),
    ("azure-failing", "problem", POD, "no answer from Azure", making(SILENT, of=replace(PENDING, created=ago(900)))),
    ("api-unreachable", "problem", POD, "API server at 10.0.0.1:443", attaching(API_GONE)),
    # names that are not there
    (
        "no-class",
        "problem",
        POD,
        "did you mean 'managed-premium'",
        making(of=replace(PENDING, storage_class="managed-premum", selected_node="")),
    ),
    (
        "no-class",
        "problem",
        PVC,
        "no class is the default",
        world(
            **UNUSED
            | {
                "claims": (replace(FRESH, storage_class=""),),
                "events": (told(FRESH, "FailedBinding", NO_CLASS_SET, normal=True),),
            }
        ),
    ),
    (
        "no-class",
        "problem",
        POD,
        'asks for no class (storageClassName: "")',
        making(of=replace(PENDING, storage_class="", refuses_classes=True, selected_node=""), classes=(DEFAULT,)),
    ),
    (
        "no-claim",
        "problem",
        POD,
        f"mounts claim {CLAIM}, which there is not",
        world(**UNUSED | {"pods": (UNPLACED,), "claims": ()}),
    ),
    ("source-missing", "problem", POD, "PersistentVolumeClaim first, which there is not", making(of=COPY)),
    (
        "source-missing",
        "wait",
        POD,
        "which is not bound itself",
        making(of=COPY, claims=(COPY, claim("first", phase="Pending", volume=""))),
    ),
    (
        "source-missing",
        "problem",
        POD,
        "VolumeSnapshot backup, which there is not",
        making(of=SNAPSHOT, volume_snapshots=()),
    ),
    ("source-missing", "problem", PVC, "was not found", making(NO_SNAPSHOT, of=SNAPSHOT)),
    (
        "snapshot-pending",
        "wait",
        POD,
        "not ready after 5 min",
        making(of=SNAPSHOT, volume_snapshots=(VolumeSnapshot(name="backup", namespace=SPACE, created=ago(300)),)),
    ),
    (
        "snapshot-pending",
        "problem",
        POD,
        "no space",
        making(of=SNAPSHOT, volume_snapshots=(VolumeSnapshot(name="backup", namespace=SPACE, error="no space"),)),
    ),
    ("snapshot-pending", "wait", PVC, "waits for snapshot backup", making(NOT_READY, of=SNAPSHOT)),
    # not about disks
    (
        "image",
        "problem",
        POD,
        "of container busy cannot be pulled (ImagePullBackOff)",
        stopped(reason="ImagePullBackOff"),
    ),
    (
        "crash",
        "problem",
        POD,
        "container busy fails (CrashLoopBackOff, last ended as Error with exit code 1, restarted 9",
        stopped(reason="CrashLoopBackOff", ended="Error", exit_code=1, restarts=9),
    ),
    ("crash", "problem", POD, "does not become ready", stopped(running=True)),
    ("no-node", "problem", POD, "2 Insufficient cpu", placing(NO_ROOM, ("",))),
    (
        "no-node",
        "expected",
        POD,
        "scheduling gate: wait",
        placing("", ("",), pods=(replace(UNPLACED, gates=("wait",)),)),
    ),
]


@pytest.mark.parametrize(
    ("cause", "verdict", "about", "words", "inventory"),
    [pytest.param(*row, id=f"{row[0]}: {row[3] or row[2]}"[:80]) for row in ROWS],
)
def test_the_cause_of_each_case(cause: str, verdict: str, about: str, words: str, inventory: Inventory) -> None:
    finding = found(inventory, about)
    assert finding is not None
    assert (finding.cause, finding.verdict) == (cause, verdict), finding
    assert words in finding.because
    assert finding.evidence and finding.next
    assert all(row.source in ("Kubernetes", "Azure") and row.object and row.says for row in finding.evidence)


def test_the_rows_have_every_cause_of_this_half() -> None:
    ids = {
        "no-consumer", "provisioning", "starting", "claim-protected", "claim-kept", "volume-released", "delete-failed",
        "claim-lost", "zone-mismatch", "zone-label-mismatch", "resize-pending", "resize-failed", "modify-failed",
        "impossible-request", "sku-unavailable", "disk-quota", "premium-v2-blocks", "not-authorized",
        "denied-by-policy", "identity-missing", "signed-out", "throttled", "azure-failing", "api-unreachable",
        "no-class", "no-claim", "source-missing", "snapshot-pending", "image", "crash", "no-node", "unknown",
    }  # fmt: skip
    assert {row[0] for row in ROWS} == ids


# What prevails


def test_a_later_refusal_of_the_same_act_counts() -> None:
    first, later = making(rpc(NOT_ALLOWED), rpc(QUOTA)), making(rpc(QUOTA), rpc(NOT_ALLOWED))
    assert [getattr(found(each), "cause", "") for each in (first, later)] == ["disk-quota", "not-authorized"]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(SILENT, id="a time-out"),
        pytest.param(rpc(f"An operation with the given Volume ID {PV} already exists", "Aborted"), id="a retry"),
    ],
)
def test_a_consequence_of_a_refusal_is_none(message: str) -> None:
    finding = found(making(rpc(NOT_ALLOWED), message))
    assert finding is not None and finding.cause == "not-authorized"


@pytest.mark.parametrize("words", [pytest.param(BIND, id="bind"), pytest.param(UNBOUND, id="unbound")])
def test_what_the_scheduler_says_of_a_claims_trouble_is_a_consequence(words: str) -> None:
    waiting = told(UNPLACED, "FailedScheduling", words, at=5)
    inventory = making(rpc(QUOTA))
    refused = found(replace(inventory, events=(*inventory.events, waiting)))
    assert refused is not None and (refused.cause, refused.evidence[0].object) == (
        "disk-quota",
        f"PersistentVolumeClaim {SPACE}/{CLAIM}",
    )
    alone = making()
    healthy = found(replace(alone, events=(*alone.events, waiting)))
    assert healthy is not None and (healthy.cause, healthy.verdict) == ("provisioning", "wait")


def test_a_pod_and_its_claim_have_one_cause() -> None:
    inventory = making(rpc(QUOTA))
    of_pod, of_claim = found(inventory), found(inventory, PVC)
    assert of_pod is not None and of_claim is not None
    assert (of_pod.cause, of_pod.because) == (of_claim.cause, of_claim.because)


def test_the_disk_that_a_premium_v2_error_is_about_is_named_as_another_pods() -> None:
    row = next(each[4] for each in ROWS if each[0] == "premium-v2-blocks")
    finding = found(row)
    assert finding is not None and any(each.object == "PersistentVolume pvc-fast" for each in finding.evidence)


def test_words_of_an_act_that_has_succeeded_do_not_count() -> None:
    failed = told(PENDING, "ProvisioningFailed", rpc(QUOTA), at=60)
    bound = world(pods=(RUNS,), events=(failed,))
    assert found(bound, PVC) is None
    grown = growing(rpc(NOT_ALLOWED), capacity="30Gi")
    assert found(grown, PVC) is None
    starts = {"pods": (replace(PLACED, created=ago(60)),), "attachments": (attachment(to=1),), "disks": (disk(on=1),)}
    attached = attaching(rpc(NOT_ALLOWED), **starts, machines=(machine(0), machine(1, disk(on=1))))
    assert getattr(found(attached), "cause", "") == "starting"


def test_an_expansion_that_fails_is_nothing_that_a_pod_waits_for() -> None:
    failing = growing(rpc(NOT_ALLOWED))
    starts = replace(PLACED, created=ago(60))
    finding = found(replace(failing, pods=(starts,), attachments=(attachment(to=1),)))
    assert finding is not None and finding.cause == "starting"


def test_the_word_of_the_scheduler_outlives_its_event() -> None:
    condition = Condition(type="PodScheduled", status="False", reason="Unschedulable", message=NO_ROOM, since=ago(7200))
    old = replace(UNPLACED, created=ago(7200), conditions=(condition,))
    finding = found(placing("", ("",), pods=(old,)))
    assert finding is not None and finding.cause == "no-node"
    assert finding.evidence[0].says == f"FailedScheduling: {NO_ROOM}"


# What could not be read


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(each, id=f"{each[0]}: {each[3]}"[:70])
        for each in ROWS
        if each[0] not in ("throttled", "delete-failed", "claim-lost")
    ],
)
def test_without_azure_the_cause_is_the_same(row: Any) -> None:
    cause, verdict, about, _, inventory = row
    denied = Unknown("Azure answers AuthorizationFailed: no right to read")
    finding = found(replace(inventory, disks=denied, machines=denied), about)
    assert finding is not None and (finding.cause, finding.verdict) == (cause, verdict)
    assert not any(
        each.source == "Azure" and each.object.startswith(("disk ", "machine ")) for each in finding.evidence
    )


@pytest.mark.parametrize(
    ("never", "kind", "about", "inventory"),
    [
        ("claim-kept", "Pod", PVC, world(pods=(), attachments=(), events=())),
        ("no-claim", "PersistentVolumeClaim", POD, world(**UNUSED | {"pods": (UNPLACED,), "claims": ()})),
        ("claim-lost", "PersistentVolume", PVC, world(**UNUSED)),
        ("no-class", "StorageClass", PVC, making(of=replace(PENDING, storage_class="x", selected_node=""))),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_gone(never: str, kind: str, about: str, inventory: Inventory) -> None:
    read = found(inventory, about)
    assert read is not None and read.cause == never
    unread = found(replace(inventory, unreadable={kind: "403 Forbidden"}), about)
    assert unread is None or unread.cause != never


def test_words_alone_are_likely() -> None:
    unread = {"PersistentVolumeClaim": "403 Forbidden"}
    missing = told(UNPLACED, "FailedScheduling", f'0/2 nodes are available: persistentvolumeclaim "{CLAIM}" not found.')
    finding = found(
        world(pods=(UNPLACED,), claims=(), volumes=(), attachments=(), events=(missing,), unreadable=unread)
    )
    assert finding is not None and (finding.cause, finding.confidence) == ("no-claim", "likely")


def test_a_cluster_that_does_not_answer() -> None:
    finding = unreachable("https://10.0.0.1", "connection refused")
    assert (finding.cause, finding.verdict, str(finding.object)) == (
        "api-unreachable",
        "problem",
        "Cluster https://10.0.0.1",
    )
    assert "connection refused" in finding.because and finding.evidence and finding.next
