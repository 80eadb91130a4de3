"""The definitions of snapshots that a lab begins with: what a client's own would be, and their refusals."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.kube.strategies import snapshots
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.custom import CRDS, refusal, run

SNAPSHOTS, CONTENTS, CLASSES = (f"volumesnapshot{ending}.{snapshots.GROUP}" for ending in ("s", "contents", "classes"))


def install(api: KubeApi) -> None:
    snapshots.install(api.store, api.writes.ids, timestamp(api.clock.now()))


def snapshot(**spec: Any) -> Object:
    return _object("VolumeSnapshot", {"name": "first", "namespace": "n"}, spec=spec)


def content(**spec: Any) -> Object:
    reference = {"name": "first", "namespace": "default"}
    common = {"deletionPolicy": "Delete", "driver": "disk.csi.azure.com", "volumeSnapshotRef": reference}
    return _object("VolumeSnapshotContent", {"name": "content"}, spec=common | {"source": {"volumeHandle": "v"}} | spec)


def _object(kind: str, metadata: Object, **more: Any) -> Object:
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": kind, "metadata": metadata, **more}


def test_they_are_stored_as_a_client_s_would_be() -> None:
    async def stored(api: KubeApi) -> list[Object]:
        found = [copy.deepcopy(await api.get(CRDS, name)) for name in (SNAPSHOTS, CONTENTS, CLASSES)]
        for crd in found:
            for field in ("uid", "resourceVersion", "creationTimestamp"):
                assert crd["metadata"].pop(field)
            for condition in crd["status"]["conditions"]:
                assert condition.pop("lastTransitionTime")
        return found

    async def test(api: KubeApi) -> None:
        for crd in snapshots.definitions():
            await api.create(CRDS, crd)
        of_a_client = await stored(api)
        for name in (SNAPSHOTS, CONTENTS, CLASSES):
            await api.delete(CRDS, name)
            # The finalizer is a controller's to take away.
            await api.patch(CRDS, name, {"metadata": {"finalizers": None}})
        install(api)
        assert await stored(api) == of_a_client

    run(test)


def test_a_lab_begins_without_the_library_of_rules() -> None:
    program = """
import asyncio, sys
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import snapshots
from aksdisks.lab.kube.write.api import KubeApi
api = KubeApi(Store(), Clock(), Ids(1))
snapshots.install(api.store, Ids(1), "2026-11-30T11:23:07Z")
assert asyncio.run(api.list("volumesnapshots.snapshot.storage.k8s.io"))[0] == []
print([name for name in sys.modules if name.split(".")[0] in ("cel", "celpy")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("resource", "given", "refused"),
    [
        (SNAPSHOTS, snapshot(source={}),
         'spec.source: Invalid value: "object": exactly one of volumeSnapshotContentName and persistentVolumeClaimName '
         "must be set"),
        (SNAPSHOTS, snapshot(source={"persistentVolumeClaimName": "a", "volumeSnapshotContentName": "b"}),
         'spec.source: Invalid value: "object": exactly one of volumeSnapshotContentName and persistentVolumeClaimName '
         "must be set"),
        (SNAPSHOTS, snapshot(source={"persistentVolumeClaimName": "a"}, volumeSnapshotClassName=""),
         'spec.volumeSnapshotClassName: Invalid value: "": volumeSnapshotClassName must not be the empty string when '
         "set"),
        (SNAPSHOTS, snapshot(), "spec.source: Required value"),
        (CONTENTS, content(source={}),
         'spec.source: Invalid value: "object": exactly one of volumeHandle and snapshotHandle must be set'),
        (CONTENTS, content(volumeSnapshotRef={"name": "a"}),
         'spec.volumeSnapshotRef: Invalid value: "object": both spec.volumeSnapshotRef.name and '
         "spec.volumeSnapshotRef.namespace must be set"),
        (CONTENTS, content(deletionPolicy="Keep"),
         'spec.deletionPolicy: Unsupported value: "Keep": supported values: "Delete", "Retain"'),
        (CLASSES, _object("VolumeSnapshotClass", {"name": "c"}, driver="d"), "deletionPolicy: Required value"),
    ],
)  # fmt: skip
def test_what_a_new_one_is_refused_for(resource: str, given: Object, refused: str) -> None:
    async def test(api: KubeApi) -> None:
        install(api)
        said = await refusal(api.create(resource, given, given["metadata"].get("namespace")))
        assert refused in said.partition(" is invalid: ")[2], said

    run(test)


@pytest.mark.parametrize(
    ("resource", "first", "change", "refused"),
    [
        (SNAPSHOTS, snapshot(source={"persistentVolumeClaimName": "a"}),
         {"source": {"persistentVolumeClaimName": "b"}},
         'spec.source.persistentVolumeClaimName: Invalid value: "b": persistentVolumeClaimName is immutable'),
        (SNAPSHOTS, snapshot(source={"persistentVolumeClaimName": "a"}),
         {"source": {"persistentVolumeClaimName": None, "volumeSnapshotContentName": "b"}},
         'spec.source: Invalid value: "object": persistentVolumeClaimName is required once set'),
        (CONTENTS, content(sourceVolumeMode="Filesystem"), {"sourceVolumeMode": None},
         'spec: Invalid value: "object": sourceVolumeMode is required once set'),
        (CONTENTS, content(), {"source": {"volumeHandle": "w"}},
         'spec.source.volumeHandle: Invalid value: "w": volumeHandle is immutable'),
    ],
)  # fmt: skip
def test_what_does_not_change(resource: str, first: Object, change: Object, refused: str) -> None:
    async def test(api: KubeApi) -> None:
        install(api)
        meta = (await api.create(resource, first, first["metadata"].get("namespace")))["metadata"]
        said = await refusal(api.patch(resource, meta["name"], {"spec": change}, meta.get("namespace")))
        assert refused in said.partition(" is invalid: ")[2], said

    run(test)
