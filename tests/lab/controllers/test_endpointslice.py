from __future__ import annotations

import copy
from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.controllers.endpointslice import EndpointSlices
from aksdisks.lab.controllers.garbage_collector import GarbageCollector
from tests.lab.controllers.helpers import World, played, spin
from tests.work import counted

START = "2026-11-23T03:28:41Z"
PORTS = [{"name": "web", "port": 80, "targetPort": "http"}, {"name": "raw", "port": 9, "targetPort": 9000}]


def service(name: str = "s", labels: Object | None = None, **spec: Any) -> Object:
    base: Object = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "walk", "labels": labels or {}},
        "spec": base | spec,
    }


def pod(number: int, port: int = 8080, **spec: Any) -> Object:
    ports = [{"name": "http", "containerPort": port}]
    containers = [{"name": "c", "image": "i", "ports": ports}]
    return {
        "metadata": {"name": f"p-{number}", "namespace": "walk", "labels": {"app": "web"}},
        "spec": {"nodeName": "node-0", "containers": containers, **spec},
    }


async def node(world: World, name: str = "node-0", zone: str = "westeurope-1") -> None:
    await world.create("nodes", {"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}}})


async def runs(world: World, number: int, ready: bool = True, phase: str = "Running", ip: str = "") -> None:
    """Be the node agent: what it tells of a pod."""
    found = copy.deepcopy(await world.api.get("pods", f"p-{number}", "walk"))
    address = ip or f"10.244.{number // 250}.{1 + number % 250}"
    stamp = timestamp(world.clock.now())
    condition = {"type": "Ready", "status": str(ready), "lastProbeTime": None, "lastTransitionTime": stamp}
    found["status"] |= {"phase": phase, "podIP": address, "podIPs": [{"ip": address}], "conditions": [condition]}
    await world.api.update("pods", found, subresource="status")


async def made(world: World, *numbers: int, **spec: Any) -> None:
    for number in numbers:
        await world.create("pods", pod(number, **spec))
        await runs(world, number)
    await world.settle()


async def slices(world: World) -> list[Object]:
    return (await world.api.list("endpointslices", "walk"))[0]


async def the_slice(world: World) -> Object:
    (found,) = await slices(world)
    return found


async def shown(world: World) -> list[tuple[str, str]]:
    """Of each endpoint of the only slice its pod and the conditions that are true."""
    endpoints = (await the_slice(world)).get("endpoints") or []
    return sorted(
        (one["targetRef"]["name"], " ".join(name for name, on in one["conditions"].items() if on)) for one in endpoints
    )


def test_a_slice_is_what_upstreams_controller_writes() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await made(world, 0, hostname="p-0", subdomain="s")
        await world.create(
            "services", service(labels={"team": "a", "endpointslice.kubernetes.io/managed-by": "me"}, ports=PORTS)
        )
        await world.settle()
        found = copy.deepcopy(await the_slice(world))
        meta = found.pop("metadata")
        owner = await world.api.get("services", "s", "walk")
        name = meta.pop("name")
        assert name.startswith("s-") and len(name) == 7
        assert world.actions == [f"create endpointslices {name}"]
        for key in ("uid", "resourceVersion", "creationTimestamp"):
            del meta[key]
        assert meta == {
            "generateName": "s-",
            "namespace": "walk",
            "generation": 1,
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": owner["metadata"]["creationTimestamp"]},
            "labels": {
                "team": "a",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                "kubernetes.io/service-name": "s",
            },
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "name": "s",
                    "uid": owner["metadata"]["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        }
        assert found == {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "addressType": "IPv4",
            "ports": [
                {"name": "web", "port": 8080, "protocol": "TCP"},
                {"name": "raw", "port": 9000, "protocol": "TCP"},
            ],
            "endpoints": [
                {
                    "addresses": ["10.244.0.1"],
                    "conditions": {"ready": True, "serving": True, "terminating": False},
                    "targetRef": {
                        "kind": "Pod",
                        "namespace": "walk",
                        "name": "p-0",
                        "uid": (await world.api.get("pods", "p-0", "walk"))["metadata"]["uid"],
                    },
                    "nodeName": "node-0",
                    "zone": "westeurope-1",
                    "hostname": "p-0",
                }
            ],
        }

    played(scenario, EndpointSlices)


@pytest.mark.parametrize("publish", [False, True])
def test_a_slice_follows_readiness_labels_and_deletion(publish: bool) -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service(publishNotReadyAddresses=publish))
        await world.create("pods", pod(0))
        await world.settle()
        assert await shown(world) == []
        unready = "ready" if publish else ""
        await runs(world, 0, ready=False)
        await world.settle()
        assert await shown(world) == [("p-0", unready)]
        await runs(world, 0)
        await made(world, 1)
        assert await shown(world) == [("p-0", "ready serving"), ("p-1", "ready serving")]
        await world.api.delete("pods", "p-0", "walk", grace_period_seconds=30)
        await world.settle()
        assert await shown(world) == [("p-0", f"{unready} serving terminating".strip()), ("p-1", "ready serving")]
        await world.end_pods()
        assert await shown(world) == [("p-1", "ready serving")]
        for labels, wanted in (({"app": "else"}, []), ({"app": "web"}, [("p-1", "ready serving")])):
            await world.api.patch("pods", "p-1", {"metadata": {"labels": labels}}, "walk")
            await world.settle()
            assert await shown(world) == wanted
        await runs(world, 1, ready=False, phase="Succeeded")
        await world.settle()
        assert await shown(world) == []
        assert len({action.split()[2] for action in world.actions if action.startswith("create")}) == 1

    played(scenario, EndpointSlices)


def test_each_slice_has_at_most_100_endpoints_and_what_is_in_one_stays_there() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, *range(205))
        sizes = {one["metadata"]["name"]: len(one["endpoints"]) for one in await slices(world)}
        assert sum(sizes.values()) == 205
        assert max(sizes.values()) == 100
        for number in range(105):
            await world.api.delete("pods", f"p-{number}", "walk", grace_period_seconds=0)
        await world.settle()
        left = [one["targetRef"]["name"] for found in await slices(world) for one in found["endpoints"]]
        assert sorted(left) == sorted(f"p-{number}" for number in range(105, 205))
        assert {one["metadata"]["name"] for one in await slices(world)} <= sizes.keys()
        world.taken()
        await world.clock.advance(5)
        assert world.taken() == []
        await made(world, 300)
        fullest = max(await slices(world), key=lambda one: len(one["endpoints"]))["metadata"]["name"]
        assert world.taken() == [f"update endpointslices {fullest}"]

    played(scenario, EndpointSlices)


def test_pods_whose_named_port_differs_have_slices_of_their_own() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service(ports=[{"port": 80, "targetPort": "http"}]))
        await made(world, 0)
        await made(world, 1, port=9090)
        await made(world, 2, port=9090)
        found = sorted((one["ports"][0]["port"], len(one["endpoints"])) for one in await slices(world))
        assert found == [(8080, 1), (9090, 2)]
        none = {"spec": {"ports": [{"port": 80, "targetPort": "nope"}]}}
        await world.api.patch("services", "s", none, "walk")
        await world.settle()
        assert ((await the_slice(world))["ports"], len(await shown(world))) == (None, 3)

    played(scenario, EndpointSlices)


@pytest.mark.parametrize(
    ("restart", "protocol", "wanted"),
    [
        ({"restartPolicy": "Always"}, "TCP", [{"name": "", "port": 7, "protocol": "TCP", "appProtocol": "http"}]),
        ({"restartPolicy": "Always"}, "UDP", None),
        ({}, "TCP", None),
    ],
)
def test_a_named_port_may_be_a_sidecars(restart: Object, protocol: str, wanted: list[Object] | None) -> None:
    async def scenario(world: World) -> None:
        await node(world)
        port = {"port": 80, "targetPort": "side", "protocol": protocol, "appProtocol": "http"}
        await world.create("services", service(ports=[port]))
        sidecar = {"name": "a", "image": "i", "ports": [{"name": "side", "containerPort": 7}], **restart}
        await made(world, 0, initContainers=[sidecar])
        assert (await the_slice(world))["ports"] == wanted
        assert await shown(world) == [("p-0", "ready serving")]

    played(scenario, EndpointSlices)


def test_a_slice_names_the_addresses_of_its_family() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service(clusterIP="None", ipFamilies=["IPv6"]))
        await world.create("pods", pod(0))
        await world.create("pods", pod(1))
        await runs(world, 0)
        await runs(world, 1, ip="fd00::1")
        await world.settle()
        found = await the_slice(world)
        assert (found["addressType"], [one["addresses"] for one in found["endpoints"]]) == ("IPv6", [["fd00::1"]])

    played(scenario, EndpointSlices)


