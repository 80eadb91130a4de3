"""`aksdisks inventory` of ten thousand disks, as JSON and as a page, against kubectl's lists of the same cluster."""

from __future__ import annotations

import json
import os
from pathlib import Path

from aksdisks.lab.server.process import LabState
from tests.benchmarks.large import AKSDISKS, NODES, PODS, Run, large, reopened, run

LISTED = "pods,persistentvolumeclaims,persistentvolumes,volumeattachments"


def whole_cluster(folder: Path) -> tuple[Run, Run, Run]:
    """The inventory as JSON, as HTML, and `kubectl get … -A -o json`, once each; raises for a wrong table."""
    with large(folder) as state:
        # Ours comes first: what the lab keeps of a list for the next one is not to count for it.
        ours = _inventory("json", state, folder)
        theirs = run(["kubectl", "get", LISTED, "-A", "-o", "json"], _environment(state, folder))
    found = json.loads(ours.printed)
    verdicts = [each["verdict"] for each in found["disks"]]
    # Each node's machine starts from a disk of its own.
    if (verdicts.count("in-use"), len(verdicts)) != (PODS, PODS + NODES) or found["unseen"]:
        raise RuntimeError(f"expected {PODS} disks in use, found {verdicts.count('in-use')} of {len(verdicts)}; "
                           f"not seen: {found['unseen']}")  # fmt: skip
    with reopened(folder) as state:
        return ours, _inventory("html", state, folder), theirs


def _inventory(format: str, state: LabState, folder: Path) -> Run:
    done = run([AKSDISKS, "inventory", "-A", "--format", format], _environment(state, folder))
    if done.code:
        raise RuntimeError(f"--format {format}: expected exit code 0, found {done.code}: {done.printed[:200]!r}")
    return done


def _environment(state: LabState, folder: Path) -> dict[str, str]:
    # Cluster time is to pass as on a cluster, whatever the lab's controllers do.
    return {**os.environ, **state.environment(), "AKSDISKS_TIME_SCALE": "1", "KUBECACHEDIR": f"{folder}/cache"}
