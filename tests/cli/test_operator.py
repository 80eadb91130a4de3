"""`aksdisks operator`: what it needs is said in a line, and its definition is printed; it works in tests/operator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

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


def test_without_kopf_it_ends_with_2(lab: LabState, tmp_path: Path) -> None:
    (tmp_path / "kopf.py").write_text("raise ImportError")
    environment = {**os.environ, "AKSDISKS_STATE_DIR": lab.state_dir, "PYTHONPATH": str(tmp_path)}
    done = aksdisks("operator", environment=environment)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "aksdisks: kopf: expected the extra `operator`, found none (pip install 'aksdisks[operator]')",
    )


def test_the_definition_is_printed() -> None:
    printed: Mapping[str, object] = yaml.safe_load(aksdisks("operator", "--definition").stdout)
    assert printed == replicated_store.definition({})
