"""When each pod was made, scheduled, had its disk attached and started: bars and a table of one content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from aksdisks.inspection.rollout import Moments
from aksdisks.model.frames import NUMBER, TEXT, Records
from aksdisks.views.base import Layout, Table
from aksdisks.views.markup import View

STAGES = (
    ("choosing a node, making the disk", "created", "scheduled", "#7a8694"),
    ("attaching the disk", "scheduled", "attached", "#357fc0"),
    ("mounting and starting", "ready_to_mount", "started", "#b0781e"),
)
"""What happens between two moments, and its colour: distinguishable without red and green, and three times as light or
as dark as a light page and as a dark one (WCAG 2.1, 1.4.11)."""

_STEPS = ("created", "scheduled", "attached", "started")


def _seconds(moment: float | None) -> str:
    return "-" if moment is None else f"{moment:.1f} s"


_LAYOUT: Layout = {
    "pod": "pod",
    **{step: lambda row, step=step: _seconds(row[step]) for step in _STEPS},  # type: ignore[misc]
    "attached": lambda row: (
        "kept" if row["attached"] is None and row["started"] is not None else _seconds(row["attached"])
    ),
}


@dataclass(frozen=True)
class Timeline(View):
    """Pods one below another, time to the right."""

    title: str
    pods: Sequence[Moments]
    STAGES: ClassVar = STAGES

    @property
    def records(self) -> Records:
        """A row for each pod: its name, and when it passed each step, in cluster seconds."""
        rows = [{"pod": pod.pod, **{step: getattr(pod, step) for step in _STEPS}} for pod in self.pods]
        return Records({"pod": TEXT, **dict.fromkeys(_STEPS, NUMBER)}, rows)

    def table(self) -> Table:
        """The same moments as a table: pictures are not compared, this is."""
        return Table.of(self.title, self.records, _LAYOUT)

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
            for _, start, end, colour in STAGES:
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
        moments = (m for p in self.pods for m in (p.created, p.scheduled, p.attached, p.started) if m is not None)
        return max(moments, default=0.0)
