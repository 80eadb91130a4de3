"""Disks deleted on a lab: what changed between look and act stays, a lost answer is no second deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.azure.calls import Answer
from aksdisks.azure.compute import Azure
from aksdisks.inspection.connection import Target, connect
from aksdisks.lab import scenario as scenarios
from aksdisks.model import Disk, Unknown
from aksdisks.model.ownership import OwnedDisk
from aksdisks.parameters import Parameters
from aksdisks.session.disk_removal import TAG, DiskRemoval, Outcome, journal_of
from aksdisks.targets import credentials
from tests import orphans
from tests.lab.arm.conftest import SECRET as SERVER_SECRET
from tests.lab.arm.conftest import AzureServer
from tests.lab.breaking import Broken, broken_lab, claim
from tests.programs import needs

pytestmark = needs("kubectl")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with broken_lab(tmp_path_factory.mktemp("removal"), speed=200.0) as made:
        yield made


@pytest.fixture(scope="module")
def target(lab: Broken) -> Iterator[Target]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSDISKS_STATE_DIR", lab.state.state_dir)
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
def attached(lab: Broken, made: Any) -> Iterator[str]:
    """Behind Kubernetes' back."""
    with lab.fault("disk-elsewhere", f"disk/{made.name}"):
        yield "attached to"


@contextmanager
def was_attached(lab: Broken, made: Any) -> Iterator[str]:
    with attached(lab, made):
        pass
    yield "was attached or detached"


@contextmanager
def re_made(lab: Broken, made: Any) -> Iterator[str]:
    lab.azure.disks.begin_delete(lab.state.node_resource_group, made.name).result()
    orphans.make(lab, made.name)
    yield "another disk has its name now"


@contextmanager
def named_by_a_volume(lab: Broken, made: Any) -> Iterator[str]:
    lab.apply(orphans.volume("found", made.id.lower()))
    yield "PersistentVolume found names it"


@contextmanager
def restored(lab: Broken, _made: Any) -> Iterator[str]:
    """A claim of that name waits for its snapshot."""
    waiting = claim("data")
    waiting["spec"]["dataSource"] = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "none"}
    lab.apply(waiting)
    yield "PersistentVolumeClaim default/data (Pending) is the one that it was made for"
    lab.kubectl("delete", "pvc", "data")


