"""Reads what a diagnosis needs, and no more: Kubernetes first, the rest where a finding could change by it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aksdisks.azure.compute import Azure
from aksdisks.errors import ApiError, NotAllowed, NotFound
from aksdisks.inspection.chains import join
from aksdisks.inspection.diagnosis.engine import diagnose
from aksdisks.inspection.diagnosis.findings import Diagnosis, Finding, Need
from aksdisks.inspection.diagnosis.unseen import VOLUME_EVENTS, unseen
from aksdisks.inspection.slots import attached_disks
from aksdisks.kube.client import Cluster
from aksdisks.model import Inventory, Node, NotAsked, Unknown, decode, known

_NAMESPACED = ("Pod", "PersistentVolumeClaim", "Event")
_KINDS = ("Node", "CSINode", "PersistentVolume", "VolumeAttachment", "StorageClass", *_NAMESPACED)
_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet")
# Lists are read beside each other: on a real cluster each takes a round trip, and many kinds are short.
_AT_ONCE = 4


def examine(
    cluster: Cluster, azure: Azure, namespace: str | None, time_scale: float = 1.0
) -> tuple[Inventory, Diagnosis]:
    """What the rules find in a namespace (None: all of them), and the inventory that they found it in.

    A kind that may not be read is missing from the inventory and stands in `unseen`. Azure, workloads and snapshots
    are asked for only where a finding says that they could change it. Raises NotReachable where the cluster does not
    answer.
    """
    inventory = read_kubernetes(cluster, namespace, time_scale)
    findings = diagnose(inventory)
    asked: set[Need] = set()
    # What was read can lead to another cause, which needs something else: at most once for each need.
    while more := _needed(findings) - asked:
        asked |= more
        for need in sorted(more):
            inventory = _READERS[need](inventory, cluster, azure)
        inventory = replace(inventory, chains=join(inventory))
        findings = diagnose(inventory)
    return inventory, Diagnosis(
        target=cluster.server, at=inventory.taken, findings=findings, unseen=unseen(inventory, findings)
    )


def read_kubernetes(cluster: Cluster, namespace: str | None, time_scale: float = 1.0) -> Inventory:
    """Kubernetes' side of an inventory, as far as it may be read; Azure's side is not asked for."""
    where = namespace or ""
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        asked = {kind: readers.submit(_items, cluster, kind, where if kind in _NAMESPACED else "") for kind in _KINDS}
        found = {kind: answer.result() for kind, answer in asked.items()}
    csi_nodes = {item["metadata"]["name"]: item for item in _known(found["CSINode"])}
    volumes = [decode("PersistentVolume", item) for item in _known(found["PersistentVolume"])]
    claims = _values(found, "PersistentVolumeClaim")
    # A volume that was made by hand need not name the claim that names it.
    wanted = {claim.volume for claim in claims}
    mine = [each for each in volumes if not where or each.claim_namespace == where or each.name in wanted]
    names = {volume.name for volume in mine}
    events = _values(found, "Event")
    if where not in ("", "default") and any(each.phase in ("Released", "Failed") for each in mine):
        # Events about what stands in no namespace are in this one.
        found[VOLUME_EVENTS] = _items(cluster, "Event", "default")
        about_volumes = _values(found, VOLUME_EVENTS, "Event")
        events += tuple(each for each in about_volumes if each.kind == "PersistentVolume" and each.object in names)
    attachments = [decode("VolumeAttachment", item) for item in _known(found["VolumeAttachment"])]
    inventory = Inventory(
        taken=datetime.now(UTC),
        namespace=namespace or None,
        nodes=tuple(
            Node.of({**node, "csiNode": csi_nodes.get(node["metadata"]["name"])}) for node in _known(found["Node"])
        ),
        pods=_values(found, "Pod"),
        claims=claims,
        volumes=tuple(sorted(mine, key=lambda volume: (volume.claim, volume.name))),
        attachments=tuple(each for each in attachments if each.volume in names),
        attached=attached_disks(attachments),
        events=tuple(sorted(events, key=lambda event: (str(event.last), event.name))),
        classes=_values(found, "StorageClass"),
        disks=NotAsked("nothing needed Azure"),
        machines=NotAsked("nothing needed Azure"),
        resource_group="",
        unreadable={kind: items.because for kind, items in found.items() if isinstance(items, Unknown)},
        time_scale=time_scale,
    )
    return replace(inventory, chains=join(inventory))


def _items(
    cluster: Cluster, kind: str, namespace: str, absent: tuple[dict[str, Any], ...] | None = None
) -> tuple[dict[str, Any], ...] | Unknown:
    """All of a kind, or why not; `absent`: what to take a kind for that the cluster does not have."""
    try:
        return tuple(cluster.items(kind, namespace)[0])
    except (NotAllowed, ApiError) as error:
        return absent if isinstance(error, NotFound) and absent is not None else Unknown(error.message)


def _known(items: tuple[dict[str, Any], ...] | Unknown) -> tuple[dict[str, Any], ...]:
    return known(items)


def _values(found: dict[str, tuple[dict[str, Any], ...] | Unknown], what: str, kind: str = "") -> tuple[Any, ...]:
    values = [decode(kind or what, item) for item in _known(found[what])]
    return tuple(sorted(values, key=lambda value: value.key))


def _needed(findings: tuple[Finding, ...]) -> set[Need]:
    return {need for finding in findings for need in finding.needs}


def _azure(inventory: Inventory, _cluster: Cluster, azure: Azure) -> Inventory:
    disks, machines = azure.disks(), azure.machines()
    group = next((disk.resource_group for disk in known(disks)), azure.resource_group)
    return replace(inventory, disks=disks, machines=machines, resource_group=group)


def _workloads(inventory: Inventory, cluster: Cluster, _azure: Azure) -> Inventory:
    found = [_items(cluster, kind, inventory.namespace or "") for kind in _WORKLOADS]
    missing = next((each for each in found if isinstance(each, Unknown)), None)
    values = tuple(
        decode(kind, {"kind": kind, **item})  # the items of a list do not say of what kind they are
        for kind, items in zip(_WORKLOADS, found, strict=True)
        for item in known(items)
    )
    return replace(inventory, workloads=missing if missing is not None and not values else values)


def _snapshots(inventory: Inventory, cluster: Cluster, _azure: Azure) -> Inventory:
    # A cluster without the snapshot controller's kinds has none of them.
    items = _items(cluster, "VolumeSnapshot", inventory.namespace or "", absent=())
    if isinstance(items, Unknown):
        return replace(inventory, snapshots=items)
    return replace(inventory, snapshots=tuple(decode("VolumeSnapshot", item) for item in items))


_READERS: dict[Need, Callable[[Inventory, Cluster, Azure], Inventory]] = {
    "azure": _azure,
    "workloads": _workloads,
    "snapshots": _snapshots,
}
