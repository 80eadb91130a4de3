"""Claims of generic ephemeral volumes."""

from __future__ import annotations

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.ephemeral_volumes import EphemeralVolumes
from tests.lab.controllers.helpers import World, played

SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "c"}
TEMPLATE = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": SPEC}


async def pod(world: World) -> Object:
    volumes = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": TEMPLATE}}, {"name": "e", "emptyDir": {}}]
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": volumes}
    meta = {"name": "user", "namespace": "walk"}
    await world.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    await world.settle()
    return await world.api.get("pods", "user", "walk")


def test_a_pods_claim_is_made_and_is_the_pods() -> None:
    async def story(world: World) -> None:
        made = await pod(world)
        claim = await world.api.get("persistentvolumeclaims", "user-scratch", "walk")
        meta = claim["metadata"]
        owner = {"apiVersion": "v1", "kind": "Pod", "name": "user", "uid": made["metadata"]["uid"]}
        assert meta["ownerReferences"] == [{**owner, "controller": True, "blockOwnerDeletion": True}]
        assert (meta["labels"], meta["annotations"]) == ({"a": "b"}, {"c": "d"})
        assert claim["spec"] == {**SPEC, "volumeMode": "Filesystem"}
        claims, _ = await world.api.list("persistentvolumeclaims", "walk")
        assert [one["metadata"]["name"] for one in claims] == ["user-scratch"]

    played(story, EphemeralVolumes)


def test_a_claim_of_someone_else_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: World) -> None:
        meta = {"name": "user-scratch", "namespace": "walk"}
        foreign = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": SPEC}
        await world.create("persistentvolumeclaims", foreign)
        await world.run(EphemeralVolumes)
        await pod(world)
        claim = await world.api.get("persistentvolumeclaims", "user-scratch", "walk")
        assert "ownerReferences" not in claim["metadata"]
        assert "PVC walk/user-scratch was not created for pod walk/user (pod is not owner)" in caplog.text

    played(story)
