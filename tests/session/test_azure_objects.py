"""What a run makes in Azure is noted before, carries its tag, and goes with the run; nothing else is touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from aksdisks.errors import Conflict, NotAllowed, Refused
from aksdisks.lab.faults import client
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from aksdisks.model import Disk
from aksdisks.parameters import Parameters
from aksdisks.session.azure_objects import AzureObjects, may_make
from aksdisks.session.leftovers import clean
from aksdisks.session.session import Session, open_session

SPEED = 200.0


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """A lab in which nobody else makes disks."""
    state = process.start(tmp_path_factory.mktemp("lab"), SPEED, parent=os.getpid())
    yield state
    process.stop(state.state_dir)


@pytest.fixture
def session(own_lab: LabState, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A run on that lab."""
    monkeypatch.setenv("AKSDISKS_STATE_DIR", own_lab.state_dir)
    with open_session(Parameters(speed=SPEED)) as opened:
        yield opened
        assert opened.clean_up().complete
    assert disks(opened) == {each.name for each in like(opened, every=True)}


def like(session: Session, *, every: bool = False) -> Any:
    """The disk of a machine's system, or all of them: disks that no run made."""
    found: Any = session.azure.disks()
    systems = tuple(disk for disk in found if disk.managed_by and not disk.claim_name)
    return systems if every else systems[0]


def disks(session: Session) -> set[str]:
    found: Any = session.azure.disks()
    return {each.name for each in found}


def claimed(session: Session) -> Disk:
    """The disk of the article's claim, which a pod mounts."""
    session.apply(session.objects.claim, session.objects.deployment)
    session.wait_for("Pod", lambda pods: any(pod.ready for pod in pods), "a pod", app="disk-pod")
    found: Any = session.azure.disks()
    (disk,) = [each for each in found if each.claim_namespace == session.namespace]
    return disk


def test_what_is_made_is_noted_tagged_and_removed(session: Session) -> None:
    made = session.azure_objects.make_disk("by-hand", like(session), size_gib=4, tags={"team": "shop"})
    assert (made.size_gib, made.state, made.managed_by) == (4, "Unattached", "")
    assert made.tags == {"team": "shop", "aksdisks-run": session.run_id, "aksdisks-namespace": session.namespace}
    assert [entry["object"] for entry in session.journal.entries() if entry["act"] == "azure"] == [made.id]
    assert session.azure_objects.make_disk("by-hand", like(session), size_gib=4).unique_id == made.unique_id
    (planned,) = clean(Parameters(), dry_run=True)
    assert planned.status == "inconclusive", "the run is in progress"
    result = session.clean_up()
    assert (result.problems, result.complete, "disk by-hand" in result.removed) == ((), True, True)
    assert "by-hand" not in disks(session)


def test_a_disk_left_behind_and_a_static_one_go_with_the_run(session: Session) -> None:
    """As runbook 08 leaves them when it ends early: an adopted disk without a volume, and a volume with the label."""
    disk = claimed(session)
    session.azure_objects.adopt(disk)
    retain = {"persistentVolumeReclaimPolicy": "Retain"}
    metadata = {"name": disk.volume, "labels": session.labels}
    session.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": retain})
    result = session.clean_up()
    assert (result.problems, result.kept, result.complete) == ((), (), True)
    assert {f"volume {disk.volume}", f"disk {disk.name}"} <= set(result.removed)
    assert disk.name not in disks(session)
    assert disk.volume not in [volume.name for volume in session.cluster.volumes()]


def test_another_s_disk_is_neither_adopted_nor_replaced_nor_deleted(session: Session) -> None:
    others, own = like(session), session.azure_objects
    with pytest.raises(
        Refused, match=f"disk {others.name}: expected one of namespace {session.namespace}, found of no"
    ):
        own.adopt(others)
    with pytest.raises(Refused, match=f"disk {others.name}: expected none, found one that this run did not make"):
        own.make_disk(others.name, others)
    with pytest.raises(Refused, match=f"disk {others.name}: expected one that run {session.run_id} made"):
        own.delete(others)
    assert own.found() == ()


def test_azure_deletes_no_disk_that_a_machine_holds(session: Session) -> None:
    disk = claimed(session)
    session.azure_objects.adopt(disk)
    (held,) = session.azure_objects.found() or ()
    with pytest.raises(
        Conflict, match=rf"^DELETE disks/{disk.name}: Azure answers OperationNotAllowed: .* is attached"
    ):
        session.azure_objects.delete(held)
    assert held.name in disks(session)


def test_what_azure_does_not_allow_is_said(session: Session, own_lab: LabState) -> None:
    action = "Microsoft.Compute/disks/write"
    client.switch_on(own_lab, "role-missing", f"action/{action}")
    try:
        with pytest.raises(NotAllowed, match=f"^PUT disks/by-hand: the right {action} is missing"):
            session.azure_objects.make_disk("by-hand", like(session))
    finally:
        client.switch_off(own_lab)


def test_a_killed_run_s_disks_are_found_by_their_tags_where_its_namespace_is_gone(session: Session) -> None:
    session.azure_objects.make_disk("by-hand", like(session), size_gib=4)
    session.cluster.delete("Namespace", session.namespace)
    spaces = session.cluster.follow("Namespace")
    session.wait("the namespace to go", spaces, lambda found: session.namespace not in [each.name for each in found])
    (planned, *_) = clean(Parameters(), dry_run=True)
    assert (planned.status, planned.seen) == ("passed", "disk by-hand"), planned
    assert "by-hand" in disks(session)
    (done, *_) = clean(Parameters())
    assert (done.status, done.seen) == ("passed", "disk by-hand"), done
    assert "by-hand" not in disks(session)


def test_on_a_cluster_none_is_made_unless_the_parameters_say_so(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = replace(session.connection, settings=replace(session.connection.settings, faults=None))
    own = AzureObjects(cluster, session.run_id, session.namespace, session.journal)
    assert not may_make(cluster)
    with pytest.raises(Refused, match="disk x: expected that disks may be made here, found make_disks: false"):
        own.make_disk("x", like(session))
    # Who has no such right is not asked for it in the clean-up of any other run.
    with monkeypatch.context() as patch:
        patch.setattr(session.azure, "snapshots", lambda: pytest.fail("asked"))
        assert own.found() == ()
    assert may_make(replace(cluster, parameters=Parameters(make_disks=True)))
