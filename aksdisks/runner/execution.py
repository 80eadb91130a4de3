"""Executes one runbook through papermill in a kernel that was started, and warmed, beforehand.

The kernel is ours, not papermill's: the runner can interrupt or end it from outside, and the next one starts while the
present runbook waits for its cluster. It talks over sockets in a directory of its own, so that runs side by side never
compete for ports.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aksdisks import errors
from aksdisks.evidence.checks import collect_checks, not_run
from aksdisks.evidence.result import roll_up
from aksdisks.model.checks import Check, Status
from aksdisks.waiting import Progress, silent
from aksdisks.walkthrough import progress

# Done while the kernel waits for its notebook: what every runbook needs once it opens its session. No name is
# bound by it: `azure` is a parameter too.
_WARM_MODULES = ("aksdisks.walkthrough.walk", "kubernetes.client.api.core_v1_api", "azure.core.rest", "azure.identity")
_WARM_UP = f"[__import__(module) for module in {_WARM_MODULES!r}][0].walkthrough.warm()"


# How papermill is asked to execute every runbook: through our engine, which saves by itself.
_HOW = {
    "engine_name": "aksdisks",
    "kernel_name": "python3",
    "progress_bar": False,
    "request_save_on_cell_execute": False,
}


@dataclass
class Execution:
    """How far a runbook came: its checks, why it ended early (empty when it did not), and the class of its error."""

    checks: list[Check] = field(default_factory=list)
    problem: str = ""
    error: str = ""
    completed: bool = False
    interrupted: bool = False
    unreachable: bool = False

    @property
    def status(self) -> Status:
        """The checks rolled up, unless the runbook ended early."""
        if self.interrupted:
            return Status.NOT_RUN
        if self.completed:
            return roll_up([check.status for check in self.checks])
        # One of these says that the target could not be asked, not that it gave a wrong answer.
        kind = getattr(errors, self.error, None)
        proves_nothing = self.unreachable or (isinstance(kind, type) and issubclass(kind, errors.CannotRun))
        checks_failed = any(check.status is Status.FAILED for check in self.checks)
        return Status.INCONCLUSIVE if proves_nothing and not checks_failed else Status.FAILED


@contextmanager
def _closed_loop() -> Iterator[None]:
    """End the event loop that jupyter_client and nbclient make for a thread and leave open, tasks included."""
    import asyncio

    from jupyter_core.utils import ensure_event_loop

    try:
        yield
    finally:
        loop = ensure_event_loop()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:  # of nothing, gather would look for the thread's current loop, which need not be there
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


class Stopped(Exception):  # noqa: N818 - it is no error
    """Raised by an `on_step` that lets no further cell start."""


class Kernel:
    """A Python kernel of this environment, started at once, in a session of its own and with `environment`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Starts the process; `close` must be called."""
        from jupyter_client.manager import KernelManager

        self.directory = Path(tempfile.mkdtemp(prefix="aksdisks-kernel-"))
        self.manager = KernelManager(
            kernel_name="python3",
            # nbclient drives kernels asynchronously; only the client has to be of that kind.
            client_class="jupyter_client.asynchronous.AsyncKernelClient",
            transport="ipc",
            ip=str(self.directory / "k"),
            connection_file=str(self.directory / "kernel.json"),
        )
        try:
            with _closed_loop():
                self.manager.start_kernel(
                    extra_arguments=["--HistoryManager.enabled=False", f"--IPKernelApp.exec_lines={_WARM_UP}"],
                    cwd=str(self.directory),
                    # So that it reads no start-up files of the user's, and needs no home that it can write to.
                    env={
                        **os.environ,
                        "IPYTHONDIR": str(self.directory),
                        progress.KERNEL_VARIABLE: progress.COMM,
                        **environment,
                    },
                )
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the cell that runs; papermill then saves the notebook with it."""
        with _closed_loop():
            if self.manager.is_alive():
                self.manager.interrupt_kernel()

    def kill(self) -> None:
        """End the kernel and what it started, at once."""
        pid = getattr(self.manager.provisioner, "pid", None)
        if pid is not None:
            try:
                os.killpg(os.getpgid(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self) -> None:
        """End the process and remove its directory; safe to repeat."""
        try:
            with _closed_loop():
                if self.manager.has_kernel:
                    self.manager.shutdown_kernel(now=True)
                self.manager.cleanup_resources()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)


