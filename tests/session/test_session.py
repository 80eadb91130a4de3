"""Sessions: rails, namespaces and Leases, the journal, acts, the clean-up and what is left after a kill."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from aksdisks import manifests
from aksdisks.errors import NamespaceBusy, NotAllowed, NotReachable, Refused, WaitTimeout
from aksdisks.inspection.connection import connect
from aksdisks.inspection.preflight import preflight
from aksdisks.inspection.run_objects import new_run_id
from aksdisks.kube.client import Cluster
from aksdisks.manifests import LEASE, RUN_LABEL
from aksdisks.parameters import Parameters, validate
from aksdisks.quantities import show_time
from aksdisks.session.journal import Journal
from aksdisks.session.leftovers import clean, find_leftovers, orphans
from aksdisks.session.session import open_session

RUNNING = "every pod runs"
CLAIM = manifests.objects_for(Parameters(), {}).claim


def all_ready(count):
    return lambda pods: sum(pod.ready for pod in pods) == count


@pytest.fixture
def prepared(on_lab):
    """The name of a prepared namespace."""
    connection = connect(on_lab)
    name = f"prepared-{new_run_id()}"
    connection.cluster.create(manifests.namespace(name, {}, on_lab))
    yield name
    connection.cluster.delete("Namespace", name)


def on(prepared, **more):
    return validate({"namespace": prepared, "run_id": new_run_id()} | more)


def test_the_article_from_claim_to_clean_up(session):
    stateful = ("StatefulSet", manifests.STATEFUL_SET)
    session.apply(session.objects.claim, session.objects.deployment, session.objects.stateful_set)
    session.wait_for("Pod", all_ready(6), RUNNING)
    session.scale(*stateful, 1)
    session.wait_for("Pod", lambda pods: len(pods) == 1, "one pod", app=manifests.STATEFUL_APP)
    (first,) = session.pods(manifests.STATEFUL_APP)
    session.delete("Pod", first.name)
    session.wait_for("Pod",
        lambda pods: [p.ready for p in pods] == [True] and pods[0].uid != first.uid, "it again",
        app=manifests.STATEFUL_APP,
    )  # fmt: skip
    claims = {claim.name: claim for claim in session.claims()}
    assert set(claims) == {"azure-managed-disk", *map(manifests.stateful_claim, range(5))}
    assert {claim.volume for claim in claims.values()} <= {disk.name for disk in session.azure.disks()}

    result = session.clean_up()

    assert result.complete and result.cluster_seconds > 0
    assert {"Deployment disk-deploy", "StatefulSet disk-stateful-set", f"Namespace {session.namespace}"} <= set(
        result.removed
    )
    assert {f"disk {claim.volume}" for claim in claims.values()} <= set(result.removed)
    assert session.clean_up().removed == ()


def test_every_act_is_in_the_journal_before_it_happens(session):
    with pytest.raises(Refused, match="expected one that run"):
        session.cluster.create(CLAIM, session.namespace)
        session.delete("PersistentVolumeClaim", manifests.CLAIM)
    session.cluster.delete("PersistentVolumeClaim", manifests.CLAIM, session.namespace)
    session.apply(session.objects.claim)
    session.delete("PersistentVolumeClaim", manifests.CLAIM)
    acts = [(entry["act"], entry.get("object", "")) for entry in session.journal.entries()]
    claim = "PersistentVolumeClaim azure-managed-disk"
    assert acts == [("open", ""), ("apply", claim), ("delete", claim)]
    assert session.journal.ended() is False


def test_a_wait_that_fails_says_what_was_seen(session, monkeypatch):
    monkeypatch.setattr(session, "real_seconds", lambda _seconds=None: 0.3)
    session.apply(session.objects.claim)
    with pytest.raises(WaitTimeout, match=r"a bound claim: not within .* azure-managed-disk Pending; .*") as late:
        session.wait_for("PersistentVolumeClaim", lambda claims: claims[0].phase == "Bound", "a bound claim")
    claim = f"PersistentVolumeClaim {session.namespace}/azure-managed-disk"
    assert f"; {claim}: " in str(late.value) and " (cause: no-consumer; next: kubectl get pods" in str(late.value)


def test_cluster_time(session, lab):
    assert session.real_seconds(900 * lab.speed) == 900
    assert session.real_seconds(1) == 30


@pytest.mark.usefixtures("on_lab")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"storage_class": "managed-premum"}, "expected one of .*did you mean 'managed-premium'"),
        ({"storage_class": "azurefile"}, "expected a class that makes disks, found file.csi.azure.com"),
        ({"namespace": "not-there"}, "expected a prepared one, found none"),
    ],
)
def test_rails_before_anything_is_made(changes, message):
    with pytest.raises(Refused, match=message) as caught:
        open_session(validate(changes))
    assert caught.value.exit_code == 2


@pytest.mark.usefixtures("on_lab")
def test_an_opening_that_fails_takes_its_namespace_back_though_the_answer_to_its_making_was_lost(monkeypatch):
    made, create = [], Cluster.create

    def create_again(cluster, manifest, *given, **how):
        if manifest["kind"] == "Lease":
            raise NotAllowed("no Lease for you")
        made.append((cluster, manifest["metadata"]["name"]))
        create(cluster, manifest, *given, **how)
        return create(cluster, manifest, *given, **how)

    monkeypatch.setattr(Cluster, "create", create_again)
    with pytest.raises(NotAllowed, match="no Lease"):
        open_session(Parameters())
    ((cluster, name),) = made
    left = cluster.find("Namespace", name)
    assert left is None or left["metadata"]["deletionTimestamp"]


@pytest.mark.usefixtures("on_lab")
def test_what_was_done_though_the_answer_was_lost_is_the_sessions_own(monkeypatch):
    create = Cluster.create

    def create_again(*given, **how):
        return create(*given, **how) and create(*given, **how)

    monkeypatch.setattr(Cluster, "create", create_again)
    with open_session(Parameters()) as session:
        assert (session.holds_lease, session.made_namespace) == (True, True)
        session.apply(session.objects.claim)
        raw = session.cluster.find("PersistentVolumeClaim", manifests.CLAIM, session.namespace)
        another = raw | {"metadata": raw["metadata"] | {"uid": "of-the-one-before"}}
        with monkeypatch.context() as patch:
            patch.setattr(session.cluster, "find", lambda *_: another)
            session.delete("PersistentVolumeClaim", manifests.CLAIM)
        assert [claim.uid for claim in session.claims()] == [raw["metadata"]["uid"]]
        done = session.clean_up()
    assert (done.problems, f"Namespace {session.namespace}" in done.removed) == ((), True)


def test_a_class_that_retains_needs_permission_and_its_disks_are_reported(on_lab):
    cluster = connect(on_lab).cluster
    # The lab has no such class; cluster.create knows the kind, as a person would make one.
    cluster.create(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "keeps"},
         "provisioner": "disk.csi.azure.com", "parameters": {"skuname": "Premium_LRS"}, "reclaimPolicy": "Retain",
         "volumeBindingMode": "WaitForFirstConsumer"}
    )  # fmt: skip
    with pytest.raises(Refused, match="expected reclaim policy Delete, found Retain"):
        open_session(validate({"storage_class": "keeps"}))
    with open_session(validate({"storage_class": "keeps", "allow_retain": True})) as session:
        session.apply(session.objects.claim, session.objects.deployment)
        session.wait_for("Pod", all_ready(1), RUNNING)
        (claim,) = session.claims()
        result = session.clean_up()
        assert result.complete
        assert [kept.split()[0] for kept in result.kept] == ["volume", "disk"]
        assert all(claim.volume in kept for kept in result.kept)
        assert any(claim.volume in line for line in orphans(session.connection))
        session.cluster.delete("PersistentVolume", claim.volume)
    cluster.delete("StorageClass", "keeps")


def test_a_second_run_is_kept_out_of_a_prepared_namespace_until_the_first_ends(prepared):
    with open_session(on(prepared)) as first:
        with pytest.raises(NamespaceBusy, match=first.run_id) as caught:
            open_session(on(prepared))
        assert caught.value.exit_code == 3
        with open_session(on(prepared, run_id=first.run_id)) as runbook:
            assert not runbook.holds_lease and runbook.clean_up().complete
        assert first.cluster.find("Lease", LEASE, prepared)
        assert first.clean_up().complete
        assert first.cluster.find("Lease", LEASE, prepared) is None
        assert first.cluster.find("Namespace", prepared)
    with open_session(on(prepared)) as second:
        second.clean_up()


def test_what_another_run_left_is_refused_whatever_its_name(prepared):
    """A runbook would take it for its own: it applies objects of its names without a look at who made them."""
    cluster = connect(Parameters()).cluster
    metadata = {"name": "backup-original", "labels": {RUN_LABEL: "of-before"}}
    cluster.create(CLAIM | {"metadata": metadata}, prepared)
    with pytest.raises(Refused, match=r"PersistentVolumeClaim backup-original .* one that run of-before left"):
        open_session(on(prepared))
    with open_session(on(prepared, run_id="of-before")) as session:
        assert session.clean_up().removed == ("PersistentVolumeClaim backup-original", "Lease aksdisks")


def test_foreign_objects_of_our_names_are_refused_and_left_alone(prepared):
    cluster = connect(Parameters()).cluster
    cluster.create(CLAIM, prepared)
    with pytest.raises(Refused, match="one that no run made"):
        open_session(on(prepared))
    assert cluster.find("PersistentVolumeClaim", manifests.CLAIM, prepared)
    assert cluster.find("Lease", LEASE, prepared) is None


def dead(session, monkeypatch):
    """As after a kill: the journal's processes are gone."""
    monkeypatch.setattr("aksdisks.session.journal._lives", lambda _pid: False)
    session.close()


