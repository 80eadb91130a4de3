"""The programs that tests use and Python does not bring: what a machine lacks, and what to install, in one place.

README.md lists them, and a test keeps both lists equal.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

KUBECTL = 31
"""The minor version from which on kubectl speaks WebSocket of itself; Debian 12 still packages 1.20."""

PACKAGES = {
    "kubectl": f"kubectl 1.{KUBECTL} or later (Debian 13: kubernetes-client; else https://kubernetes.io/docs/tasks/tools)",
    "bwrap": "bubblewrap",
    "unshare": "util-linux",
    "chromium": "chromium",
    "npm": "npm",
    "patch": "patch",
    "perl": "perl",
    "ps": "procps",
}
"""Of each program: what to install, by the name that Debian gives it."""

ALLOW = "install bubblewrap, or allow user namespaces (sysctl user.max_user_namespaces)"
"""What to do where no command can be confined, though the programs are there."""


@cache
def missing(program: str) -> str:
    """Why a test that needs the program cannot run here and what to install; empty when it can."""
    if shutil.which(program) is None:
        return f"{program} is not on PATH: install {PACKAGES[program]}"
    if program == "kubectl" and (minor := _kubectl_minor()) < KUBECTL:
        return f"kubectl on PATH is 1.{minor}: install {PACKAGES[program]}"
    return ""


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips tests on a machine that lacks one of the programs."""
    lacking = list(filter(None, map(missing, programs)))
    return pytest.mark.skipif(bool(lacking), reason="; ".join(lacking) or "nothing is missing")


def require(*programs: str) -> None:
    """The same for a fixture."""
    if lacking := list(filter(None, map(missing, programs))):
        pytest.skip("; ".join(lacking))


def path_without(program: str, folder: Path) -> str:
    """PATH without a program; what stands beside it stays, through links in `folder`."""
    places = []
    for number, place in enumerate(os.environ["PATH"].split(os.pathsep)):
        if Path(place, program).exists():
            beside = folder / str(number)
            beside.mkdir(parents=True)
            for entry in Path(place).iterdir():
                if entry.name != program:
                    (beside / entry.name).symlink_to(entry)
            place = str(beside)
        places.append(place)
    return os.pathsep.join(places)


def _kubectl_minor() -> int:
    """The minor version of kubectl; 0 for one that does not say."""
    command = ["kubectl", "version", "--client", "-o", "json"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    try:
        return int(json.loads(said.stdout)["clientVersion"]["minor"].rstrip("+"))
    except (ValueError, KeyError):
        return 0
