"""Who was the primary when, from a watch: what is counted, and what is told."""

from __future__ import annotations

from datetime import UTC, datetime

from aksdisks.inspection.primaries import Primaries
from aksdisks.model import Change, Pod

STORE = {"aksdisks.dev/store": "store"}
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def pod(name: str, role: str = "", *, uid: str = "", ready: bool = True, deleting: bool = False, **labels: str) -> Pod:
    roles = {"aksdisks.dev/role": role} if role else {}
    going = NOW if deleting else None
    return Pod(name=name, uid=uid or name, ready=ready, deleting=going, labels=labels or {**STORE, **roles})


def seen(*changes: tuple[str, Pod]) -> Primaries:
    primaries = Primaries("store")
    first = [pod("store-0", "primary"), pod("store-1", "replica"), pod("other-0", other="yes")]
    primaries.begin([Change(0.0, "ADDED", "Pod", each) for each in first])
    made = [Change(float(at), kind, "Pod", each) for at, (kind, each) in enumerate(changes, 1)]  # type: ignore[arg-type]
    list(primaries.follow(made))
    return primaries


def test_a_promotion_is_told_in_its_order() -> None:
    found = seen(
        ("MODIFIED", pod("store-0", "primary", deleting=True)),
        ("DELETED", pod("store-0", "primary", deleting=True)),
        ("ADDED", pod("store-0", uid="another", ready=False)),
        ("MODIFIED", pod("store-1", "primary")),
        ("MODIFIED", pod("store-0", uid="another")),
        ("MODIFIED", pod("store-0", "replica", uid="another")),
    )
    assert (found.most, found.now) == (1, ("store-1",))
    assert found.moments == [
        (1.0, "store-0", "is to end"),
        (2.0, "store-0", "is gone, primary until now"),
        (3.0, "store-0", "is there again, with its disk"),
        (4.0, "store-1", "is primary"),
        (5.0, "store-0", "is ready"),
        (6.0, "store-0", "is replica"),
    ]


def test_two_at_once_are_counted_also_when_it_is_over() -> None:
    found = seen(("MODIFIED", pod("store-1", "primary")), ("MODIFIED", pod("store-0")))
    assert (found.most, found.now) == (2, ("store-1",))
    assert found.moments[-1] == (2.0, "store-0", "is primary no more")


def test_pods_of_others_do_not_count() -> None:
    other = pod("other-0", **{"aksdisks.dev/store": "another", "aksdisks.dev/role": "primary"})
    assert (seen(("ADDED", other)).most, seen(("ADDED", other)).moments) == (1, [])
