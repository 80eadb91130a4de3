"""Whose ten thousand disks are, against kubectl's lists of the same cluster."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.benchmarks.large import PODS, Run, large, run

LISTED = "pods,persistentvolumeclaims,persistentvolumes,volumeattachments"
# The table as values: how it is printed is measured apart.
_JOINED = """
import collections, json
import aksdisks
from aksdisks.inspection.ownership import read_ownership
with aksdisks.connect() as target:
    found = read_ownership(target.cluster, target.azure, None).ownership
print(json.dumps(collections.Counter(each.verdict for each in found.disks)))
"""


def whole_cluster(folder: Path) -> tuple[Run, Run]:
    """The whole table in a process of its own, and `kubectl get … -A -o json`, once each; raises for a wrong table."""
    with large(folder) as state:
        environment = os.environ | state.environment() | {"AKSDISKS_TIME_SCALE": "1", "KUBECACHEDIR": f"{folder}/cache"}
        theirs = run(["kubectl", "get", LISTED, "-A", "-o", "json"], environment)
        ours = run([sys.executable, "-c", _JOINED], environment)
    if ours.code or json.loads(ours.printed).get("in-use") != PODS:
        raise RuntimeError(f"expected {PODS} disks in use, found {ours.code}: {ours.printed!r}")
    return ours, theirs
