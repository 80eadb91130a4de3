"""What a look at a store found, and the status that follows from it: pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aksdisks.operator.decisions import Nobody, Replica
from aksdisks.operator.logs import Lines, digest


@dataclass
class Findings:
    """What one look found: `whole` are the replicas that hold all of `log`, `behind` says why ready ones do not.

    `nobody`: why there is no primary; `other_values`: ids that were written with another value before.
    """

    primary: Replica | None = None
    log: Lines = ()
    whole: tuple[Replica, ...] = ()
    behind: tuple[str, ...] = ()
    other_values: tuple[str, ...] = ()
    nobody: Nobody | None = None
    refused_spec: str = ""
    no_snapshots: str = ""
    snapshots: int | None = None

    @property
    def unsettled(self) -> bool:
        """Whether to look again soon, although no object may change before."""
        return bool(self.nobody or self.behind or self.refused_spec or self.no_snapshots)

    @property
    def acknowledges(self) -> bool:
        """Whether all of the log may be acknowledged: it stands on the primary's disk and on each ready replica's."""
        return self.primary is not None and not self.behind

    @staticmethod
    def clock(every: float) -> int:
        """The number of the present interval: two operators that act at once name the same snapshot."""
        return int(time.time() / every)


def status_of(raw: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """The status of a store after a look; what the look could not tell stays as it was."""
    former: dict[str, Any] = raw.get("status") or {}
    status = {**former, "observedGeneration": raw["metadata"]["generation"]}
    if findings.acknowledges:
        number = {line: generation for generation, line in enumerate(findings.log, 1)}
        lines = {write["id"]: f"{write['id']} {write['value']}" for write in raw["spec"].get("writes") or ()}
        known = [{"id": id_, "generation": number[line]} for id_, line in lines.items() if line in number]
        status |= {"generation": len(findings.log), "digest": digest(findings.log), "acknowledged": known}
    status["readyReplicas"] = len(findings.whole) + (findings.primary is not None)
    if findings.snapshots is not None:
        status["snapshots"] = findings.snapshots
    status["conditions"] = _conditions(raw, findings, former.get("conditions") or [])
    return status


def _conditions(raw: Mapping[str, Any], found: Findings, former: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The conditions, each with the time since which its status is what it is."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    rows: list[tuple[str, str, str]] = []  # type, reason where it is not so, why
    rows.append(("SpecAccepted", "Refused" if found.refused_spec else "", found.refused_spec))
    nobody = found.nobody
    rows.append(("Available", nobody.reason if nobody else "", nobody.message if nobody else ""))
    rows.append(("Synchronized", "Behind" if found.behind or nobody else "", "; ".join(found.behind)))
    if not nobody:
        taken = f"written before with another value: {', '.join(found.other_values)}" if found.other_values else ""
        rows.append(("WritesAccepted", "IdTaken" if taken else "", taken))
        if "snapshots" in raw["spec"]:
            rows.append(("SnapshotsTaken", "NotTaken" if found.no_snapshots else "", found.no_snapshots))
    since = {(each["type"], each["status"]): each["lastTransitionTime"] for each in former}
    told = {row[0] for row in rows}
    kept = [each for each in former if each["type"] not in told]
    made = []
    for kind, reason, message in rows:
        state = "False" if reason else "True"
        made.append(
            {
                "type": kind,
                "status": state,
                "reason": reason or "AsWanted",
                "message": message,
                "observedGeneration": raw["metadata"]["generation"],
                "lastTransitionTime": since.get((kind, state), now),
            }
        )
    return made + kept
