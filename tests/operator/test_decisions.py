"""Who is the primary, and which snapshots go."""

from __future__ import annotations

import pytest

from aksdisks.model import Unknown
from aksdisks.operator.decisions import Keep, Nobody, Promote, Replica, due, late, primary, to_delete
from aksdisks.operator.logs import Acknowledged, Disk, digest

A, B, X = "a 1", "b 2", "x 9"
AB = Acknowledged(2, digest((A, B)))
NOT_READ = Unknown("no command runs in pod store-0: (403)")


def pod(ordinal: int, *log: str, role: str = "", term: int = 3, ready: bool = True, **other: object) -> Replica:
    disk = other.get("disk", Disk({term: log} if log else {}))
    return Replica(f"store-{ordinal}", role, ready, disk if ready else Unknown("the pod is not ready"))


ROWS = {
    "it stays": ([pod(0, A, B, role="primary"), pod(1, A, B)], "keep store-0"),
    "it stays with more than is acknowledged": ([pod(0, A, B, X, role="primary"), pod(1, A)], "keep store-0"),
    "it stays, who is not ready is not asked": ([pod(0, A, B, role="primary"), pod(1, ready=False)], "keep store-0"),
    "its pod is gone": ([pod(1, A, B), pod(2, A, B)], "promote store-1"),
    "its pod is not ready": ([pod(0, role="primary", ready=False), pod(1, A), pod(2, A, B)], "promote store-2"),
    "the one with most": ([pod(1, A, B), pod(2, A, B, X)], "promote store-2"),
    "its pod came back, with its disk": ([pod(0, A, B), pod(1, A, B, role="replica")], "promote store-1"),
    "as many writes, but not those that were acknowledged": ([pod(1, A, X), pod(2, A, B)], "promote store-2"),
    "nobody has all": ([pod(0, A), pod(1, A, X), pod(2, ready=False)], "WritesMissing"),
    "nobody is ready": ([pod(0, ready=False)], "NoReplicaReady"),
    "there is no pod": ([], "NoReplicaReady"),
    "its disk is empty": ([pod(0, role="primary"), pod(1, A, B)], "promote store-1"),
    "its disk is empty and it is alone": ([pod(0, role="primary")], "WritesMissing"),
    "its disk cannot be read": ([pod(0, role="primary", disk=NOT_READ), pod(1, A, B)], "PrimaryUnreadable"),
    "another's disk cannot be read": ([pod(0, disk=NOT_READ), pod(1, A, B)], "promote store-1"),
    "a promotion that ended too early": ([pod(0, A, B, role="primary", term=2), pod(1, A, B)], "promote store-0"),
    "a disk that somebody wrote to": ([pod(0, A, B, role="primary"), pod(1, A, X)], "promote store-0"),
}  # fmt: skip


@pytest.mark.parametrize(("replicas", "expected"), ROWS.values(), ids=ROWS.keys())
def test_the_primary(replicas: list[Replica], expected: str) -> None:
    decision = primary(replicas, 3, AB)
    said = {
        Keep: lambda: f"keep {decision.primary.name}",
        Promote: lambda: f"promote {decision.primary.name}",
        Nobody: lambda: decision.reason,
    }
    assert said[type(decision)]() == expected


def test_a_new_store_takes_the_lowest_number() -> None:
    assert primary([pod(1), pod(0), pod(2)], 0, Acknowledged()) == Promote(pod(0), 0, ())


def test_what_is_missing_is_said() -> None:
    said = primary([pod(0, A), pod(1, disk=NOT_READ)], 3, AB)
    assert said == Nobody(
        "WritesMissing",
        "no ready pod's disk holds the 2 acknowledged writes "
        "(store-0: 1 write; store-1: no command runs in pod store-0: (403))",
    )


@pytest.mark.parametrize(
    ("snapshots", "expected", "said"),
    [
        ([], True, ""),
        ([("a", 59.0, True)], False, ""),
        ([("a", 500.0, True), ("b", 60.0, True)], True, ""),
        ([("a", 500.0, True), ("b", 10.0, True)], False, ""),
        ([("a", 500.0, True), ("b", 59.0, False)], False, ""),
        ([("a", 500.0, True), ("b", 60.0, False)], False, "snapshot b is not ready"),  # they do not pile up
    ],
)
def test_a_snapshot_is_due(snapshots, expected, said) -> None:
    assert (due(snapshots, 60.0), late(snapshots, 60.0)) == (expected, said)


@pytest.mark.parametrize(
    ("snapshots", "keep", "going"),
    [
        ([], 1, ()),
        ([("a", 3.0, True), ("b", 2.0, True), ("c", 1.0, True)], 2, ("a",)),
        ([("a", 3.0, True), ("b", 2.0, True), ("c", 1.0, False)], 2, ()),  # one that is not ready replaces none
        ([("a", 3.0, False), ("b", 2.0, True), ("c", 1.0, True)], 1, ("a", "b")),
        ([("a", 3.0, False)], 1, ()),
    ],
)
def test_snapshots_that_go(snapshots, keep, going) -> None:
    assert to_delete(snapshots, keep) == going
