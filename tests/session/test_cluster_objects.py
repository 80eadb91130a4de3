"""What a run makes outside namespaces is nobody else's, is noted before, carries its labels, and goes with the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from aksdisks.errors import NotAllowed, Refused
from aksdisks.inspection.run_objects import IN_CLUSTER, IN_NAMESPACE
from aksdisks.kube.http import KINDS
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from aksdisks.manifests import CLAIM
from aksdisks.manifests.snapshots import claim_from, volume_snapshot, volume_snapshot_class
from aksdisks.model import Unknown, known
from aksdisks.parameters import Parameters
from aksdisks.session.leftovers import clean
from aksdisks.session.session import Session, open_session
from aksdisks.walkthrough import waits

SPEED = 200.0
DEFINITION = "CustomResourceDefinition"
ATTRIBUTES = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "VolumeAttributesClass",
    "driverName": "disk.csi.azure.com",
    "parameters": {"skuName": "Premium_LRS"},
}
BOOKS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "books.shop.example"},
    "spec": {
        "group": "shop.example",
        "scope": "Namespaced",
        "names": {"plural": "books", "singular": "book", "kind": "Book", "listKind": "BookList"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """A lab in which nobody else makes anything outside namespaces."""
    state = process.start(tmp_path_factory.mktemp("lab"), SPEED, parent=os.getpid())
    yield state
    process.stop(state.state_dir)


@pytest.fixture
def parameters(own_lab: LabState, monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """Of a run on that lab."""
    monkeypatch.setenv("AKSDISKS_STATE_DIR", own_lab.state_dir)
    return Parameters(speed=SPEED)


@pytest.fixture
def session(parameters: Parameters) -> Iterator[Session]:
    """A run on that lab."""
    with open_session(parameters) as opened:
        yield opened
        assert opened.clean_up().complete
    assert not wide(opened)


def attributes(session: Session) -> dict[str, Any]:
    return {**ATTRIBUTES, "metadata": {"name": f"aksdisks-{session.run_id}"}}


def wide(session: Session) -> list[str]:
    """All that any run has outside namespaces."""
    return [
        found.name
        for kind in ("PersistentVolume", "VolumeAttributesClass", "CustomResourceDefinition")
        for found in session.cluster.list(kind, selector="aksdisks.dev/run")
    ]


def test_every_kind_of_a_run_has_its_place() -> None:
    assert [KINDS[kind][2] for kind in IN_NAMESPACE] == [True] * len(IN_NAMESPACE)
    assert [KINDS[kind][2] for kind in IN_CLUSTER] == [False] * len(IN_CLUSTER)


def test_what_is_made_is_noted_labelled_and_removed(session: Session) -> None:
    made = attributes(session)
    name = made["metadata"]["name"]
    session.apply(made, BOOKS)
    session.apply(made, BOOKS)
    labels = {"aksdisks.dev/run": session.run_id, "aksdisks.dev/namespace": session.namespace}
    assert session.cluster.get("VolumeAttributesClass", name)["metadata"]["labels"] == labels
    noted = [entry["object"] for entry in session.journal.entries() if entry["act"] == "apply"]
    assert noted == [f"VolumeAttributesClass {name}", "CustomResourceDefinition books.shop.example"] * 2
    done = session.clean_up()
    assert (done.complete, done.problems) == (True, ())
    assert done.removed[:2] == (f"VolumeAttributesClass {name}", "CustomResourceDefinition books.shop.example")
    assert wide(session) == []


def test_another_s_is_neither_taken_over_nor_removed(session: Session) -> None:
    name = attributes(session)["metadata"]["name"]
    session.cluster.create(attributes(session))
    with pytest.raises(
        Refused, match=f"VolumeAttributesClass {name}: expected none, or one of run {session.run_id}, found .* no run"
    ):
        session.apply(attributes(session))
    session.cluster.delete("VolumeAttributesClass", name)


@pytest.mark.parametrize("first", [True, False])
def test_a_definition_stays_for_the_last_run_that_uses_it(
    session: Session, parameters: Parameters, first: bool
) -> None:
    session.apply(BOOKS)
    with open_session(parameters) as other:
        other.apply(BOOKS)
        goes, stays = (session, other) if first else (other, session)
        done = goes.clean_up()
        kept = f"CustomResourceDefinition books.shop.example (run {stays.run_id} uses it)"
        assert (done.complete, done.kept) == (True, (kept,))
        (found,) = other.cluster.list(DEFINITION, selector="aksdisks.dev/run")
        assert found.labels["aksdisks.dev/run"] == stays.run_id
        assert "CustomResourceDefinition books.shop.example" in stays.clean_up().removed
    assert wide(session) == []


def test_a_definition_that_no_run_made_is_used_and_left_alone(session: Session) -> None:
    session.cluster.create(BOOKS)
    session.apply(BOOKS)
    assert session.clean_up().removed == (f"Namespace {session.namespace}",)
    assert "labels" not in session.cluster.get(DEFINITION, "books.shop.example")["metadata"]
    session.cluster.delete(DEFINITION, "books.shop.example")
    assert session.cluster_objects.definitions.release("books.shop.example") == ""


def test_what_a_killed_run_used_is_found(
    session: Session, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.apply(BOOKS)
    with open_session(parameters) as killed:
        killed.apply(BOOKS)
    with monkeypatch.context() as patch:
        patch.setattr("aksdisks.session.journal._lives", lambda _pid: False)
        said = {check.statement: check.seen for check in clean(parameters, dry_run=True)}
    assert f"What run {killed.run_id} left in namespace {killed.namespace} would be removed" in said
    assert killed.clean_up().complete


def test_a_definition_stays_as_long_as_others_have_objects_of_it(session: Session) -> None:
    session.apply(BOOKS)
    follow = session.cluster.follow("CustomResourceDefinition")
    session.wait("books to be served", follow, lambda _: served(session))
    book = {"apiVersion": "shop.example/v1", "kind": "Book", "metadata": {"name": "theirs"}}
    session.cluster.request("POST", "/apis/shop.example/v1/namespaces/default/books", body=book)
    done = session.clean_up()
    assert done.problems == (
        "CustomResourceDefinition books.shop.example: expected no objects of it but the run's, "
        "found theirs in namespace default",
    )
    session.cluster.request("DELETE", "/apis/shop.example/v1/namespaces/default/books/theirs")
    assert session.clean_up().removed == ("CustomResourceDefinition books.shop.example",)


def served(session: Session) -> bool:
    conditions = session.cluster.get("CustomResourceDefinition", "books.shop.example")["status"]["conditions"]
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def test_after_a_kill_it_is_found_also_where_the_namespace_is_gone(
    session: Session, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.apply(attributes(session))
    line = f"VolumeAttributesClass aksdisks-{session.run_id}"
    session.cluster.delete("Namespace", session.namespace)
    spaces = session.cluster.follow("Namespace")
    session.wait("the namespace to go", spaces, lambda found: session.namespace not in [each.name for each in found])
    monkeypatch.setattr("aksdisks.session.journal._lives", lambda _pid: False)
    (planned,) = clean(parameters, dry_run=True)
    assert (planned.status, planned.seen) == ("passed", line)
    assert wide(session) != []
    (done,) = clean(parameters)
    assert (done.status, done.seen) == ("passed", line)
    assert wide(session) == []


def test_what_cannot_be_listed_is_said_and_may_be_left_only_where_the_run_made_some(
    session: Session, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(session.cluster).list

    def forbidden(cluster: Any, kind: str, *rest: str, **by: str) -> Any:
        if kind in ("VolumeAttributesClass", "CustomResourceDefinition"):
            raise NotAllowed(f"{kind} is forbidden")
        return real(cluster, kind, *rest, **by)

    session.apply(attributes(session))
    with monkeypatch.context() as patch:
        patch.setattr(type(session.cluster), "list", forbidden)
        said = {check.statement: (check.status, check.seen) for check in clean(parameters)}
        assert said["Not looked for, since these kinds may not be listed"] == (
            "not applicable",
            "VolumeAttributesClass, CustomResourceDefinition: VolumeAttributesClass is forbidden",
        )
        left = "objects of kind VolumeAttributesClass may be left: VolumeAttributesClass is forbidden"
        assert session.clean_up().complete == Unknown(left)
    assert wide(session) != []


def test_another_namespace_of_a_run_goes_with_it_also_where_the_first_is_gone(
    session: Session, parameters: Parameters
) -> None:
    other = session.another_namespace("b")
    again = session.another_namespace("b")
    assert other is not None and again is not None
    assert other.namespace == again.namespace == f"{session.namespace}-b"
    other.apply(attributes(session), other.objects.claim, other.objects.deployment)
    other.wait_for("Pod", lambda pods: [pod.ready for pod in pods] == [True], "its pod to run")
    (volume,) = session.cluster.volumes()
    session.cluster.delete("Namespace", session.namespace)
    session.wait_for("Namespace", lambda found: [each.name for each in found] == [other.namespace], "the first to go")
    # As after a kill.
    planned, done = (clean(parameters, dry_run=dry)[0] for dry in (True, False))
    lines = {f"Namespace {other.namespace}", f"volume {volume.name}", f"disk {volume.disk_name}"}
    assert set(planned.seen.split(", ")) == lines | {f"VolumeAttributesClass aksdisks-{session.run_id}"}
    assert set(done.seen.split(", ")) == set(planned.seen.split(", "))
    assert (done.status, session.cluster.volumes()) == ("passed", ())


def test_beside_a_prepared_namespace_no_other_is_made(parameters: Parameters) -> None:
    with open_session(parameters) as opened:
        opened.parameters = opened.parameters.model_copy(update={"namespace": opened.namespace})
        assert opened.another_namespace("b") is None
        assert opened.clean_up().complete


def test_what_would_keep_snapshots_in_azure_is_refused(session: Session) -> None:
    kept = {**volume_snapshot_class("theirs", {}), "deletionPolicy": "Retain"}
    refused = "VolumeSnapshotClass theirs: expected deletion policy Delete, found Retain"
    with pytest.raises(Refused, match=refused):
        session.apply(kept)
    session.cluster.create(kept)
    with pytest.raises(Refused, match=refused):
        session.apply(volume_snapshot("moment", "data", "theirs", session.labels))
    assert session.cluster.volume_snapshots(session.namespace) == ()
    session.cluster.delete("VolumeSnapshotClass", "theirs")


@pytest.mark.parametrize("killed", [False, True])
def test_snapshots_go_with_the_run_and_azure_s_with_them(
    session: Session, parameters: Parameters, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """Also where a claim that waits for a restore holds the snapshot back, and where the run was killed."""
    name = f"aksdisks-{session.run_id}"
    session.apply(session.objects.claim, session.objects.deployment)
    waits.running(session, "disk-pod")
    session.apply(
        volume_snapshot_class(name, session.labels), volume_snapshot("moment", CLAIM, name, session.labels),
        claim_from(session.objects, "late", "VolumeSnapshot", "moment"),
    )  # fmt: skip
    session.wait_for("VolumeSnapshot", lambda found: any(each.ready for each in found), "the snapshot to be ready")
    (content,) = known(session.cluster.volume_snapshot_contents())
    handle = content.snapshot_id.rpartition("/")[2]
    assert handle in [each.name for each in known(session.azure.snapshots())]
    lines = {f"content {content.name}", f"snapshot {handle}", f"VolumeSnapshotClass {name}", "VolumeSnapshot moment"}
    if killed:
        monkeypatch.setattr("aksdisks.session.journal._lives", lambda _pid: False)
        (planned,) = clean(parameters, dry_run=True)
        (cleaned,) = clean(parameters)
        assert (cleaned.status, sorted(planned.seen.split(", "))) == ("passed", sorted(cleaned.seen.split(", ")))
        removed = set(cleaned.seen.split(", "))
    else:
        done = session.clean_up()
        assert (done.problems, done.complete) == ((), True)
        removed = set(done.removed)
    assert lines <= removed
    assert session.cluster.volume_snapshot_contents() == ()
    assert session.cluster.volume_snapshot_classes() == ()
    assert session.azure.snapshots() == ()


def test_a_snapshot_that_is_to_be_retained_stays_and_is_reported(session: Session, parameters: Parameters) -> None:
    retaining = parameters.model_copy(update={"allow_retain": True})
    with open_session(retaining) as kept:
        name = f"aksdisks-{kept.run_id}"
        kept.apply(kept.objects.claim, kept.objects.deployment)
        waits.running(kept, "disk-pod")
        kept.apply(
            {**volume_snapshot_class(name, kept.labels), "deletionPolicy": "Retain"},
            volume_snapshot("moment", CLAIM, name, kept.labels),
        )
        kept.wait_for("VolumeSnapshot", lambda found: any(each.ready for each in found), "the snapshot to be ready")
        (content,) = known(kept.cluster.volume_snapshot_contents())
        snapshot = content.snapshot_id.rpartition("/")[2]
        done = kept.clean_up()
    assert (done.problems, done.complete) == ((), True)
    assert done.kept == (
        f"content {content.name} of moment (deletion policy Retain)",
        f"snapshot {snapshot} (its content is retained)",
    )
    line = f"content {content.name} of {kept.namespace}/moment (deletion policy Retain, {snapshot} in Azure)"
    assert line in [check.seen for check in clean(parameters)]
    # As a person would remove it: the driver deletes what a content stands for once its policy says so.
    where = f"/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents/{content.name}"
    policy = {"spec": {"deletionPolicy": "Delete"}}
    session.cluster.request("PATCH", where, None, policy, "merge-patch+json")
    session.cluster.delete("VolumeSnapshotContent", content.name)
    session.wait("it to go", session.cluster.follow("VolumeSnapshotContent"), lambda found: not found)
    assert session.azure.snapshots() == ()
