"""The walk's own judgement, without a cluster, and what importing it costs. The runbooks are its test on the lab."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks import manifests
from aksdisks.errors import WaitTimeout
from aksdisks.lab.faults import client
from aksdisks.model import Unknown
from aksdisks.model.checks import MIME_TYPE
from aksdisks.model.workloads import Workload
from aksdisks.views.base import Card
from aksdisks.waiting import Waiting
from aksdisks.walkthrough.acts import Acts
from aksdisks.walkthrough.walk import Walk, open_walk


@pytest.mark.parametrize("part", ["", "act", "dry_run", "stateful_set", "notes", "loss", "stuck"])
def test_each_part_of_a_walk_has_few_methods(walk, part):
    """Inherited ones included: what a person sees who types the dot."""
    seen = getattr(walk, part) if part else walk
    assert 1 <= len([name for name in dir(type(seen)) if not name.startswith("_")]) <= 20


@pytest.fixture
def walk() -> Walk:
    opened = Walk(SimpleNamespace(parameters=SimpleNamespace(stateful_replicas=3), namespace="walk"))
    opened.claims("First.", "Second.")
    return opened


@pytest.mark.parametrize(
    ("kubernetes", "azure", "how", "status", "seen"),
    [
        ({"a"}, {"a"}, {}, "passed", "Kubernetes: 1, Azure: the same 1"),
        ({"a"}, {"b"}, {}, "failed", "Kubernetes: a; Azure: b"),
        ((), (), {}, "failed", "Kubernetes: none; Azure: none"),
        ((), (), {"count": 0}, "passed", "none on either side"),
        ({"a"}, {"a"}, {"count": 2}, "failed", "Kubernetes: a; Azure: a; expected 2"),
        (("a", "b"), ("b", "a"), {}, "failed", "Kubernetes: a, b; Azure: b, a"),
        ({("d", "n")}, Unknown("azure is off"), {}, "inconclusive", "unknown, because azure is off"),
        ({"a"}, {"a"}, {"given": Unknown("one node")}, "inconclusive", "unknown, because one node"),
        ({"a"}, {"a"}, {"given": None}, "not applicable", "its precondition is not given here"),
        ({*"abcdefgh"}, {"x"}, {}, "failed", "Kubernetes: a, b, c, d, e, f and 2 more; Azure: x"),
    ],
)
def test_a_claim_is_judged_by_both_sides(walk, kubernetes, azure, how, status, seen):
    sides = [frozenset(side) if isinstance(side, set) else side for side in (kubernetes, azure)]
    made = walk.agree(1, *sides, **how).check
    assert (made.status, made.statement) == (status, "First.")
    assert seen in made.seen


def test_a_claim_stands_below_what_is_shown_and_in_the_verdicts(walk):
    bundle = walk.unchanged(2, frozenset("a"), frozenset("a"), shown=Card("shown"))._repr_mimebundle_()
    assert bundle["text/plain"].startswith("shown\n\n✔ passed: Second.")
    assert bundle[MIME_TYPE]["seen"] == "before: 1, after: the same 1"
    assert walk.verdicts().rows == [
        (1, "First.", "not run", ""),
        (2, "Second.", "passed", "before: 1, after: the same 1"),
    ]
    assert MIME_TYPE not in walk.verdicts()._repr_mimebundle_()


def test_names_can_be_written_down_beforehand(walk):
    names = walk.stateful_set
    assert names.highest_first(1) == ("disk-stateful-set-2", "disk-stateful-set-1")
    assert names.claim_name(0) in names.claim_names() and len(names.claim_names()) == 3


def test_a_set_whose_claim_got_no_disk_goes_without_waiting_for_the_disks_of_others(start_lab, monkeypatch):
    lab = start_lab()
    monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
    walk = open_walk({"wait_timeout": 3000})
    with walk.session as session:
        walk.act.apply_deployment()  # its disk stays attached
        client.switch_on(lab, "disk-quota", "", 1.0)
        session.apply(session.objects.stateful_set)
        pending = (manifests.stateful_claim(0), "Pending", "")
        session.wait_for(
            "PersistentVolumeClaim",
            lambda claims: pending in {(claim.name, claim.phase, claim.volume) for claim in claims},
            "a claim without a volume",
        )
        walk.act.delete_stateful_set()
        assert [pod.labels["app"] for pod in session.pods()] == [manifests.DEPLOYMENT_APP]


def test_an_act_that_waits_in_vain_says_the_cause_while_it_waits_and_at_its_end(start_lab, monkeypatch):
    lab, said = start_lab(), []
    monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
    walk = open_walk({})
    with walk.session as session:
        session.progress = said.append
        client.switch_on(lab, "disk-quota", "", 1.0)
        monkeypatch.setattr(session, "real_seconds", lambda _seconds=None: 8.0)
        with pytest.raises(WaitTimeout) as late:
            walk.act.apply_deployment()
        monkeypatch.undo()
        client.switch_off(lab, "disk-quota", "")
    (pod,) = session.pods()
    assert f"Pod {session.namespace}/{pod.name}: " in str(late.value)
    assert "(cause: disk-quota; next: " in str(late.value)
    assert any("disk-quota" in each.cause for each in said if isinstance(each, Waiting))


def test_importing_it_is_light():
    heavy = ("pandas", "azure", "kubernetes", "IPython")
    program = f"import sys, aksdisks.walkthrough.walk; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "[]"


def test_the_next_runbook_of_a_run_finds_the_articles_workloads_alone() -> None:
    """A run of all runbooks would not have places for the disks of each; claims and disks stay until its end."""
    there = {
        "Deployment": [Workload(kind="Deployment", name=name) for name in ("disk-deploy", "grow")],
        "StatefulSet": [
            Workload(kind="StatefulSet", name=name, owner=owner)
            for name, owner in (("disk-stateful-set", ""), ("grow-set", ""), ("store", "ReplicatedStore/store"))
        ],
    }
    gone = []
    session: Any = SimpleNamespace(
        cluster=SimpleNamespace(list=lambda kind, _namespace, _selector: there[kind]),
        namespace="walk",
        selector="aksdisks.dev/run=r",
        delete=lambda kind, name: gone.append((kind, name)),
    )
    Acts(lambda: session).leave()
    assert gone == [("Deployment", "grow"), ("StatefulSet", "grow-set")]
