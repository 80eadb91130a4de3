"""Snapshots through kubectl: their bytes are those of their moment, and they go when nobody reads them any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.breaking import Broken, broken_lab, claim
from tests.lab.test_clone import made_from, mounting
from tests.programs import needs

pytestmark = needs("kubectl")

API = "snapshot.storage.k8s.io/v1"
READY = "jsonpath={.status.readyToUse}=true"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with broken_lab(tmp_path_factory.mktemp("snapshots"), 400.0) as lab:
        lab.apply(
            {"apiVersion": API, "kind": "VolumeSnapshotClass", "metadata": {"name": "nightly"},
             "driver": "disk.csi.azure.com", "deletionPolicy": "Delete", "parameters": {"tags": "team=storage"}},
            claim("live"), mounting("writer", "live"),
        )  # fmt: skip
        lab.running("writer")
        yield lab


def snapshot(name: str, of: str, **spec: Any) -> dict[str, Any]:
    spec = {"source": {"persistentVolumeClaimName": of}, "volumeSnapshotClassName": "nightly", **spec}
    return {"apiVersion": API, "kind": "VolumeSnapshot", "metadata": {"name": name}, "spec": spec}


def from_snapshot(of: str, name: str) -> dict[str, Any]:
    return made_from({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": of}, name)


def test_a_restore_has_the_bytes_of_the_snapshots_moment(lab: Broken) -> None:
    lab.kubectl("exec", "writer", "--", "sh", "-c", "echo then > /data/file")
    lab.apply(snapshot("first", "live"))
    lab.wait(READY, "volumesnapshot/first")
    lab.kubectl("exec", "writer", "--", "sh", "-c", "echo now > /data/file")
    lab.apply(from_snapshot("first", "restored"), mounting("reader", "restored"))
    lab.running("reader")
    assert lab.kubectl("exec", "reader", "--", "cat", "/data/file") == "then\n"
    uid, content = lab.get("{.metadata.uid}", "vs", "first"), lab.get("{.items[*].spec.volumeSnapshotRef.name}", "vsc")
    assert content == "first"
    azure = lab.azure.snapshots.get(lab.state.node_resource_group, f"snapshot-{uid}")
    assert azure.incremental and azure.creation_data.source_resource_id.endswith(f"/disks/{lab.volume('live')}")
    assert azure.tags == {
        "k8s-azure-created-by": "kubernetes-azure-dd",
        "kubernetes.io-created-for-snapshot-name": "first",
        "kubernetes.io-created-for-snapshot-namespace": "default",
        "source_volume_id": azure.creation_data.source_resource_id,
        "team": "storage",
    }
    lab.kubectl("delete", "volumesnapshot", "first", "--timeout=20s")
    assert not list(lab.azure.snapshots.list())
    assert lab.kubectl("exec", "reader", "--", "cat", "/data/file") == "then\n"
