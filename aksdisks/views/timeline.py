"""When each pod passed each step on its way to run: bars and a table of one content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from aksdisks.inspection.node_loss import LossMoments
from aksdisks.inspection.rollout import Moments
from aksdisks.model.records import NUMBER, TEXT, Records, Row
from aksdisks.views.base import Table
from aksdisks.views.markup import View

STAGES = (
    ("choosing a node, making the disk", "created", "scheduled", "#7a8694"),
    ("attaching the disk", "scheduled", "attached", "#357fc0"),
    ("mounting and starting", "ready_to_mount", "started", "#b0781e"),
)
LOSS_STAGES = (
    ("no sign of life, until the node counts as lost", "stopped", "not_ready", "#7a8694"),
    ("its pods tolerate that", "not_ready", "terminating", "#26847c"),
    ("waiting for somebody who knows", "terminating", "out_of_service", "#b5548f"),
    ("detaching and attaching the disk", "out_of_service", "attached", "#357fc0"),
    ("mounting and starting", "attached", "started", "#b0781e"),
)
"""What happens between two moments, and its colour: distinguishable without red and green, and three times as light or
as dark as a light page and as a dark one (WCAG 2.1, 1.4.11)."""


def _seconds(moment: float | None) -> str:
    return "-" if moment is None else f"{moment:.1f} s"


def _shown(row: Row, step: str) -> str:
    kept = step == "attached" and row[step] is None and row["started"] is not None
    return "kept" if kept else _seconds(row[step])


@dataclass(frozen=True)
class Timeline(View):
    """Pods one below another, time to the right."""

    title: str
    pods: Sequence[Moments | LossMoments]
    stages: Sequence[tuple[str, str, str, str]] = STAGES

    @property
    def steps(self) -> tuple[str, ...]:
        """What the moments are of, in the order in which they come."""
        kind = type(self.pods[0]) if self.pods else Moments
        return tuple(each.name for each in fields(kind) if each.name != "pod")

    @property
    def records(self) -> Records:
        """A row for each pod: its name, and when it passed each step, in cluster seconds."""
        rows = [{"pod": pod.pod, **{step: getattr(pod, step) for step in self.steps}} for pod in self.pods]
        return Records({"pod": TEXT, **dict.fromkeys(self.steps, NUMBER)}, rows)

    def table(self) -> Table:
        """The same moments as a table: pictures are not compared, this is."""
        steps = {step.replace("_", " "): partial(_shown, step=step) for step in self.steps}
        return Table.of(self.title, self.records, {"pod": "pod", **steps})

    def frame(self) -> Any:
        """A pandas DataFrame with a row for each pod: its name and when it passed each step (Float64, cluster seconds).

        A step that it did not pass (yet) is `pandas.NA`; so is `attached` for a disk that never left its node.
        """
        return self.records.frame(title=self.title)

    def text(self) -> str:
        """The table; HTML has the same moments above the bars."""
        return self.table().text()

    def bars(self) -> Iterator[tuple[str, str, list[tuple[str, float, float]]]]:
        """(pod, its moments in words, (colour, where it begins, how wide it is) for each stage), in percent of all.

        A stage that a pod did not pass is 0 wide, so that every pod has as many.
        """
        percent = 100 / (self.last or 1)
        for pod, line in zip(self.pods, self.table().lines(), strict=True):
            named = zip(self.table().columns[1:], line[1:], strict=True)
            found, ends = [], 0.0
            for _, start, end, colour in self.stages:
                left, right = getattr(pod, start), getattr(pod, end)
                left, right = (ends, ends) if left is None or right is None else (left, right)
                found.append(
                    (colour, round(percent * max(left - ends, 0), 2), round(percent * max(right - left, 0), 2))
                )
                ends = max(ends, right)
            yield pod.pod, ", ".join(f"{name} {moment}" for name, moment in named), found

    @property
    def last(self) -> float:
        """The last moment of all, in cluster seconds."""
        moments = (row[step] for row in self.records.rows for step in self.steps)
        moments = (row[step] for row in self.records.rows for step in self.steps)
        return max((moment for moment in moments if moment is not None), default=0.0)
