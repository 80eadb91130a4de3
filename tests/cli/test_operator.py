"""`aksdisks operator`: what it needs is said in a line, and its definition is printed; it works in tests/operator."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import yaml

from aksdisks.lab.server.process import LabState
from aksdisks.manifests import replicated_store
from tests.cli.command import aksdisks


def test_without_the_definition_it_ends_with_2(lab: LabState) -> None:
    environment = {**os.environ, "AKSDISKS_STATE_DIR": lab.state_dir}
    done = aksdisks("operator", "-n", "shop", environment=environment)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "aksdisks: definition replicatedstores.aksdisks.dev: expected one on the cluster, found none "
        "(aksdisks operator --definition | kubectl apply -f -)",
    )


def test_without_kopf_it_ends_with_2(lab: LabState) -> None:
    hidden = "import sys; sys.modules['kopf'] = None; from aksdisks.cli.main import main; main()"
    environment = {**os.environ, "AKSDISKS_STATE_DIR": lab.state_dir}
    command = [sys.executable, "-c", hidden, "operator"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "aksdisks: kopf: expected the extra `operator`, found none (pip install 'aksdisks[operator]')",
    )


def test_the_definition_is_printed() -> None:
    printed: Mapping[str, object] = yaml.safe_load(aksdisks("operator", "--definition").stdout)
    assert printed == replicated_store.definition({})
