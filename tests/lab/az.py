"""The Azure CLI from PyPI in a virtual environment of its own, and a session of it against a lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aksdisks.lab.server.process import LabState

REQUIREMENT = "azure-cli>=2.91,<3"
PATIENCE = 240
"""Seconds that the installation may take; 20 s with a registry nearby."""

UNREACHABLE = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Connection refused",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
)
"""What pip says when it is not the package that is missing but the way to the registry."""


class Said(NamedTuple):
    """How a command ended; `json` is what it printed, where that is JSON."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


def installed(cache: Path) -> Path:
    """The program; installed at the first use. AKSDISKS_AZ_VENV names a place that other runs can share."""
    place = Path(os.environ.get("AKSDISKS_AZ_VENV") or cache / f"az-{sys.version_info.major}.{sys.version_info.minor}")
    program, complete = place / "bin" / "az", place / "complete"
    if complete.is_file() or (program.is_file() and "AKSDISKS_AZ_VENV" in os.environ):
        return program
    venv.create(place, clear=True)
    pip = [sys.executable, "-m", "pip", "--python", place / "bin" / "python"]
    command = [*pip, "install", "--no-compile", "--quiet", REQUIREMENT]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    if result.returncode and any(sign in result.stderr for sign in UNREACHABLE):
        pytest.skip(f"{REQUIREMENT} cannot be installed: the package registry cannot be reached")
    assert result.returncode == 0, result.stderr[-2000:]
    complete.touch()
    return program


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
