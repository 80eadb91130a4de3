"""Disks deleted on a lab: what changed between look and act stays, a lost answer is no second deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aksdisks.azure.calls import Answer
from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.ownership.snapshot_verdicts import SAVED_TAG
from aksdisks.lab.server.process import LabState
from aksdisks.model import Disk, Unknown
from aksdisks.model.ownership import OwnedDisk
from aksdisks.parameters import Parameters
from aksdisks.session.disk_removal import DiskRemoval, Outcome, journal_of
from tests import orphans
from tests.lab.breaking import Broken, claim
from tests.programs import needs

pytestmark = needs("kubectl")


@pytest.fixture(scope="module")
def space(lab: LabState, lab_environment: Mapping[str, str]) -> Iterator[Broken]:
    """A namespace for whose claims the disks were made."""
    space = Broken(lab, lab_environment, "removal")
    space.kubectl("create", "namespace", "removal")
    yield space
    orphans.remove_all(space, "pvc-removal-")
    space.kubectl("delete", "namespace", "removal", "--wait=false")


@pytest.fixture(scope="module")
def target(space: Broken) -> Iterator[Target]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSDISKS_STATE_DIR", space.state.state_dir)
        opened = connect(Parameters())
    yield opened
    opened.close()


@pytest.fixture
def remove(target: Target, tmp_path: Path) -> Callable[..., Outcome]:
    def removed(owned: OwnedDisk, *, save: bool = False) -> Outcome:
        journal = journal_of(tmp_path, target.azure)
        removal = DiskRemoval(target.cluster, target.azure, journal, save, target.settings.time_scale)
        (outcome,) = removal.carry_out([owned])
        return outcome

    return removed


def taken_for_orphan(target: Target, made: Any) -> OwnedDisk:
    """As the first look sees it."""
    raw: Any = target.azure.find(made.id)
    return OwnedDisk(id=made.id, disk=Disk.of(raw), verdict="orphan", because="nothing names it", price=Unknown("none"))


@contextmanager
def attached(space: Broken, made: Any) -> Iterator[str]:
    """Behind Kubernetes' back."""
    with space.fault("disk-elsewhere", f"disk/{made.name}"):
        yield "attached to"


@contextmanager
def was_attached(space: Broken, made: Any) -> Iterator[str]:
    with attached(space, made):
        pass
    yield "was attached or detached"


@contextmanager
def re_made(space: Broken, made: Any) -> Iterator[str]:
    space.azure.disks.begin_delete(space.state.node_resource_group, made.name).result()
    orphans.make(space, made.name)
    yield "another disk has its name now"


@contextmanager
def named_by_a_volume(space: Broken, made: Any) -> Iterator[str]:
    space.apply(orphans.volume("found", made.id.lower()))
    yield "PersistentVolume found names it"
    space.kubectl("delete", "pv", "found")


@contextmanager
def restored(space: Broken, _made: Any) -> Iterator[str]:
    """A claim of that name waits for its snapshot."""
    waiting = claim("data")
    waiting["spec"]["dataSource"] = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "none"}
    space.apply(waiting)
    yield "PersistentVolumeClaim removal/data (Pending) is the one that it was made for"
    space.kubectl("delete", "pvc", "data")


@pytest.mark.parametrize("change", [attached, was_attached, re_made, named_by_a_volume, restored])
def test_what_changed_between_look_and_act_stays(
    space: Broken, target: Target, remove: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    made = orphans.make(space, f"pvc-removal-{change.__name__.replace('_', '-')}")
    owned = taken_for_orphan(target, made)
    with change(space, made) as because:
        before = orphans.ids(space, "pvc-removal-")
        with orphans.changes_of_azure(monkeypatch) as asked:
            outcome = remove(owned, save=True)
        assert (outcome.state, asked) == ("left", []) and because in outcome.because, outcome
        assert orphans.ids(space, "pvc-removal-") == before and made.name in before


def test_a_disk_is_saved_then_deleted_and_comes_back_from_its_snapshot(
    space: Broken, target: Target, remove: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = orphans.make(space, "pvc-removal-saved"), orphans.make(space, "pvc-removal-bystander")
    with orphans.changes_of_azure(monkeypatch) as asked:
        outcome = remove(taken_for_orphan(target, made), save=True)
    name = outcome.snapshot.rpartition("/")[2]
    assert (outcome.state, asked) == ("deleted", [f"PUT {name}", "DELETE pvc-removal-saved"])
    left = orphans.ids(space, "pvc-removal-")
    assert "pvc-removal-saved" not in left and left[other.name] == other.unique_id
    group = space.state.node_resource_group
    snapshot = space.azure.snapshots.get(group, name)
    assert (snapshot.incremental, snapshot.tags) == (True, {**made.tags, SAVED_TAG: made.unique_id})
    assert (snapshot.network_access_policy, snapshot.creation_data.source_unique_id) == ("DenyAll", made.unique_id)
    back = {"creationData": {"createOption": "Copy", "sourceResourceId": snapshot.id}}
    orphans.make(space, "pvc-removal-back", properties=back, tags={})
    assert "pvc-removal-back" in orphans.ids(space, "pvc-removal-")


def test_a_deletion_whose_answer_is_lost_is_asked_for_once(
    space: Broken, target: Target, remove: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = orphans.make(space, "pvc-removal-lost")
    owned = taken_for_orphan(target, made)
    with orphans.changes_of_azure(monkeypatch, lose="DELETE") as asked:
        outcome = remove(owned)
    assert (outcome.state, asked) == ("deleted", ["DELETE pvc-removal-lost"]), outcome
    assert made.name not in orphans.ids(space, "pvc-removal-")


@pytest.mark.parametrize(("level", "save"), [("CanNotDelete", False), ("ReadOnly", True)])
def test_a_lock_is_told_and_the_disk_stays(
    space: Broken, target: Target, remove: Callable[..., Outcome], level: str, save: bool
) -> None:
    """ReadOnly on the group forbids the snapshot as well."""
    owned = taken_for_orphan(target, orphans.make(space, f"pvc-removal-locked-{level.lower()}"))
    scope = owned.id.partition("/providers/")[0] if save else owned.id
    lock = f"{scope}/providers/Microsoft.Authorization/locks/keep"
    made = target.azure.act("PUT", lock, {"properties": {"level": level}})
    assert isinstance(made, Answer) and made.accepted, made
    try:
        outcome = remove(owned, save=save)
    finally:
        target.azure.act("DELETE", lock)
    assert outcome.state == "failed" and outcome.because.startswith(f"a lock keeps it, at {scope}"), outcome
    assert owned.name in orphans.ids(space, "pvc-removal-")


def test_under_lockdown_the_deny_assignment_is_told(tmp_path: Path) -> None:
    """As in AKS Automatic."""
    with orphans.azure_alone(tmp_path, node_resource_group_restriction="ReadOnly") as (server, client):
        owned, azure = orphans.orphan_in(server, "pvc-kept"), client()
        for save in (False, True):
            (outcome,) = orphans.removal_in(azure, tmp_path, save=save).carry_out([owned])
            assert outcome.state == "failed" and outcome.because.startswith("a deny assignment keeps"), outcome
        assert azure.find(owned.id) is not None
