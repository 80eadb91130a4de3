"""Several pods share one disk, which only one node can have.

What it is
    A workload whose pods all mount the same ReadWriteOnce claim may have more than one pod at a time: replicas, an
    autoscaler, a DaemonSet, a Job's parallelism, or runs of a CronJob that may overlap.

Why it hurts
    An Azure disk is attached to one machine at a time. The pods that the scheduler puts on another node than the first
    wait for it without end, with `Multi-Attach error for volume …`. That some of them run, by chance on the same node,
    hides it until the next drain.

Instead
    A disk for each pod: a StatefulSet with `volumeClaimTemplates`. Files that all pods share: a claim with
    ReadWriteMany of an Azure Files class, such as `azurefile-csi`. Otherwise one replica. The diff makes the Deployment
    a StatefulSet, whose disks begin empty: what is on the old claim stays there.

Not meant
    Workloads whose pods all stand on one node, by `nodeName`, the node's hostname or a required affinity to each other.
    Classes that are known to make no disks. Claims that nothing describes.

Opposed by
    kube-linter (`minimum-three-replicas`) asks for three replicas, whatever claims they share.
    Polaris (`deploymentMissingReplicas`) asks for two replicas or more.
    kube-score (`deployment-replicas`) asks for two replicas or more.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
    https://github.com/Azure/AKS/issues/884
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.sharing import Mounted, Several, doubt, level, named, one_node_claims, several
from aksdisks.inspection.lint.workloads import Workload
from aksdisks.inspection.lint.world import World

_OF_A_DEPLOYMENT = ("strategy", "progressDeadlineSeconds", "paused")


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    claims = one_node_claims(world, workload) if workload and not workload.ended else []
    if workload is None or not claims:
        return
    many = several(world, workload)
    if many is not None:
        only_one = any(claim.one_pod for _, claim in claims)
        where = "which one pod alone may use" if only_one else "whose disk is on one node at a time"
        because = f"{many.words} share {named(claims)}, {where}: the others wait for it{doubt(claims)}"
        edits = _edits(workload, claims, many)
        yield Hit(because=because, place=many.place, on=many.on, edits=edits, level=level(claims), patchable=False)
    elif workload.kind == "CronJob" and workload.spec.get("concurrencyPolicy") not in ("Forbid", "Replace"):
        because = f"a run that takes longer than its turn shares {named(claims)} with the next{doubt(claims)}"
        yield Hit(because=because, place=("spec",), edits=(Edit(("spec", "concurrencyPolicy"), "Forbid"),),
                  level="warning")  # fmt: skip


def _edits(workload: Workload, claims: list[Mounted], many: Several) -> tuple[Edit, ...]:
    """A StatefulSet with the claim as its template; for a Job, one pod at a time."""
    if workload.kind in ("Job", "CronJob"):
        return (Edit(many.place, 1),)
    mount, claim = claims[0]
    if workload.kind != "Deployment" or many.on is not workload.manifest or len(claims) > 1 or claim.path:
        return ()
    spec = {key: value for key, value in claim.raw["spec"].items() if key != "volumeName"}
    volumes = workload.pod["volumes"]
    gone = mount.path if len(volumes) > 1 else mount.path[:-1]
    return (
        Edit(("kind",), "StatefulSet"),
        *(Edit(("spec", name), None) for name in _OF_A_DEPLOYMENT if name in workload.spec),
        Edit(("spec", "serviceName"), workload.manifest.name),
        Edit(gone, None),
        Edit(("spec", "volumeClaimTemplates"), [{"metadata": {"name": mount.volume}, "spec": spec}], last=True),
    )


RULE = Rule(
    id="rwo-replicas",
    level="error",
    judge=_judge,
    kinds=("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "CronJob"),
    page=__doc__,
)
