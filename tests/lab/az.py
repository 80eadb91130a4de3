"""A session of the Azure CLI against a lab."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aksdisks.lab.server.process import LabState


class Said(NamedTuple):
    """How a command ended; `json` is what it printed, where that is JSON."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


def logged_in(
    program: Path, lab: LabState, folder: Path, changes: Mapping[str, str] | None = None
) -> Callable[..., Said]:
    """Do what `aksdisks lab env --az` says; then a function that runs `az` with the words that it is given."""
    variables = lab.environment() | lab.az_environment() | {"AZURE_CONFIG_DIR": str(folder)} | dict(changes or {})
    quiet = {"AZURE_CORE_COLLECT_TELEMETRY": "false", "AZURE_CORE_NO_COLOR": "true"}
    environment = os.environ | variables | quiet
    environment["PATH"] = f"{program.parent}{os.pathsep}{environment['PATH']}"

    def run(arguments: list[str]) -> Said:
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=120, env=environment)
        return Said(result.returncode, result.stdout, result.stderr)

    for command in lab.az_commands():
        said = run(["sh", "-c", command])
        assert said.code == 0, f"{command}\n{said.errors}"

    def az(words: str, *more: str) -> Said:
        return run([str(program), *words.split(), *more])

    return az
