"""Reads what a diagnosis needs, and no more: Kubernetes first, the rest where a finding could change by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeGuard

from aksdisks.azure.compute import Azure
from aksdisks.inspection.chains import join
from aksdisks.inspection.diagnosis.engine import diagnose
from aksdisks.inspection.diagnosis.findings import Diagnosis, Finding, Need, ObjectRef
from aksdisks.inspection.diagnosis.unseen import VOLUME_EVENTS, unseen
from aksdisks.inspection.files import read_files
from aksdisks.inspection.slots import attached_disks
from aksdisks.kube.client import Cluster
from aksdisks.model import Attachment, AzureFiles, Inventory, Node, NotAsked, NotServed, Unknown, known, with_drivers
from aksdisks.waiting import within

NAMESPACED = ("Pod", "PersistentVolumeClaim", "Event")
KINDS = ("Pod", "PersistentVolumeClaim", "PersistentVolume", "VolumeAttachment", "Event", "Node", "CSINode",
         "StorageClass")  # fmt: skip
"""What is read whatever is found, the long lists first."""
WORKLOADS = ("Deployment", "ReplicaSet")
"""What is read where a pod waits for another's disk: whether its Deployment surges."""
SNAPSHOTS = "VolumeSnapshot"
"""What is read beside `KINDS`; not every cluster has it."""
OPTIONAL: Mapping[str, str] = {
    SNAPSHOTS: "volume_snapshots",
    "VolumeSnapshotContent": "volume_snapshot_contents",
    "VolumeSnapshotClass": "volume_snapshot_classes",
    "VolumeAttributesClass": "volume_attributes_classes",
}
"""The kinds that a cluster may lack, and their fields of an inventory."""
CONTENTS, ATTRIBUTES = "VolumeSnapshotContent", "VolumeAttributesClass"
"""What is read where a claim is to be filled from a snapshot, and where one's class of attributes is not found."""
# Real seconds for Azure's lists, those that it throttles as well: who is on call is told sooner what was not seen.
_AZURE_WITHIN = 60.0
# Lists are read beside each other: on a real cluster each takes a round trip, and many kinds are short.
_AT_ONCE = 4
# Events about what stands in no namespace are in this one.
_CLUSTER_EVENTS = "default"
_OF_DRIVER = ("kube-system", ("DaemonSet/csi-azuredisk-node", "DaemonSet/csi-azurefile-node"))
# Where the drivers' pods on nodes are, and whose they are.
_CLUSTERED = ("PersistentVolume", "VolumeSnapshotContent")

Places = tuple[Node, ...] | Unknown
"""The nodes, whose providerIDs tell where Azure has them; Unknown where they could not be read."""
AzureOf = Azure | Callable[[Places], Azure]
"""Azure's client, or what makes it of the nodes once it is needed."""
Found = Mapping[str, Iterable[Any] | Unknown]
"""The values of each kind, or why they may not be read."""


def examine(
    cluster: Cluster,
    azure: AzureOf,
    namespace: str | None,
    time_scale: float = 1.0,
    about: ObjectRef | None = None,
) -> tuple[Inventory, Diagnosis]:
    """What the rules find in a namespace (None: all of them), and the inventory that they found it in.

    A kind that may not be read is missing from the inventory and stands in `unseen`. Azure, workloads, the contents of
    snapshots and attributes classes are asked for only where a finding says that they could change it. `about`: only
    what is found about this object; of a volume without a finding of its own, about its claim. Raises NotReachable
    where the cluster does not answer.
    """
    return judge(read_kubernetes(cluster, namespace, time_scale, about), cluster, azure, about)


def judge(
    inventory: Inventory, cluster: Cluster, azure: AzureOf, about: ObjectRef | None = None
) -> tuple[Inventory, Diagnosis]:
    """As `examine`, of what was read before; nothing is read twice."""
    findings = _findings(inventory, about)
    sides: Mapping[Need, object] = {
        "azure": inventory.disks,
        "workloads": inventory.workloads,
        "contents": inventory.volume_snapshot_contents,
        "attributes-classes": inventory.volume_attributes_classes,
        "driver-pods": inventory.driver_pods,
        "files": inventory.files,
    }
    asked = {need for need, values in sides.items() if not isinstance(values, NotAsked)}
    # What was read can lead to another cause, which needs something else: at most once for each need.
    while more := {need for finding in findings for need in finding.needs} - asked:
        asked |= more
        for need in sorted(more):
            inventory = _READERS[need](inventory, cluster, azure)
        findings = _findings(inventory, about)
    return replace(inventory, chains=join(inventory)), Diagnosis(
        target=cluster.server, at=inventory.taken, findings=findings, unseen=unseen(inventory, findings, about)
    )


