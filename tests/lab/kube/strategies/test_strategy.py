"""What objects may not say, and what may not be changed, in upstream's words."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi

CLAIM: Object = {
    "metadata": {"name": "a"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "grows",
        "resources": {"requests": {"storage": "2Gi"}},
    },
}
POD: Object = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
VOLUME: Object = {
    "metadata": {"name": "v"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "csi": {"driver": "d", "volumeHandle": "h"},
    },
}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]}
SET: Object = {
    "metadata": {"name": "s"},
    "spec": {"serviceName": "s", "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE},
}


async def prepared() -> KubeApi:
    api = KubeApi(Store(), Clock(), Ids(1))
    await api.create("namespaces", {"metadata": {"name": "default"}})
    await api.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
    for name, grows in (("grows", True), ("stays", False)):
        await api.create(
            "storageclasses", {"metadata": {"name": name}, "provisioner": "p", "allowVolumeExpansion": grows}
        )
    return api


def merged(base: Object, change: Object) -> Object:
    return {
        **base,
        **{
            key: merged(base.get(key, {}), value) if isinstance(value, dict) else value for key, value in change.items()
        },
    }


@pytest.mark.parametrize(
    ("resource", "base", "change", "message"),
    [
        (
            "configmaps",
            {},
            {"metadata": {"name": "x", "labels": {"-": "a"}}},
            'metadata.labels: Invalid value: "-": name',
        ),
        ("namespaces", {}, {"metadata": {"name": "a.b"}}, "a lowercase RFC 1123 label must consist of"),
        ("services", {}, {"metadata": {"name": "1a"}}, "a DNS-1035 label must consist of"),
        ("pods", POD, {"spec": {"containers": [{"name": "c"}]}}, "spec.containers[0].image: Required value"),
        (
            "pods",
            POD,
            {"spec": {"restartPolicy": "Often"}},
            'spec.restartPolicy: Unsupported value: "Often": supported',
        ),
        (
            "pods",
            POD,
            {"spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 70000}]}]}},
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        ("persistentvolumeclaims", CLAIM, {"spec": {"accessModes": []}}, "at least 1 access mode is required"),
        (
            "persistentvolumeclaims",
            CLAIM,
            {"spec": {"resources": {"requests": {"storage": "0"}}}},
            'spec.resources[storage]: Invalid value: "0": must be greater than zero',
        ),
        ("persistentvolumes", VOLUME, {"spec": {"csi": {"driver": ""}}}, "spec.csi.driver: Required value"),
        (
            "persistentvolumes",
            VOLUME,
            {"spec": {"nfs": {"server": "s", "path": "/"}}},
            "may not specify more than 1 volume",
        ),
        (
            "statefulsets",
            SET,
            {"spec": {"replicas": -1}},
            "spec.replicas: Invalid value: -1: must be greater than or equal",
        ),
        (
            "volumeattachments",
            {},
            {"metadata": {"name": "x"}, "spec": {"nodeName": "n"}},
            "spec.attacher: Required value",
        ),
        ("configmaps", {}, {"metadata": {"generateName": "Bad_"}}, 'metadata.generateName: Invalid value: "Bad_": a'),
        (
            "configmaps",
            {},
            {"metadata": {"name": "x", "finalizers": ["mine"]}},
            "name is neither a standard finalizer name nor is it fully qualified",
        ),
        (
            "configmaps",
            {},
            {
                "metadata": {
                    "name": "x",
                    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": ""}],
                }
            },
            'metadata.ownerReferences.uid: Invalid value: "": uid must not be empty',
        ),
        (
            "configmaps",
            {},
            {"metadata": {"name": "x"}, "data": {"a b": ""}},
            'data[a b]: Invalid value: "a b": a valid',
        ),
        ("services", {}, {"metadata": {"name": "x"}}, "spec.ports: Required value"),
        (
            "services",
            {},
            {"metadata": {"name": "x"}, "spec": {"type": "Any", "ports": [{"port": 1}]}},
            'supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
        ),
        (
            "pods",
            POD,
            {"spec": {"containers": [{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]}},
            'spec.containers[1].name: Duplicate value: "c"',
        ),
        (
            "pods",
            POD,
            {"spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "-1"}}}]}},
            'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            "pods",
            POD,
            {"spec": {"tolerations": [{"operator": "Equal"}]}},
            "operator must be Exists when `key` is empty",
        ),
        (
            "persistentvolumes",
            {"metadata": {"name": "v"}},
            {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}},
            "spec: Required value: must specify a volume type",
        ),
        (
            "persistentvolumes",
            VOLUME,
            {"spec": {"csi": None, "local": {"path": "/d"}}},
            "spec.nodeAffinity: Required value: Local volume requires node affinity",
        ),
        (
            "deployments",
            SET,
            {"spec": {"serviceName": None, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}},
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ),
        (
            "deployments",
            SET,
            {"spec": {"serviceName": None, "strategy": {"type": "Slowly"}}},
            'spec.strategy: Unsupported value: {"type":"Slowly"}: supported values: "Recreate"',
        ),
        (
            "deployments",
            SET,
            {"spec": {"serviceName": None, "selector": {"matchLabels": None}}},
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
        ),
        (
            "statefulsets",
            SET,
            {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": {}}]}},
            "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required",
        ),
        (
            "poddisruptionbudgets",
            {"metadata": {"name": "b"}},
            {"spec": {"minAvailable": "120%"}},
            'spec.minAvailable: Invalid value: "120%": must not be greater than 100%',
        ),
        (
            "roles",
            {"metadata": {"name": "r"}},
            {"rules": [{"apiGroups": [""], "resources": ["pods"]}]},
            "rules[0].verbs: Required value: verbs must contain at least one value",
        ),
        (
            "rolebindings",
            {"metadata": {"name": "r"}},
            {"roleRef": {"kind": "Job", "name": "x"}},
            'roleRef.kind: Unsupported value: "Job": supported values: "Role", "ClusterRole"',
        ),
        (
            "priorityclasses",
            {"metadata": {"name": "p"}},
            {"value": 2000000000},
            "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
        ),
        (
            "cronjobs",
            {"metadata": {"name": "c"}},
            {"spec": {"schedule": "often", "jobTemplate": {"spec": {"template": TEMPLATE}}}},
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values",
        ),
        (
            "nodes",
            {"metadata": {"name": "n"}},
            {"spec": {"taints": [{"key": "k", "effect": "Never"}]}},
            'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        ),
        (
            "csinodes",
            {"metadata": {"name": "n"}},
            {"spec": {"drivers": [{"name": "d", "nodeID": ""}]}},
            "spec.drivers[0].nodeID: Required value",
        ),
        (
            "leases",
            {"metadata": {"name": "l"}},
            {"spec": {"leaseDurationSeconds": 0}},
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
    ],
)
def test_new_objects(resource: str, base: Object, change: Object, message: str) -> None:
    async def test() -> None:
        api = await prepared()
        with pytest.raises(ApiError) as refusal:
            await api.create(resource, merged(base, change))
        assert (refusal.value.code, refusal.value.reason) == (422, "Invalid")
        assert message in refusal.value.message

    asyncio.run(test())


@pytest.mark.parametrize(
    ("resource", "base", "change", "message"),
    [
        ("pods", POD, {"spec": {"nodeName": "n"}}, "spec: Forbidden: pod updates may not change fields other than"),
        (
            "pods",
            POD,
            {"spec": {"tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}]}},
            "existing toleration can not be modified",
        ),
        ("persistentvolumes", VOLUME, {"spec": {"csi": {"volumeHandle": "g"}}}, "is immutable after creation"),
        ("statefulsets", SET, {"spec": {"serviceName": "t"}}, "updates to statefulset spec for fields other than"),
        (
            "storageclasses",
            {"metadata": {"name": "x"}, "provisioner": "p"},
            {"parameters": {"a": "b"}},
            "parameters: Forbidden",
        ),
        ("secrets", {"metadata": {"name": "x"}}, {"type": "other"}, 'type: Invalid value: "other": field is immutable'),
        (
            "configmaps",
            {"metadata": {"name": "x"}, "immutable": True},
            {"data": {"a": "b"}},
            "data: Forbidden: field is immutable when `immutable` is set",
        ),
        (
            "persistentvolumes",
            VOLUME,
            {"spec": {"volumeMode": "Block"}},
            'volumeMode: Invalid value: "Block": field is',
        ),
        (
            "rolebindings",
            {"metadata": {"name": "r"}, "roleRef": {"kind": "Role", "name": "x"}},
            {"roleRef": {"name": "y"}},
            "cannot change roleRef",
        ),
        (
            "services",
            {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}},
            {"spec": {"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"]}},
            'spec.clusterIPs[0]: Invalid value: ["10.0.0.9"]: may not change once set',
        ),
        (
            "priorityclasses",
            {"metadata": {"name": "p"}, "value": 5},
            {"value": 6},
            "Value: Forbidden: may not be changed in an update.",
        ),
    ],
)
def test_changes(resource: str, base: Object, change: Object, message: str) -> None:
    async def test() -> None:
        api = await prepared()
        await api.create(resource, base)
        with pytest.raises(ApiError) as refusal:
            await api.patch(resource, base["metadata"]["name"], change)
        assert (refusal.value.code, refusal.value.reason) == (422, "Invalid")
        assert message in refusal.value.message

    asyncio.run(test())


@pytest.mark.parametrize(
    ("storage_class", "size", "code", "message"),
    [
        ("grows", "3Gi", 200, ""),
        ("grows", "1Gi", 422, "field can not be less than"),
        ("stays", "3Gi", 403, "the storageclass that provisions the pvc must support resize"),
    ],
)
def test_bound_claims_only_grow(storage_class: str, size: str, code: int, message: str) -> None:
    async def test() -> None:
        api = await prepared()
        await api.create("persistentvolumeclaims", merged(CLAIM, {"spec": {"storageClassName": storage_class}}))
        await api.patch("persistentvolumeclaims", "a", {"spec": {"volumeName": "v"}})
        bound: Any = {"status": {"phase": "Bound", "capacity": {"storage": "2Gi"}}}
        await api.patch("persistentvolumeclaims", "a", bound, subresource="status")
        change = {"spec": {"resources": {"requests": {"storage": size}}}}
        if code == 200:
            grown = await api.patch("persistentvolumeclaims", "a", change)
            assert grown["spec"]["resources"]["requests"]["storage"] == size
            return
        with pytest.raises(ApiError) as refusal:
            await api.patch("persistentvolumeclaims", "a", change)
        assert refusal.value.code == code
        assert message in refusal.value.message

    asyncio.run(test())


def test_a_volume_claim_template_feeds_mounts() -> None:
    async def test() -> None:
        api = await prepared()
        mounted = {"name": "c", "image": "i", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}
        template = {**TEMPLATE, "spec": {"containers": [mounted]}}
        claims = [{"metadata": {"name": "data"}, "spec": CLAIM["spec"]}]
        made = await api.create(
            "statefulsets", merged(SET, {"spec": {"template": template, "volumeClaimTemplates": claims}})
        )
        assert made["spec"]["volumeClaimTemplates"][0]["status"] == {"phase": "Pending"}
        with pytest.raises(ApiError, match='Not found: "data"'):
            await api.create(
                "statefulsets", {**SET, "metadata": {"name": "t"}, "spec": {**SET["spec"], "template": template}}
            )

    asyncio.run(test())


@pytest.mark.parametrize(
    ("value", "shown"),
    [({}, "object"), ([1], "array"), (True, "bool"), (1.5, "number 1.5"), (2**31, "number 2147483648")],
)
def test_a_number_or_text_is_nothing_else(value: Any, shown: str) -> None:
    async def test() -> None:
        api = await prepared()
        with pytest.raises(ApiError) as refusal:
            await api.create("poddisruptionbudgets", {"metadata": {"name": "b"}, "spec": {"minAvailable": value}})
        assert refusal.value.code == 400
        assert f"json: cannot unmarshal {shown} into Go value of type int32" in refusal.value.message

    asyncio.run(test())


def test_default_namespaces_stay() -> None:
    async def test() -> None:
        api = await prepared()
        with pytest.raises(ApiError) as refusal:
            await api.delete("namespaces", "default")
        assert refusal.value.code == 403
        assert refusal.value.message == 'namespaces "default" is forbidden: this namespace may not be deleted'

    asyncio.run(test())


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from places(inner, (*at, key))


def spoiled(draw: random.Random, obj: Object) -> Object:
    """A copy with one value replaced by something that hardly belongs there, or removed."""
    copy: Any = json.loads(json.dumps(obj))
    *parents, last = draw.choice(list(places(copy)))
    holder = copy
    for step in parents:
        holder = holder[step]
    junk = draw.choice([None, 0, -1, 1.5, "", "A b", "x" * 300, [], {}, [None], [{}], ["q"], {"x": "y"}, True, "gone"])
    if junk == "gone":
        del holder[last]
    else:
        holder[last] = junk
    return copy


@pytest.mark.parametrize("seed", range(4))
def test_no_body_makes_the_server_fail(seed: int) -> None:
    """Whatever is sent, the answer is an object or a refusal below 500, and what is stored stays as it is."""
    draw = random.Random(seed)
    bases = {"persistentvolumeclaims": CLAIM, "pods": POD, "persistentvolumes": VOLUME, "statefulsets": SET}

    async def test() -> None:
        api = await prepared()
        for _ in range(150):
            resource = draw.choice(list(bases))
            base, wrong = bases[resource], spoiled(draw, bases[resource])
            name = base["metadata"]["name"]
            if not api.store.get(resource, ("default" if resource != "persistentvolumes" else "", name)):
                await api.create(resource, base)
            stored = next(
                version for _, version in api.store.list(resource) if version.object["metadata"]["name"] == name
            )
            before = json.dumps(stored.object)
            kind = draw.choice(["create", "update", "merge", "strategic", "apply"])
            try:
                if kind == "create":
                    await api.create(resource, wrong, dry_run=True)
                elif kind == "update":
                    await api.update(resource, wrong, dry_run=True)
                else:
                    patch_type: Any = kind
                    await api.patch(resource, name, wrong, patch_type=patch_type, field_manager="m", dry_run=True)
            except ApiError as refusal:
                # What an apply says that the schema does not know is 500 upstream too.
                foreseen = 500 if refusal.message.startswith("failed to create typed patch object") else 499
                assert 400 <= refusal.code <= foreseen, (resource, kind, wrong, refusal.message)
            assert json.dumps(stored.object) == before, (resource, kind, wrong)

    asyncio.run(test())
