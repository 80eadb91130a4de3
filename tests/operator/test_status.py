"""The status that follows from a look: what is acknowledged, and what is not as wanted."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.operator.decisions import Nobody, Replica
from aksdisks.operator.logs import digest
from aksdisks.operator.status import Findings, status_of

A, B = "a 1", "b 2"
PRIMARY, OTHER = Replica("store-0", "primary", True), Replica("store-1", "replica", True)
RAW: dict[str, Any] = {
    "metadata": {"generation": 7},
    "spec": {"writes": [{"id": "b", "value": "2"}, {"id": "c", "value": "3"}]},
    "status": {"term": 2, "primary": "store-0", "generation": 1, "digest": digest((A,)), "acknowledged": []},
}


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["reason"], each["message"]) for each in status["conditions"]}


def test_what_stands_on_each_disk_is_acknowledged_as_far_as_the_spec_still_has_it() -> None:
    status = status_of(RAW, Findings(PRIMARY, (A, B), (OTHER,)))
    assert (status["generation"], status["digest"], status["readyReplicas"]) == (2, digest((A, B)), 2)
    assert status["acknowledged"] == [{"id": "b", "generation": 2}]
    assert (status["term"], status["observedGeneration"]) == (2, 7)
    assert {reason for reason, _ in conditions(status).values()} == {"AsWanted"}


@pytest.mark.parametrize(
    ("findings", "condition", "said"),
    [
        (Findings(PRIMARY, (A, B), behind=("store-1 is behind",)), "Synchronized", ("Behind", "store-1 is behind")),
        (Findings(nobody=Nobody("WritesMissing", "none holds it")), "Available", ("WritesMissing", "none holds it")),
    ],
)  # fmt: skip
def test_nothing_more_is_acknowledged_before_it_stands_on_each_disk(
    findings: Findings, condition: str, said: tuple[str, str]
) -> None:
    status = status_of(RAW, findings)
    assert {key: status[key] for key in ("generation", "digest", "acknowledged")} == {
        key: RAW["status"][key] for key in ("generation", "digest", "acknowledged")
    }
    assert conditions(status)[condition] == said


def test_a_condition_keeps_its_time_while_it_is_what_it_was() -> None:
    first = status_of(RAW, Findings(PRIMARY, (A,)))
    for each in first["conditions"]:
        each["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    found = Findings(PRIMARY, (A,), other_values=("b",))
    times = {
        each["type"]: each["lastTransitionTime"] for each in status_of({**RAW, "status": first}, found)["conditions"]
    }
    assert [kind for kind, time in times.items() if time != "2026-01-01T00:00:00Z"] == ["WritesAccepted"]
    settled = status_of({**RAW, "status": first}, Findings(PRIMARY, (A,)))
    assert settled == first