@pytest.mark.parametrize("change", [attached, was_attached, re_made, named_by_a_volume, restored])
def test_what_changed_between_look_and_act_stays(
    lab: Broken, target: Target, remove: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    made = orphans.make(lab, f"pvc-{change.__name__.replace('_', '-')}")
    owned = taken_for_orphan(target, made)
    with change(lab, made) as because:
        before = orphans.ids(lab)
        with orphans.changes_of_azure(monkeypatch) as asked:
            outcome = remove(owned, save=True)
        assert (outcome.state, asked) == ("left", []) and because in outcome.because, outcome
        assert orphans.ids(lab) == before and made.name in before


def test_a_disk_is_saved_then_deleted_and_comes_back_from_its_snapshot(
    lab: Broken, target: Target, remove: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = orphans.make(lab, "pvc-saved"), orphans.make(lab, "pvc-bystander")
    with orphans.changes_of_azure(monkeypatch) as asked:
        outcome = remove(taken_for_orphan(target, made), save=True)
    name = outcome.snapshot.rpartition("/")[2]
    assert (outcome.state, asked) == ("deleted", [f"PUT {name}", "DELETE pvc-saved"])
    left = orphans.ids(lab)
    assert "pvc-saved" not in left and left[other.name] == other.unique_id
    group = lab.state.node_resource_group
    snapshot = lab.azure.snapshots.get(group, name)
    assert (snapshot.incremental, snapshot.tags) == (True, {**made.tags, TAG: made.unique_id})
    assert (snapshot.network_access_policy, snapshot.creation_data.source_unique_id) == ("DenyAll", made.unique_id)
    back = {"creationData": {"createOption": "Copy", "sourceResourceId": snapshot.id}}
    orphans.make(lab, "pvc-back", properties=back, tags={})
    assert "pvc-back" in orphans.ids(lab)


def test_a_deletion_whose_answer_is_lost_is_asked_for_once(
    lab: Broken, target: Target, remove: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = orphans.make(lab, "pvc-lost")
    owned = taken_for_orphan(target, made)
    with orphans.changes_of_azure(monkeypatch, lose="DELETE") as asked:
        outcome = remove(owned)
    assert (outcome.state, asked) == ("deleted", ["DELETE pvc-lost"]), outcome
    assert made.name not in orphans.ids(lab)


@pytest.mark.parametrize("action", ["disks/delete", "snapshots/write", "snapshots/read"])
def test_a_right_that_is_missing_is_named_and_the_disk_stays(
    lab: Broken, target: Target, remove: Callable[..., Outcome], action: str
) -> None:
    name = f"pvc-{action.replace('/', '-')}"
    owned = taken_for_orphan(target, orphans.make(lab, name))
    with lab.fault("role-missing", f"action/Microsoft.Compute/{action}"):
        outcome = remove(owned, save=True)
    assert outcome.state == "failed" and f"Microsoft.Compute/{action}" in outcome.because, outcome
    assert name in orphans.ids(lab)


@pytest.mark.parametrize(("level", "save"), [("CanNotDelete", False), ("ReadOnly", True)])
def test_a_lock_is_told_and_the_disk_stays(
    lab: Broken, target: Target, remove: Callable[..., Outcome], level: str, save: bool
) -> None:
    """ReadOnly on the group forbids the snapshot as well."""
    owned = taken_for_orphan(target, orphans.make(lab, f"pvc-locked-{level.lower()}"))
    scope = owned.id.partition("/providers/")[0] if save else owned.id
    lock = f"{scope}/providers/Microsoft.Authorization/locks/keep"
    made = target.azure.act("PUT", lock, {"properties": {"level": level}})
    assert isinstance(made, Answer) and made.accepted, made
    try:
        outcome = remove(owned, save=save)
    finally:
        target.azure.act("DELETE", lock)
    assert outcome.state == "failed" and outcome.because.startswith(f"a lock keeps it, at {scope}"), outcome
    assert owned.name in orphans.ids(lab)


def test_under_lockdown_the_deny_assignment_is_told(tmp_path: Path) -> None:
    """As in AKS Automatic; the cluster itself has made the disk."""
    scenario = replace(scenarios.load("regional"), node_resource_group_restriction="ReadOnly")
    server = AzureServer(scenario, 500.0, tmp_path / "ca.crt")
    body = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    body["tags"] = orphans.tags("data", "default", "pvc-kept")

    async def make() -> str:
        server.cloud.disks.put(scenario.node_resource_group, "pvc-kept", body)
        made = server.cloud.disks.get(scenario.node_resource_group, "pvc-kept")
        made.provisioning_state = "Succeeded"
        return str(made.id)

    try:
        id_ = server.run(make())
        secret = {"tenant_id": scenario.tenant_id, "client_id": scenario.client_id, "client_secret": SERVER_SECRET}
        settings = credentials._azure(server.url, server.url, server.ca_bundle, secret)
        azure = Azure(settings, scenario.subscription_id, scenario.node_resource_group, 500.0)
        raw: Any = azure.find(id_)
        cluster: Any = SimpleNamespace(claims=lambda _space: (), volumes=lambda: ())
        owned = OwnedDisk(id=id_, disk=Disk.of(raw), verdict="orphan", because="", price=Unknown("none"))
        for save in (False, True):
            removal = DiskRemoval(cluster, azure, journal_of(tmp_path, azure), save)
            (outcome,) = removal.carry_out([owned])
            assert outcome.state == "failed" and outcome.because.startswith("a deny assignment keeps"), outcome
        assert azure.find(id_) is not None
        azure.close()
    finally:
        server.close()
