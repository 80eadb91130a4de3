"""Two workloads mount one claim, whose disk only one node can have.

What it is
    A ReadWriteOnce claim that pods of two workloads mount, such as a program and the CronJob that saves its data. The
    claims that a StatefulSet makes are among them: `data-db-0` is the first pod's of the set `db`.

Why it hurts
    An Azure disk is attached to one machine at a time. Whichever pod comes second waits for it without end if it is put
    on another node, with `Multi-Attach error for volume …`.

Instead
    Put both on one node: a required `podAffinity` to the other's pods, by `kubernetes.io/hostname`. Or put the second
    program beside the first one into its pod; save data by a VolumeSnapshot, which needs no mount; share files with a
    claim of ReadWriteMany on Azure Files.

Not meant
    Workloads that are kept on one node already, hooks that end before the other begins, and what is scaled to 0. A Job
    or a CronJob is a warning only: it waits, and the other goes on.

Opposed by
    No check that we know of.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
    https://github.com/Azure/AKS/issues/1919
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.findings import Level
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.sharing import doubt, level
from aksdisks.inspection.lint.workloads import HOSTNAME, WORKLOADS, Workload
from aksdisks.inspection.lint.world import Claim, World

_FOR_A_WHILE = ("Job", "CronJob", "Pod")
# What has pods of these can be changed; a pod's place, and a Job's template, are settled when it is made.
_FIXED = ("Pod", "Job")


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    if workload is None or workload.ended:
        return
    for mount, claim in world.mounted(workload):
        users = world.users(mount, claim) if claim.on_one_node else []
        before = world.before((each.manifest for each in users), manifest)
        others = [
            each
            for each in users
            if any(each.manifest is one for one in before) and not each.ended and not _together(each, workload, claim)
        ]
        if not others:
            continue
        names = " and ".join(str(each.manifest) for each in others)
        modes, unsure = ", ".join(claim.access_modes), doubt([(mount, claim)])
        waits = "one pod alone may use it" if claim.one_pod else "on another node it waits for the disk"
        yield Hit(
            because=f"mounts claim {mount.claim} ({modes}) of {names}: {waits}{unsure}",
            place=mount.path,
            edits=_edits(workload, others[0], claim),
            patchable=workload.kind not in _FIXED,
            level=_level(workload, others) or level([(mount, claim)]),
        )


def _together(one: Workload, other: Workload, claim: Claim) -> bool:
    """Whether both stand on one node, which is no help where one pod alone may use the claim."""
    return not claim.one_pod and (one.joins(other) or other.joins(one) or bool(one.host and one.host == other.host))


def _level(workload: Workload, others: list[Workload]) -> Level | None:
    passing = workload.kind in _FOR_A_WHILE or all(each.kind in _FOR_A_WHILE for each in others)
    return "warning" if passing else None


def _edits(workload: Workload, other: Workload, claim: Claim) -> tuple[Edit, ...]:
    if claim.one_pod or not other.labels or workload.pod.get("affinity"):
        return ()
    term = {"labelSelector": {"matchLabels": dict(other.labels)}, "topologyKey": HOSTNAME}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return (Edit((*workload.template_path, "spec", "affinity"), affinity),)


RULE = Rule(id="rwo-shared", level="error", judge=_judge, kinds=WORKLOADS, page=__doc__)
