"""The drivers' pods on nodes, as AKS shows them: what there is of them, and what the controller keeps up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from aksdisks.lab import node_driver
from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.daemonset import DaemonSetController
from aksdisks.lab.controllers.storage import DRIVER_ON_NODES
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi
from aksdisks.lab.scenario import load
from aksdisks.lab.seed import api_server_objects, seed

SYSTEM = "kube-system"


def on_a_cluster(test: Callable[[KubeApi], Awaitable[None]]) -> None:
    async def prepared() -> None:
        clock = Clock()
        api = KubeApi(Store(), clock, Ids(1))
        await seed(api, load("regional"), clock.now(), "a certificate")
        await api_server_objects(api)
        await node_driver.install(api, clock.now())
        await test(api)

    asyncio.run(prepared())


async def pods(api: KubeApi, driver: str = "csi-azuredisk-node") -> list[Object]:
    return (await api.list("pods", SYSTEM, label_selector=f"app={driver}"))[0]


@pytest.mark.parametrize(
    ("driver", "containers"),
    [
        ("csi-azuredisk-node", ["liveness-probe", "node-driver-registrar", "azuredisk"]),
        ("csi-azurefile-node", ["liveness-probe", "node-driver-registrar", "azurefile", "azfilesrefresh"]),
    ],
)
def test_each_node_has_a_running_pod_of_the_driver_on_its_own_network(driver: str, containers: list[str]) -> None:
    async def test(api: KubeApi) -> None:
        nodes = {one["metadata"]["name"]: one["status"]["addresses"][0] for one in (await api.list("nodes"))[0]}
        daemon_set = await api.get("daemonsets", driver, SYSTEM)
        found = await pods(api, driver)
        mounted = {entry["name"] for one in daemon_set["spec"]["template"]["spec"]["containers"]
                   for entry in one["volumeMounts"]}  # fmt: skip
        assert mounted == {volume["name"] for volume in daemon_set["spec"]["template"]["spec"]["volumes"]}
        assert sorted(pod["spec"]["nodeName"] for pod in found) == sorted(nodes)
        assert len({pod["metadata"][key] for pod in found for key in ("name", "uid")}) == 2 * len(found)
        for pod in found:
            spec, status, meta = pod["spec"], pod["status"], pod["metadata"]
            [owner] = meta["ownerReferences"]
            assert (owner["kind"], owner["uid"]) == ("DaemonSet", daemon_set["metadata"]["uid"])
            assert (status["podIP"], status["phase"]) == (nodes[spec["nodeName"]]["address"], "Running")
            shown = [(one["name"], one["ready"]) for one in status["containerStatuses"]]
            assert shown == [(name, True) for name in containers]
            [named] = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
                "nodeSelectorTerms"
            ]
            assert named["matchFields"][0]["values"] == [spec["nodeName"]]
            assert spec["priority"] == 2000001000
            assert {"operator": "Exists"} in spec["tolerations"]

    on_a_cluster(test)


class Repeating(Ids):
    """Draws each suffix three times."""

    def suffix(self, length: int = 5, *, of: tuple[str, ...] = ()) -> str:
        self.drawn = (getattr(self, "drawn", -1) + 1) % 3
        if not self.drawn:
            self.last = super().suffix(length, of=of)
        return self.last


def test_a_name_that_is_drawn_twice_is_given_once() -> None:
    async def test() -> None:
        clock = Clock()
        api = KubeApi(Store(), clock, Repeating(1))
        await seed(api, load("regional"), clock.now(), "a certificate")
        await api_server_objects(api)
        await node_driver.install(api, clock.now())
        assert [len(await pods(api, name)) for name in ("csi-azuredisk-node", "csi-azurefile-node")] == [3, 3]

    asyncio.run(test())


def test_what_is_there_stays_and_all_of_it_can_go() -> None:
    async def test(api: KubeApi) -> None:
        before = (await api.list("pods", SYSTEM))[0]
        await node_driver.install(api, Clock().now())
        assert (await api.list("pods", SYSTEM))[0] == before
        for _ in range(2):
            await node_driver.remove(api)
            assert [(await api.list(kind))[0] for kind in ("pods", "daemonsets")] == [[], []]

    on_a_cluster(test)


def test_a_node_that_comes_and_a_pod_that_is_deleted_get_a_pod_and_are_counted() -> None:
    async def test(api: KubeApi) -> None:
        controller = DaemonSetController(api, Clock(), Ids(2))
        running = asyncio.create_task(controller.run())

        async def until(desired: int, ready: int) -> Object:
            async with asyncio.timeout(10):
                while True:
                    status: Object = (await api.get("daemonsets", DRIVER_ON_NODES, SYSTEM))["status"]
                    if (status["desiredNumberScheduled"], status["numberReady"]) == (desired, ready):
                        return status
                    await asyncio.sleep(0.01)

        assert (await until(3, 3))["numberAvailable"] == 3
        await api.create("nodes", {"metadata": {"name": "late"}})
        # Nobody runs its pod here.
        assert (await until(4, 3))["numberUnavailable"] == 1
        [made] = [pod for pod in await pods(api) if pod["spec"]["nodeName"] == "late"]
        assert made["metadata"]["name"].startswith("csi-azuredisk-node-")
        gone = next(pod for pod in await pods(api) if pod is not made)
        await api.delete("pods", gone["metadata"]["name"], SYSTEM, grace_period_seconds=0)
        status = await until(4, 2)
        assert (status["currentNumberScheduled"], len(await pods(api))) == (4, 4)
        events = {event["message"] for event in (await api.list("events", SYSTEM))[0]}
        assert f"Created pod: {made['metadata']['name']}" in events
        running.cancel()

    on_a_cluster(test)