def test_a_service_that_is_going_gets_no_new_slice() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, 0)
        meta = {"metadata": {"finalizers": ["example.org/held"]}}
        await world.api.patch("services", "s", meta, "walk")
        await world.api.delete("services", "s", "walk")
        await world.api.delete("endpointslices", (await the_slice(world))["metadata"]["name"], "walk")
        await spin()
        await world.clock.advance(5)
        assert await slices(world) == []

    played(scenario, EndpointSlices)


def test_a_headless_service_without_ports_is_labelled_so() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service(clusterIP="None", ports=[]))
        await made(world, 0)
        found = await the_slice(world)
        assert (found["metadata"]["labels"]["service.kubernetes.io/headless"], found["ports"]) == ("", None)
        assert await shown(world) == [("p-0", "ready serving")]

    played(scenario, EndpointSlices)


@pytest.mark.parametrize(
    "spec",
    [
        {"selector": None},
        {"selector": {}},
        {"type": "ExternalName", "externalName": "example.org"},
    ],
)
def test_a_service_that_selects_nothing_gets_no_slice(spec: Object) -> None:
    async def scenario(world: World) -> None:
        await world.create("services", service(**spec))
        await made(world, 0)
        assert await slices(world) == []

    played(scenario, EndpointSlices)


def test_what_others_do_to_slices_is_undone_a_second_later() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, 0)
        name = (await the_slice(world))["metadata"]["name"]
        await world.clock.advance(2)
        world.taken()
        await world.api.patch("endpointslices", name, {"endpoints": []}, "walk")
        await spin()
        await world.clock.advance(0.9)
        assert world.taken() == []
        await world.clock.advance(0.2)
        assert await shown(world) == [("p-0", "ready serving")]
        await world.api.delete("endpointslices", (await the_slice(world))["metadata"]["name"], "walk")
        await spin()
        await world.clock.advance(1.1)
        assert await shown(world) == [("p-0", "ready serving")]
        taken = (await the_slice(world))["metadata"]["name"]
        labels = {"endpointslice.kubernetes.io/managed-by": "somebody"}
        await world.api.patch("endpointslices", taken, {"metadata": {"labels": labels}}, "walk")
        await spin()
        await world.clock.advance(1.1)
        assert len(await slices(world)) == 2

    played(scenario, EndpointSlices)


