"""A thousand StatefulSet pods with a disk each on a hundred nodes: time for each hundred, total, resident memory."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from aksdisks.lab.persistence.state_directory import LabState
from aksdisks.lab.server import process

NODES, PODS, HUNDRED = 100, 1000, 100
SPEED = 1000.0
PATIENCE = 600.0
"""Real seconds after which a pod that does not run is a failure."""

SCENARIO = f"base: regional\nnode_count: {NODES}\nvm_size: Standard_D8s_v5\n"


@dataclass(frozen=True)
class Fleet:
    """What had passed since the set was made when each hundred of pods ran: seconds, and CPU seconds of the lab."""

    passed: list[float]
    used: list[float]
    resident_mib: float

    def per_pod(self) -> list[float]:
        """Milliseconds a pod, of each hundred in turn."""
        return _each(self.passed)

    def cpu_per_pod(self) -> list[float]:
        """The same of CPU time: what a machine that others use as well does not blur."""
        return _each(self.used)


def _each(marks: list[float]) -> list[float]:
    return [(after - before) / HUNDRED * 1000 for before, after in pairwise([0.0, *marks])]


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


def measure(policy: str, pods: int = PODS) -> Fleet:
    """Start a lab, create the set, and follow its pods until all run; raises RuntimeError when they do not."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "fleet.yaml"
        scenario.write_text(SCENARIO)
        lab = Path(folder) / "lab"
        state = process.start(lab, speed=SPEED, scenario=str(scenario), timeout=60, parent=os.getpid())
        try:
            return _follow(state, policy, pods)
        finally:
            process.stop(state.state_dir)


def _follow(state: LabState, policy: str, pods: int) -> Fleet:
    environment = os.environ | state.environment()
    manifest = json.dumps(stateful_set("fleet", pods, policy))
    address = "/api/v1/namespaces/default/pods?watch=1&resourceVersion=0"
    command = ["kubectl", "get", "--raw", address]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        try:
            apply = ["kubectl", "apply", "-f", "-"]
            subprocess.run(apply, input=manifest, env=environment, check=True, text=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            began, before = time.perf_counter(), cpu(state.pid)
            running, passed, used = set[str](), [], []
            for line in watch.stdout:
                pod = json.loads(line)["object"]
                name = pod["metadata"]["name"]
                if pod["status"].get("phase") == "Running" and name not in running:
                    running.add(name)
                    if len(running) % HUNDRED == 0:
                        passed.append(time.perf_counter() - began)
                        used.append(cpu(state.pid) - before)
                if len(running) == pods:
                    return Fleet(passed, used, resident(state.pid))
                if time.perf_counter() - began > PATIENCE:
                    break
            raise RuntimeError(f"expected {pods} pods to run within {PATIENCE:.0f} s, found {len(running)}")
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