@pytest.mark.usefixtures("on_lab")
@pytest.mark.parametrize("place", ["create", "prepared"])
def test_after_a_kill_the_leftovers_are_found_and_removed_and_nothing_else(place, request, monkeypatch):
    name = "create" if place == "create" else request.getfixturevalue("prepared")
    parameters = on(name)
    session = open_session(parameters)
    session.apply(session.objects.claim, session.objects.deployment)
    session.wait_for("Pod", all_ready(1), RUNNING)
    foreign = CLAIM | {"metadata": {"name": "foreign"}}
    session.cluster.create(foreign, session.namespace)
    claims, spot = session.claims(), session.namespace
    connection = connect(parameters)
    mine = lambda: [found for found in find_leftovers(connection) if found.run == session.run_id]  # noqa: E731
    of_run = lambda checks: next(check for check in checks if session.run_id in check.statement)  # noqa: E731
    assert of_run(clean(parameters)).status == "inconclusive"
    assert [found.busy != "" for found in mine()] == [True]

    dead(session, monkeypatch)

    (leftover,) = mine()
    assert leftover.busy == "" and "Deployment disk-deploy" in leftover.objects
    planned = of_run(clean(parameters, dry_run=True))
    assert mine() == [leftover]
    removed = of_run(clean(parameters))
    assert (planned.status, removed.status) == ("passed", "passed")
    lines = removed.seen.split(", ")
    assert planned.seen.split(", ") == lines
    (claim,) = claims
    expected = ["Deployment disk-deploy", "PersistentVolumeClaim azure-managed-disk"]
    expected += [f"volume {claim.volume}", f"disk {claim.volume}"]
    expected += ["Lease aksdisks"] if place == "prepared" else ["PersistentVolumeClaim foreign", f"Namespace {spot}"]
    assert sorted(lines) == sorted(expected)
    assert mine() == []
    if place == "prepared":
        assert connection.cluster.find("PersistentVolumeClaim", "foreign", name)
        assert connection.cluster.find("Lease", LEASE, name) is None
        with open_session(on(name)) as again:
            again.clean_up()