def test_labels_of_the_service_and_the_time_of_the_change_reach_the_slice() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service(labels={"team": "a"}))
        await made(world, 0)
        await world.clock.advance(60)
        await runs(world, 0, ready=False)
        changed = timestamp(world.clock.now())
        await world.settle()
        annotation = "endpoints.kubernetes.io/last-change-trigger-time"
        assert (await the_slice(world))["metadata"]["annotations"][annotation] == changed > START
        await world.api.patch("services", "s", {"metadata": {"labels": {"team": "b"}}}, "walk")
        await world.settle()
        meta = (await the_slice(world))["metadata"]
        assert (meta["labels"]["team"], meta.get("annotations")) == ("b", None)

    played(scenario, EndpointSlices)


def test_a_pod_whose_node_is_not_there_is_left_out_and_told_of_until_it_is() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, 0)
        await made(world, 1, nodeName="node-9")
        assert await shown(world) == [("p-0", "ready serving")]
        assert world.events == [
            "Warning FailedToUpdateEndpointSlices Error updating Endpoint Slices for Service walk/s: "
            "skipping Pod p-1 for Service walk/s: Node node-9 Not Found"
        ]
        await node(world, "node-9")
        await world.clock.advance(10)
        assert await shown(world) == [("p-0", "ready serving"), ("p-1", "ready serving")]

    played(scenario, EndpointSlices)


