"""A runner killed at random moments: what it left says the truth, and cleaning brings back what was there before."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from aksdisks.lab.server.process import LabState
from tests.cli.command import AKSDISKS, ARTICLE, aksdisks, processes_with
from tests.cli.target import disks, namespaces
from tests.processes import running

SEED, KILLS = 20261123, 30
IN_CI = (7, 12)
"""One of each signal while the first runbooks run; with later ones a test takes as long as the whole article."""


def _kills() -> list[tuple[float, signal.Signals]]:
    """Moments, in seconds after the start, and signals; the same ones each time."""
    chance = random.Random(SEED)
    signals = (signal.SIGTERM, signal.SIGKILL)
    return [(chance.uniform(0.5, 12.0), signals[number % 2]) for number in range(KILLS)]


@pytest.mark.parametrize(
    ("after", "by"),
    [pytest.param(*kill, marks=() if number in IN_CI else pytest.mark.slow) for number, kill in enumerate(_kills())],
    ids=lambda value: getattr(value, "name", None) or f"{value:.1f}s",
)
def test_what_is_left_is_true_and_can_be_cleaned(
    lab: LabState,
    lab_environment: Mapping[str, str],
    cluster_file: Path,
    tmp_path: Path,
    bystanders: tuple[list[str], list[str]],
    after: float,
    by: signal.Signals,
) -> None:
    environment = {**lab_environment, "AKSDISKS_TEST": str(tmp_path)}
    command = [AKSDISKS, "run", "-q", "-f", str(cluster_file), "-o", str(tmp_path / "out")]
    with running(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            process.wait(timeout=after)
        except subprocess.TimeoutExpired:
            process.send_signal(by)
            process.wait(timeout=60)
    assert processes_with("AKSDISKS_TEST", str(tmp_path)) == []

    for path in (tmp_path / "out").glob("*/run.json"):
        result = json.loads(path.read_text())
        statuses = [book["status"] for book in result["runbooks"]]
        passed = statuses.count("passed")
        if process.returncode == 0:
            assert (result["status"], passed) == ("passed", len(ARTICLE))
        else:
            assert statuses == ["passed"] * passed + ["not run"] * (len(ARTICLE) - passed)
            ended = by is signal.SIGTERM
            assert (result["status"], result["finished"] is not None) == ("interrupted" if ended else "not run", ended)
    done = aksdisks("clean", "-f", str(cluster_file), environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (namespaces(lab), disks(lab)) == bystanders