def _findings(inventory: Inventory, about: ObjectRef | None) -> tuple[Finding, ...]:
    """What is found in an inventory about everything, or about one object."""
    findings = diagnose(inventory)
    if about is None:
        return findings
    own = tuple(each for each in findings if each.object == about)
    if own or about.kind != "PersistentVolume":
        return own
    volume = next((each for each in inventory.volumes if each.name == about.name), None)
    claim = ObjectRef("PersistentVolumeClaim", volume.claim_namespace, volume.claim_name) if volume else about
    return tuple(each for each in findings if each.object == claim)


def read_kubernetes(
    cluster: Cluster, namespace: str | None, time_scale: float = 1.0, about: ObjectRef | None = None
) -> Inventory:
    """Kubernetes' side of an inventory, as far as it may be read; Azure's side is not asked for.

    A volume that it is `about` is in it whatever its claim's namespace.
    """
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        asked = {
            kind: readers.submit(copy_context().run, list_kind, cluster, kind, namespace)
            for kind in (*KINDS, SNAPSHOTS)
        }
        found = {kind: answer.result() for kind, answer in asked.items()}
    inventory = inventory_of(found, namespace, time_scale, about)
    if namespace in (None, "", _CLUSTER_EVENTS) or not _leaving(inventory):
        return inventory
    return inventory_of(
        found | {VOLUME_EVENTS: list_kind(cluster, "Event", _CLUSTER_EVENTS)}, namespace, time_scale, about
    )


def inventory_of(
    found: Found, namespace: str | None, time_scale: float = 1.0, about: ObjectRef | None = None
) -> Inventory:
    """The inventory of the values of each kind, as of now."""
    values = {kind: () if isinstance(each, Unknown) else tuple(each) for kind, each in found.items()}
    claims, volumes, attachments = (
        values[kind] for kind in ("PersistentVolumeClaim", "PersistentVolume", "VolumeAttachment")
    )
    # A volume that was made by hand need not name the claim that names it.
    wanted = {claim.volume for claim in claims} | (
        {about.name} if about and about.kind == "PersistentVolume" else set()
    )
    mine = [each for each in volumes if not namespace or each.claim_namespace == namespace or each.name in wanted]
    names = {volume.name for volume in mine}
    about_volumes = values.get(VOLUME_EVENTS, ())
    optional: dict[str, Any] = {field: _optional(kind, found, namespace) for kind, field in OPTIONAL.items()}
    clustered = names | {each.content for each in known(optional["volume_snapshots"])}
    events = values["Event"] + tuple(e for e in about_volumes if e.kind in _CLUSTERED and e.object in clustered)
    return Inventory(
        taken=datetime.now(UTC),
        namespace=namespace or None,
        nodes=with_drivers(_by_key(values["Node"]), values["CSINode"]),
        pods=_by_key(values["Pod"]),
        claims=_by_key(claims),
        volumes=tuple(sorted(mine, key=lambda volume: (volume.claim, volume.name))),
        attachments=tuple(each for each in attachments if each.volume in names),
        attached=attached_disks(attachments),
        events=tuple(sorted(events, key=lambda event: (str(event.last), event.name))),
        classes=_by_key(values["StorageClass"]),
        disks=NotAsked("nothing needed Azure"),
        machines=NotAsked("nothing needed Azure"),
        resource_group="",
        unreadable={kind: items.because for kind, items in found.items() if is_unread(items)},
        time_scale=time_scale,
        **optional,
    )


def is_unread(values: object) -> TypeGuard[Unknown]:
    """Whether a kind was asked for and could not be read; what a cluster does not serve, it does not have."""
    return isinstance(values, Unknown) and not isinstance(values, NotServed | NotAsked)


def _optional(kind: str, found: Found, namespace: str | None) -> tuple[Any, ...] | Unknown:
    """The values of a kind that not every cluster has, in order; of contents those of the namespace's snapshots."""
    values = found.get(kind, NotAsked("nothing needed them"))
    if isinstance(values, Unknown):
        return values
    mine = not namespace or kind != CONTENTS
    return _by_key(each for each in values if mine or each.snapshot_namespace == namespace)


