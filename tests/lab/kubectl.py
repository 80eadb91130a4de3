"""Which kubectl is on PATH: commands and streams of today need one of today."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

OLDEST = 31
"""Since 1.31 kubectl speaks WebSocket of itself; distributions still carry 1.20."""


def minor() -> int:
    """The minor version; 0 for none, or for one that does not say."""
    if shutil.which("kubectl") is None:
        return 0
    said = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True, check=False)
    try:
        return int(json.loads(said.stdout)["clientVersion"]["minor"].rstrip("+"))
    except (ValueError, KeyError):
        return 0


needs_kubectl = pytest.mark.skipif(minor() < OLDEST, reason=f"kubectl of 1.{OLDEST} or later is not on PATH")
