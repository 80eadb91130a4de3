"""What services and nodes may not say, what a service is given, and every line that upstream answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.strategies.refusals import of_change, of_new

PORT = {"port": 80}


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": {"ports": list(ports) or [PORT], **spec}}


@pytest.mark.parametrize(
    ("obj", "problems"),
    [
        (service(PORT, {"port": 81}), ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"]),
        (service({"port": 80, "name": "a"}, {"port": 80, "name": "b"}),
         ['spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,'
          '"NodePort":0}']),
        (service({"port": 80, "nodePort": 30080}),
         ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
        (service({"port": 80, "nodePort": 80}, type="NodePort"),
         ["spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid "
          "ports "
          "is 30000-32767"]),
        (service(type="NodePort", clusterIP="None"),
         ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]),
        (service(type="ExternalName", clusterIP="10.0.0.9"),
         ["spec.clusterIPs: Forbidden: may not be set for ExternalName services", "spec.externalName: Required value"]),
        (service(clusterIP="x"),
         ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
        (service(clusterIP="192.168.0.1"),
         ['spec.clusterIPs: Invalid value: ["192.168.0.1"]: failed to allocate IP 192.168.0.1: the provided IP '
          "(192.168.0.1) is not in the valid range. The range of valid IPs is 10.0.0.0/16"]),
        (service(ipFamilyPolicy="RequireDualStack"),
         ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack '
          "services"]),
    ],
)  # fmt: skip
def test_services(obj: dict[str, Any], problems: list[str]) -> None:
    assert of_new("services", obj) == problems


@pytest.mark.parametrize(
    ("base", "change", "problems"),
    [
        (service(), {"type": "NodePort"}, []),
        (service(type="LoadBalancer"), {"type": "ClusterIP"}, []),
        (service(), {"type": "ExternalName", "externalName": "a.b"}, []),
        (service(clusterIP="10.0.0.9"), {"clusterIP": None}, []),
        (service(clusterIP="10.0.0.9"), {"clusterIP": "10.0.0.8"},
         ['spec.clusterIPs[0]: Invalid value: ["10.0.0.8"]: may not change once set']),
    ],
)  # fmt: skip
def test_changes_of_services(base: dict[str, Any], change: dict[str, Any], problems: list[str]) -> None:
    assert of_change("services", base, {"spec": change}) == problems


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        ({"sessionAffinity": "ClientIP"}, {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}}),
        ({"type": "LoadBalancer"}, {"allocateLoadBalancerNodePorts": True, "externalTrafficPolicy": "Cluster"}),
        ({"externalIPs": ["9.9.9.9"]}, {"externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster"}),
        ({"type": "ExternalName", "externalName": "a.b"}, {"internalTrafficPolicy": None, "ipFamilies": None}),
    ],
)
def test_what_a_service_is_given(spec: dict[str, Any], given: dict[str, Any]) -> None:
    async def test() -> None:
        api = KubeApi(Store(), Clock(), Ids(1))
        await api.create("namespaces", {"metadata": {"name": "default"}})
        made = (await api.create("services", service(**spec)))["spec"]
        assert {key: made.get(key) for key in given} == given
        on_nodes = made["type"] in ("LoadBalancer", "NodePort")
        assert (made["ports"][0].get("nodePort", 0) in range(30000, 32768)) is on_nodes

    asyncio.run(test())


def node(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "n"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"taints": [{"key": "k", "effect": "NoSchedule"}, {"key": "k", "effect": "NoSchedule", "value": "v"}]},
         ['metadata.taints[1]: Duplicate value: {"Key":"k","Value":"v","Effect":"NoSchedule","TimeAdded":null}: taints '
          "must be unique by key and effect pair"]),
        ({"podCIDRs": ["10.0.0.0/24", "10.0.1.0/24"]},
         ['spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP '
          "family"]),
    ],
)  # fmt: skip
def test_nodes(spec: dict[str, Any], problems: list[str]) -> None:
    assert of_new("nodes", node(**spec)) == problems


def test_changes_of_nodes() -> None:
    ranges = {"spec": {"podCIDR": "10.0.1.0/24", "podCIDRs": ["10.0.1.0/24"]}}
    why = 'node updates may not change podCIDR except from "" to valid'
    assert of_change("nodes", node(podCIDR="10.0.0.0/24", podCIDRs=["10.0.0.0/24"]), ranges) == [
        f"spec.podCIDRs: Forbidden: {why}"
    ]
    twice = {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.4"}] * 2}}
    assert of_change("nodes", node(), twice, subresource="status") == [
        'status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"10.0.0.4"}'
    ]
