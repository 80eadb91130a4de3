"""A headless run: the target made ready, each runbook through papermill, the teardown, and the evidence on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aksdisks.errors import AksdisksError, CannotRun, InputError, Refused, TargetMismatch
from aksdisks.evidence.delivery import Container, check_webhook, is_to_be_notified, notify
from aksdisks.evidence.folder import EvidenceFolder, identity, redactor_for
from aksdisks.evidence.result import RunbookResult, RunResult, outcome_before, roll_up
from aksdisks.evidence.seal import check_private
from aksdisks.inspection.preflight import preflight
from aksdisks.inspection.run_objects import new_run_id
from aksdisks.model.checks import Check
from aksdisks.parameters import Parameters
from aksdisks.runner.arguments import check_output, check_runbooks
from aksdisks.runner.causes import find_causes
from aksdisks.runner.deadlines import Deadlines
from aksdisks.runner.execution import Execution, WarmKernels
from aksdisks.runner.interruption import Interruption
from aksdisks.runner.liveness import Liveness
from aksdisks.runner.publisher import Publisher
from aksdisks.runner.reporter import Reporter
from aksdisks.runner.state import RunState
from aksdisks.runner.supervisor import Supervisor
from aksdisks.runner.teardown import tear_down
from aksdisks.session import leftovers
from aksdisks.session.session import Session, open_session
from aksdisks.targets import target
from aksdisks.waiting import Progress, silent


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
    evidence = EvidenceFolder(folder, key)
    options = _Options(reporter, interruption or Interruption(), share, container, clean)
    run = _Run(RunState(runbooks, parameters, evidence), runbooks, parameters, options)
    result = run.run()
    _deliver(result, evidence, reporter, container, webhook)
    if left_behind := result.teardown.get("left_behind"):
        reporter.left_behind(left_behind)
    if run.error is not None:
        raise run.error
    return result


def _deliver(
    result: RunResult, evidence: EvidenceFolder, reporter: Reporter, container: Container | None, webhook: str
) -> None:
    """Send the whole folder to the container, unless a secret stands in it, and the outcome to the webhook."""
    folder = evidence.path
    if container is not None and folder.is_dir() and not evidence.leaks:
        with _reported(reporter, f"aksdisks evidence upload {folder} {container.url}"):
            container.upload(folder)
    if webhook:
        before = outcome_before(folder, result.started)
        if is_to_be_notified(result.status, before):
            with _reported(reporter, f"aksdisks evidence notify {folder}"):
                notify(webhook, evidence.redactor.value(result.document()), before, str(folder))


@contextmanager
def _reported(reporter: Reporter, again: str) -> Iterator[None]:
    """Say that a delivery failed, and what repeats it; the outcome stands."""
    try:
        yield
    except AksdisksError as error:
        reporter.warn(f"{error} (again: {again})")


@dataclass(frozen=True)
class _Options:
    """What `run_runbooks` was asked for besides runbooks and parameters."""

    reporter: Reporter
    interruption: Interruption
    share: bool
    container: Container | None
    clean: str


class _Run:
    """The order of a run: the target, what was there before, each runbook, the teardown."""

    def __init__(self, state: RunState, runbooks: Sequence[Path], parameters: Parameters, options: _Options) -> None:
        self.state = state
        self.runbooks = runbooks
        self.parameters = parameters
        self.options = options
        self.deadlines = Deadlines(parameters)
        # What is raised once everybody was told: bad input, or a defect of our own.
        self.error: BaseException | None = None

    def run(self) -> RunResult:
        """The whole run, in a thread of its own, because this one may have to hear signals."""
        interruption = self.options.interruption
        with interruption, ThreadPoolExecutor(1) as worker:
            publisher = Publisher(self.state, self.options.container, self.options.reporter, interruption)
            work = worker.submit(self._on_target, publisher)
            # A wait without end would let no signal through.
            while not wait([work], timeout=0.2).done:
                pass
            if error := work.exception():
                self._broke_off(error)
            publisher.close()
            if interruption.reason:
                self.state.folder.open()
                self.state.update(status="interrupted", problem=f"interrupted by {interruption.reason}")
            result = self.state.finish()
        if self.error is None or self.state.begun:
            self.options.reporter.summary(result, self.state.folder.path)
        return result

    def _on_target(self, publisher: Publisher) -> None:
        reporter = self.options.reporter
        with target.run_target(self.parameters) as found, WarmKernels(found.environment) as kernels:
            if target.is_shared(self.parameters):
                _ask_first(self.parameters, reporter, found.settings, self.runbooks)
            if self.options.interruption.reason:
                return
            with (
                open_session(self.parameters, progress=reporter.progress, settings=found.settings) as session,
                Liveness(session.cluster, reporter.say) as liveness,
            ):
                try:
                    self._begin(session)
                    try:
                        self._run_books(session, kernels, publisher, liveness)
                    finally:
                        publisher.finish_pages()
                finally:
                    reporter.runbook("clean-up")
                    teardown, defect = tear_down(session, self.options.clean)
                    self.error = defect or self.error
                    self.state.update(teardown=teardown)
                    self.state.keep_inventory(session, "after")

    def _begin(self, session: Session) -> None:
        """Open the evidence: who is asked, and what was there before."""
        folder, share = self.state.folder, self.options.share
        folder.redactor = redactor_for(self.parameters, {"server": session.cluster.server}, share=share)
        folder.open()
        known = identity(session)
        folder.redactor = redactor_for(self.parameters, known, share=share)
        self.state.update(identity=known)
        self.state.keep_inventory(session, "before")
        for left in leftovers.find_leftovers(session.connection):
            if left.run != session.run_id and not left.busy:
                words = f"An earlier run left something: {left.run} in {left.namespace}. See aksdisks clean."
                self.options.reporter.say(words)

    def _run_books(self, session: Session, kernels: WarmKernels, publisher: Publisher, liveness: Liveness) -> None:
        """Run each; the next kernel warms up, and the last page is rendered, while a runbook waits for its cluster."""
        interruption, reporter, state, gone = self.options.interruption, self.options.reporter, self.state, ""
        supervisor = Supervisor(self.parameters, self.deadlines, state, reporter, interruption, liveness)
        for number, path in enumerate(self.runbooks):
            if interruption.reason:
                return
            kernel = kernels.take(more=number + 1 < len(self.runbooks))
            began = time.monotonic()
            reporter.runbook(path.stem)
            try:
                execution = supervisor.execute(path, kernel)
            finally:
                kernel.close()
            seconds = time.monotonic() - began
            if execution.problem and not execution.interrupted:
                # One that only restarts is back soon.
                gone = liveness.settle(lambda: interruption.reason) or session.connection.problem()
                execution.unreachable = bool(gone)
            result = _result(path, execution, seconds, written=(state.folder.path / path.name).exists())
            if result.status == "failed" and not gone:
                # What stands in the way now: the teardown takes it away.
                findings, unseen = find_causes(session)
                result = replace(result, findings=findings, unseen=unseen)
            state.keep_runbook(number, result)
            if result.notebook:
                publisher.publish(result)
            reporter.finished(result)
            if gone:
                state.update(problem=f"the cluster stopped answering in {path.stem}; nothing was run after it")
                break
            if result.status != "passed":
                # What the failure left, before the teardown takes it away.
                state.keep_inventory(session, f"{path.stem}-{result.status}".replace(" ", "-"))
            if self.deadlines.run_has_passed():
                state.update(problem=f"the run's deadline of {self.parameters.run_deadline:.0f} s passed")
                break
        statuses = [runbook.status for runbook in state.result.runbooks]
        # Where the target is gone, what was not run any more proves nothing, but is no fault either.
        state.update(status=roll_up([status for status in statuses if not gone or status != "not run"]))

    def _broke_off(self, error: BaseException) -> None:
        """Take what ended the run, before or between its runbooks, into the result, and open the evidence for it."""
        state = self.state
        known = isinstance(error, AksdisksError)
        asked = not isinstance(error, InputError) or isinstance(error, (Refused, TargetMismatch))
        began = state.begun
        if not known or not (asked or began):
            self.error = error
        if not began and asked:
            state.folder.redactor = redactor_for(self.parameters, {}, share=self.options.share)
            try:
                state.folder.open()
            except InputError as unwritable:
                self.error = unwritable
        if isinstance(error, CannotRun):
            status = "inconclusive"
        else:
            status = "refused" if isinstance(error, InputError) and not began else "failed"
        ran = [book.status for book in state.result.runbooks if book.status != "not run"]
        problem = "; ".join(filter(None, (state.result.problem, str(error) if known else repr(error))))
        state.update(status=roll_up([*ran, status]) if ran else status, problem=problem)


def _ask_first(
    parameters: Parameters, reporter: Reporter, settings: target.TargetSettings, runbooks: Sequence[Path]
) -> None:
    """On a real cluster, say what will be made and what it costs before anything is, and raise where it cannot be."""
    answers = preflight(parameters, reporter.progress, settings, [path.stem[:2] for path in runbooks])
    reporter.answers(answers, aside=True)
    refused = [f"{answer.statement}: {answer.seen}" for answer in answers if answer.status == "failed"]
    if refused:
        raise CannotRun(f"nothing was made: the target does not allow the run: {'; '.join(refused)}")


def _result(path: Path, execution: Execution, seconds: float, *, written: bool) -> RunbookResult:
    """What a runbook came to; its files are named where its notebook was `written`."""
    return RunbookResult(
        name=path.stem,
        status=execution.status,
        seconds=round(seconds, 3),
        notebook=path.name if written else None,
        html=f"{path.stem}.html" if written else None,
        checks=tuple(execution.checks),
        problem=execution.problem,
    )


def check_target(parameters: Parameters, progress: Progress = silent) -> tuple[Check, ...]:
    """Ask the target, before anything is made, whether a run can pass there; a lab target gets a lab for that long."""
    with target.run_target(parameters) as found:
        return preflight(parameters, progress, found.settings)
