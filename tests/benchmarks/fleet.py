"""A StatefulSet's pods with a disk each on a hundred nodes or more: time for each hundred, total, resident memory.

A machine that others use as well is not always as fast. Beside the lab's CPU time stands what a fixed loop of Python
took at the same time (`calibrate`): the first divided by the second is what can be compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from aksdisks.lab.persistence.state_directory import LabState
from aksdisks.lab.server import process

NODES, PODS, HUNDRED = 100, 1000, 100
SPEED = 1000.0
PATIENCE = 60.0
"""Real seconds for each hundred of pods after which one that does not run is a failure."""
SAMPLE = 10
"""Pods from one calibration to the next: a hundred has nine, of which the median counts."""

SCENARIO = "base: regional\nnode_count: {nodes}\nvm_size: Standard_D8s_v5\n"


@dataclass
class Fleet:
    """At each hundred of pods that ran: seconds and the lab's CPU seconds since the set was made; the loop's then."""

    passed: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    loops: list[float] = field(default_factory=list)
    resident_mib: float = 0.0

    def per_pod(self) -> list[float]:
        """Milliseconds a pod, of each hundred in turn."""
        return _each(self.passed)

    def cpu_per_pod(self) -> list[float]:
        """The same of CPU time."""
        return _each(self.used)

    def loops_per_pod(self) -> list[float]:
        """The same in calibration loops: CPU time of the lab divided by that of the loop in the same hundred."""
        return [each / 1000 / loop for each, loop in zip(self.cpu_per_pod(), self.loops, strict=True)]


def _each(marks: list[float]) -> list[float]:
    return [(after - before) / HUNDRED * 1000 for before, after in pairwise([0.0, *marks])]


def calibrate() -> float:
    """CPU seconds of a fixed loop over small dicts and strings, as the lab's work is: about 4 ms."""
    began = time.process_time()
    for number in range(2500):
        found = {f"{letter}-{number}": [letter, number] for letter in "abcdef"}
        sorted(found.items())
    return time.process_time() - began


def stateful_set(name: str, replicas: int, policy: str) -> dict[str, object]:
    """The article's set, with as many replicas."""
    labels = {"app": name}
    container = {
        "name": "busy",
        "image": "vplauzon/get-started:part2-no-redis",
        "volumeMounts": [{"name": "data", "mountPath": "/buggy"}],
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "managed-premium",
            "resources": {"requests": {"storage": "25Gi"}},
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "replicas": replicas,
            "podManagementPolicy": policy,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            "volumeClaimTemplates": [claim],
        },
    }


def measure(policy: str, pods: int = PODS, nodes: int = NODES) -> Fleet:
    """Start a lab, create the set, and follow its pods until all run; raises RuntimeError when they do not."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "fleet.yaml"
        scenario.write_text(SCENARIO.format(nodes=nodes))
        lab = Path(folder) / "lab"
        state = process.start(lab, speed=SPEED, scenario=str(scenario), timeout=60, parent=os.getpid())
        try:
            return _follow(state, policy, pods)
        finally:
            process.stop(state.state_dir)


def _follow(state: LabState, policy: str, pods: int) -> Fleet:
    environment = os.environ | state.environment()
    manifest = json.dumps(stateful_set("fleet", pods, policy))
    patience = PATIENCE * max(10, pods / HUNDRED)
    apply = ["kubectl", "apply", "-f", "-"]
    subprocess.run(apply, input=manifest, env=environment, check=True, text=True, stdout=subprocess.DEVNULL)
    began, before = time.perf_counter(), cpu(state.pid)
    running, loops, found = set[str](), list[float](), Fleet()
    for name in _running(environment):
        if name not in running:
            running.add(name)
            if len(running) % HUNDRED == 0:
                found.passed.append(time.perf_counter() - began)
                found.used.append(cpu(state.pid) - before)
                found.loops.append(statistics.median(loops))
                loops.clear()
            elif len(running) % SAMPLE == 0:
                loops.append(calibrate())
        if len(running) == pods:
            found.resident_mib = resident(state.pid)
            return found
        if time.perf_counter() - began > patience:
            break
    raise RuntimeError(f"expected {pods} pods to run within {patience:.0f} s, found {len(running)}")


def _running(environment: dict[str, str]) -> Iterator[str]:
    """The names of pods that run, some of them more than once: a watch that is too slow is ended, and begun again."""
    command = ["kubectl", "get", "--raw", "/api/v1/namespaces/default/pods?watch=1&resourceVersion=0"]
    told = True
    while told:
        told = False
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as watch:
            assert watch.stdout is not None
            try:
                for line in watch.stdout:
                    told, pod = True, json.loads(line)["object"]
                    if pod["kind"] == "Pod" and pod["status"].get("phase") == "Running":
                        yield str(pod["metadata"]["name"])
            finally:
                watch.terminate()


def resident(pid: int) -> float:
    """A process's resident memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
