"""The operator is killed, and pods are, at random: there never are two primaries, and no acknowledged write goes.

A second operator stands by all the time, as one would on a cluster.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from aksdisks.manifests import replicated_store
from tests.processes import running
from tests.programs import needs

STORE, REPLICAS = "store", 3
TEMPLATE = {"spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "store", "image": "busybox"}]}}
PATIENCE = 60.0

pytestmark = needs("kubectl")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LabState, client.ApiClient]]:
    """A lab with the definition and a namespace."""
    state = process.start(tmp_path_factory.mktemp("lab"), 200.0, parent=os.getpid())
    connected = config.new_client_from_config(state.kubeconfig)
    definition = replicated_store.definition({})
    client.ApiextensionsV1Api(connected).create_custom_resource_definition(definition)
    yield state, connected
    connected.close()
    process.stop(state.state_dir)


class Primaries:
    """A watch of the pods through a whole run: how many primaries there were at each moment, and who they were."""

    def __init__(self, connected: client.ApiClient, namespace: str) -> None:
        self._namespace = namespace
        self.most, self.changes = 0, []
        self._pods = client.CoreV1Api(connected)
        self._watch = watch.Watch()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.failed: Exception | None = None
        self._ends = False

    def __enter__(self) -> Primaries:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ends = True
        self._watch.stop()
        self._thread.join(timeout=10)

    def _follow(self) -> None:
        listed = self._pods.list_namespaced_pod(self._namespace)
        roles = {pod.metadata.uid: (pod.metadata.labels or {}).get(replicated_store.ROLE_LABEL) for pod in listed.items}
        try:
            version = listed.metadata.resource_version
            for event in self._watch.stream(self._pods.list_namespaced_pod, self._namespace, resource_version=version):
                metadata = event["object"].metadata
                roles[metadata.uid] = (metadata.labels or {}).get(replicated_store.ROLE_LABEL)
                if event["type"] == "DELETED":
                    del roles[metadata.uid]
                primaries = [uid for uid, role in roles.items() if role == "primary"]
                self.most = max(self.most, len(primaries))
                if primaries and primaries != self.changes[-1:]:
                    self.changes += primaries
        except Exception as error:
            self.failed = None if self._ends else error


class Store:
    """A store as its user sees it: writes are added one after another, and what is acknowledged is remembered."""

    def __init__(self, connected: client.ApiClient, namespace: str, kubeconfig: str) -> None:
        self._namespace, self._kubeconfig = namespace, kubeconfig
        kind = replicated_store
        self._store = (kind.GROUP, kind.VERSION, namespace, kind.PLURAL, STORE)
        self._api = client.CustomObjectsApi(connected)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.acknowledged: dict[str, int] = {}
        self.asked = 0

    def make(self) -> None:
        spec = {"replicas": REPLICAS, "size": "4Gi", "storageClassName": "managed-premium", "template": TEMPLATE}
        body = replicated_store.store(STORE, {}, **spec, writes=[])
        self._api.create_namespaced_custom_object(*self._store[:4], body)

    def status(self) -> dict[str, Any]:
        found = self._api.get_namespaced_custom_object(*self._store)
        status = found.get("status", {})
        for each in status.get("acknowledged", ()):
            # Once told, a write keeps its generation for ever.
            assert self.acknowledged.setdefault(each["id"], each["generation"]) == each["generation"]
        return {**status, "spec": found["spec"], "version": found["metadata"]["resourceVersion"]}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _write(self) -> None:
        while not self._stop.wait(0.05):
            now = self.status()
            # What is acknowledged may be taken out of the spec: half of the time it is.
            kept = [w for w in now["spec"]["writes"] if w["id"] not in self.acknowledged or self.asked % 2]
            added = {"id": f"w{self.asked}", "value": f"value {self.asked}"}
            body = {"metadata": {"resourceVersion": now["version"]}, "spec": {"writes": [*kept, added]}}
            with suppress(ApiException):  # the operator wrote meanwhile
                self._api.patch_namespaced_custom_object(*self._store, body)
                self.asked += 1

    def lines(self, pod: str) -> list[str]:
        """What stands on a pod's disk in its newest term, by generation."""
        shell = "cd /buffer/replicated-store; cd $(ls -d [0-9]* | sort -n | tail -n 1); cat *"
        command = [
            "kubectl",
            "--kubeconfig",
            self._kubeconfig,
            "-n",
            self._namespace,
            "exec",
            pod,
            "--",
            "sh",
            "-c",
            shell,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.splitlines()


class Operators:
    """Two operators, of which one waits for the other's Lease."""

    def __init__(self, state: LabState, namespace: str, folder: Path) -> None:
        self._namespace = namespace
        self._environment = {**os.environ, "AKSDISKS_STATE_DIR": state.state_dir}
        self._log = (folder / "operators.log").open("w")
        self._running: list[subprocess.Popen[bytes]] = []
        self._ends = ExitStack()
        self._ends.enter_context(self._log)

    def __enter__(self) -> Operators:
        for _ in range(2):
            self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ends.close()

    def start(self) -> None:
        command = [sys.executable, "-m", "aksdisks.cli", "operator", "-n", self._namespace]
        on = running(command, env=self._environment, stdout=self._log, stderr=self._log)
        self._running.append(self._ends.enter_context(on))

    def kill(self, chance: random.Random) -> None:
        """Kill one, and start another in its place."""
        each = self._running.pop(chance.randrange(len(self._running)))
        each.send_signal(signal.SIGKILL)
        each.wait(timeout=10)
        self.start()


def until(holds: Callable[[], bool], awaited: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, awaited
        time.sleep(0.1)


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_no_two_primaries_and_no_acknowledged_write_lost(api: Any, tmp_path: Path, kills: int) -> None:
    (state, connected), namespace = api, f"kills-{kills}"
    chance, store = random.Random(20261201 + kills), Store(connected, namespace, state.kubeconfig)
    pods = client.CoreV1Api(connected)
    pods.create_namespace({"metadata": {"name": namespace}})
    store.make()
    with Primaries(connected, namespace) as primaries, Operators(state, namespace, tmp_path) as operators:
        until(lambda: store.status().get("readyReplicas") == REPLICAS, f"{REPLICAS} replicas")
        store.start()
        for number in range(kills):
            if chance.random() < 0.5:  # else the next kill comes while what the one before led to goes on
                before = len(store.acknowledged)
                until(lambda: len(store.acknowledged) > before, "a write to be acknowledged")  # noqa: B023
            time.sleep(chance.uniform(0.0, 1.0))
            if number % 2:
                operators.kill(chance)
            else:
                # The primary more often than the others.
                name = chance.choice([store.status()["primary"], f"{STORE}-{chance.randrange(REPLICAS)}"])
                with suppress(ApiException):  # it is gone just now
                    pods.delete_namespaced_pod(name, namespace, grace_period_seconds=chance.choice([0, 1]))
        store.stop()
        until(lambda: store.status().get("readyReplicas") == REPLICAS, f"{REPLICAS} replicas again")
        until(lambda: bool(store.status()) and len(store.acknowledged) == store.asked, "all writes to be acknowledged")
        logs = [store.lines(f"{STORE}-{number}") for number in range(REPLICAS)]
    assert primaries.failed is None
    assert primaries.most == 1
    expected = {generation: id_ for id_, generation in store.acknowledged.items()}
    for log in logs:
        assert {n: line.partition(" ")[0] for n, line in enumerate(log, 1)} == expected
    assert store.asked > kills
    print(f"{kills} kills, {store.asked} writes, {len(primaries.changes)} primaries, one at a time")


@pytest.mark.parametrize(
    ("number", "after"),
    [
        pytest.param(signal.SIGINT, 0.0, id="while kopf is loaded"),
        pytest.param(signal.SIGINT, 2.0, id="while kopf runs"),
        pytest.param(signal.SIGTERM, 0.0, id="SIGTERM while kopf is loaded", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 2.0, id="SIGTERM while kopf runs", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_ends_it_and_lets_the_next_one_act_at_once(
    api: Any, number: signal.Signals, after: float, tmp_path: Path
) -> None:
    (state, connected), namespace = api, f"ended-{number:d}-{after:.0f}"
    client.CoreV1Api(connected).create_namespace({"metadata": {"name": namespace}})
    leases = client.CoordinationV1Api(connected)

    def holder() -> str:
        with suppress(ApiException):
            return leases.read_namespaced_lease("replicated-store-operator", namespace).spec.holder_identity or ""
        return ""

    environment = {**os.environ, "AKSDISKS_STATE_DIR": state.state_dir}
    command = [sys.executable, "-m", "aksdisks.cli", "operator", "-n", namespace]
    with (
        (tmp_path / "operator.log").open("w+") as log,
        running(command, env=environment, stdout=log, stderr=log) as started,
    ):
        until(lambda: holder() != "", "the Lease to be held")
        time.sleep(after)
        started.send_signal(number)
        time.sleep(0.05)
        started.send_signal(number)
        assert started.wait(timeout=30) == 0
        log.seek(0)
        assert "Traceback" not in log.read()
    assert holder() == ""
