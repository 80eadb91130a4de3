"""The site's build against Sphinx with the same settings on one empty page."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.docs.tools import ROOT, installed


class Took(NamedTuple):
    """Seconds of each, and how many pages the site has."""

    site: float
    empty: float
    pages: int


def measure() -> Took:
    """Build both once; the tools are those of pytest's cache, and installed before the clock starts."""
    python = installed(ROOT / ".pytest_cache" / "d" / "docs")
    with tempfile.TemporaryDirectory() as folder:
        page, out = Path(folder) / "page", Path(folder) / "out"
        page.mkdir()
        (page / "index.md").write_text("# Nothing\n")
        bare = [python, "-m", "sphinx", "-q", "-b", "html", "-c", ROOT / "docs" / "site", page, Path(folder) / "bare"]
        times = [_seconds(command) for command in (bare, [python, "-m", "docs.site", out])]
        return Took(times[1], times[0], len(list(out.rglob("*.html"))))


def _seconds(command: list[str | Path]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
