"""What services may not say, what they are allotted, and what of it outlives an update."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.strategies.refusals import of_change, of_new
from tests.lab.kube.test_api import run

PORT = {"port": 80}


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": {"ports": list(ports) or [PORT], **spec}}


@pytest.mark.parametrize(
    ("obj", "problems"),
    [
        (service(PORT, {"port": 81}), ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"]),
        (service({"port": 80, "nodePort": 80}, type="NodePort"),
         ["spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid "
          "ports "
          "is 30000-32767"]),
        (service(type="NodePort", clusterIP="None"),
         ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]),
        (service(type="ExternalName"), ["spec.externalName: Required value"]),
        (service(clusterIP="x"),
         ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
        (service(clusterIP="192.168.0.1"),
         ['spec.clusterIPs: Invalid value: ["192.168.0.1"]: failed to allocate IP 192.168.0.1: the provided IP '
          "(192.168.0.1) is not in the valid range. The range of valid IPs is 10.0.0.0/16"]),
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


PORTS = [{"name": "a", "port": 80}, {"name": "b", "port": 443}]


def two_ports(**spec: Any) -> Object:
    return {"metadata": {"name": "s"}, "spec": {"ports": [dict(port) for port in PORTS], **spec}}


@pytest.mark.parametrize(
    ("spec", "expected", "with_ports"),
    [
        ({}, {"type": "ClusterIP", "internalTrafficPolicy": "Cluster"}, False),
        ({"type": "NodePort"}, {"externalTrafficPolicy": "Cluster"}, True),
        ({"type": "LoadBalancer"}, {"allocateLoadBalancerNodePorts": True, "externalTrafficPolicy": "Cluster"}, True),
        ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}, {"ipFamilyPolicy": "SingleStack"}, False),
        ({"clusterIP": "None"}, {"clusterIPs": ["None"], "ipFamilies": ["IPv4"]}, False),
        ({"sessionAffinity": "ClientIP"}, {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}}, False),
        ({"externalIPs": ["9.9.9.9"]}, {"externalTrafficPolicy": "Cluster"}, False),
    ],
)
def test_a_new_service(spec: Object, expected: Object, with_ports: bool) -> None:
    async def test(api: KubeApi) -> None:
        made = (await api.create("services", two_ports(**spec), "n"))["spec"]
        assert {key: made[key] for key in expected} == expected
        ports = [port.get("nodePort", 0) for port in made["ports"]]
        assert len(set(ports)) == (2 if with_ports else 1)
        assert all((30000 <= port <= 32767) is with_ports for port in ports)

    run(test)


def test_an_external_name_has_no_address() -> None:
    async def test(api: KubeApi) -> None:
        spec = {"type": "ExternalName", "externalName": "example.com"}
        made = await api.create("services", {"metadata": {"name": "s"}, "spec": spec}, "n")
        assert made["spec"] == {**spec, "sessionAffinity": "None"}

    run(test)


@pytest.mark.parametrize(
    ("then", "kept", "with_ports"),
    [({"type": "NodePort"}, True, True), ({}, True, False), ({"type": "LoadBalancer"}, True, True)],
)
def test_a_put_that_leaves_it_out_keeps_what_was_allotted(then: Object, kept: bool, with_ports: bool) -> None:
    async def test(api: KubeApi) -> None:
        before = (await api.create("services", two_ports(type="NodePort"), "n"))["spec"]
        body = two_ports(**then)
        body["metadata"]["namespace"] = "n"
        after = (await api.update("services", body))["spec"]
        assert (after["clusterIP"] == before["clusterIP"]) is kept
        ports = [port["nodePort"] for port in before["ports"]]
        assert [port.get("nodePort") for port in after["ports"]] == (ports if with_ports else [None, None])

    run(test)


def test_when_no_node_port_is_left_it_is_said_and_a_free_one_is_found() -> None:
    async def test(api: KubeApi) -> None:
        most = [{"name": f"p{number}", "port": 1 + number} for number in range(2767)]
        many = (await api.create("services", two_ports(type="NodePort", ports=most), "n"))["spec"]["ports"]
        one = {"metadata": {"name": "t"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
        [last] = (await api.create("services", one, "n"))["spec"]["ports"]
        assert sorted([last["nodePort"], *(port["nodePort"] for port in many)]) == list(range(30000, 32768))
        one["metadata"] = {"name": "u"}
        with pytest.raises(ApiError, match="failed to allocate a nodePort: range is full"):
            await api.create("services", one, "n")

    run(test)
