"""`aksdisks diagnose` against kubectl: one pod of a small lab, and ten thousand pods of a seeded one."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from aksdisks.lab.server import process
from tests.benchmarks.large import AKSDISKS, PODS, STUCK, Run, claim, large, make, pod, run

LISTED = "pods,persistentvolumeclaims,persistentvolumes,volumeattachments,events"


def one_pod(rounds: int) -> tuple[float, float]:
    """Median seconds of `aksdisks diagnose pod/two` and of `kubectl describe pod two`, taken by turns.

    On a small lab, where the pod waits for a disk that another has: Kubernetes and Azure are both asked.
    """
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        state = process.start(Path(folder), 100.0, parent=os.getpid())
        try:
            environment = os.environ | state.environment() | {"KUBECACHEDIR": f"{folder}/cache"}
            make(state, claim("data"), pod("one", "data", 0), ready="one")
            make(state, pod("two", "data", 1))
            time.sleep(1.0)  # until it is refused
            for _ in range(rounds):
                theirs.append(run(["kubectl", "describe", "pod", "two"], environment).seconds)
                done = run([AKSDISKS, "diagnose", "pod/two"], environment)
                if done.code != 1:
                    raise RuntimeError(f"expected a problem, exit code 1, found {done.code}: {done.printed!r}")
                ours.append(done.seconds)
        finally:
            process.stop(state.state_dir)
    return statistics.median(ours), statistics.median(theirs)


def whole_cluster(folder: Path) -> tuple[Run, Run]:
    """`aksdisks diagnose -A` and `kubectl get … -A -o json` on a large cluster, once each.

    The disks take most of the reads that Azure allows at once, and as slowly as this lab's time goes by they come back.
    """
    with large(folder) as state:
        # Cluster time is to pass as on a cluster, whatever the lab's controllers do.
        environment = os.environ | state.environment() | {"AKSDISKS_TIME_SCALE": "1", "KUBECACHEDIR": f"{folder}/cache"}
        theirs = run(["kubectl", "get", LISTED, "-A", "-o", "json"], environment)
        ours = run([AKSDISKS, "diagnose", "-A", "--format", "json"], environment)
    found = json.loads(ours.printed)
    stuck = {each["object"]["name"] for each in found["findings"] if each["object"]["kind"] == "Pod"}
    if len(stuck) != (PODS - 1) // STUCK or found["unseen"]:
        raise RuntimeError(f"expected {(PODS - 1) // STUCK} pods, found {len(stuck)}; not seen: {found['unseen']}")
    return ours, theirs
