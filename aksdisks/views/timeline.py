"""When each pod was made, scheduled, had its disk attached and started: a picture and a table of one content."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aksdisks.markup import View
from aksdisks.views.base import Table

STAGES = (
    ("choosing a node, making the disk", "created", "scheduled", "#9aa5b1"),
    ("attaching the disk", "scheduled", "attached", "#357fc0"),
    ("mounting and starting", "ready_to_mount", "started", "#e0a030"),
)
"""What happens between two moments, and its colour: distinguishable without red and green, and in grey."""

_DOT = "#258a4d"


@dataclass(frozen=True)
class Moments:
    """When a pod passed each step, in cluster seconds since the act; None where it did not (yet)."""

    pod: str
    created: float | None
    scheduled: float | None
    attached: float | None
    started: float | None

    @property
    def ready_to_mount(self) -> float | None:
        """When the disk was there: attached, or, where it had never left the node, when the pod was placed."""
        return self.attached if self.attached is not None else self.scheduled


@dataclass(frozen=True)
class Timeline(View):
    """Pods one below another, time to the right."""

    title: str
    pods: Sequence[Moments]

    def table(self) -> Table:
        """The same moments as a table: pictures are not compared, this is."""
        rows = [
            (p.pod, _seconds(p.created), _seconds(p.scheduled), _attached(p), _seconds(p.started)) for p in self.pods
        ]
        return Table(self.title, ("pod", "created", "scheduled", "attached", "started"), rows)

    def text(self) -> str:
        """The table; HTML is it too: that is compared between runs, and a picture in it would never be equal."""
        return self.table().text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        # No HTML here: Jupyter would prefer it and leave the picture out.
        return {"text/plain": self.text(), "image/png": base64.b64encode(self.png()).decode()}

    def png(self) -> bytes:
        """The picture, in the style of timeline.mplstyle."""
        import matplotlib

        with matplotlib.rc_context(fname=Path(__file__).with_name("timeline.mplstyle")):
            return self._drawn()

    def _drawn(self) -> bytes:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.5, 1.2 + 0.42 * len(self.pods)))
        axes = figure.add_subplot()
        for row, pod in enumerate(self.pods):
            for label, start, end, colour in STAGES:
                left, right = getattr(pod, start), getattr(pod, end)
                if left is not None and right is not None:
                    axes.barh(row, right - left, left=left, color=colour, height=0.6, label=label if row == 0 else "_")
            if pod.started is not None:
                axes.plot(pod.started, row, marker="o", color=_DOT, linestyle="", label="running" if row == 0 else "_")
        axes.set_yticks(range(len(self.pods)), [p.pod for p in self.pods])
        axes.invert_yaxis()
        axes.set_xlim(0, axes.get_xlim()[1] * 1.02)  # the last dot is whole
        axes.set_title(self.title)
        axes.set_xlabel("cluster seconds since the command")
        figure.legend(loc="outside upper center", ncols=4)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        return file.getvalue()


def _attached(pod: Moments) -> str:
    return "kept" if pod.attached is None and pod.started is not None else _seconds(pod.attached)


def _seconds(moment: float | None) -> str:
    return "-" if moment is None else f"{moment:.1f} s"
