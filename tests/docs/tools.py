"""The tools that build the site, from PyPI, beside the packages of the tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests import venvs

ROOT = Path(__file__).parents[2]


def installed(cache: Path) -> Path:
    """A Python that has the extra `docs` besides what the tests have; installed at the first use."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return venvs.installed(cache / "venv", *extras["docs"], beside=True) / "python"
