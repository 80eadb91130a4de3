"""Nothing keeps the pods of a set with disks off one node.

What it is
    A StatefulSet with two or more replicas, each with a disk of its own, that sets neither a `podAntiAffinity` nor
    `topologySpreadConstraints` over nodes or zones which select its own pods.

Why it hurts
    Replicas are there so that one node can fail. The scheduler spreads pods by default only softly, and lets three more
    of a set stand on one node than on another. If that node is lost, their disks stay attached to it for minutes, and
    all of them are away at once.

Instead
    Spread them over the nodes: `topologySpreadConstraints` with `kubernetes.io/hostname`, or a preferred
    `podAntiAffinity`. A required one keeps pods Pending where there are fewer nodes than replicas. kube-score's
    `statefulset-has-host-podantiaffinity` and kube-linter's `no-anti-affinity` ask for the latter.

Not meant
    Sets whose pods do not stand in for each other, such as shards without copies. Those lose what is on the node
    whatever else stands there.

Opposed by
    No check that we know of.

Links
    https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#internal-default-constraints
    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import HOSTNAME
from aksdisks.inspection.lint.world import World


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    if workload is None or not workload.replicas or workload.replicas < 2 or workload.on_one_node:
        return
    if workload.kept_apart or all(claim.makes_disks is False for claim in world.templates(workload)):
        return
    yield Hit(
        because=f"nothing keeps its {workload.replicas} pods apart: one node may have all of them, with their disks",
        place=("spec", "replicas"),
        edits=_spread(workload.spec.get("selector"), workload.pod),
    )


def _spread(selector: Any, pod: dict[str, Any]) -> tuple[Edit, ...]:
    """Spread over nodes as far as there are any; nothing where other constraints would be overwritten."""
    if not isinstance(selector, dict) or "topologySpreadConstraints" in pod:
        return ()
    constraint = {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": selector,
    }
    return (Edit(("spec", "template", "spec", "topologySpreadConstraints"), [constraint]),)


RULE = Rule(id="no-anti-affinity", level="note", judge=_judge, kinds=("StatefulSet",), page=__doc__)
