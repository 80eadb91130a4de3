"""Reads the objects of a cluster that rules look at, or that say what these hang on."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from aksdisks.errors import ApiError, NotAllowed, NotFound
from aksdisks.inspection.diagnosis.findings import Unseen
from aksdisks.inspection.lint.reading import CLUSTER_SCOPED, Manifest
from aksdisks.inspection.lint.workloads import WORKLOADS
from aksdisks.kube.client import Cluster
from aksdisks.model.decoding import find, listed

# kind: what cannot be told without it
_LIMITS: dict[str, str] = {
    **dict.fromkeys(WORKLOADS, "what they mount, and how often"),
    "HorizontalPodAutoscaler": "to how many pods a workload may grow",
    "PersistentVolumeClaim": "the access modes and classes of claims",
    "PersistentVolume": "which disk a volume is, and what becomes of it",
    "StorageClass": "what a claim's class makes",
    "VolumeAttachment": "how many disks a node has",
    "Node": "in which zones nodes stand",
    "CSINode": "which drivers nodes have, and how many disks they take",
    "CSIDriver": "which drivers the cluster has",
}
KINDS = tuple(_LIMITS)
"""What is read of a cluster."""
# Lists are read beside each other: on a real cluster each takes a round trip.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Live:
    """A cluster's objects, and the kinds that could not be read."""

    manifests: tuple[Manifest, ...]
    unseen: tuple[Unseen, ...]


def read_cluster(cluster: Cluster, namespace: str | None) -> Live:
    """The objects in a namespace (None: in all of them) and those that stand in none.

    What may not be read stands in `unseen`. Raises NotReachable where the cluster does not answer.
    """
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        asked = [readers.submit(copy_context().run, _list, cluster, kind, namespace) for kind in KINDS]
        found = [answer.result() for answer in asked]
    manifests = [each for values in found if not isinstance(values, Unseen) for each in values]
    return Live(tuple(manifests), tuple(values for values in found if isinstance(values, Unseen)))


def _list(cluster: Cluster, kind: str, namespace: str | None) -> Iterable[Manifest] | Unseen:
    where = "" if kind in CLUSTER_SCOPED else namespace or ""
    try:
        found, _ = cluster.items(kind, where, make=lambda raw: _manifest(kind, raw))
    except NotFound:
        return ()  # an older cluster, which does not have the kind at all
    except (NotAllowed, ApiError) as error:
        return Unseen(kind, error.message, _LIMITS[kind])
    return [each for each in found if each is not None]


def _manifest(kind: str, raw: dict[str, Any]) -> Manifest | None:
    """What is kept of an object: of the many pods only those that no workload made."""
    owners = [owner.get("kind") for owner in listed(raw, "metadata.ownerReferences") if owner.get("controller")]
    if any(owner in WORKLOADS for owner in owners):
        return None
    find(raw, "metadata", {}).pop("managedFields", None)
    # The items of a list do not say of what kind they are.
    return Manifest(
        kind, find(raw, "metadata.namespace", ""), find(raw, "metadata.name", ""), live={"kind": kind, **raw}
    )