def _leaving(inventory: Inventory) -> bool:
    """Whether a volume's claim is gone, or a snapshot is to go: then the events of volume or content tell why not."""
    going = any(each.deleting for each in known(inventory.volume_snapshots))
    return going or any(each.phase in ("Released", "Failed") for each in inventory.volumes)


def list_kind(
    cluster: Cluster, kind: str, namespace: str | None, absent: tuple[Any, ...] | None = None
) -> tuple[Any, ...] | Unknown:
    """All values of a kind, or why not; `absent`: what to take a kind for that the cluster does not have."""
    found = cluster.readable(kind, namespace or "")
    return absent if isinstance(found, NotServed) and absent is not None else found


def _by_key(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(values, key=lambda value: value.key))


def in_question(nodes: Iterable[Node], attachments: Iterable[Attachment]) -> list[str]:
    """The nodes whose machines' power counts: those that are not ready, or gone though something is attached there."""
    ready = {node.name: node.ready for node in nodes}
    return sorted(name for name in {*ready, *(each.node for each in attachments)} if not ready.get(name))


def _client(inventory: Inventory, azure: AzureOf) -> Azure:
    """Azure's client, by the nodes' places."""
    if isinstance(azure, Azure):
        return azure
    unread = inventory.unreadable.get("Node")
    return azure(Unknown(unread) if unread else inventory.nodes)


def _files(inventory: Inventory, _cluster: Cluster, azure: AzureOf) -> Inventory:
    """The shares that volumes name; where none does, nobody is asked."""
    sources = [volume.share for volume in inventory.volumes if volume.share]
    if not sources:
        return replace(inventory, files=AzureFiles())
    client = _client(inventory, azure)
    with within(_AZURE_WITHIN):
        files = read_files(client, sources)
    return replace(inventory, files=files, resource_group=inventory.resource_group or client.resource_group)


def _azure(inventory: Inventory, _cluster: Cluster, azure: AzureOf) -> Inventory:
    azure = _client(inventory, azure)
    with within(_AZURE_WITHIN):
        disks, machines = azure.disks(), azure.machines(in_question(inventory.nodes, inventory.attachments))
    group = next((disk.resource_group for disk in known(disks)), azure.resource_group)
    return replace(inventory, disks=disks, machines=machines, resource_group=group)


def _workloads(inventory: Inventory, cluster: Cluster, _azure: AzureOf) -> Inventory:
    found = {kind: list_kind(cluster, kind, inventory.namespace) for kind in WORKLOADS}
    unread = {kind: each.because for kind, each in found.items() if isinstance(each, Unknown)}
    values = tuple(value for each in found.values() for value in known(each))
    return replace(inventory, workloads=values, unreadable={**inventory.unreadable, **unread})


def _driver_pods(inventory: Inventory, cluster: Cluster, _azure: AzureOf) -> Inventory:
    """The drivers' pods on nodes; where they may not be read, the finding stands without them."""
    pods: Any = inventory.pods
    if inventory.namespace not in (None, "", _OF_DRIVER[0]):
        pods = list_kind(cluster, "Pod", _OF_DRIVER[0])
    if not isinstance(pods, Unknown):
        pods = tuple(pod for pod in pods if pod.namespace == _OF_DRIVER[0] and pod.owner in _OF_DRIVER[1])
    return replace(inventory, driver_pods=pods)


def _of_kind(kind: str) -> Callable[[Inventory, Cluster, AzureOf], Inventory]:
    """What reads a kind that not every cluster has, and that stands in no namespace."""

    def read(inventory: Inventory, cluster: Cluster, _azure: AzureOf) -> Inventory:
        found = cluster.readable(kind)
        unread = {kind: found.because} if is_unread(found) else {}
        values: dict[str, Any] = {OPTIONAL[kind]: _optional(kind, {kind: found}, inventory.namespace)}
        return replace(inventory, unreadable={**inventory.unreadable, **unread}, **values)

    return read


_READERS: dict[Need, Callable[[Inventory, Cluster, AzureOf], Inventory]] = {
    "azure": _azure,
    "workloads": _workloads,
    "contents": _of_kind(CONTENTS),
    "attributes-classes": _of_kind(ATTRIBUTES),
    "driver-pods": _driver_pods,
    "files": _files,
}
