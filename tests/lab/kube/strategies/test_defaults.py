"""What upstream fills in: the tables' engine, and every object of the recorded walk, which comes back as recorded."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies.defaults import Defaults, Filler, default, within
from aksdisks.lab.kube.strategies.kinds.pod import qos_class
from aksdisks.lab.kube.strategies.served import Kinds
from aksdisks.lab.kube.write.api import KubeApi

KINDS = Kinds(Store())

GOLDEN = Path(__file__).parents[3] / "golden" / "walk.jsonl"
_LINES = map(json.loads, GOLDEN.read_text(encoding="utf-8").splitlines())
CREATED = [line["object"] for line in _LINES if line.get("type") == "ADDED"]
_GIVEN_BY_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "finalizers")
_ADMITTED = (
    "tolerations",
    "priority",
    "preemptionPolicy",
    "serviceAccountName",
    "serviceAccount",
    "enableServiceLinks",
)
_DEFAULTED = ("terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "resources")


def as_asked(recorded: Object) -> Object:
    """A recorded object as its maker may have sent it: without what the server adds."""
    obj = json.loads(json.dumps(recorded))
    for field in _GIVEN_BY_THE_SERVER:
        if field != "finalizers" or obj["kind"] == "PersistentVolumeClaim":
            obj["metadata"].pop(field, None)
    obj.pop("status", None)
    pod = obj["spec"] if obj["kind"] == "Pod" else obj.get("spec", {}).get("template", {}).get("spec")
    if pod:
        for field in (*_ADMITTED, "restartPolicy", "dnsPolicy", "securityContext", "schedulerName"):
            pod.pop(field, None)
        pod["volumes"] = [v for v in pod.get("volumes", ()) if not v["name"].startswith("kube-api-access")]
        for container in pod["containers"]:
            for field in _DEFAULTED:
                container.pop(field)
            container["volumeMounts"] = [
                m for m in container["volumeMounts"] if not m["name"].startswith("kube-api-access")
            ]
    return obj


def comparable(obj: Object) -> Any:
    text = re.sub(r"kube-api-access-\w{5}", "kube-api-access-X", json.dumps(obj))
    text = re.sub(r'"lastPhaseTransitionTime": "[^"]+"', '"lastPhaseTransitionTime": "T"', text)
    read = json.loads(text)
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        read["metadata"].pop(field)
    return read


def test_the_walk_reads_back_as_recorded() -> None:
    async def test() -> None:
        api = KubeApi(Store(), Clock(), Ids(1))
        await api.create("namespaces", {"metadata": {"name": "walk"}})
        await api.create("serviceaccounts", {"metadata": {"name": "default"}}, "walk")
        for recorded in CREATED:
            resource = api.kinds.by_kind(recorded["apiVersion"], recorded["kind"])
            assert resource is not None
            metadata = recorded["metadata"]
            key = (metadata.get("namespace", ""), metadata["name"])
            if api.store.get(resource, key):
                api.store.delete(resource, key)
            made = await api.create(resource, as_asked(recorded), metadata.get("namespace"))
            assert comparable(made) == comparable(recorded)

    asyncio.run(test())


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("r:5000/a", "Always"),
        ("a:1", "IfNotPresent"),
        ("a@sha256:x", "IfNotPresent"),
    ],
)
def test_images_are_pulled_always_when_the_tag_moves(image: str, policy: str) -> None:
    pod: Object = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": image}]}}
    KINDS.complete("pods", pod)
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}}, "Burstable"),
    ],
)
def test_quality_of_service(resources: Object, quality: str) -> None:
    assert qos_class({"containers": [{"resources": resources}]}) == quality


def test_a_secret_keeps_its_text_as_data() -> None:
    secret: Object = {"metadata": {"name": "s"}, "data": {"a": "MQ=="}, "stringData": {"b": "2"}}
    KINDS.complete("secrets", secret)
    assert (secret["type"], secret["data"]) == ("Opaque", {"a": "MQ==", "b": "Mg=="})
    assert "stringData" not in secret


@pytest.mark.parametrize(
    ("spec", "address"),
    [({}, r"10\.0\.\d+\.\d+"), ({"clusterIP": "None"}, "None"), ({"clusterIP": "10.0.0.9"}, r"10\.0\.0\.9")],
)
def test_services_get_an_address(spec: Object, address: str) -> None:
    async def test() -> None:
        api = KubeApi(Store(), Clock(), Ids(1))
        await api.create("namespaces", {"metadata": {"name": "walk"}})
        made = await api.create(
            "services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], **spec}}, "walk"
        )
        assert re.fullmatch(address, made["spec"]["clusterIP"])
        assert made["spec"]["clusterIPs"] == [made["spec"]["clusterIP"]]
        assert made["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]

    asyncio.run(test())


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        ({"hostNetwork": True, "containers": [{"name": "c", "ports": [{"containerPort": 80}]}]},
         {"containers": [{"ports": [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]}]}),
        ({"containers": [{"name": "c", "lifecycle": {"preStop": {"httpGet": {"port": 80}}}}]},
         {"containers": [{"lifecycle": {"preStop": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}}}}]}),
        ({"containers": [{"name": "c", "livenessProbe": {"grpc": {"port": 80}}}]},
         {"containers": [{"livenessProbe": {"grpc": {"port": 80, "service": ""}, "timeoutSeconds": 1,
                                            "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}}]}),
        ({"containers": [{"name": "c"}], "volumes": [{"name": "d", "azureDisk": {"diskName": "d", "diskURI": "u"}}]},
         {"volumes": [{"name": "d", "azureDisk": {"diskName": "d", "diskURI": "u", "cachingMode": "ReadWrite",
                                                  "fsType": "ext4", "kind": "Shared", "readOnly": False}}]}),
        ({"containers": [{"name": "c"}], "volumes": [{"name": "d", "downwardAPI": {"items": [
            {"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}}]},
         {"volumes": [{"name": "d", "downwardAPI": {"defaultMode": 420, "items": [
             {"path": "n", "fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}]}}]}),
    ],
)  # fmt: skip
def test_what_a_pod_is_given(spec: Object, given: Any) -> None:
    pod: Object = {"metadata": {}, "spec": spec}
    KINDS.complete("pods", pod)
    for key, entries in given.items():
        for made, wanted in zip(pod["spec"][key], entries, strict=True):
            assert {name: made[name] for name in wanted} == wanted


def test_a_volume_of_a_node_s_directory_has_a_type() -> None:
    volume: Object = {"metadata": {}, "spec": {"hostPath": {"path": "/d"}}}
    KINDS.complete("persistentvolumes", volume)
    assert volume["spec"]["hostPath"] == {"path": "/d", "type": ""}


TABLE: Defaults = (
    default("", spec={}),
    default("spec", size=1, parts=[]),
    default("spec", again=lambda spec: spec["size"] + 1, never=lambda spec: spec.get("never")),
    default("spec.lid", colour="red"),
    within("boxes[]", (default("", label="none"), default("tape", width=5))),
    lambda obj: obj.setdefault("seen", True),
)


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ({}, {"spec": {"size": 1, "parts": [], "again": 2}, "seen": True}),
        ({"spec": {"size": 0, "parts": [1], "again": "", "lid": {}}},
         {"spec": {"size": 0, "parts": [1], "again": 1, "lid": {"colour": "red"}}, "seen": True}),
        ({"spec": {"again": 9, "lid": {"colour": "blue"}}, "boxes": [{}, {"label": "a", "tape": {"width": 1}}]},
         {"spec": {"again": 9, "lid": {"colour": "blue"}, "size": 1, "parts": []}, "seen": True,
          "boxes": [{"label": "none"}, {"label": "a", "tape": {"width": 1}}]}),
        ({"spec": "text", "boxes": None}, {"spec": "text", "boxes": None, "seen": True}),
    ],
)  # fmt: skip
def test_a_table_fills_in_what_is_left_out(given: Object, whole: Object) -> None:
    Filler(TABLE).fill(given)
    assert given == whole


def test_what_a_table_fills_in_belongs_to_one_object() -> None:
    table = Filler(TABLE)
    first, second = {}, {}
    for obj in (first, second):
        table.fill(obj)
    first["spec"]["parts"].append(1)
    assert second["spec"]["parts"] == []