def test_a_run_has_ended_when_its_runner_and_its_kernels_are_gone(tmp_path, monkeypatch):
    journal = Journal(tmp_path, "r")
    assert journal.ended() is None
    journal.opened()
    assert journal.ended() is False
    runner, kernel = 2**22 + 1, 2**22 + 2
    alive = [{kernel}, {kernel}, set(), set()]
    monkeypatch.setattr("os.getpid", iter([runner, kernel]).__next__)
    ended = Journal(tmp_path, "killed")
    ended.opened()
    ended.opened()
    monkeypatch.setattr(
        "aksdisks.session.journal._lives", lambda pid: pid in (alive[0] if pid == runner else alive.pop(0))
    )
    assert ended.ended() is True and alive == [set()]
    ended.write("open", pid=1, host="another machine")
    assert ended.ended() is None
    with ended.path.open("a") as stream:
        stream.write('{"act": "cut')
    assert len(ended.entries()) == 3


def test_an_expired_lease_is_taken_over(prepared):
    cluster = connect(Parameters()).cluster
    past = show_time(datetime.now(UTC) - timedelta(hours=1))
    cluster.create(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE},
         "spec": {"holderIdentity": "gone", "leaseDurationSeconds": 60, "renewTime": past}},
        prepared,
    )  # fmt: skip
    with open_session(on(prepared)) as session:
        assert session.holds_lease
        assert cluster.get("Lease", LEASE, prepared)["metadata"]["labels"] == {RUN_LABEL: session.run_id}
        session.clean_up()


def test_preflight_passes_on_the_lab_and_makes_nothing(on_lab):
    before = {space.name for space in connect(on_lab).cluster.list("Namespace")}
    checks = preflight(on_lab)
    assert {check.status for check in checks} == {"passed"}, [check.text() for check in checks]
    assert {space.name for space in connect(on_lab).cluster.list("Namespace")} <= before
    assert "6 disks of 25 GiB Premium_LRS, billed as P4: about USD" in checks[-1].seen


@pytest.mark.usefixtures("on_lab")
@pytest.mark.parametrize(
    ("changes", "statement"),
    [
        ({"node_selector": {"a": "b"}}, "At least two nodes"),
        ({"stateful_replicas": 30}, "There are disk slots"),
        ({"tolerations": [{"operatr": "Exists"}]}, "A dry run admits Deployment"),
    ],
)
def test_preflight_says_what_is_wrong(changes, statement):
    failed = [check.statement for check in preflight(validate(changes)) if check.status == "failed"]
    assert any(found.startswith(statement) for found in failed)


def test_a_cluster_that_stops_answering_is_no_verdict_of_its_admission(on_lab, monkeypatch):
    def gone(*_manifest, **_how):
        raise NotReachable("connection refused")

    monkeypatch.setattr(Cluster, "create", gone)
    with pytest.raises(NotReachable):
        preflight(on_lab)


def test_run_ids_sort_by_time_and_make_names():
    run = new_run_id()
    assert validate({"run_id": run}).run_id == run and len(f"aksdisks-{run}") <= 63
    assert json.dumps(run)
