"""The id of a run, the objects on a cluster that carry it, and a prepared namespace that has another run's."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime

from aksdisks import manifests
from aksdisks.errors import Refused
from aksdisks.kube.client import Cluster
from aksdisks.manifests import RUN_LABEL
from aksdisks.model import Named

RUN_ID_VARIABLE = "AKSDISKS_RUN_ID"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def new_run_id() -> str:
    """A run id such as `20261123-042501-k7x2p`: sorted by time, and its own.

    AKSDISKS_RUN_ID gives a fixed one, so that recorded outputs can be compared.
    """
    own = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{''.join(secrets.choice(_ALPHABET) for _ in range(5))}"
    return os.environ.get(RUN_ID_VARIABLE) or own


def run_objects(cluster: Cluster, namespace: str, selector: str = "") -> tuple[tuple[str, Named], ...]:
    """What a run makes in a namespace, by kind: Deployments, StatefulSets and claims; all of them, or by label."""
    kinds = ("Deployment", "StatefulSet", "PersistentVolumeClaim")
    return tuple((kind, found) for kind in kinds for found in cluster.list(kind, namespace, selector))


def check_prepared(cluster: Cluster, namespace: str, run_id: str) -> None:
    """Raise Refused for a prepared namespace that holds objects of our names which this run did not make."""
    ours = (manifests.DEPLOYMENT, manifests.STATEFUL_SET, manifests.CLAIM)
    prefix = f"{manifests.CLAIM_TEMPLATE}-{manifests.STATEFUL_SET}-"
    for kind, found in run_objects(cluster, namespace):
        name, run = found.name, found.labels.get(RUN_LABEL, "")
        if (name in ours or name.startswith(prefix)) and run != run_id:
            made_by = f"one that run {run} left" if run else "one that no run made"
            hint = "aksdisks clean -f FILE removes it" if run else "it is left alone; choose another namespace"
            raise Refused(object=f"{kind} {name} in namespace {namespace}", expected="none", found=made_by, hint=hint)
