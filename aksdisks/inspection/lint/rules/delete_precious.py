"""A database's disk goes when its claim goes.

What it is
    A program that keeps data for others (its image is that of a known database) on a claim of a class with the reclaim
    policy Delete, where a usual act deletes the claim: `kubectl delete -f` or an uninstallation, for a claim that
    stands in a file of its own; a smaller number of replicas or the end of the set, for a StatefulSet whose
    `persistentVolumeClaimRetentionPolicy` says Delete.

Why it hurts
    With the claim go the volume and the Azure disk, at once and for good: Azure keeps no copy.

Instead
    A class with `reclaimPolicy: Retain`: the disk stays until somebody deletes it (and costs until then). A volume that
    exists keeps the policy that it was made with, so it has to be patched by itself. For a set, the retention policy
    Retain, which is the default. And a backup: Retain is none.

Not meant
    Claims that a StatefulSet makes and keeps, claims with `helm.sh/resource-policy: keep`, and programs that are not
    known to keep data.

Opposed by
    No check that we know of.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
    https://learn.microsoft.com/azure/aks/concepts-storage#storage-classes
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import Workload, image_parts
from aksdisks.inspection.lint.world import Claim, World
from aksdisks.model.decoding import find, listed, mapping

# The last part of an image's name, or the one before it: `mcr.microsoft.com/mssql/server`.
_DATABASES = frozenset(
    {"postgres", "postgresql", "postgis", "timescaledb", "mysql", "mysql-server", "mariadb", "percona"}
    | {"percona-server", "mongo", "mongodb", "cassandra", "couchdb", "elasticsearch", "opensearch", "influxdb"}
    | {"clickhouse", "clickhouse-server", "neo4j", "cockroach", "etcd", "minio"}
)
_RETENTION = "persistentVolumeClaimRetentionPolicy"


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    if workload is None or not (database := _database(workload)):
        return
    for _, claim in world.mounted(workload):
        kept = find(claim.manifest.raw, "metadata.annotations", {}).get("helm.sh/resource-policy") == "keep"
        if not claim.path and not kept and _deletes(world, claim):
            because = f"{database} of {manifest} keeps its data on it, and {_with_it(claim)}"
            yield Hit(because=because, on=claim.manifest, commands=(_command(claim),))
    policy = mapping(workload.spec, _RETENTION)
    moments = [moment for moment in ("whenScaled", "whenDeleted") if policy.get(moment) == "Delete"]
    for claim in world.templates(workload):
        if moments and _deletes(world, claim):
            because = f"{database} keeps its data on claims {claim.name}, which {' and '.join(moments)} deletes"
            edits = tuple(Edit(("spec", _RETENTION, moment), "Retain") for moment in moments)
            yield Hit(because=f"{because}; {_with_it(claim)}", place=("spec", _RETENTION), edits=edits)


def _database(workload: Workload) -> str:
    """The image of a database among its containers; empty where there is none."""
    for container in listed(workload.pod, "containers"):
        parts = image_parts(container)
        if parts[-1] in _DATABASES or "mssql" in parts[-2:-1]:
            return "mssql" if "mssql" in parts else parts[-1]
    return ""


def _deletes(world: World, claim: Claim) -> bool:
    """Whether the claim's volume, else its class, deletes the disk; only of what is known to be one."""
    name = find(claim.raw, "spec.volumeName", "")
    volume = world.get("PersistentVolume", "", name, claim.manifest)
    if volume is not None:
        return bool(claim.makes_disks) and find(volume.raw, "spec.persistentVolumeReclaimPolicy") == "Delete"
    known = claim.storage_class
    return known is not None and known.value.makes_disks and known.value.reclaim_policy == "Delete"


def _with_it(claim: Claim) -> str:
    return f"class {claim.class_name} deletes the disk with the claim"


def _command(claim: Claim) -> str:
    """What changes a volume that is there: its policy is its own."""
    named = f"{claim.manifest.name} -n {claim.manifest.namespace}"
    volume = f"$(kubectl get pvc {named} -o jsonpath={{.spec.volumeName}})"
    return f'kubectl patch pv {volume} -p \'{{"spec":{{"persistentVolumeReclaimPolicy":"Retain"}}}}\''


RULE = Rule(
    id="delete-precious",
    level="warning",
    judge=_judge,
    kinds=("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Pod"),
    page=__doc__,
)
