"""A lab taken for a cluster, and what a run must leave as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from aksdisks.lab.server.process import LabState
from tests.cli.target import disks, namespaces


@pytest.fixture
def cluster_file(lab: LabState, tmp_path: Path) -> Path:
    """A parameter file that takes the tests' lab for a cluster: every rail and client is that of a real one."""
    file = tmp_path / "cluster.yaml"
    file.write_text(
        f"target: aks\nkubeconfig: {lab.kubeconfig}\ncontext: {lab.cluster_name}\nexpect: {lab.kube_url}\n"
        f"arm_endpoint: {lab.arm_url}\nauthority: {lab.authority}\nca_bundle: {lab.ca_bundle}\n"
    )
    return file


@pytest.fixture
def bystanders(lab: LabState) -> tuple[list[str], list[str]]:
    """What a run must leave as it was: the namespaces and the disks."""
    return namespaces(lab), disks(lab)
