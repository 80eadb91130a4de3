"""One run's folder on disk: all that goes into it passes the redactor; in the end it is summed up and sealed."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aksdisks.errors import InputError
from aksdisks.evidence import report
from aksdisks.evidence.redaction import Redactor, environment_secrets
from aksdisks.evidence.result import RunbookResult, RunResult, conclude, results
from aksdisks.evidence.seal import SUMS, seal
from aksdisks.model import Inventory
from aksdisks.parameters import Parameters
from aksdisks.session.session import Session
from aksdisks.targets import target

_PACKAGES = ("aksdisks", "azure-core", "azure-identity", "kubernetes", "nbclient", "pandas", "papermill")


class EvidenceFolder:
    """The folder of a run; nothing is written before `open`."""

    def __init__(self, path: Path, key: Path | None) -> None:
        """`key`: the private key that signs the sums, if any. Until more is known, the environment's secrets go."""
        self.path = path
        self.redactor = Redactor(environment_secrets())
        self.key = key
        # What could not be written. It ends nothing, since a run has to clean up; it fails the run in the end.
        self.problem = ""
        # Files in which a secret stands all the same: such a folder is not delivered.
        self.leaks: list[str] = []

    def open(self) -> None:
        """Make the folder, unless it is there; raises InputError where that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                object=f"{self.path}", expected="a folder that can be made", cause=f"{error.strerror}"
            ) from error

    def redacted(self, notebook: Any) -> Any:
        """A notebook as it may be written."""
        import nbformat

        return nbformat.from_dict(self.redactor.value(notebook))

    def write(self, result: RunResult) -> None:
        """Write run.json; whoever reads it always finds a whole document."""
        if self.path.is_dir():
            self.document("run.json", result.document())

    def document(self, name: str, value: Inventory | dict[str, Any]) -> None:
        """Write a JSON file whole or not at all."""
        plain = self.redactor.value(asdict(value) if isinstance(value, Inventory) else value)
        self._put(name, json.dumps(plain, indent=2, ensure_ascii=False, default=str) + "\n")

    def page(self, book: RunbookResult, run: RunResult) -> None:
        """Render a notebook's page; one that did not pass says so at its top and in its recap, in the notebook too."""
        import nbformat

        path = self.path / f"{book.name}.ipynb"
        with self._noted(path.with_suffix(".html")):
            page = report.html(nbformat.read(path, as_version=4), book, run)
            self._put(path.with_suffix(".html").name, self.redactor.text(page))
        if book.status not in ("passed", "not applicable"):
            with self._noted(path.with_name(f".{path.name}")):
                self._put(path.name, self.redactor.text(_with_conclusion(path, book)))

    def finish(self, result: RunResult) -> RunResult:
        """The final result, once run.json, cover, JUnit XML and metrics all tell it, and the folder is sealed.

        What goes wrong while they are written, or a leak that is found in them, belongs to the result: then all of
        them are written once more.
        """
        earlier = results(self.path.parent, but=self.path) if self.path.is_dir() else []
        told: tuple[str, ...] | None = None
        final = result
        # Only the first problem of a file is kept, so that the second time nothing new is found.
        while told != (found := self._problems()):
            told = found
            final = conclude(result, told)
            if told == () and not all(book.html for book in final.runbooks):
                # Pages that were made while it lasted link to those of runbooks that were still to come.
                for book in final.runbooks:
                    if book.html:
                        self.page(book, final)
            if self.path.is_dir():
                self._write_final(final, earlier)
        return final

    def _problems(self) -> tuple[str, ...]:
        leaks = f"a secret stands in {', '.join(self.leaks)}; do not hand this folder over" if self.leaks else ""
        return tuple(filter(None, (self.problem, leaks)))

    def _write_final(self, result: RunResult, earlier: list[RunResult]) -> None:
        """Every form of the one result; then look for leaks, and seal."""
        for name in report.FILES:
            self._put(name, self.redactor.text(report.render(name, result, earlier)))
        self.write(result)
        # What leaked once stays said, though a file that is written again may not have it any more.
        self.leaks = sorted({*self.leaks, *self.redactor.leaks(self.path)})
        with self._noted(self.path / SUMS):
            seal(self.path, self.key)

    def _put(self, name: str, text: str) -> None:
        """Write a file whole or not at all."""
        whole = self.path / f".{name}"
        with self._noted(whole):
            whole.write_text(text, encoding="utf-8", errors="backslashreplace")
            whole.replace(self.path / name)

    @contextmanager
    def _noted(self, path: Path) -> Iterator[None]:
        """Keep why a file could not be written, and no half of it."""
        try:
            yield
        except Exception as error:  # nbconvert's own as well: nobody asks the thread that makes pages for its errors
            found = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            self.problem = self.problem or self.redactor.text(f"{path}: expected to be written, found: {found}")
            with suppress(OSError):
                path.unlink(missing_ok=True)


def redactor_for(parameters: Parameters, known: Mapping[str, str], *, share: bool) -> Redactor:
    """What has to go from a run's evidence: secrets, and where it is shared who and where it was.

    `known` is a session's `identity`; before there is one, what the parameters and the kubeconfig tell.
    """
    if not share:
        return Redactor(environment_secrets(), patterns=parameters.redact)
    expected = parameters.expect.split("/")  # /subscriptions/ID/…, or a URL
    server = known.get("server") or target.server(parameters)
    return Redactor(
        environment_secrets(),
        {
            "subscription": [known.get("subscription", ""), expected[2] if expected[1:2] == ["subscriptions"] else ""],
            "tenant": [os.environ.get("AZURE_TENANT_ID", "")],
            "user": [known.get("user", ""), os.environ.get("USER", "")],
            "host": [urlsplit(server).hostname or "", socket.gethostname()],
        },
        parameters.redact,
    )


def identity(session: Session) -> dict[str, str]:
    """Which cluster and which Azure a session talks to, and as whom."""
    cluster, azure = session.cluster, session.azure
    found = {"server": cluster.server, "kubernetes": cluster.version(), "user": str(cluster.identity())}
    if azure.unknown is not None:
        return found | {"azure": str(azure.unknown)}
    return found | {"subscription": azure.subscription, "node resource group": azure.resource_group}


def versions() -> dict[str, str]:
    """Of Python, of the packages that matter, and the commit where this is a checkout."""
    found = {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES}
    root = Path(__file__).parent.parent.parent
    if (root / ".git").exists():
        asked = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        )
        found["git"] = asked.stdout.strip() or "unknown"
    return found


def _with_conclusion(path: Path, book: RunbookResult) -> str:
    """A notebook that says at its top, once, and in its recap how it ended."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    report.concluded(notebook, book)
    if all(cell.id != report.BANNER for cell in notebook.cells):
        ended = f"did not end: {book.problem}" if book.problem else f"did not pass: {book.status}"
        words = f"> **This runbook {ended}** Cells without a number were not run."
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(words, id=report.BANNER))
    return str(nbformat.writes(notebook))
