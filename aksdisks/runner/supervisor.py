"""Executes one runbook under supervision: a deadline, an interruption or a lost target ends it early."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from aksdisks.parameters import Parameters
from aksdisks.runner.deadlines import Deadlines
from aksdisks.runner.execution import Execution, Kernel, Stopped, execute
from aksdisks.runner.interruption import Interruption
from aksdisks.runner.liveness import Liveness
from aksdisks.runner.reporter import Reporter
from aksdisks.runner.state import RunState

# How long a cell has to end once its kernel was interrupted, before the kernel is killed; seconds.
_INTERRUPT_PATIENCE = 3.0


@dataclass(frozen=True)
class Supervisor:
    """Executes runbooks of one run, each in a thread of its own while the caller's looks out."""

    parameters: Parameters
    deadlines: Deadlines
    state: RunState
    reporter: Reporter
    interruption: Interruption
    liveness: Liveness

    def execute(self, path: Path, kernel: Kernel) -> Execution:
        """Run one runbook into the run's folder, and say how far it came; the kernel stays the caller's to close."""
        ends = self.deadlines.runbook_ends()
        with ThreadPoolExecutor(1) as worker:
            work = worker.submit(
                execute,
                path,
                self.state.folder.path / path.name,
                self.parameters.model_dump(exclude_defaults=True),
                kernel,
                cell_timeout=self.deadlines.cell,
                on_step=self._step,
                on_progress=self.reporter.progress,
                redact=self.state.folder.redacted,
            )
            while not (work.done() or self.interruption.reason or self.liveness.gone) and time.monotonic() < ends:
                wait([work], timeout=0.05)
            gone = "" if work.done() else self.liveness.gone
            late = not (work.done() or self.interruption.reason or gone)
            if not work.done():
                # The cell ends with KeyboardInterrupt, which the saved notebook shows; one that does not is killed.
                kernel.interrupt()
                wait([work], timeout=_INTERRUPT_PATIENCE)
                kernel.kill()
        own = work.exception()
        execution = Execution(problem=f"papermill ended with an error of its own: {own}") if own else work.result()
        if self.interruption.reason and not execution.completed:
            execution.interrupted = True
            execution.problem = f"interrupted by {self.interruption.reason}"
        elif gone:
            execution.completed, execution.problem = False, gone
        elif late:
            execution.completed = False
            execution.problem = f"the deadline passed ({self.parameters.runbook_deadline:.0f} s for a runbook)"
        return execution

    def _step(self, heading: str) -> None:
        """Show the step, or let it not begin: an interrupt that reaches a kernel between two cells is lost."""
        if self.interruption.reason:
            raise Stopped(f"interrupted by {self.interruption.reason}")
        self.reporter.step(heading)
