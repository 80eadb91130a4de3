"""How many pods of a workload there may be at once, and which disks they share: what several rules have to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aksdisks.inspection.lint.documents import Path
from aksdisks.inspection.lint.findings import Level
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.workloads import Mount, Workload, at_path, count
from aksdisks.inspection.lint.world import Claim, World
from aksdisks.model.decoding import find

Mounted = tuple[Mount, Claim]


@dataclass(frozen=True, slots=True)
class Several:
    """That a workload may have several pods at once: in words, and the field that says so in which object."""

    words: str
    on: Manifest
    place: Path


def one_node_claims(world: World, workload: Workload) -> list[Mounted]:
    """The claims that all pods of a workload mount and that are on one node at a time.

    Not where all its pods stand on that node anyway; a claim for one pod alone is among them even then.
    """
    found = [(mount, claim) for mount, claim in world.mounted(workload) if claim.on_one_node]
    return [(mount, claim) for mount, claim in found if claim.one_pod or not workload.on_one_node]


def several(world: World, workload: Workload) -> Several | None:
    """What lets a workload have several pods at once; None where nothing does."""
    manifest, kind = workload.manifest, workload.kind
    if kind == "DaemonSet":
        return Several("the pods on each node", manifest, workload.template_path)
    if kind in ("Job", "CronJob"):
        place: Path = ("spec",) if kind == "Job" else ("spec", "jobTemplate", "spec")
        at_once, needed = (count(at_path(manifest.raw, (*place, name))) for name in _OF_JOBS)
        if at_once and at_once > 1 and needed != 1:
            return Several(f"{at_once} pods", manifest, (*place, "parallelism"))
        return None
    if workload.replicas and workload.replicas > 1:
        return Several(f"{workload.replicas} pods", manifest, ("spec", "replicas"))
    for scaler in world.scalers.get((kind, manifest.namespace, manifest.name), ()):
        field = "maxReplicas" if scaler.kind == "HorizontalPodAutoscaler" else "maxReplicaCount"
        most = count(find(scaler.raw, f"spec.{field}", _MOST_BY_KEDA))
        own = world.get(kind, manifest.namespace, manifest.name, scaler) is manifest
        if own and most and most > 1:
            return Several(f"up to {most} pods, by {scaler},", scaler, ("spec", field))
    return None


_OF_JOBS = ("parallelism", "completions")
# Where a ScaledObject says nothing, https://keda.sh/docs/latest/reference/scaledobject-spec/.
_MOST_BY_KEDA = 100


def named(claims: Sequence[Mounted]) -> str:
    """`claim data (ReadWriteOnce)`, or all of them."""
    said = [f"{mount.claim} ({', '.join(claim.access_modes)})" for mount, claim in claims]
    return f"claim{'s' if len(said) > 1 else ''} {' and '.join(said)}"


def level(claims: Sequence[Mounted]) -> Level | None:
    """One lower where it is not known of any of the claims that its volume is an Azure disk."""
    return None if any(claim.makes_disks for _, claim in claims) else "warning"


def doubt(claims: Sequence[Mounted]) -> str:
    """What the sentence says of a class that nobody knows; empty where it is known."""
    if level(claims) is None:
        return ""
    classes = sorted({claim.class_name for _, claim in claims} - {""})
    return f" (class {', '.join(classes)} is not known here)" if classes else ""
