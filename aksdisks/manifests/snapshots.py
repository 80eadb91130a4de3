"""Pure builders of a snapshot of a claim, its class, and claims whose disk is a copy of either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from aksdisks.manifests import Manifest, Objects, another_claim, another_deployment
from aksdisks.quantities import gib

API_VERSION = "snapshot.storage.k8s.io/v1"
Source = Literal["VolumeSnapshot", "PersistentVolumeClaim"]


def volume_snapshot_class(name: str, labels: Mapping[str, str]) -> Manifest:
    """A class of incremental snapshots, which go from Azure with their VolumeSnapshots (facts H)."""
    return {
        "apiVersion": API_VERSION,
        "kind": "VolumeSnapshotClass",
        "metadata": {"name": name, "labels": dict(labels)},
        "driver": "disk.csi.azure.com",
        "deletionPolicy": "Delete",
        "parameters": {"incremental": "true"},
    }


def volume_snapshot(name: str, claim: str, snapshot_class: str, labels: Mapping[str, str]) -> Manifest:
    """A snapshot of a claim's disk."""
    return {
        "apiVersion": API_VERSION,
        "kind": "VolumeSnapshot",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": claim}},
    }


def claim_from(objects: Objects, name: str, kind: Source, source: str, size: str = "") -> Manifest:
    """The article's claim under another name, for a copy of a snapshot or of a claim.

    `size` empty: that of the article's claim in whole GiB, as Azure made its disk: of less nothing is restored.
    """
    made = another_claim(objects, name)
    group = {"apiGroup": API_VERSION.partition("/")[0]} if kind == "VolumeSnapshot" else {}
    made["spec"]["dataSource"] = {**group, "kind": kind, "name": source}
    requests = made["spec"]["resources"]["requests"]
    requests["storage"] = size or f"{gib(requests['storage'])}Gi"
    return made


def deployment_beside(objects: Objects, name: str, volume: Manifest) -> Manifest:
    """The article's Deployment as that of a claim of its name, on the nodes that a volume admits.

    A copy of a disk is made in the disk's zone, whichever node its pod was given to (CSI controllerserver.go).
    """
    made = another_deployment(objects, name)
    if needed := (volume["spec"].get("nodeAffinity") or {}).get("required"):
        pod = made["spec"]["template"]["spec"]
        pod["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": needed}}
    return made
