"""While the article is walked, a diagnosis at any moment finds no problem but those that it makes on purpose."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aksdisks import manifests
from aksdisks.evidence.result import RunbookResult
from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.diagnosis import Diagnosis, Finding
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.lab.server.process import LabState
from aksdisks.parameters import Parameters
from aksdisks.runner import shipped
from aksdisks.runner.reporter import Reporter
from aksdisks.runner.runner import run_runbooks

ON_PURPOSE = {("shared-claim", "PersistentVolumeClaim"), ("shared-claim", "Pod")}
"""(cause, kind) of the problems that the article makes: in 02 four pods of one Deployment share its claim, so that
those on other nodes are refused (Multi-Attach). They are there until the run's clean-up, beside 03 to 05.

What 05 refuses on purpose is refused by the API server: nothing is stuck by it.
"""
SHARE = (manifests.CLAIM, f"{manifests.DEPLOYMENT}-")
BEFORE = ("before", "00-overview", "after 00-overview", "01-dynamic-disk", "after 01-dynamic-disk")


def on_purpose(runbook: str, finding: Finding) -> bool:
    """Whether a problem is one that the article makes."""
    made = (finding.cause, finding.object.kind) in ON_PURPOSE and finding.object.name.startswith(SHARE)
    return made and runbook not in BEFORE and not finding.object.name.startswith(f"{manifests.CLAIM}-")


# Real seconds between two looks.
PAUSE = 0.1


class Sampler(Reporter):
    """Diagnoses the whole cluster again and again while a run lasts."""

    def __init__(self, target: Target, scale: float) -> None:
        self.now = "before"
        self.seen: list[tuple[str, Diagnosis]] = []
        self._target, self._scale = target, scale

    def runbook(self, name: str) -> None:
        self.now = name

    def finished(self, result: RunbookResult) -> None:
        self.now = f"after {result.name}"

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """It looks while the block lasts; whatever it raises there is raised here."""
        failed: list[BaseException] = []
        stop = threading.Event()

        def look() -> None:
            try:
                while not stop.is_set():
                    runbook = self.now
                    _, found = examine(self._target.cluster, self._target.azure, None, self._scale)
                    self.seen.append((runbook, found))
                    time.sleep(PAUSE)
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
        if failed:
            raise failed[0]


@pytest.mark.parametrize("speed", [100.0, pytest.param(10.0, marks=pytest.mark.slow)])
def test_a_healthy_walk_has_no_problem_at_any_moment(
    start_lab: Callable[..., LabState], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speed: float
) -> None:
    lab = start_lab(speed=speed)
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)
    with connect(context=lab.cluster_name, kubeconfig=lab.kubeconfig) as target:
        assert target.settings.time_scale == speed
        sampler = Sampler(target, speed)
        parameters = target.parameters.model_copy(
            update={"arm_endpoint": lab.arm_url, "authority": lab.authority, "ca_bundle": lab.ca_bundle}
        )
        assert isinstance(parameters, Parameters)
        with sampler.sampling():
            result = run_runbooks(shipped.runbooks(shipped.ARTICLE), parameters, tmp_path / "out", reporter=sampler)
    assert result.status == "passed", result.problem
    problems = [
        (runbook, each) for runbook, found in sampler.seen for each in found.findings if each.verdict == "problem"
    ]
    unexpected = [(runbook, each) for runbook, each in problems if not on_purpose(runbook, each)]
    assert unexpected == [], Counter((runbook, each.cause) for runbook, each in unexpected)
    assert {(each.cause, each.object.kind) for _, each in problems} == ON_PURPOSE
    assert not [each for _, found in sampler.seen for each in found.unseen]
    assert len(sampler.seen) > 50
    # It was looked at while things were on their way, not only once they were there.
    assert {each.verdict for _, found in sampler.seen for each in found.findings} == {"problem", "wait", "expected"}
