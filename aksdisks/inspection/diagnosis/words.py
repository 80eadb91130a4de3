"""One table of the words that Kubernetes, the driver and Azure use: patterns with their sources. States come first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What a message can say: an id, the pattern that recognises it, and where the words stand."""

    id: str
    pattern: re.Pattern[str]
    source: str


def _words(id_: str, pattern: str, source: str) -> Words:
    return Words(id_, re.compile(pattern, re.IGNORECASE | re.DOTALL), source)


WORDS: tuple[Words, ...] = (
    # The scheduler: kubernetes pkg/scheduler/framework/plugins, volumebinding/binder.go and volumezone; 1.27 to 1.36.
    _words(
        "volume-elsewhere",
        r"(?:(?P<nodes>\d+) )?node\(s\) (?:had volume node affinity conflict|didn't match PersistentVolume's node "
        r"affinity|had no available volume zone)",
        "until 1.32, since 1.33 (k/k#129887), volume_zone.go",
    ),
    _words("bind-timed-out", r"binding volumes:|Failed to bind volumes|timed out waiting for the condition", "facts C"),
    _words("unbound-immediate", r"pod has unbound (?:immediate )?PersistentVolumeClaims", "volume_binding.go; 2018"),
    _words(
        "claim-not-found",
        r'persistentvolumeclaims? "(?P<claim>[^"]+)" not found',
        "volume_binding.go; kubelet volumemanager populator",
    ),
    _words(
        "ephemeral-claim-awaited",
        r'waiting for ephemeral volume controller to create the persistentvolumeclaim "(?P<claim>[^"]+)"',
        "volume_binding.go",
    ),
    _words("claim-not-ours", r"PVC \S+ was not created for pod \S+", "component-helpers storage/ephemeral"),
    _words("claim-goes", r'persistentvolumeclaim "(?P<claim>[^"]+)" is being deleted', "volume_binding.go"),
    _words(
        "volume-not-there",
        r'persistentvolumeclaim "(?P<claim>[^"]+)" bound to non-existent persistentvolume "(?P<volume>[^"]*)"|'
        r"pvc\(s\) bound to non-existent pv\(s\)",
        "volume_binding.go, binder.go",
    ),
    _words(
        "claim-lost",
        r"Bound claim has lost (?:reference to PersistentVolume|its PersistentVolume)|"
        r"Two claims are bound to the same volume",
        "pv_controller.go",
    ),
    # Binding: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go.
    _words("class-not-found", r'storageclass(?:es)?\.storage\.k8s\.io "(?P<name>[^"]+)" not found', "pv_controller.go"),
    _words("no-class-set", r"no persistent volumes available for this claim and no storage class is set", "the same"),
    _words(
        "volume-does-not-fit",
        r'Cannot bind to requested volume "(?P<volume>[^"]+)"(?:: (?P<why>.+))?|'
        r'volume "(?P<other>[^"]+)" already bound to a different claim',
        "pv_controller.go",
    ),
    # Provisioning: external-provisioner pkg/controller/controller.go.
    _words(
        "snapshot-not-ready",
        r"snapshot (?P<name>\S+) (?:is not Ready|not bound)|snapshot handle (?P<handle>\S+) is not available",
        "controller.go getSnapshotSource",
    ),
    _words(
        "source-not-there",
        r"DataSource Type (?P<kind>\w+) by Name (?P<name>[^\s:]+): .*?"
        r"(?:not found|could not find the requested resource|is (?:currently )?being deleted|PVC source not found|"
        r"error getting snapshotcontent)",
        "controller.go Provision",
    ),
    _words(
        "source-not-ours",
        r"snapshotcontent (?P<content>\S+) for snapshot (?P<name>\S+) is (?:bound to a different snapshot|"
        r"not handled by CSI driver)|claim in dataSource not bound or invalid",
        "controller.go getSnapshotSource, getPVCSource",
    ),
    _words("source-not-bound", r"the PVC DataSource (?P<name>\S+) must have a status of Bound", "controller.go"),
    _words(
        "access-mode",
        r"(?:mountVolume is not supported for access mode: (?P<mode>\w+)|"
        r"access mode: (?P<shared>\w+) is not supported for non-shared disk|invalid access mode)",
        "azuredisk-csi-driver pkg/azureutils/azure_disk_utils.go",
    ),
    _words(
        "impossible",
        r"failed with infeasible error|invalid \w+:? \S+ in storage class|Failed parsing disk parameters|"
        r"is not supported (?:sku/storageaccounttype|cachingmode|NetworkAccessPolicy|PublicNetworkAccess)|"
        r"cachingMode \w+ is not supported for|VAC \S+ referenced in PVC is for driver|"
        r"claim Selector is not supported|size exceeds the limit specified|"
        r"is less than the size \d+ for the source|must be greater than or equal in size to the specified PVC|"
        r"must have the same volume mode|modifies the mode of the source volume|no volume plugin matched|"
        r"does not belong to the right APIGroup|"
        r"\w+\([^()]*\) (?:is not supported(?:, supported \w+ list| with protocol)|can only contain lowercase letters)|"
        r"driver does not support block volumes|nfs protocol only supports premium storage|"
        r"matchTags must set as false|resourceGroup must be provided in cross subscription|"
        r"storeAccountKey is not supported for account|Tags '.*' are invalid, the format should",
        "sig-storage-lib 13 controller.go, azure_disk_utils.go, controllerserver.go, external-provisioner; "
        "CSI-F controllerserver.go CreateVolume, nodeserver.go NodeStageVolume",
    ),
    _words(
        "attributes-class-not-there",
        r'volumeattributesclass(?:es)?\.storage\.k8s\.io "[^"]+" not found|VAC "[^"]+" does not exist',
        "external-provisioner controller.go; external-resizer pkg/modifycontroller/modify_volume.go",
    ),
    # Snapshots: kubernetes-csi/external-snapshotter pkg/common-controller/snapshot_controller.go.
    _words(
        "snapshot-class",
        r"cannot find default snapshot class|(?P<number>\d+) default snapshot classes were found|"
        r'without a snapshot class|volumesnapshotclass(?:es)?\.snapshot\.storage\.k8s\.io "(?P<name>[^"]+)" not found',
        "SetDefaultSnapshotClass, getSnapshotClass",
    ),
    _words("content-missing", r"VolumeSnapshotContent is missing", "syncReadySnapshot, syncUnreadySnapshot"),
    _words(
        "impossible-in-azure",
        r"UltraSSD_LRS can be used only when|\w*(?:UltraSSD|PremiumV2)_LRS disk is not supported|"
        r"MaxShares '\d+' for disk|is not supported with caching type|supports? only Disk CachingType|"
        r"Only Disk CachingType 'None'|cannot be created in an availability zone|"
        r"parameter '[\w.]*diskSizeGB' is out of range|InvalidAvailabilityZone|cannot be resized down|"
        r"ERROR CODE: (?:InvalidResourceName|OutOfRangeInput|InvalidHeaderValue|InvalidValuesForRequestParameters|"
        r"FeatureNotSupportedForAccount|LocationNotAvailableForResourceType)\b|"
        r"request file share\(\S+\) already exists, but its capacity \d+ is smaller than",
        "CSI#1556, CSI#1659, azure-docs#59977, azure-docs#83535; of shares CSI-F#600, AKS#1516, azure-cli#32510, "
        "controllerserver.go CreateVolume",
    ),
    _words(
        "sku-unavailable",
        r"SKU (?P<sku>\w+) is not supported for resource type Disk in this region|SkuNotAvailable|"
        r"VM size (?P<size>\S+) does not support the storage account type (?P<account>\w+)|"
        r"NotAvailableForSubscription",
        "needs 1 row 12, azure-cli#22732",
    ),
    _words(
        "disk-quota",
        r"exceeding (?:approved )?(?P<quota>\w+)? ?quota|QuotaExceeded|exceed\w* (?:the )?quota limit",
        "scylla-cluster-tests#12948",
    ),
    _words(
        "premium-v2",
        r"'?(?P<sku>PremiumV2_LRS)'? storage account type can be used only with Virtual Machines in an "
        r"Availability Zone",
        "AKS#3880, AKS#3844",
    ),
    _words(
        "not-in-zone",
        r"[Dd]isk (?P<name>\S+) cannot be attached to the VM because it is not in "
        r"(?:the same zone as the VM\. VM zone: '(?P<machine>[^']*)'\. Disk zone: '(?P<disk>[^']*)'|"
        r"zone '(?P<zone>[^']*)')",
        "facts E; StatCan/aaw#1046",
    ),
    # Azure's refusals of whoever asks; the clients' generations are told apart in arm.py.
    _words("not-authorized", r"\b(?:Linked)?AuthorizationFailed\b|does not have authorization to perform", "CSI#403"),
    _words(
        "denied-by-policy",
        r"RequestDisallowedByPolicy|was disallowed by policy|DenyAssignmentAuthorizationFailed|"
        r"blocked by deny assignments?|deny assignment with name|ScopeLocked|following scope\(s\) are locked",
        "CSI#2349, k/k#71940, AKS#4291, azure-sdk-for-java#2560",
    ),
    _words(
        "identity-missing",
        r"Identity not found|requested identity isn't assigned to this resource|"
        r"No User Assigned or Delegated Managed Identity found",
        "CSI#3118, CSI#714",
    ),
    _words(
        "signed-out",
        r"ExpiredAuthenticationToken|InvalidAuthenticationToken(?:Tenant|Audience)?|AuthenticationFailed\b|"
        r"RESPONSE 401|HTTPStatusCode: 401|Failed to refresh the Token",
        "AKS#4287, AKS#371, facts E",
    ),
    _words("signed-out", r"(?P<code>AADSTS\d+)", "AKS#371, jenkins-infra/helpdesk#2810"),
    _words(
        "throttled",
        r"TooManyRequests|SubscriptionRequestsThrottled|ResourceRequestsThrottled|RESPONSE 429|HTTPStatusCode: 429|"
        r"StatusCode=429|Code=\"?429|client throttled|throttled due to too many requests|"
        r"too many requests have been received",
        "AKS#1187, AKS#1413, azclient retryrepectthrottled",
    ),
    _words(
        "azure-failing",
        r"RESPONSE 5\d\d|HTTPStatusCode: 5\d\d|Status(?:Code)?=5\d\d|\b(?:InternalServerError|ServiceUnavailable|"
        r"ServerTimeout|GatewayTimeout|BadGateway)\b",
        "AKS#2797, facts E",
    ),
    _words(
        "azure-silent",
        r"code = DeadlineExceeded desc = (?:context deadline exceeded|stream terminated)|"
        r"An operation with the given Volume ID \S+ already exists|"
        r"(?:dial tcp|lookup)[^\n]*(?:management\.azure\.com|login\.microsoftonline\.com|169\.254\.169\.254)|"
        r"(?:management\.azure\.com|login\.microsoftonline\.com)[^\n]*(?:dial tcp|i/o timeout|no such host)",
        "external-provisioner's --timeout of 30 s; nodeserver.go; egress that is closed",
    ),
    _words(
        "api-unreachable",
        r'(?:Get|Post|Put|Patch|Delete) \\?"?https://(?P<host>[^/"\s]+)/apis?/\S*:? ?(?:dial tcp|EOF|context deadline|'
        r"net/http|http2|read tcp|Service Unavailable|unexpected EOF)|etcdserver: (?:request timed out|leader changed|"
        r"no leader)|the server was unable to return a response in the time allotted|"
        r"The connection to the server (?P<server>\S+) was refused|apiserver not ready",
        "client-go's errors as the driver and the kubelet pass them on",
    ),
    # Deleting: azuredisk-csi-driver azure_managedDiskController.go; external-provisioner canDeleteVolume.
    _words(
        "held-in-azure",
        r"disk\((?P<disk>[^)]+)\) already attached to node\((?P<machine>[^)]+)\), could not be deleted|"
        r"Disk (?P<name>\S+) is attached to VM (?P<vm>\S+?)\.?(?:\s|\"|$)",
        "azure_managedDiskController.go; facts E",
    ),
    _words(
        "held-in-kubernetes",
        r"persistentvolume (?P<volume>\S+) is still attached to node (?P<node>\S+)",
        "controller.go canDeleteVolume",
    ),
    # Multi-Attach: kubernetes pkg/controller/volume/attachdetach/reconciler/reconciler.go, the same from 1.9 to 1.36.
    _words(
        "multi-attach-pods",
        r'Multi-Attach error for volume "(?P<volume>[^"]+)" Volume is already used by '
        r"(?:pod\(s\) (?P<pods>.+)|\d+ pod\(s\) in different namespaces)",
        "facts C, reconciler.go",
    ),
    _words(
        "multi-attach-exclusive",
        r'Multi-Attach error for volume "(?P<volume>[^"]+)" Volume is already exclusively attached',
        "facts C, reconciler.go",
    ),
    # Attaching: kubernetes (K) pkg/volume/csi and kubernetes-csi/external-attacher; the driver's (CSI) pkg/azuredisk;
    # Azure's answers as facts E quotes them.
    _words(
        "attach-timeout",
        r"timed out waiting for external-attacher of \S+ CSI driver to attach volume|attachment timeout for volume",
        "K csi_attacher.go; before 1.22 as in CSI#73",
    ),
    _words("attachment-leaving", r"volume attachment is being deleted", "K csi_attacher.go"),
    _words(
        "instance-not-found",
        r'(?:failed to get azure instance id for node|Unable to find node) "?(?P<node>[\w.-]+?)"?(?: \(|: )'
        r"[^()]*instance not found",
        "CSI controllerserver.go, azure_controller_common.go; CSI#1047, CSI#1870",
    ),
    _words("not-a-vmss-instance", r"not a vmss instance", "cloud-provider-azure azure_vmss.go; facts J2"),
    _words(
        "disk-elsewhere",
        r"disk\((?P<disk>[^)]+)\) already attached to node\((?P<holder>[^)]+)\), could not be attached",
        "CSI azure_controller_common.go; facts I",
    ),
    _words(
        "disk-elsewhere",
        r"Disk '(?P<disk>[^']+)' cannot be attached as the disk is already owned by VM '(?P<holder>[^']+)'",
        "facts E, aks-engine#1146",
    ),
    _words(
        "disk-elsewhere",
        r"Cannot attach the disk (?P<disk>\S+) to VM \S+ because it is already attached to VM (?P<holder>\S+?)\.? ",
        "facts E, CSI#1378",
    ),
    _words(
        "disk-elsewhere",
        r"volume (?P<disk>\S+) still has VolumeAttachments on node (?P<node>[^\s,]+), refusing dangling detach",
        "CSI controllerserver.go",
    ),
    _words(
        "disk-being-detached",
        r"AttachDiskWhileBeingDetached|disk is currently being detached or the last detach operation failed",
        "facts E, K#78657",
    ),
    _words(
        "disk-being-detached",
        r"Cannot attach data disk '(?P<disk>[^']+)' to VM '(?P<machine>[^']+)' because the disk is currently being",
        "facts E, AKS#1278",
    ),
    _words("no-disk-id", r"Volume not found, failed with error: invalid URI", "CSI azure_disk_utils.go GetInfoFromURI"),
    # The driver says "Volume not found" of any error, so the answer that it quotes must be a 404.
    _words(
        "disk-not-found",
        r"Volume not found, failed with error:(?=.*(?:RESPONSE 404|ResourceNotFound|ResourceGroupNotFound))",
        "CSI controllerserver.go; facts I",
    ),
    _words("disk-not-found", r"\bDisk (?P<disk>\S+) is not found\.", "facts E, K#88444"),
    _words(
        "disk-not-found",
        r"Microsoft\.Compute/disks/(?P<disk>[^'\s]+)' under resource group '[^']+' was not found",
        "facts E",
    ),
    _words(
        "csinode-not-found",
        r'csinode(?:\.storage\.k8s\.io)? "?(?P<node>[\w.-]+)"? not found',
        "external-attacher csi_handler.go; CSI#1301",
    ),
    _words(
        "driver-missing",
        r"CSINode (?P<node>\S+) does not contain driver (?P<driver>[\w.-]+)",
        "external-attacher csi_handler.go; CSI#2357",
    ),
    _words(
        "driver-missing",
        r"driver name (?P<driver>\S+) not found in the list of registered CSI drivers",
        "K csi_client.go",
    ),
    _words(
        "device-missing",
        r"failed to find disk on lun (?P<lun>\d+)|findDiskByLun\((?P<at>\d+)\) failed|Cannot find Lun for disk"
        r"|WaitForAttach failed within timeout",
        "CSI nodeserver.go; K#69262; in-tree K#77912",
    ),
    # Mounting a share: kubernetes-sigs/azurefile-csi-driver (CSI-F) pkg/azurefile, mount.cifs and mount.nfs, the
    # kubelet's pkg/volume/csi, and the in-tree driver.
    _words(
        "share-not-found",
        r"mount error\(2\): No such file or directory|reason given by server: No such file or directory|"
        r"\bShareNotFound\b|The specified share does not exist",
        "CSI-F#687, azure-docs#72236; mount.nfs; Azure's file service",
    ),
    _words(
        "account-not-found",
        r"storageAccounts/(?P<account>[^'\s/]+)' (?:under resource group '[^']+' was not found|could not be found)",
        "facts E; CSI-F azurefile.go GetStorageAccesskey",
    ),
    _words(
        "no-share-named",
        r"failed to get (?:file share|account) name from|error parsing volume id",
        "CSI-F nodeserver.go NodeStageVolume, azurefile.go GetFileShareInfo",
    ),
    _words(
        "mount-denied",
        r"mount error\((?:13|126)\): (?:Permission denied|Required key not available)|"
        r"access denied by server while mounting",
        "azure-docs#87534, azure-docs#92970; mount.nfs; CSI-F#475",
    ),
    _words(
        "secret-not-found",
        r"failed to find the secret (?P<name>\S+) in the namespace (?P<namespace>\S+)|"
        r"could not get secret\((?P<secret>[^)]+)\)|Couldn't get secret (?P<key>[\w.-]+/[\w.-]+)",
        "K csi_util.go, csi_attacher.go; CSI-F azurefile.go; in-tree azure_file/azure_util.go",
    ),
    _words(
        "secret-without-keys",
        r"could not find (?P<field>account(?:name|key) or azurestorageaccount\w+) field in secrets|"
        r"accountName\([^)]*\) or accountKey is empty|couldn't extract azurestorageaccount|"
        r"illegal base64 data at input byte",
        "CSI-F azurefile.go getStorageAccount, nodeserver.go; in-tree azure_file/azure_util.go",
    ),
    _words(
        "share-unreachable",
        r"could not resolve address for (?P<server>[\w.-]+)|mount error\((?:110|111|112|113|115)\)|"
        r"mount operation timed out after \d+ seconds|mount\.nfs\S*: (?:Connection (?:timed out|refused)|No route)|"
        r"Failed to resolve server (?P<host>[\w.-]+)",
        "mount.cifs, mount.nfs; CSI-F nodeserver.go; learn.microsoft.com fail-to-mount-azure-file-share",
    ),
    _words("node-full", r"node\(s\) exceed max volume count", "K scheduler nodevolumelimits/csi.go"),
    _words(
        "machine-full",
        r"maximum number of data disks allowed to be attached to a VM of this size is (?P<limit>\d+)",
        "facts E, CSI#879",
    ),
    _words(
        "ownership", r"Setting volume ownership for|applyFSGroup failed for vol", "K volume_linux.go, csi_mounter.go"
    ),
)
"""A message may say several things. Of two patterns of one id the later tells more; groups say what they hold."""


@dataclass(frozen=True, slots=True)
class Heard:
    """That a message says one of the table's things, with what the pattern's groups hold."""

    id: str
    groups: Mapping[str, str]


def heard(message: str, *ids: str) -> tuple[Heard, ...]:
    """Everything of the table that a message says; `ids` asks for these things only."""
    if not message:
        return ()
    found = []
    for words in WORDS:
        if ids and words.id not in ids:
            continue
        match = words.pattern.search(message)
        if match:
            found.append(Heard(words.id, {name: value for name, value in match.groupdict().items() if value}))
    return tuple(found)
