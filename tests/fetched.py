"""Programs that tests fetch from registries for themselves, each once into pytest's cache.

`python3 -m tests.fetched` fetches them beforehand, with Python alone; a test that needs one meanwhile waits for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import venvs

CACHE = Path(__file__).parent.parent / ".pytest_cache" / "d"


def az(cache: Path) -> Path:
    """The Azure CLI. AKSDISKS_AZ_VENV names a place that other runs can share."""
    shared = os.environ.get("AKSDISKS_AZ_VENV")
    if shared and (program := Path(shared, "bin", "az")).is_file():
        return program
    place = Path(shared) if shared else cache / f"az-{sys.version_info.major}.{sys.version_info.minor}"
    return venvs.installed(place, "azure-cli>=2.91,<3") / "az"


def azurite(cache: Path) -> Path:
    """Microsoft's emulator of Blob storage; npm is needed."""
    place = cache / "azurite"
    program = place / "node_modules" / ".bin" / "azurite-blob"
    with venvs.alone(place):
        if not program.exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(place), "azurite@3"]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
    return program


if __name__ == "__main__":
    with ThreadPoolExecutor() as pool:
        asked = {fetch.__name__: pool.submit(fetch, CACHE / fetch.__name__) for fetch in (az, azurite)}
    for name, answer in asked.items():
        if error := answer.exception():
            print(f"{name} was not fetched beforehand: {error}", file=sys.stderr)
