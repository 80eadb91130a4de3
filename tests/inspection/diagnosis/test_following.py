"""A diagnosis that follows: what is told, and how it ends, by looks that a test gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import following
from aksdisks.inspection.diagnosis.asking import Question
from aksdisks.inspection.diagnosis.findings import Diagnosis, Finding, ObjectRef, Unseen, Verdict
from aksdisks.inspection.diagnosis.following import Change, follow
from aksdisks.model import Change as Seen
from aksdisks.model import Inventory
from tests.world import node, pod, world

NOW = datetime(2026, 11, 30, tzinfo=UTC)
FORBIDDEN = Unseen("Node", "nodes is forbidden", "whether nodes are Ready")


def finding(verdict: Verdict, cause: str, name: str = "db-0", because: str = "it is so") -> Finding:
    about = ObjectRef("Pod", "shop", name)
    return Finding(
        cause=cause, verdict=verdict, confidence="certain", object=about, because=because, evidence=(), next=()
    )


def look(*findings: Finding, unseen: tuple[Unseen, ...] = ()) -> Diagnosis:
    return Diagnosis(target="https://api", at=NOW, findings=findings, unseen=unseen)


SLOW, STUCK = finding("wait", "attach-slow"), finding("problem", "machine-stuck")


@pytest.mark.parametrize(
    ("looks", "told", "code"),
    [
        pytest.param(
            [look(SLOW), look(replace(SLOW, because="after 40 s")), look(STUCK), look()],
            [["db-0: - -> attach-slow"], ["db-0: attach-slow -> machine-stuck"], ["db-0: machine-stuck -> -"]],
            0,
            id="only another verdict or cause is told",
        ),
        pytest.param([look(finding("expected", "claim-kept"))], [["db-0: - -> claim-kept"]], 0, id="expected is well"),
        pytest.param([look()], [[]], 0, id="all is well at once"),
        pytest.param([look(STUCK), None, None], [["db-0: - -> machine-stuck"]], 1, id="no end within its time"),
        pytest.param([look(unseen=(FORBIDDEN,))], [["not seen Node"]], 3, id="nothing found, but it may be hidden"),
        pytest.param(
            [look(SLOW, unseen=(FORBIDDEN,)), look(unseen=(FORBIDDEN,))],
            [["db-0: - -> attach-slow", "not seen Node"], ["db-0: attach-slow -> -"]],
            3,
            id="what is not seen is told once",
        ),
        pytest.param(
            [look(SLOW), look(SLOW, finding("wait", "starting", "db-1")), look()],
            [["db-0: - -> attach-slow"], ["db-1: - -> starting"], ["db-0: attach-slow -> -", "db-1: starting -> -"]],
            0,
            id="another object",
        ),
    ],
)
def test_what_is_told_and_how_it_ends(
    looks: list[Diagnosis | None], told: list[list[str]], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(_asked: Any, _what: Any) -> Iterator[Diagnosis | None]:
        yield from looks

    heard: list[list[str]] = []

    def tell(change: Change) -> None:
        rows = [
            f"{ref.name}: {was.cause if was else '-'} -> {now.cause if now else '-'}" for ref, was, now in change.rows
        ]
        heard.append(rows + [f"not seen {each.what}" for each in change.unseen])

    monkeypatch.setattr(following, "_looks", given)

    class Asked:
        time_scale = 1.0

    assert follow(Asked(), Question("shop"), 60.0, tell) == code  # type: ignore[arg-type]
    assert heard == told


def test_what_is_being_deleted_or_gone_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the last two of a forced deletion's changes a pod is there, and no cause fits it any more."""
    monkeypatch.setattr(following, "_SHORTEST", 0.0)
    lost = pod("lost", 0, ready=False, claim="nowhere")
    going = replace(lost, deleting=NOW)
    about = ObjectRef("Pod", lost.namespace, lost.name)

    class Watch:
        initial = [Seen(0.0, "ADDED", "Node", node(0)), Seen(0.0, "ADDED", "Pod", lost)]

        def __iter__(self) -> Iterator[Seen | None]:
            yield from [Seen(1.0, "MODIFIED", "Pod", going), None, Seen(2.0, "DELETED", "Pod", going), None]

    class Asked:
        cluster = SimpleNamespace(server="https://api", watch=lambda *_: nullcontext(Watch()))
        azure, time_scale = None, 1.0

        def diagnosis(self, _what: Question) -> tuple[Inventory, Diagnosis]:
            return world(pods=(lost,)), look(STUCK)

    heard: list[Change] = []
    assert follow(Asked(), Question(lost.namespace, about), 60.0, heard.append) == 1  # type: ignore[arg-type]
    assert [[each.cause for each in change.diagnosis.findings] for change in heard] == [["machine-stuck"]]
