"""A claim made from another, through kubectl: its disk has the source's bytes; what cannot be copied is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.breaking import Broken, broken_lab, claim, pod
from tests.programs import needs

pytestmark = needs("kubectl")

SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "nightly"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with broken_lab(tmp_path_factory.mktemp("clone"), 400.0) as lab:
        yield lab


def made_from(source: dict[str, Any], name: str) -> dict[str, Any]:
    made = claim(name)
    made["spec"]["dataSource"] = source
    return made


def mounting(name: str, of: str) -> dict[str, Any]:
    made = pod(name, of)
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": of, "mountPath": "/data"}]
    return made


def test_a_clone_has_the_bytes_of_its_source_and_then_its_own(lab: Broken) -> None:
    lab.apply(claim("live"), mounting("writer", "live"))
    lab.running("writer")
    lab.kubectl("exec", "writer", "--", "sh", "-c", "echo before > /data/file")
    lab.apply(made_from({"kind": "PersistentVolumeClaim", "name": "live"}, "drill"), mounting("reader", "drill"))
    lab.running("reader")
    lab.kubectl("exec", "writer", "--", "sh", "-c", "echo after > /data/file")
    assert lab.kubectl("exec", "reader", "--", "cat", "/data/file") == "before\n"
    source, copy = lab.volume("live"), lab.volume("drill")
    disk = lab.azure.disks.get(lab.state.node_resource_group, copy)
    assert disk.properties.creation_data.create_option == "Copy"
    assert disk.properties.creation_data.source_resource_id.endswith(f"/disks/{source}")


def test_a_restore_from_a_snapshot_that_is_not_there_does_not_pass(lab: Broken) -> None:
    lab.apply(made_from(SNAPSHOT, "restored"), mounting("drilled", "restored"))
    lab.told(
        "ProvisioningFailed error getting handle for DataSource Type VolumeSnapshot by Name nightly: error getting "
        'snapshot nightly from api server: volumesnapshots.snapshot.storage.k8s.io "nightly" not found',
        "restored",
    )
    assert lab.get("{.status.phase}", "pvc", "restored") == "Pending"
    assert lab.get("{.status.phase}", "pod", "drilled") == "Pending"
