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
        r"Cannot attach data disk '(?P<disk>[^']+)' to VM '(?P<machine>[^']+)' because the disk is currently being "
        r"detached|AttachDiskWhileBeingDetached|disk is currently being detached or the last detach operation failed",
        "facts E, K#78657, AKS#1278",
    ),
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
"""In any order: a message may say several things at once. A group's name says what it holds."""


@dataclass(frozen=True, slots=True)
class Heard:
    """That a message says one of the table's things, with what the pattern's groups hold."""

    id: str
    groups: Mapping[str, str]


def heard(message: str) -> tuple[Heard, ...]:
    """Everything of the table that a message says."""
    found = []
    for words in WORDS:
        match = words.pattern.search(message)
        if match:
            found.append(Heard(words.id, {name: value for name, value in match.groupdict().items() if value}))
    return tuple(found)
