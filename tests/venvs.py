"""Programs from PyPI that tests run beside the project's own packages, installed once into an environment of theirs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import SkipTest

PATIENCE = 240
"""Seconds that an installation may take; 20 s with a registry nearby."""

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


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """While it lasts no other process puts something there: two workers may need it first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def installed(place: Path, *requirements: str, beside: bool = False) -> Path:
    """The environment's folder of programs; made at the first use, and again for other requirements.

    `beside`: it sees the packages of the environment that runs the tests, and pip installs only what those lack.
    """
    with alone(place):
        _install(place, requirements, beside)
    return place / "bin"


def _install(place: Path, requirements: tuple[str, ...], beside: bool) -> None:
    complete, wanted = place / "complete", "\n".join([*requirements, sys.version])
    if complete.is_file() and complete.read_text() == wanted:
        return
    venv.create(place, clear=True)
    if beside:
        own = sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)})
        Path(own, "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", place / "bin" / "python"]
    result = subprocess.run(
        [*pip, "install", "--no-compile", "--quiet", *requirements],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    if result.returncode and any(sign in result.stderr for sign in UNREACHABLE):
        raise SkipTest(f"{requirements} cannot be installed: the package registry cannot be reached")
    assert result.returncode == 0, result.stderr[-2000:]
    complete.write_text(wanted)