class WarmKernels:
    """Keeps one started kernel ahead of demand, with `environment` added to that of this process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._pool = ThreadPoolExecutor(1)
        self._next: Future[Kernel] | None = self._pool.submit(Kernel, environment)

    def __enter__(self) -> WarmKernels:
        return self

    def __exit__(self, *_exc: object) -> None:
        """End the kernel that waits, if any."""
        self._pool.shutdown()
        if self._next and not self._next.exception():
            self._next.result().close()

    def take(self, *, more: bool) -> Kernel:
        """The waiting kernel, the caller's to close; `more` starts another."""
        waiting, self._next = self._next, self._pool.submit(Kernel, self._environment) if more else None
        return waiting.result() if waiting else Kernel(self._environment)


def execute(
    runbook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    kernel: Kernel,
    *,
    cell_timeout: float,
    on_step: Callable[[str], None],
    on_progress: Progress = silent,
    redact: Callable[[Any], Any] = lambda notebook: notebook,
) -> Execution:
    """Run `runbook` with `parameters` into `output`, saved after every code cell.

    `redact` gives the notebook as it may be written. `on_step` is called with the heading above each code cell as it
    starts; it may raise Stopped. `on_progress` hears of the waits in the cells. Never raises for what happens inside
    the notebook: an error, a time-out (`cell_timeout` in seconds) or a dead kernel is the execution's `problem`.
    """
    import papermill
    from papermill.iorw import write_ipynb

    _register_engine()
    execution = Execution()
    whole = output.with_name(f".{output.name}")

    def save(content: Any) -> None:
        # What was saved before stays until there is more.
        write_ipynb(redact(content), str(whole))
        whole.replace(output)

    try:
        with _closed_loop():
            notebook = papermill.execute_notebook(
                str(runbook),
                None,  # what papermill writes at the end would have passed no redaction
                parameters=dict(parameters),
                **_HOW,
                kernel=kernel,
                cell_timeout=cell_timeout,
                save=save,
                on_step=on_step,
                on_progress=on_progress,
            )
        # papermill adds its own metadata after the last cell.
        save(notebook)
        execution.completed = True
    except Exception as error:
        execution.problem, execution.error = _ended_early(error, output, cell_timeout)
        whole.unlink(missing_ok=True)  # half of a notebook that could not be saved
    execution.checks = collect_checks(notebook) if execution.completed else _checks_so_far(runbook, output)
    return execution


def _checks_so_far(runbook: Path, output: Path) -> list[Check]:
    """The checks of an execution that ended early: those of what was saved, else the runbook's as not run."""
    import nbformat

    if output.exists():
        return collect_checks(nbformat.read(output, as_version=4))
    return not_run(nbformat.read(runbook, as_version=4))


def _ended_early(error: Exception, output: Path, cell_timeout: float) -> tuple[str, str]:
    """Why an execution ended early, and the class of the error that a cell raised; empty where none did."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    match error:
        case PapermillExecutionError():
            return f"cell {error.exec_count}: {error.ename}: {error.evalue}", error.ename
        case CellTimeoutError():
            return f"a cell did not end within {cell_timeout:.0f} s", ""
        case DeadKernelError():
            return "the kernel died", ""
        case Stopped():
            return str(error), ""
        case OSError():
            return f"{output} cannot be saved: {error.strerror or error}", ""
        case _:  # papermill's and nbformat's own, such as for a language that has no translator
            return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}", ""


@cache
def _register_engine() -> None:
    """Teach papermill to use our kernels and to save after each code cell only."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    # It warns of every parameter that a notebook's cell does not list; ours are checked before, all of them.
    logging.getLogger("papermill").setLevel(logging.ERROR)

    class WarmEngine(NBClientEngine):  # type: ignore[misc]
        """Papermill's engine on a kernel handed in, which stays the caller's to close."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> Any:
            heading = ""

            def starts(cell: Any, **_: Any) -> None:
                nonlocal heading
                if cell.cell_type == "code":
                    given["on_step"](heading)
                else:
                    headings = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
                    heading = headings[-1] if headings else heading

            def ended(**_: Any) -> None:
                given["save"](nb_man.nb)

            how = {"on_cell_start": starts, "on_cell_executed": ended, "timeout": int(given["cell_timeout"])}

            def heard(message: Any) -> Any:
                given["on_progress"](progress.received(message["content"]["data"]))
                return SimpleNamespace(handle_msg=heard)

            client = PapermillNotebookClient(nb_man, km=given["kernel"].manager, kernel_name=kernel_name, **how)
            client.comm_open_handlers[progress.COMM] = heard
            try:
                return client.execute()
            except (CellTimeoutError, DeadKernelError):
                ended()  # what the cell had shown
                raise
            finally:
                if client.kc is not None:
                    client.kc.stop_channels()

    papermill_engines.register("aksdisks", WarmEngine)
