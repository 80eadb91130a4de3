"""Reads both sides of an ownership table beside one another, and joins them; it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from aksdisks.azure.compute import Azure
from aksdisks.inspection.chains import join
from aksdisks.inspection.diagnosis.reading import (
    KINDS,
    SNAPSHOTS,
    AzureOf,
    in_question,
    inventory_of,
    list_kind,
)
from aksdisks.inspection.files import read_files
from aksdisks.inspection.ownership.clusters import CLUSTER_TAGS
from aksdisks.inspection.ownership.facts import Facts, is_outside, snapshots_of
from aksdisks.inspection.ownership.table import ownership
from aksdisks.kube.client import Cluster
from aksdisks.model import (
    AzureFiles,
    Disk,
    DiskSnapshot,
    Inventory,
    Machine,
    NotAsked,
    NotServed,
    Unknown,
    id_key,
    known,
)
from aksdisks.prices import PriceList
from aksdisks.waiting import within

T = TypeVar("T")
Elsewhere = dict[str, T | Unknown | None]

WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "Job", "CronJob")
CONTENTS = "VolumeSnapshotContent"
GRACE = 86400.0
"""The age in cluster seconds from which a disk that nothing names is an orphan, where nobody says another."""

# The nodes tell where Azure is, so they are asked for first, then the long lists.
_KINDS = ("Node", *(kind for kind in KINDS if kind not in ("Node", "Event")), *WORKLOADS, SNAPSHOTS, CONTENTS)
_MORE = ("Event", "VolumeSnapshotClass", "VolumeAttributesClass")
_AT_ONCE = 4
# Real seconds for Azure's lists together, and for the disks elsewhere: those that it throttles as well.
_AZURE_WITHIN, _ELSEWHERE_WITHIN = 180.0, 60.0


@dataclass(frozen=True, slots=True)
class _AzureSide:
    """What Azure has in the node resource group, and who may be asked for more."""

    client: Azure
    disks: tuple[Disk, ...] | Unknown
    snapshots: tuple[DiskSnapshot, ...] | Unknown
    machines: tuple[Machine, ...] | Unknown
    cluster: str | Unknown
    files: AzureFiles | Unknown


def read_ownership(
    cluster: Cluster,
    azure: AzureOf,
    namespace: str | None,
    *,
    time_scale: float = 1.0,
    grace: float = GRACE,
    prices: PriceList | None = None,
    everything: bool = False,
    shares: bool = False,
) -> Inventory:
    """The inventory of a namespace (None: of all), with its `ownership`: whose each disk is.

    Azure's lists are read beside Kubernetes'. A disk outside the node resource group that a volume names is asked for
    by its id, once, and so is a snapshot that a content names. What may not be read is Unknown, or stands in
    `unreadable`, and makes verdicts `unknown`, never `orphan`. `everything`: events, and classes of snapshots and of
    attributes, as well; no verdict on disks needs them.
    `shares`: those of Azure Files as well, in the node resource group's storage accounts, and where volumes name them.
    `time_scale` is cluster seconds in a real one; `grace` is in cluster seconds; `prices` None: those that are built
    in. Raises NotReachable where Kubernetes does not answer.
    """
    kinds = (*_KINDS, *_MORE) if everything else _KINDS
    with ThreadPoolExecutor(_AT_ONCE) as readers, ThreadPoolExecutor(1) as beside:
        asked = {kind: _submit(readers, partial(_kind, cluster, kind, namespace)) for kind in kinds}
        other = _submit(beside, partial(_azure_side, azure, asked, shares))
        found = {kind: answer.result() for kind, answer in asked.items()}
        side = other.result()
    found.setdefault("Event", Unknown("nothing needed them"))
    inventory = _with_azure(_kubernetes(found, namespace, time_scale), side)
    volumes = known(found["PersistentVolume"])
    scope = side.client.group if side.client.resource_group else ""
    contents = () if isinstance(found[CONTENTS], NotServed) else found[CONTENTS]
    facts = Facts(
        inventory=inventory,
        volumes=volumes,
        attachments=known(found["VolumeAttachment"]),
        scope=scope,
        elsewhere=_elsewhere(side.client.disk, scope, (volume.disk_id for volume in volumes)),
        contents=contents,
        snapshots=side.snapshots,
        snapshots_elsewhere=_elsewhere(side.client.snapshot, scope, snapshots_of(known(contents))),
        cluster=side.cluster,
        grace=grace,
    )
    return replace(inventory, ownership=ownership(facts, prices or PriceList.builtin()))


def _kind(cluster: Cluster, kind: str, namespace: str | None) -> tuple[Any, ...] | Unknown:
    # A cluster as old as CronJobs of another version has none of them.
    return list_kind(cluster, kind, namespace, () if kind == "CronJob" else None)


def _kubernetes(found: dict[str, tuple[Any, ...] | Unknown], namespace: str | None, time_scale: float) -> Inventory:
    inventory = inventory_of(found, namespace, time_scale)
    return replace(inventory, workloads=tuple(each for kind in WORKLOADS for each in known(found[kind])))


def _with_azure(inventory: Inventory, side: _AzureSide) -> Inventory:
    group = next((disk.resource_group for disk in known(side.disks)), side.client.resource_group)
    inventory = replace(inventory, disks=side.disks, machines=side.machines, resource_group=group, files=side.files)
    return replace(inventory, chains=join(inventory))


def _azure_side(
    azure: AzureOf, kubernetes: Mapping[str, Future[tuple[Any, ...] | Unknown]], shares: bool
) -> _AzureSide:
    places, attachments = kubernetes["Node"].result(), kubernetes["VolumeAttachment"]
    client = azure if isinstance(azure, Azure) else azure(places)
    with within(_AZURE_WITHIN):
        disks, snapshots = client.disks(), client.snapshots()
        machines = client.machines(in_question(known(places), known(attachments.result())))
        files: AzureFiles | Unknown = NotAsked("nothing needed them")
        if shares:
            volumes = known(kubernetes["PersistentVolume"].result())
            files = read_files(client, [each.share for each in volumes if each.share], everything=True)
        accounts = () if isinstance(files, Unknown) else known(files.listed)
        tags = [*(each.tags for each in known(disks)), *(each.tags for each in known(snapshots))]
        tags += [each.tags for each in accounts]
        tagged = any(tag in each for each in tags for tag in CLUSTER_TAGS)
        return _AzureSide(client, disks, snapshots, machines, client.cluster_name() if tagged else "", files)


def _elsewhere(read: Callable[[str], T | Unknown | None], scope: str, ids: Iterable[str]) -> Elsewhere[T]:
    """What is in other resource groups, by `id_key`: each is asked for once, a few at a time."""
    outside = {id_key(id_): id_ for id_ in ids if id_ and is_outside(id_, scope)}
    with within(_ELSEWHERE_WITHIN), ThreadPoolExecutor(_AT_ONCE) as readers:
        asked = {key: _submit(readers, partial(read, id_)) for key, id_ in outside.items()}
        return {key: answer.result() for key, answer in asked.items()}


def _submit(pool: ThreadPoolExecutor, call: Callable[[], T]) -> Future[T]:
    """A call in another thread that ends with the wait around this one."""
    return pool.submit(copy_context().run, call)
