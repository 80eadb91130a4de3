"""A headless run: the target made ready, each runbook through papermill, the teardown, and the evidence on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aksdisks.errors import AksdisksError, CannotRun, InputError, Refused, TargetMismatch
from aksdisks.evidence import result as evidence
from aksdisks.evidence.claims import unjudged
from aksdisks.evidence.delivery import Container, check_webhook, is_worth_a_word, tell
from aksdisks.evidence.folder import Dossier, identity, redactor_for, versions
from aksdisks.evidence.redaction import Redactor, environment_secrets
from aksdisks.evidence.result import RunbookResult, RunResult, roll_up
from aksdisks.evidence.seal import check_private
from aksdisks.inspection.inventory import read_inventory
from aksdisks.inspection.ownership import new_run_id
from aksdisks.inspection.preflight import preflight
from aksdisks.model import Unknown
from aksdisks.model.checks import Check
from aksdisks.model.checks import check as judge
from aksdisks.parameters import Parameters
from aksdisks.runner.arguments import check_output, check_runbooks
from aksdisks.runner.execution import Execution, Kernel, Stopped, WarmKernels, execute
from aksdisks.runner.interruption import Interruption
from aksdisks.runner.liveness import Liveness
from aksdisks.runner.reporter import Reporter
from aksdisks.session import leftovers
from aksdisks.session.cleanup import CleanUp
from aksdisks.session.session import Session, open_session
from aksdisks.targets import target
from aksdisks.waiting import Progress, silent

# How long a cell has to end once its kernel was interrupted, before the kernel is killed; seconds.
_INTERRUPT_PATIENCE = 3.0
# No deadline on the lab is shorter, in real seconds.
_LAB_DEADLINE = 300.0


def run_runbooks(
    runbooks: Sequence[Path],
    parameters: Parameters,
    output: Path,
    *,
    reporter: Reporter | None = None,
    interruption: Interruption | None = None,
    share: bool = False,
    key: Path | None = None,
    webhook: str = "",
    container: Container | None = None,
    clean: str = "aksdisks clean -f FILE",
) -> RunResult:
    """Run `runbooks` in order on the parameters' target, leaving `output`/<run id>/ behind.

    Raises InputError for what can be known to be wrong before the target is asked. From there on whatever happens is
    in the result, with evidence and webhook, and nothing of the run is left on the target; a defect of our own is
    raised after them. `share` takes identities out of all that is written, not secrets alone; `key` (private, PEM)
    signs the evidence. `webhook` hears of a failure or of a change of outcome;
    `container` gets each runbook when it is done and all of the folder in the end. A failed delivery is reported.
    `clean` is the command that removes what a run could not. `reporter` hears of all that happens (default: nobody);
    `interruption`, asked from any thread, ends the run early. May be called from any thread.
    """
    check_output(output)
    parameters = parameters.model_copy(update={"run_id": parameters.run_id or new_run_id()})
    folder = output / parameters.run_id
    if folder.exists():
        raise InputError(object="run_id", expected=f"one that {output} has no run of", found=f"{parameters.run_id}")
    check_runbooks(runbooks)
    if key is not None:
        check_private(key)
    if webhook:
        check_webhook(webhook)
    reporter = reporter or Reporter()
    dossier = Dossier(folder, key)
    state = _Run(runbooks, parameters, dossier, share, reporter, interruption or Interruption(), container, clean)
    result = state.run()
    if container is not None and folder.is_dir() and not dossier.leaks:
        with _reported(reporter, f"aksdisks evidence upload {folder} {container.url}"):
            container.upload(folder)
    if webhook:
        before = evidence.outcome_before(folder, result.started)
        if is_worth_a_word(result.status, before):
            with _reported(reporter, f"aksdisks evidence notify {folder}"):
                tell(webhook, dossier.redactor.value(result.document()), before, str(folder))
    if left_behind := result.teardown.get("left_behind"):
        reporter.left_behind(left_behind)
    if state.error is not None:
        raise state.error
    return result


@contextmanager
def _reported(reporter: Reporter, again: str) -> Iterator[None]:
    """Say that a delivery failed, and what repeats it; the outcome stands."""
    try:
        yield
    except AksdisksError as error:
        reporter.warn(f"{error} (again: {again})")


@dataclass
class _Run:
    """The state of one run while it lasts; the result is rewritten to run.json at every step."""

    runbooks: Sequence[Path]
    parameters: Parameters
    dossier: Dossier
    share: bool
    reporter: Reporter
    interruption: Interruption
    container: Container | None
    clean: str

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self._real(self.parameters.run_deadline)
        # Beside everything else: a slow container holds up no runbook and no teardown.
        self.deliveries = ThreadPoolExecutor(1)
        self.dossier.redactor = Redactor(environment_secrets(), patterns=self.parameters.redact)
        # What `run` raises once everybody was told: bad input, or a defect of our own.
        self.error: BaseException | None = None
        self.result = RunResult(
            run=self.parameters.run_id,
            target=self.parameters.target,
            status="not run",
            started=_now(),
            finished=None,
            parameters=self.parameters.model_dump(),
            versions=versions(),
            runbooks=tuple(RunbookResult(path.stem, "not run", checks=unjudged(path)) for path in self.runbooks),
        )

    def run(self) -> RunResult:
        """The whole run, from the target to the summary, in a thread of its own: this one may have to hear signals."""
        with self.interruption, ThreadPoolExecutor(1) as worker:
            work = worker.submit(self._run)
            # A wait without end would let no signal through.
            while not wait([work], timeout=0.2).done:
                pass
            if error := work.exception():
                self._broke_off(error)
            self.deliveries.shutdown(wait=not self.interruption.reason, cancel_futures=bool(self.interruption.reason))
            if self.interruption.reason:
                self.dossier.open()
                self._update(status="interrupted", problem=f"interrupted by {self.interruption.reason}")
            self._update(finished=_now())
            self.result = self.dossier.finish(self.result)
        if self.error is None or self.dossier.folder.is_dir():
            self.reporter.summary(self.result, self.dossier.folder)
        return self.result

    def _broke_off(self, error: BaseException) -> None:
        """Take what ended the run, before or between its runbooks, into the result, and open the evidence for it."""
        known = isinstance(error, AksdisksError)
        asked = not isinstance(error, InputError) or isinstance(error, (Refused, TargetMismatch))
        began = self.dossier.folder.is_dir()
        if not known or not (asked or began):
            self.error = error
        if not began and asked:
            self.dossier.redactor = redactor_for(self.parameters, {}, share=self.share)
            try:
                self.dossier.open()
            except InputError as unwritable:
                self.error = unwritable
        if isinstance(error, CannotRun):
            status = "inconclusive"
        else:
            status = "refused" if isinstance(error, InputError) and not began else "failed"
        ran = [book.status for book in self.result.runbooks if book.status != "not run"]
        problem = "; ".join(filter(None, (self.result.problem, str(error) if known else repr(error))))
        self._update(status=roll_up([*ran, status]) if ran else status, problem=problem)

    def _run(self) -> None:
        with target.prepared(self.parameters) as ready, WarmKernels(ready.environment) as kernels:
            if not self._may_begin(ready.settings) or self.interruption.reason:
                return
            with (
                open_session(self.parameters, progress=self.reporter.progress, settings=ready.settings) as session,
                Liveness(session.cluster, self.reporter.say) as self.liveness,
            ):
                try:
                    self._begin(session)
                    with ThreadPoolExecutor(1) as pages:
                        self._runbooks(session, kernels, pages)
                finally:
                    self._teardown(session)

    def _may_begin(self, settings: target.TargetSettings) -> bool:
        """On a real cluster, say what will be made and what it costs before anything is, and ask whether it can be."""
        if not target.is_shared(self.parameters):
            return True
        answers = preflight(self.parameters, self.reporter.progress, settings)
        self.reporter.answers(answers, aside=True)
        refused = [f"{answer.statement}: {answer.seen}" for answer in answers if answer.status == "failed"]
        if refused:
            raise CannotRun(f"nothing was made: the target does not allow the run: {'; '.join(refused)}")
        return True

    def _begin(self, session: Session) -> None:
        """Open the evidence: who is asked, and what was there before."""
        self.dossier.redactor = redactor_for(self.parameters, {"server": session.cluster.server}, share=self.share)
        self.dossier.open()
        known = identity(session)
        self.dossier.redactor = redactor_for(self.parameters, known, share=self.share)
        self._update(identity=known)
        self._inventory(session, "before")
        for left in leftovers.find_leftovers(session.connection):
            if left.run != session.run_id and not left.busy:
                self.reporter.say(f"An earlier run left something: {left.run} in {left.namespace}. See aksdisks clean.")

    def _inventory(self, session: Session, when: str) -> None:
        """Keep what both sides show; that it cannot be had is no reason to stop."""
        try:
            inventory = read_inventory(session.cluster, session.azure, session.namespace)
        except AksdisksError as error:
            self.dossier.document(f"inventory-{when}.json", {"unknown": str(error)})
            return
        self.dossier.document(f"inventory-{when}.json", inventory)
        disks = inventory.disks
        self._update(disks={**self.result.disks, when: str(disks) if isinstance(disks, Unknown) else str(len(disks))})

    def _runbooks(self, session: Session, kernels: WarmKernels, pages: ThreadPoolExecutor) -> None:
        """Run each; the next kernel warms up, and the last page is rendered, while a runbook waits for its cluster."""
        gone = ""
        for number, path in enumerate(self.runbooks):
            if self.interruption.reason:
                return
            kernel = kernels.take(more=number + 1 < len(self.runbooks))
            began = time.monotonic()
            self.reporter.runbook(path.stem)
            try:
                execution = self._execute(path, kernel)
            finally:
                kernel.close()
            seconds = time.monotonic() - began
            if execution.problem and not execution.interrupted:
                # One that only restarts is back soon.
                gone = self.liveness.settle(lambda: self.interruption.reason) or session.connection.problem()
                execution.unreachable = bool(gone)
            result = self._keep(number, path, execution, seconds, pages)
            self.reporter.finished(result)
            if gone:
                self._update(problem=f"the cluster stopped answering in {path.stem}; nothing was run after it")
                break
            if result.status != "passed":
                # The crime scene, before the teardown takes it away.
                self._inventory(session, f"{path.stem}-{result.status}".replace(" ", "-"))
            if time.monotonic() > self.ends:
                self._update(problem=f"the run's deadline of {self.parameters.run_deadline:.0f} s passed")
                break
        statuses = [runbook.status for runbook in self.result.runbooks]
        # Where the target is gone, what was not run any more proves nothing, but is no fault either.
        self._update(status=roll_up([status for status in statuses if not gone or status != "not run"]))

    def _execute(self, path: Path, kernel: Kernel) -> Execution:
        """One runbook in a thread of its own, while this one looks out for signals."""
        ends = min(self.ends, time.monotonic() + self._real(self.parameters.runbook_deadline))
        with ThreadPoolExecutor(1) as worker:
            work = worker.submit(
                execute,
                path,
                self.dossier.folder / path.name,
                self.parameters.model_dump(exclude_defaults=True),
                kernel,
                cell_timeout=self._real(self.parameters.step_deadline),
                on_step=self._step,
                on_progress=self.reporter.progress,
                redact=self.dossier.redacted,
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

    def _keep(
        self, number: int, path: Path, execution: Execution, seconds: float, pages: ThreadPoolExecutor
    ) -> RunbookResult:
        """Write what a runbook came to into run.json; its page follows while the next one runs."""
        written = (self.dossier.folder / path.name).exists()
        result = RunbookResult(
            name=path.stem,
            status=execution.status,
            seconds=round(seconds, 3),
            notebook=path.name if written else None,
            html=f"{path.stem}.html" if written else None,
            checks=tuple(execution.checks),
            problem=execution.problem,
        )
        if written:
            pages.submit(self._page, result)
        done = self.result.runbooks
        self._update(runbooks=(*done[:number], result, *done[number + 1 :]))
        return result

    def _page(self, book: RunbookResult) -> None:
        """Finish a runbook's files, and deliver them at once: whatever becomes of this machine, they are there."""
        self.dossier.page(book, self.result)
        if self.container is not None and not self.interruption.reason:
            self.deliveries.submit(self._deliver, f"{book.name}.*")

    def _deliver(self, files: str) -> None:
        if self.container is None or any(self.dossier.redactor.leaks(self.dossier.folder, files)):
            return
        try:
            self.container.upload(self.dossier.folder, files)
        except AksdisksError as error:
            self.reporter.warn(f"{error} (tried again at the end)")
            self.container = None

    def _teardown(self, session: Session) -> None:
        """Remove what the run made; what could not be removed is named in the result."""
        self.reporter.runbook("clean-up")
        try:
            report = session.clean_up(self.parameters.teardown_deadline)
        except Exception as error:
            report = CleanUp(problems=(str(error) if isinstance(error, AksdisksError) else repr(error),))
            self.error = self.error if isinstance(error, AksdisksError) else error
        status = judge("nothing of the run is left", report.complete, "").status
        teardown = {"status": str(status), **asdict(report)}
        space = f"namespace {session.namespace}"
        stays = target.is_shared(self.parameters) and space.capitalize() not in report.removed
        if stays and status != "passed":
            left = space if self.parameters.namespace == "create" else f"what this run made in {space}"
            teardown["left_behind"] = f"{left} stays behind until you remove it: {self.clean}"
        self._update(teardown=teardown)
        self._inventory(session, "after")

    def _update(self, **changes: Any) -> None:
        """Change the result, and run.json with it."""
        self.result = replace(self.result, **changes)
        self.dossier.write(self.result)

    def _real(self, seconds: float) -> float:
        """Cluster seconds in real ones; the lab's speed shortens delays, not the work of this machine."""
        return seconds if self.parameters.target != "lab" else max(_LAB_DEADLINE, seconds / self.parameters.speed)


def check_target(parameters: Parameters, progress: Progress = silent) -> tuple[Check, ...]:
    """Ask the target, before anything is made, whether a run can pass there; a lab target gets a lab for that long."""
    with target.prepared(parameters) as ready:
        return preflight(parameters, progress, ready.settings)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
