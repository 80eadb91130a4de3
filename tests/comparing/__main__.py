"""Compares what a cluster answers with what is recorded: `python -m tests.comparing -f my-cluster.yaml [01 02 …]`.

docs/comparing.md says what is compared.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import papermill

from aksdisks import parameters
from aksdisks.runner import shipped

ROOT = Path(__file__).parent.parent.parent


def main() -> int:
    """Give papermill's copies to nbval; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.comparing", description=__doc__)
    parser.add_argument("-f", "--file", type=Path, required=True, help="parameter file of the cluster")
    parser.add_argument("names", nargs="*", help="runbooks, such as 01; default: all")
    asked = parser.parse_args()
    found, came_from = parameters.resolve(asked.file, {})
    given = {name: value for name, value in found.model_dump().items() if name in came_from}
    # It warns of each parameter that a notebook leaves at its default, and passes it on all the same.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="aksdisks-comparing-") as folder:
        for runbook in shipped.runbooks(asked.names):
            copy = str(Path(folder) / runbook.name)
            papermill.execute_notebook(str(runbook), copy, given, prepare_only=True, progress_bar=False)
        # A cell ends by itself, in error, after `wait_timeout`; nbval must not be the first to give up.
        timeout = 2 * round(found.wait_timeout)
        command = [
            *(sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)),
            *("-p", "tests.comparing.plugin", "-p", "no:cacheprovider", f"--nbval-cell-timeout={timeout}"),
            *("-o", f"faulthandler_timeout={timeout + 60}"),
            "--numprocesses=0",  # one runbook after the other: the cluster is shared, and may be small
            *(f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval-clusters.cfg'}", folder),
        ]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
