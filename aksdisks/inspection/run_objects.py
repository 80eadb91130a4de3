"""The kinds of which runs make objects, what a cluster has of a run's, and a prepared namespace with another run's."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from aksdisks import manifests
from aksdisks.errors import NotAllowed, NotFound, Refused
from aksdisks.kube.client import Cluster
from aksdisks.manifests import RUN_LABEL
from aksdisks.model import Named

RUN_ID_VARIABLE = "AKSDISKS_RUN_ID"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

EVERY_RUN = ("Deployment", "StatefulSet", "PersistentVolumeClaim")
"""What every run makes: who may not list these cannot say what a run left."""
IN_NAMESPACE = ("ReplicatedStore", "Deployment", "StatefulSet", "Service", "VolumeSnapshot", "PersistentVolumeClaim")
"""What runs make in their namespace, in the order in which it is deleted."""
IN_CLUSTER = (
    "PersistentVolume",
    "VolumeSnapshotContent",
    "VolumeSnapshotClass",
    "VolumeAttributesClass",
    "CustomResourceDefinition",
)
"""What runs make outside namespaces, in the order in which it is deleted: after what is in the namespace."""


@dataclass(frozen=True, slots=True)
class RunObjects:
    """Objects with their kinds, in the order of deletion; `unlisted` has the reason for each kind that is not told."""

    objects: tuple[tuple[str, Named], ...]
    unlisted: dict[str, str]


def new_run_id() -> str:
    """A run id such as `20261123-042501-k7x2p`: sorted by time, and its own.

    AKSDISKS_RUN_ID gives a fixed one, so that recorded outputs can be compared.
    """
    own = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{''.join(secrets.choice(_ALPHABET) for _ in range(5))}"
    return os.environ.get(RUN_ID_VARIABLE) or own


def run_objects(cluster: Cluster, namespace: str, selector: str = "") -> RunObjects:
    """What runs make in a namespace; all of it, or by label. Raises NotAllowed for what every run makes."""
    return _listed(cluster, IN_NAMESPACE, namespace, selector)


def cluster_objects(cluster: Cluster, selector: str = RUN_LABEL) -> RunObjects:
    """What runs made outside namespaces, by their label."""
    return _listed(cluster, IN_CLUSTER, "", selector)


def _listed(cluster: Cluster, kinds: Iterable[str], namespace: str, selector: str) -> RunObjects:
    """The objects of these kinds; none of a kind that the cluster does not serve."""
    found: list[tuple[str, Named]] = []
    unlisted = {}
    for kind in kinds:
        try:
            found += [(kind, each) for each in cluster.list(kind, namespace, selector)]
        except NotFound:
            continue
        except NotAllowed as error:
            if kind in EVERY_RUN:
                raise
            unlisted[kind] = error.message
    return RunObjects(tuple(found), unlisted)


def check_prepared(cluster: Cluster, namespace: str, run_id: str) -> None:
    """Raise Refused for a prepared namespace with objects that another run left, or of our names that none made."""
    ours = (manifests.DEPLOYMENT, manifests.STATEFUL_SET, manifests.CLAIM)
    prefix = f"{manifests.CLAIM_TEMPLATE}-{manifests.STATEFUL_SET}-"
    for kind, found in _listed(cluster, EVERY_RUN, namespace, "").objects:
        name, run = found.name, found.labels.get(RUN_LABEL, "")
        if run != run_id and (run or name in ours or name.startswith(prefix)):
            made_by = f"one that run {run} left" if run else "one that no run made"
            hint = "aksdisks clean -f FILE removes it" if run else "it is left alone; choose another namespace"
            raise Refused(object=f"{kind} {name} in namespace {namespace}", expected="none", found=made_by, hint=hint)
