"""A snapshot, its class and the claims that are made of it, as whole documents; a copy's pod stays in the zone."""

from __future__ import annotations

import pytest
import yaml

from aksdisks import manifests
from aksdisks.manifests import snapshots
from aksdisks.manifests.snapshots import claim_from
from aksdisks.parameters import Parameters, validate

LABELS = {manifests.RUN_LABEL: "r"}
OBJECTS = manifests.objects_for(Parameters(), {})
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: copy}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: managed-premium
  resources: {requests: {storage: 25Gi}}
"""


def test_the_documents() -> None:
    made = [
        snapshots.volume_snapshot_class("c", LABELS),
        snapshots.volume_snapshot("moment", "data", "c", LABELS),
        snapshots.claim_from(OBJECTS, "copy", "VolumeSnapshot", "moment"),
        snapshots.claim_from(OBJECTS, "copy", "PersistentVolumeClaim", "data", "30Gi"),
    ]
    of_snapshot, of_claim = yaml.safe_load(CLAIM), yaml.safe_load(CLAIM)
    of_snapshot["spec"]["dataSource"] = {
        "apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "moment",
    }  # fmt: skip
    of_claim["spec"] |= {"dataSource": {"kind": "PersistentVolumeClaim", "name": "data"}}
    of_claim["spec"]["resources"]["requests"]["storage"] = "30Gi"
    version = "snapshot.storage.k8s.io/v1"
    assert made == [
        {
            "apiVersion": version, "kind": "VolumeSnapshotClass", "metadata": {"name": "c", "labels": LABELS},
            "driver": "disk.csi.azure.com", "deletionPolicy": "Delete", "parameters": {"incremental": "true"},
        },
        {
            "apiVersion": version, "kind": "VolumeSnapshot", "metadata": {"name": "moment", "labels": LABELS},
            "spec": {"volumeSnapshotClassName": "c", "source": {"persistentVolumeClaimName": "data"}},
        },
        of_snapshot,
        of_claim,
    ]  # fmt: skip
    assert OBJECTS.claim["spec"]["resources"]["requests"]["storage"] == "25Gi"


def test_a_copy_s_pod_goes_where_the_volume_that_it_is_of_may() -> None:
    needed = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["west-1"]}]}]}
    pod = snapshots.deployment_beside(OBJECTS, "copy", {"spec": {"nodeAffinity": {"required": needed}}})["spec"][
        "template"
    ]["spec"]
    assert pod["affinity"] == {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": needed}}
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "copy"}
    plain = snapshots.deployment_beside(OBJECTS, "copy", {"spec": {}})
    assert "affinity" not in plain["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("size", "wanted", "asked"),
    [
        ("25Gi", "", "25Gi"),
        ("500Mi", "", "1Gi"),
        ("1500Mi", "", "2Gi"),
        ("1Ti", "", "1024Gi"),
        ("25Gi", "10Mi", "10Mi"),
    ],
)
def test_a_copy_asks_for_the_whole_gib_that_the_disk_has(size: str, wanted: str, asked: str) -> None:
    objects = manifests.objects_for(validate({"size": size}), {})
    spec = claim_from(objects, "copy", "VolumeSnapshot", "moment", wanted)["spec"]
    assert spec["resources"] == {"requests": {"storage": asked}}
    assert objects.claim["spec"]["resources"] == {"requests": {"storage": size}}
