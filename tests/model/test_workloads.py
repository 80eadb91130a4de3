"""Workloads and snapshot contents from an API's JSON: owners, replicas, templates, the claims that pods mount."""

import pytest

from aksdisks.model import VolumeSnapshotContent, Workload, decode

MOUNTS = {"spec": {"volumes": [
    {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "tmp", "emptyDir": {}},
    {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
]}}  # fmt: skip


def raw(kind, spec, **metadata):
    return {"kind": kind, "metadata": {"name": "web", "namespace": "shop", **metadata}, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "spec", "metadata", "values"),
    [
        ("Deployment", {"replicas": 0, "template": MOUNTS}, {}, {"replicas": 0, "claims": ("data",)}),
        ("StatefulSet", {"replicas": 3, "template": MOUNTS, "volumeClaimTemplates": [{"metadata": {"name": "www"}}]},
         {},
         {"replicas": 3, "claim_templates": ("www",), "claims": ("data",)}),
        ("Job", {"template": MOUNTS},
         {"ownerReferences": [{"kind": "CronJob", "name": "nightly", "controller": True}]},
         {"owner": "CronJob/nightly", "claims": ("data",)}),
        ("CronJob", {"jobTemplate": {"spec": {"template": MOUNTS}}}, {}, {"claims": ("data",)}),
        ("StatefulSet", {"volumeClaimTemplates": "none"},
         {"ownerReferences": [{"kind": "Kafka", "name": "events"}]}, {"owner": "", "claim_templates": ()}),
    ],
)  # fmt: skip
def test_a_workload_is_read(kind, spec, metadata, values):
    found = decode(kind, raw(kind, spec, **metadata))
    assert found == Workload(**{"kind": kind, "name": "web", "namespace": "shop", **values})
    assert found.reference == f"{kind}/web"


def test_a_snapshot_content_is_read():
    spec = {"driver": "disk.csi.azure.com", "deletionPolicy": "Retain", "source": {"snapshotHandle": "/by/hand"},
            "volumeSnapshotRef": {"name": "monday", "namespace": "shop", "uid": "u"}}  # fmt: skip
    plain = {"name": "web", "namespace": "shop", "driver": "disk.csi.azure.com", "deletion_policy": "Retain",
             "snapshot": "monday", "snapshot_namespace": "shop", "snapshot_uid": "u"}  # fmt: skip
    content = raw("VolumeSnapshotContent", spec)
    assert decode("VolumeSnapshotContent", content) == VolumeSnapshotContent(**plain, snapshot_id="/by/hand")
    made = {**content, "status": {"snapshotHandle": "/made"}}
    assert decode("VolumeSnapshotContent", made) == VolumeSnapshotContent(**plain, snapshot_id="/made")


POD, SET, CLUSTER = ({"kind": kind, "name": "pg"} for kind in ("Pod", "StatefulSet", "Cluster"))


@pytest.mark.parametrize(
    ("owners", "owner"),
    [
        ([{**CLUSTER, "controller": True}], "Cluster/pg"),
        ([POD, {**CLUSTER, "controller": True}], "Cluster/pg"),
        ([POD, SET], "StatefulSet/pg"),
        ([SET, CLUSTER], "StatefulSet/pg"),
        ([POD], "Pod/pg"),
        ([], ""),
        ("none", ""),
    ],
)
def test_a_claim_knows_what_owns_it(owners, owner):
    assert decode("PersistentVolumeClaim", raw("PersistentVolumeClaim", {}, ownerReferences=owners)).owner == owner
