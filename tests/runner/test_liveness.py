"""A target that stops answering in the middle of a run: said soon, given up in time, and told to the end."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aksdisks.cli.console import ConsoleReporter
from aksdisks.errors import NotReachable
from aksdisks.kube.client import Cluster
from aksdisks.lab.server.process import LabState
from aksdisks.parameters import Parameters
from aksdisks.runner import liveness
from aksdisks.runner.runner import run_runbooks
from aksdisks.targets.target import open_target
from tests.runner.conftest import _notebook
from tests.webhook import receiver

StartLab = Callable[..., LabState]
OPEN = "from aksdisks.walkthrough.walk import open_walk\nwalk = open_walk(globals())"
CHECK = "walk.check('it holds', True, 'seen')"
WAIT = "open({file!r}, 'w').close(); walk.session.wait_for('Pod', bool, 'a pod that never comes')"


class _Answers(Cluster):
    """A cluster whose answers to a ping are written down."""

    def __init__(self, *problems: str) -> None:
        self.problems = iter(problems)
        self.given_up = ""

    def ping(self, seconds: float) -> str:  # noqa: ARG002
        return next(self.problems, "")

    def give_up(self, problem: str) -> None:
        self.given_up = problem


@pytest.mark.parametrize(
    ("problems", "patience", "said"),
    [
        (["", "lost", ""], 60.0, []),
        (
            ["refused", "refused", "refused", ""],
            60.0,
            [
                "The cluster does not answer; the run ends after 60 s of this. refused",
                "The cluster answers again, after",
            ],
        ),
        (["refused"] * 9, 0.0, ["The cluster did not answer for 0 s: the run ends here."]),
    ],
)
def test_silence_is_said_and_given_up_after_a_while(
    monkeypatch: pytest.MonkeyPatch, problems: list[str], patience: float, said: list[str]
) -> None:
    monkeypatch.setattr(liveness, "_EVERY", 0.005)
    monkeypatch.setattr(liveness, "_PATIENCE", patience)
    cluster, heard = _Answers(*problems), list[str]()
    with liveness.Liveness(cluster, heard.append) as alive:
        ends = time.monotonic() + 10
        while time.monotonic() < ends and (len(heard) < len(said) or next(cluster.problems, None) is not None):
            time.sleep(0.01)
    assert [line.startswith(words) for line, words in zip(heard, said, strict=True)] == [True] * len(said)
    assert alive.gone == cluster.given_up == ("refused" if patience == 0.0 else "")


@pytest.fixture
def vanishing(start_lab: StartLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabState]:
    """A lab that is taken for a cluster, and is stopped by the test."""
    monkeypatch.setattr(liveness, "_EVERY", 0.3)
    monkeypatch.setattr(liveness, "_ANSWER_WITHIN", 1.0)
    monkeypatch.setattr(liveness, "_PATIENCE", 4.0)
    lab = start_lab()
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)
    yield lab
    os.kill(lab.pid, signal.SIGCONT)


def _when(file: Path, act: Callable[[], object]) -> None:
    """Act once the file is there, in a thread of its own, within a minute."""

    def look() -> None:
        ends = time.monotonic() + 60
        while not file.exists() and time.monotonic() < ends:
            time.sleep(0.05)
        act()

    threading.Thread(target=look, daemon=True).start()


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSTOP], ids=["refuses", "is silent"])
def test_a_target_that_stops_answering_ends_the_run_as_inconclusive(
    vanishing: LabState, tmp_path: Path, capfd: pytest.CaptureFixture[str], by: signal.Signals
) -> None:
    waits = tmp_path / "waits"
    books = [[OPEN, CHECK], [OPEN, CHECK, WAIT.format(file=str(waits))], [OPEN, CHECK]]
    paths = [_notebook(tmp_path / f"{number:02}-book.ipynb", cells) for number, cells in enumerate(books)]
    parameters = Parameters(
        target="aks", kubeconfig=vanishing.kubeconfig, context=vanishing.cluster_name, azure="off", wait_timeout=600.0
    )
    stopped = []
    _when(waits, lambda: (stopped.append(time.monotonic()), os.kill(vanishing.pid, by)))
    with receiver() as (url, received):
        result = run_runbooks(
            paths,
            parameters,
            tmp_path / "out",
            reporter=ConsoleReporter(quiet=False),
            webhook=url,
            clean="aksdisks clean -f nightly.yaml -p size=5Gi",
        )
    assert time.monotonic() - stopped[0] < 60, "given up long before the wait's 600 s"
    said = capfd.readouterr()
    namespace = f"aksdisks-{result.run}"
    left = f"amespace {namespace} stays behind until you remove it: aksdisks clean -f nightly.yaml -p size=5Gi"
    assert "The cluster does not answer; the run ends after 4 s of this. https://127.0.0.1:" in said.err
    assert said.out.splitlines()[-1] == f"N{left}"
    assert (result.status, result.exit_code) == ("inconclusive", 3)
    assert [book.status for book in result.runbooks] == ["passed", "inconclusive", "not run"]
    written = json.loads((tmp_path / "out" / result.run / "run.json").read_text())
    assert (written["teardown"]["status"], written["teardown"]["left_behind"]) == ("inconclusive", f"n{left}")
    assert [(told["status"], left in told["text"]) for told in received] == [("inconclusive", True)]


def test_what_was_given_up_raises_at_once(lab: LabState) -> None:
    found = open_target(Parameters(target="aks", kubeconfig=lab.kubeconfig, context=lab.cluster_name, azure="off"))
    cluster = Cluster(found.kubernetes())
    with cluster.watch(["Pod"]) as watcher:
        cluster.give_up("no answer in time")
        with pytest.raises(NotReachable, match="no answer in time"):
            for _ in watcher:
                pass
    with pytest.raises(NotReachable, match="no answer in time"):
        cluster.nodes()
