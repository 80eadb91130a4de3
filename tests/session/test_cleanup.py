"""The end of a clean-up: disks are gone when Azure says so, and where it says nothing, nobody does."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import chain, repeat
from types import SimpleNamespace

import pytest

from aksdisks import manifests
from aksdisks.model import DiskSnapshot, FileShare, NoCredential, ShareSource, Unknown, VolumeSnapshotContent
from aksdisks.session.cleanup import CleanUp, Removal
from aksdisks.session.session import open_session
from aksdisks.waiting import Waiting, silent
from tests.world import disk, volume

AWAY = Unknown("Azure answers 503: ServiceUnavailable")
OFF = Unknown("azure is off")
THERE, NAME = (disk(on=None), disk("of-another")), "pvc-azure-managed-disk"
MAY_BE_LEFT = f"disk {NAME} may be left: "


@pytest.mark.parametrize(
    ("answers", "unknown", "switch", "result"),
    [
        pytest.param([THERE, THERE[1:]], None, "on", {"removed": (f"disk {NAME}",)}, id="gone"),
        pytest.param([AWAY, THERE, AWAY, THERE[1:]], None, "on", {"removed": (f"disk {NAME}",)}, id="away for a while"),
        pytest.param([THERE, AWAY], None, "on", {"uncertain": (MAY_BE_LEFT + AWAY.because,)}, id="away to the end"),
        pytest.param(
            [AWAY, THERE], None, "on",
            {"problems": (f"the run's disks to go: not within 0 s; last seen: {NAME}; it is held",)},
            id="there in the end",
        ),
        pytest.param([], OFF, "off", {"kept": (f"disks: {OFF}",)}, id="off by choice"),
        pytest.param([], OFF, "on", {"uncertain": (MAY_BE_LEFT + OFF.because,)}, id="no way to ask"),
    ],
)  # fmt: skip
def test_disks_are_gone_when_azure_says_so(answers, unknown, switch, result):
    connection = SimpleNamespace(parameters=SimpleNamespace(azure=switch), progress=silent)
    azure = SimpleNamespace(unknown=unknown, follow_disks=lambda: paced(answers))
    run = SimpleNamespace(connection=connection, azure=azure, time_scale=1.0, cause=lambda: "it is held")
    removal = Removal(run, time.monotonic() + 0.3)
    removal._step(removal._disks_gone, (volume(),))
    assert CleanUp(*map(tuple, (removal.removed, removal.kept, removal.problems, removal.uncertain))) == CleanUp(
        **result
    )


SNAPSHOT = DiskSnapshot(name="snapshot-1")
CONTENT = VolumeSnapshotContent(
    name="content-1", snapshot="moment", snapshot_id="/snapshots/snapshot-1", deletion_policy="Delete"
)
KEPT = ("content content-1 of moment (deletion policy Retain)", "snapshot snapshot-1 (its content is retained)")


@pytest.mark.parametrize(
    ("answers", "switch", "content", "result"),
    [
        ([(SNAPSHOT,), ()], "on", CONTENT, {"removed": ("content content-1", "snapshot snapshot-1")}),
        (
            [AWAY], "on", CONTENT,
            {"removed": ("content content-1",), "uncertain": (f"snapshot snapshot-1 may be left: {AWAY.because}",)},
        ),
        ([], "off", CONTENT, {"removed": ("content content-1",), "kept": (f"snapshots: {OFF}",)}),
        ([(SNAPSHOT,)], "on", replace(CONTENT, deletion_policy="Retain"), {"kept": KEPT}),
        ([], "on", replace(CONTENT, snapshot_id=""), {"removed": ("content content-1",)}),
    ],
    ids=["gone", "away", "off", "retained", "not made yet"],
)  # fmt: skip
def test_snapshots_are_gone_when_azure_says_so(answers, switch, content, result):
    connection = SimpleNamespace(parameters=SimpleNamespace(azure=switch), progress=silent)
    azure = SimpleNamespace(unknown=OFF if switch == "off" else None, follow_snapshots=lambda: paced(answers))
    cluster = SimpleNamespace(follow=lambda _kind: iter([(content,), ()]))
    run = SimpleNamespace(connection=connection, azure=azure, cluster=cluster, time_scale=1.0, cause=lambda: "held")
    removal = Removal(run, time.monotonic() + 0.3)
    removal._step(removal._contents_gone, (content,))
    assert CleanUp(*map(tuple, (removal.removed, removal.kept, removal.problems, removal.uncertain))) == CleanUp(
        **result
    )


SHARED = volume("files", disk_id="", share=ShareSource(account="f1", share="pvc-files", resource_group="MC_g"))
SHARE = FileShare(name="pvc-files", account="f1")


@pytest.mark.parametrize(
    ("answers", "switch", "of", "result"),
    [
        ([(SHARE,), ()], "on", SHARED, {"removed": ("share f1/pvc-files",)}),
        ([(SHARE,), AWAY], "on", SHARED, {"uncertain": (f"share f1/pvc-files may be left: {AWAY.because}",)}),
        ([], "off", SHARED, {"kept": (f"shares: {OFF}",)}),
        ([(SHARE,)], "on", replace(SHARED, reclaim_policy="Retain"), {}),
        ([(SHARE,)], "on", volume(), {}),
    ],
    ids=["gone", "away", "off", "retained", "a disk"],
)
def test_shares_are_gone_when_azure_says_so(answers, switch, of, result):
    asked = []
    connection = SimpleNamespace(parameters=SimpleNamespace(azure=switch), progress=silent)
    azure = SimpleNamespace(unknown=OFF if switch == "off" else None, subscription="s", resource_group="MC_g")
    azure.follow_shares = lambda ids: (asked.extend(ids), paced(answers))[1]
    run = SimpleNamespace(connection=connection, azure=azure, time_scale=1.0, cause=lambda: "held")
    removal = Removal(run, time.monotonic() + 0.3)
    removal._step(removal._shares_gone, (of,))
    assert CleanUp(*map(tuple, (removal.removed, removal.kept, removal.problems, removal.uncertain))) == CleanUp(
        **result
    )
    account = "/subscriptions/s/resourceGroups/MC_g/providers/Microsoft.Storage/storageAccounts/f1"
    assert set(asked) <= {f"{account}/fileServices/default/shares/pvc-files"}


def test_what_is_left_when_the_time_is_up_says_its_cause_and_asks_for_it_once(on_lab):
    with open_session(on_lab) as session:
        session.apply(session.objects.claim, session.objects.deployment)
        session.wait_for("Pod", lambda pods: [pod.ready for pod in pods] == [True], "a pod runs")
        # A pod of somebody else's on the run's claim keeps the claim from going.
        (pod,) = session.pods()
        spec = {
            "nodeName": pod.node,
            "containers": [{"name": "c", "image": "mcr.microsoft.com/oss/kubernetes/pause:3.9"}],
        }
        spec["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": pod.claims[0]}}]
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "theirs", "namespace": session.namespace}}
        session.cluster.create(body | {"spec": spec}, session.namespace)
        asked = []
        cause = session.cause
        session.cause = lambda: (asked.append(1), cause())[1]
        removal = Removal(session, time.monotonic() + 3.0, whole=False)
        left = removal.carry_out()
        uses = "is being deleted, and pod theirs still uses it (cause: claim-protected; next: kubectl get pods"
        late = [problem for problem in left.problems if "not within" in problem]
        assert len(late) > 1 and all(uses in problem for problem in late), left
        assert len(asked) == 1
        session.cause = cause
        session.cluster.delete("Pod", "theirs", session.namespace)
        assert session.clean_up().complete


def test_without_a_credential_a_clean_up_says_once_what_may_be_left_and_waits_for_nothing():
    asked, said, why = [], [], "Azure accepts no credential: Azure CLI not found on path; next: az login"

    def follow():
        while True:
            asked.append(1)
            yield NoCredential(why)

    connection = SimpleNamespace(parameters=SimpleNamespace(azure="on"), progress=said.append)
    azure = SimpleNamespace(unknown=None, follow_disks=follow)
    removal = Removal(SimpleNamespace(connection=connection, azure=azure, time_scale=1.0), time.monotonic() + 900)
    removal._step(removal._disks_gone, (volume(),))
    assert (removal.uncertain, removal.problems, len(asked)) == ([MAY_BE_LEFT + why], [], 1)
    assert [str(line).partition("; ")[2] for line in said] == [f"last seen: unknown, because {why}", ""]


def test_without_a_credential_a_clean_up_ends_once_kubernetes_is_clean(as_aks, monkeypatch):
    parameters, said = as_aks(), []
    for name, value in {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", "PATH": ""}.items():
        monkeypatch.setenv(name, value)
    with open_session(parameters, progress=said.append) as session:
        session.apply(session.objects.claim, session.objects.deployment)
        session.wait_for("Pod", lambda pods: [pod.ready for pod in pods] == [True], "a pod runs")
        (claim,) = session.claims()
        began = time.monotonic()
        done = session.clean_up(900.0)
    assert time.monotonic() - began < 300
    why = "Azure accepts no credential: AzureCliCredential: Azure CLI not found on path; next: az login"
    assert done.complete == Unknown(f"disk {claim.volume} may be left: {why}")
    assert f"Namespace {session.namespace}" in done.removed
    unknown = [line for line in said if isinstance(line, Waiting) and "no credential" in line.seen]
    assert [line.awaited for line in unknown] == ["the run's disks to go"]


def paced(answers):
    for answer in chain(answers, repeat(answers[-1])):
        yield answer
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("problems", "uncertain", "complete"),
    [((), (), True), ((), ("a", "b"), Unknown("a; b")), (("p",), ("a",), False)],
)
def test_what_may_be_left_is_no_clean_up_that_is_complete(problems, uncertain, complete):
    assert CleanUp(problems=problems, uncertain=uncertain).complete == complete


def test_one_unknown_answer_ends_no_wait_and_is_no_disk_gone(session, monkeypatch):
    session.apply(session.objects.claim, session.objects.deployment)
    session.wait_for("Pod", lambda pods: [pod.ready for pod in pods] == [True], "a pod runs")
    (claim,) = session.claims()
    real, answers = session.azure.disks, []

    def disks():
        answers.append(real() if answers else AWAY)
        return answers[-1]

    monkeypatch.setattr(session.azure, "disks", disks)
    done = session.clean_up()
    assert (done.complete, f"disk {claim.volume}" in done.removed) == (True, True)
    assert not any(each.name == claim.volume for each in answers[-1])
    assert f"Deployment {manifests.DEPLOYMENT}" in done.removed
