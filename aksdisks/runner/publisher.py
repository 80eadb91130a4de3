"""Finishes and delivers each runbook's files beside the run: neither holds up the next runbook or the teardown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from aksdisks.errors import AksdisksError
from aksdisks.evidence.delivery import Container
from aksdisks.evidence.result import RunbookResult
from aksdisks.runner.interruption import Interruption
from aksdisks.runner.reporter import Reporter
from aksdisks.runner.state import RunState


class Publisher:
    """Renders pages in one thread, and uploads to the container, if there is one, in another."""

    def __init__(
        self, state: RunState, container: Container | None, reporter: Reporter, interruption: Interruption
    ) -> None:
        self._state = state
        self._container = container
        self._reporter = reporter
        self._interruption = interruption
        self._pages = ThreadPoolExecutor(1)
        self._deliveries = ThreadPoolExecutor(1)

    def publish(self, book: RunbookResult) -> None:
        """Finish a runbook's files, and deliver them at once: whatever becomes of this machine, they are there."""
        self._pages.submit(self._finish, book)

    def finish_pages(self) -> None:
        """Wait until every page is made."""
        self._pages.shutdown()

    def _finish(self, book: RunbookResult) -> None:
        self._state.folder.page(book, self._state.result)
        if self._container is not None and not self._interruption.reason:
            self._deliveries.submit(self._deliver, f"{book.name}.*")

    def close(self) -> None:
        """Wait for deliveries under way; an interrupted run drops those that have not begun, and waits for none."""
        interrupted = bool(self._interruption.reason)
        self._deliveries.shutdown(wait=not interrupted, cancel_futures=interrupted)

    def _deliver(self, files: str) -> None:
        folder = self._state.folder
        if self._container is None or any(folder.redactor.leaks(folder.path, files)):
            return
        try:
            self._container.upload(folder.path, files)
        except AksdisksError as error:
            self._reporter.warn(f"{error} (tried again at the end)")
            self._container = None
