"""When a run, a runbook and a cell have to have ended: the parameters' cluster seconds in real ones."""

from __future__ import annotations

import time

from aksdisks.parameters import Parameters

# No deadline on the lab is shorter, in real seconds: its speed shortens delays, not the work of this machine.
_LAB_DEADLINE = 300.0


class Deadlines:
    """The deadlines of one run; that of the run itself counts from when this is made."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._run_ends = time.monotonic() + self._real(parameters.run_deadline)

    @property
    def cell(self) -> float:
        """How long a cell may take, in real seconds."""
        return self._real(self._parameters.step_deadline)

    def runbook_ends(self) -> float:
        """When a runbook that starts now has to have ended, by time.monotonic."""
        return min(self._run_ends, time.monotonic() + self._real(self._parameters.runbook_deadline))

    def run_has_passed(self) -> bool:
        """Whether the run has had its time."""
        return time.monotonic() > self._run_ends

    def _real(self, seconds: float) -> float:
        lab = self._parameters.target == "lab"
        return max(_LAB_DEADLINE, seconds / self._parameters.speed) if lab else seconds