def test_slices_go_with_their_service_and_a_new_one_of_its_name_has_its_own() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, 0)
        first = await the_slice(world)
        await world.api.delete("services", "s", "walk")
        await world.clock.advance(3)
        assert await slices(world) == []
        await world.create("services", service())
        await world.clock.advance(3)
        second = await the_slice(world)
        assert second["metadata"]["uid"] != first["metadata"]["uid"]
        assert await shown(world) == [("p-0", "ready serving")]

    played(scenario, EndpointSlices, GarbageCollector)


def test_pods_cost_nothing_where_no_service_selects() -> None:
    """Lines executed in the controller while pods come and change, beside a Service that has no selector."""
    found: list[int] = []

    async def scenario(world: World) -> None:
        await node(world)
        for spec in ({"selector": None}, {}):
            await world.create("services", service(f"s-{len(found)}", **spec))
            await world.settle()
            with counted("aksdisks.lab.controllers.endpointslice") as work:
                await made(world, 2 * len(found), 2 * len(found) + 1)
            found.append(work.lines)

    played(scenario, EndpointSlices)
    assert found[0] == 0
    assert found[1] > 100


def test_of_slices_that_change_the_fullest_takes_what_is_new() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, *range(102))
        for one in await slices(world):
            await world.api.delete("pods", one["endpoints"][0]["targetRef"]["name"], "walk", grace_period_seconds=0)
        await made(world, 102)
        assert sorted(len(one["endpoints"]) for one in await slices(world)) == [1, 100]

    played(scenario, EndpointSlices)


@pytest.mark.parametrize(("subdomain", "wanted"), [("s", "host"), ("other", None)])
def test_a_hostname_is_shown_in_the_subdomain_of_the_service(subdomain: str, wanted: str | None) -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, 0, hostname="host", subdomain=subdomain)
        assert (await the_slice(world))["endpoints"][0].get("hostname") == wanted

    played(scenario, EndpointSlices)


def test_a_slice_that_is_being_deleted_is_replaced_and_one_of_another_owner_removed() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, 0)
        first = await the_slice(world)
        name = first["metadata"]["name"]
        foreign = {**first, "metadata": {"name": "foreign", "namespace": "walk", "labels": first["metadata"]["labels"]}}
        await world.create("endpointslices", foreign)
        await world.api.patch("endpointslices", name, {"metadata": {"finalizers": ["example.org/held"]}}, "walk")
        await world.api.delete("endpointslices", name, "walk")
        world.taken()
        await spin()
        await world.clock.advance(1.1)
        verbs = [action.split()[0] for action in world.taken()]
        found = {one["metadata"]["name"]: one["endpoints"] for one in await slices(world)}
        assert (verbs, len(found), "foreign" in found) == (["create", "delete"], 2, False)
        assert list(found.values()) == [first["endpoints"]] * 2

    played(scenario, EndpointSlices)


def test_its_own_writes_are_not_looked_at_again() -> None:
    async def scenario(world: World) -> None:
        await node(world)
        await world.create("services", service())
        await made(world, 0)
        await world.clock.advance(2)
        await runs(world, 0, ready=False)
        await world.settle()
        assert await shown(world) == [("p-0", "")]
        with counted("aksdisks.lab.controllers.endpointslice") as work:
            await world.clock.advance(2)
        assert work.lines == 0

    played(scenario, EndpointSlices)
