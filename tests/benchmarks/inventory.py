"""Whose ten thousand disks are, against kubectl's lists of the same cluster."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.large import PODS, Run, large, run

LISTED = "pods,persistentvolumeclaims,persistentvolumes,volumeattachments"
# One process reads once, as Azure's reads hardly come back while this lab's time stands: what is said of the table
# first is the command's JSON; then how long that took to write, and a page.
_SAID = """
import json, sys, time
import aksdisks
from aksdisks.inspection.ownership import read_ownership
from aksdisks.views.ownership_documents import document
from aksdisks.views.ownership_page import page
with aksdisks.connect() as target:
    found = read_ownership(target.cluster, target.azure, None)
times, made = [time.perf_counter()], []
for write in (
    lambda: json.dumps(document(found, found.ownership, "https://large"), indent=2),
    lambda: page(found.ownership, target="https://large", unseen={}),
):
    made.append(write())
    times.append(time.perf_counter())
with open(sys.argv[1], "w") as out:
    out.write(made[0])
print(json.dumps({"json": times[1] - times[0], "html": times[2] - times[1], "mib": len(made[1].encode()) / 2**20}))
"""


@dataclass(frozen=True)
class Found:
    """The whole table as JSON, seconds and MiB of memory; its page, seconds beyond JSON's and MiB of size; kubectl."""

    table: Run
    page_seconds: float
    page_mib: float
    kubectl: Run


def whole_cluster(folder: Path) -> Found:
    """The whole table in a process of its own, and `kubectl get … -A -o json`, once each; raises for a wrong table."""
    with large(folder) as state:
        environment = os.environ | state.environment() | {"AKSDISKS_TIME_SCALE": "1", "KUBECACHEDIR": f"{folder}/cache"}
        theirs = run(["kubectl", "get", LISTED, "-A", "-o", "json"], environment)
        ours = run([sys.executable, "-c", _SAID, f"{folder}/disks.json"], environment)
    if ours.code:
        raise RuntimeError(f"expected a table, found exit code {ours.code}")
    said = json.loads(ours.printed)
    verdicts = Counter(row["verdict"] for row in json.loads((folder / "disks.json").read_text())["disks"])
    if verdicts["in-use"] != PODS:
        raise RuntimeError(f"expected {PODS} disks in use, found {verdicts}")
    table = replace(ours, seconds=ours.seconds - said["html"])
    return Found(table, said["html"] - said["json"], said["mib"], theirs)
