"""A disk may be deleted only if nothing of it, or for it, has changed since it was taken for an orphan."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from aksdisks.errors import NotAllowed
from aksdisks.inspection.second_look import look_again
from aksdisks.model import DiskSnapshot, NotServed, Unknown, VolumeSnapshotContent
from tests.world import CLAIM, GROUP, SPACE, START, claim, disk, machine, volume

SEEN = disk(
    on=None, unique_id="u-1", created=START, owner_changed=START + timedelta(hours=1), provisioning_state="Succeeded"
)
AWAY = Unknown("Azure answers 503: ServiceUnavailable")
OURS = f"{GROUP}/snapshots/ours"


def raw(of, **changes):
    """A disk as Azure answers it."""
    of = replace(of, **changes)
    return {
        "id": of.id,
        "name": of.name,
        "managedBy": of.managed_by or None,
        "managedByExtended": [each for each in of.holders if "extended" in each],
        "tags": dict(of.tags),
        "properties": {
            "diskState": of.state,
            "uniqueId": of.unique_id,
            "timeCreated": of.created.isoformat(),
            "LastOwnershipUpdateTime": of.owner_changed.isoformat() if of.owner_changed else None,
            "provisioningState": of.provisioning_state,
            "completionPercent": of.completion,
            "shareInfo": [{"vmUri": each} for each in of.holders if "shared" in each],
        },
    }


def snapshot(**changes):
    plain = {"id": f"{GROUP}/snapshots/s", "name": "s", "source": SEEN.id.upper(), "provisioning_state": "Succeeded"}
    return DiskSnapshot(**plain | changes)


def content(**changes):
    return VolumeSnapshotContent(**{"name": "c", "disk_id": SEEN.id.lower()} | changes)


def azure_of(found, disks=(), snapshots=(), machines=()):
    answers = {"disks": disks, "snapshots": snapshots, "machines": machines}
    return SimpleNamespace(find=lambda _id: found, **{name: lambda each=each: each for name, each in answers.items()})


def look(now=None, claims=(), volumes=(), contents=(), **azure):
    def read(what):
        if isinstance(what, Exception):
            raise what
        return what

    cluster = SimpleNamespace(
        claims=lambda _space: read(claims), volumes=lambda: read(volumes), volume_snapshot_contents=lambda: contents
    )
    found = raw(SEEN) if now is None else None if now == {} else now
    return look_again(cluster, azure_of(found, **azure), SEEN, OURS)


OF_ANOTHER = claim("other", volume="pvc-x", uid="x")


@pytest.mark.parametrize(
    "found",
    [
        pytest.param({}, id="as it was"),
        pytest.param({"claims": [OF_ANOTHER]}, id="another claim"),
        pytest.param({"claims": [claim(volume="pvc-new")]}, id="its claim has another volume by now"),
        pytest.param(
            {"volumes": [volume("a"), volume("b", disk_id="")], "machines": [machine(0, disk("a"))]}, id="other volumes"
        ),
        pytest.param({"snapshots": [snapshot(), snapshot(completion=100.0)]}, id="snapshots that are done"),
        pytest.param(
            {"snapshots": [snapshot(id=OURS.upper(), provisioning_state="Updating")]}, id="the snapshot of the deletion"
        ),
        pytest.param({"disks": [disk("copy", source=f"{GROUP}/disks/other")]}, id="another's copy"),
        pytest.param(
            {"snapshots": [snapshot()], "disks": [disk("copy", source=snapshot().id, provisioning_state="Succeeded")]},
            id="a restore that is done",
        ),
        pytest.param({"contents": NotServed("no such kind")}, id="a cluster without snapshots"),
        pytest.param(
            {"contents": [content(snapshot_id=snapshot().id), content(disk_id=f"{GROUP}/disks/other")]},
            id="contents of snapshots that were taken, or of another disk",
        ),
        pytest.param({"now": raw(SEEN, provisioning_state="Failed")}, id="its last change failed"),
    ],
)
def test_a_disk_that_is_as_it_was_may_go(found):
    assert (look(**found).state, look(**found).because) == ("same", "")


@pytest.mark.parametrize(
    ("found", "state", "because"),
    [
        pytest.param({"now": {}}, "gone", "no such disk", id="gone"),
        pytest.param({"now": raw(SEEN, unique_id="u-2")}, "re-made", "uniqueId u-2", id="re-made by its name"),
        pytest.param({"now": raw(SEEN, unique_id="")}, "unseen", "uniqueId", id="without a uniqueId"),
        pytest.param({"now": raw(SEEN, created=START + timedelta(1))}, "re-made", "2026-11-24", id="made later"),
        pytest.param({"now": raw(SEEN, managed_by=machine(0).id)}, "kept", "attached to vm_0", id="attached"),
        pytest.param({"now": raw(SEEN, holders=("/x/extended",))}, "kept", "attached to extended", id="extended"),
        pytest.param({"now": raw(SEEN, holders=("/x/shared",))}, "kept", "attached to shared", id="shared"),
        pytest.param({"now": raw(SEEN, state="ActiveSAS")}, "kept", "diskState is ActiveSAS", id="downloaded"),
        pytest.param({"now": raw(SEEN, owner_changed=START)}, "kept", "attached or detached", id="was attached"),
        pytest.param({"now": raw(SEEN, owner_changed=None)}, "kept", "attached or detached", id="no owner change"),
        pytest.param({"now": raw(SEEN, provisioning_state="Updating")}, "kept", "Updating", id="being changed"),
        pytest.param({"now": raw(SEEN, completion=0.0)}, "kept", "being filled: 0 %", id="being restored"),
        pytest.param({"now": raw(SEEN, tags={**SEEN.tags, "keep": "yes"})}, "kept", "tags", id="a person's tag"),
        pytest.param({"volumes": [volume(disk_id=SEEN.id.lower())]}, "kept", "names it", id="a volume, in lower case"),
        pytest.param({"machines": [machine(1, SEEN)]}, "kept", "machine aks-1 has it", id="just being attached"),
        pytest.param({"volumes": [volume(disk_id="")]}, "kept", "which it was made for", id="its volume is back"),
        pytest.param({"claims": [claim(phase="Pending", volume="")]}, "kept", "Pending", id="its claim waits"),
        pytest.param({"claims": [claim(phase="Lost")]}, "kept", "Lost", id="its claim has lost it"),
        pytest.param(
            {"claims": [claim("restored", phase="Pending", volume="", uid=CLAIM)]}, "kept", "restored", id="by uid"
        ),
        pytest.param({"snapshots": [snapshot(provisioning_state="Updating")]}, "kept", "snapshot s", id="a snapshot"),
        pytest.param({"snapshots": [snapshot(completion=0.0)]}, "kept", "snapshot s", id="a snapshot of 0 %"),
        pytest.param(
            {"disks": [disk("copy", source=SEEN.id, provisioning_state="Updating")]},
            "kept",
            "disk pvc-copy",
            id="clone",
        ),
        pytest.param(
            {"snapshots": [snapshot()], "disks": [disk("copy", source=snapshot().id, provisioning_state="Updating")]},
            "kept",
            "disk pvc-copy is still being copied from its snapshot s",
            id="a restore",
        ),
        pytest.param(
            {"contents": [content()]}, "kept", "VolumeSnapshotContent c is to be made of it", id="a snapshot to be"
        ),
        pytest.param({"contents": Unknown("no contents")}, "unseen", "no contents", id="contents not readable"),
        pytest.param({"volumes": NotAllowed("no volumes")}, "unseen", "no volumes", id="volumes not readable"),
        pytest.param({"claims": NotAllowed("no claims")}, "unseen", "no claims", id="claims not readable"),
        pytest.param({"now": AWAY}, "unseen", "503", id="disk not readable"),
        pytest.param({"machines": AWAY}, "unseen", "503", id="machines not readable"),
        pytest.param({"disks": AWAY}, "unseen", "503", id="disks not readable"),
        pytest.param({"snapshots": AWAY}, "unseen", "503", id="snapshots not readable"),
    ],
)
def test_a_disk_that_is_not_as_it_was_stays(found, state, because):
    found = look(**found)
    assert found.state == state and because in found.because, found


def test_the_claims_are_those_of_its_namespace_and_volumes_and_the_disk_are_read_last():
    """What somebody makes after that is not seen: it is to be as little as possible."""
    asked = []

    def noted(name, answer):
        return lambda *given: asked.append((name, *given)) or answer

    cluster = SimpleNamespace(
        claims=noted("claims", ()), volumes=noted("volumes", ()), volume_snapshot_contents=noted("contents", ())
    )
    azure = azure_of(raw(SEEN))
    azure = SimpleNamespace(
        **{name: noted(name, each(SEEN.id) if name == "find" else each()) for name, each in vars(azure).items()}
    )
    assert look_again(cluster, azure, SEEN).state == "same"
    assert asked[-3:] == [("claims", SPACE), ("volumes",), ("find", SEEN.id)] and len(asked) == 7


def test_a_copy_of_which_nothing_is_there_yet_is_told_from_one_without_a_percentage():
    made = [DiskSnapshot.of({"properties": {"completionPercent": percent}}) for percent in (0, 12.5, None)]
    assert [each.completion for each in made] == [0.0, 12.5, None]
