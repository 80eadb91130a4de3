"""The operator as a process beside the notebook: started, watched, killed on purpose, and ended with it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import yaml

from aksdisks.session.session import Session

_PATIENCE = 15.0  # for it to end; real seconds


class OperatorProcess:
    """`aksdisks operator` for a session's namespace. It ends when its standard input does: so it outlives no kernel."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._folder: Path = session.journal.path.parent
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> str:
        """What a person would type."""
        return f"aksdisks operator -n {self._session.namespace}"

    @property
    def log(self) -> str:
        """What it said so far, also before it was killed and started again; without what is this machine's."""
        path = self._folder / "operator.log"
        said = path.read_text(encoding="utf-8") if path.exists() else ""
        return re.sub(rf"\b{re.escape(socket.gethostname())}_(?=\d)", "HOST_", said.replace(f"{self._folder}/", ""))

    @property
    def ended(self) -> bool:
        """Whether it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is not None and not self.ended:
            return
        parameters = self._folder / "operator.yaml"
        parameters.write_text(yaml.safe_dump(self._session.parameters.model_dump()), encoding="utf-8")
        command = [sys.executable, "-m", "aksdisks.cli", "operator", "-n", self._session.namespace]
        environment = {**os.environ, "AKSDISKS_STATE_DIR": str(self._session.connection.settings.state_dir)}
        with (self._folder / "operator.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-f", str(parameters), "--until-input-ends"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # a cell's interrupt is not meant for it
            )

    def kill(self) -> None:
        """End it as a crash does, with no time to finish anything."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def close(self) -> None:
        """End it, and wait until it has ended."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._end()

    def _end(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
