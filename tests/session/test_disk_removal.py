"""A disk is deleted once, noted before, and only as it was seen; whatever Azure answers, and wherever that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.azure.calls import Answer
from aksdisks.errors import InputError
from aksdisks.inspection.ownership.snapshot_verdicts import SAVED_TAG
from aksdisks.model import Unknown
from aksdisks.model.ownership import OwnedDisk
from aksdisks.session import disk_removal
from aksdisks.session.disk_removal import DiskRemoval, Outcome, snapshot_id
from aksdisks.session.journal import Journal
from tests.inspection.test_second_look import SEEN, raw

ACCEPTED = Answer(202, operation="https://arm/operations/1")
THROTTLED = Answer(429, "TooManyRequests", "Azure answers TooManyRequests: wait", pause=0.0)
BROKEN = Answer(500, "InternalServerError", "Azure answers InternalServerError: sorry")
FORBIDDEN = Answer(403, "AuthorizationFailed", "Azure answers AuthorizationFailed: no")
ATTACHED = Answer(409, "OperationNotAllowed", "Azure answers OperationNotAllowed: Disk pvc is attached to VM v.")
SILENT = Unknown("Azure does not answer: connection reset")
SIGNED_OUT = Unknown("Azure accepts no credential")
ORPHAN = OwnedDisk(id=SEEN.id, disk=SEEN, verdict="orphan", because="nothing names it", price=Unknown("no list"))
SAVED = snapshot_id(SEEN)
Json = dict[str, Any]


@dataclass
class FakeAzure:
    """Azure as far as a deletion asks it; `answers` are those of the changes to come, each with what it does."""

    answers: list[tuple[Answer | Unknown, Callable[[FakeAzure], None]]]
    there: dict[str, Json] = field(default_factory=lambda: {SEEN.id: raw(SEEN)})
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    failing: str = ""
    subscription: str = "s"
    resource_group: str = "mc_g"
    after_looks: dict[int, Callable[[FakeAzure], None]] = field(default_factory=dict)
    looks: int = 0

    def disks(self) -> tuple[Any, ...]:
        return ()

    snapshots = machines = disks

    def find(self, id_: str) -> Json | None:
        self.looks += 1
        if change := self.after_looks.pop(self.looks, None):
            change(self)
        return self.there.get(id_)

    def follow(self, id_: str) -> Iterator[tuple[Json, ...]]:
        while True:
            found = self.find(id_)
            yield () if found is None else (found,)

    def act(self, method: str, id_: str, body: Any = None) -> Answer | Unknown:
        self.asked.append(f"{method} {id_.rpartition('/')[2]}")
        self.bodies.append(body)
        answer, change = self.answers.pop(0)
        change(self)
        return answer

    def failure(self, operation: str) -> str:
        return self.failing if operation else ""


def nothing(_azure: FakeAzure) -> None:
    return


def gone(azure: FakeAzure) -> None:
    azure.there.pop(SEEN.id)


def re_made(azure: FakeAzure) -> None:
    azure.there[SEEN.id] = raw(SEEN, unique_id="another")


def snapshot(percent: float | None = None, *, of: str = SEEN.unique_id, **changes: str) -> Json:
    creation = {"sourceResourceId": SEEN.id, "sourceUniqueId": of}
    properties = {"provisioningState": "Succeeded", "creationData": creation, "completionPercent": percent}
    return {"id": SAVED, "name": "s", "tags": {SAVED_TAG: SEEN.unique_id}, "properties": properties | changes}


def saved(percent: float | None = None, **changes: Any) -> Callable[[FakeAzure], None]:
    return lambda azure: azure.there.update({SAVED: snapshot(percent, **changes)})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_removal, "_SHORTEST", 0.02)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, "s-mc_g", folder="orphans")


def removal(azure: Any, journal: Journal, **options: Any) -> DiskRemoval:
    cluster: Any = SimpleNamespace(claims=lambda _space: (), volumes=lambda: (), volume_snapshot_contents=lambda: ())
    return DiskRemoval(cluster, azure, journal, scale=1e6, **options)


def acts(journal: Journal) -> list[str]:
    return [entry["act"] for entry in journal.entries()]


@pytest.mark.parametrize(
    ("answers", "state", "because", "deletions", "noted"),
    [
        pytest.param([(ACCEPTED, gone)], "deleted", "", 1, ["delete", "deleted"], id="deleted"),
        pytest.param(
            [(THROTTLED, nothing), (ACCEPTED, gone)], "deleted", "", 2, ["delete", "delete", "deleted"], id="throttled"
        ),
        pytest.param([(SILENT, gone)], "deleted", "", 1, ["delete", "deleted"], id="its answer was lost"),
        pytest.param([(BROKEN, gone)], "deleted", "", 1, ["delete", "deleted"], id="begun in spite of an error"),
        pytest.param(
            [(SILENT, re_made)], "deleted", "", 1, ["delete", "deleted"], id="its answer was lost, and it is re-made"
        ),
        pytest.param(
            [(SILENT, nothing), (ACCEPTED, gone)], "deleted", "", 2, ["delete", "delete", "deleted"], id="not received"
        ),
        pytest.param([(BROKEN, nothing)] * 4, "failed", "sorry", 4, ["delete"] * 4, id="broken"),
        pytest.param([(FORBIDDEN, nothing)], "failed", "a right is missing", 1, ["delete", "refused"], id="forbidden"),
        pytest.param([(ATTACHED, nothing)], "left", "is attached to VM", 1, ["delete", "refused"], id="attached now"),
        pytest.param([(ACCEPTED, nothing)], "begun", "not seen within 600 s", 1, ["delete"], id="no end"),
    ],
)
def test_what_azure_answers_is_what_becomes_of_the_disk(
    journal: Journal, answers: Any, state: str, because: str, deletions: int, noted: list[str]
) -> None:
    azure = FakeAzure(list(answers))
    (outcome,) = removal(azure, journal).carry_out([ORPHAN])
    assert (outcome.state, because in outcome.because) == (state, True), outcome
    assert azure.asked == ["DELETE pvc-azure-managed-disk"] * deletions
    assert acts(journal) == noted
    assert all(entry["unique_id"] == "u-1" and entry["disk"] == SEEN.id for entry in journal.entries())


def test_an_operation_that_fails_says_why(journal: Journal) -> None:
    azure = FakeAzure([(ACCEPTED, nothing)], failing="Azure answers Conflict: later")
    (outcome,) = removal(azure, journal).carry_out([ORPHAN])
    assert (outcome.state, outcome.because) == ("failed", "Azure answers Conflict: later")
    assert acts(journal) == ["delete", "refused"]


@pytest.mark.parametrize("change", [gone, re_made])
def test_what_is_another_disk_by_then_is_not_asked_for(journal: Journal, change: Callable[[FakeAzure], None]) -> None:
    azure = FakeAzure([])
    change(azure)
    (outcome,) = removal(azure, journal).carry_out([ORPHAN])
    assert (outcome.state, azure.asked, acts(journal)) == ("left", [], [])


@pytest.mark.parametrize("verdict", ["in-use", "kept", "released", "young", "foreign", "unknown"])
def test_no_other_verdict_is_ever_deleted(journal: Journal, verdict: Any) -> None:
    azure = FakeAzure([])
    (outcome,) = removal(azure, journal).carry_out([replace(ORPHAN, verdict=verdict)])
    assert (outcome.state, azure.asked, acts(journal)) == ("left", [], [])


def test_a_disk_that_cannot_go_does_not_keep_others(journal: Journal) -> None:
    azure = FakeAzure([(FORBIDDEN, nothing), (ACCEPTED, gone)])
    outcomes = tuple(removal(azure, journal).carry_out([ORPHAN, ORPHAN]))
    assert [each.state for each in outcomes] == ["failed", "deleted"]


def test_nothing_is_asked_for_that_cannot_be_noted(tmp_path: Path) -> None:
    (tmp_path / "orphans").write_text("in the way")
    azure = FakeAzure([])
    with pytest.raises(InputError, match="journal"):
        tuple(removal(azure, Journal(tmp_path, "s-mc_g", folder="orphans")).carry_out([ORPHAN]))
    assert azure.asked == []


def test_a_snapshot_is_made_and_ready_before_the_disk_goes(journal: Journal) -> None:
    azure = FakeAzure([(ACCEPTED, saved(0.0)), (ACCEPTED, gone)], after_looks={6: saved(100.0)})
    (outcome,) = removal(azure, journal, save=True).carry_out([ORPHAN])
    assert outcome == Outcome(SEEN.id, "deleted", "", SAVED)
    assert azure.asked == [f"PUT {SAVED.rpartition('/')[2]}", "DELETE pvc-azure-managed-disk"]
    assert acts(journal) == ["snapshot", "delete", "deleted"]
    assert azure.bodies[0] == {
        "location": SEEN.location,
        "tags": {**SEEN.tags, SAVED_TAG: "u-1"},
        "properties": {
            "creationData": {"createOption": "Copy", "sourceResourceId": SEEN.id},
            "incremental": True,
            "networkAccessPolicy": "DenyAll",
            "publicNetworkAccess": "Disabled",
        },
    }


def test_the_snapshot_of_a_disk_with_keys_of_its_own_has_them_too(journal: Journal) -> None:
    keys = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": "/x/diskEncryptionSets/keys"}
    azure = FakeAzure([(ACCEPTED, saved()), (ACCEPTED, gone)])
    azure.there[SEEN.id]["properties"]["encryption"] = keys
    (outcome,) = removal(azure, journal, save=True).carry_out([ORPHAN])
    assert (outcome.state, azure.bodies[0]["properties"]["encryption"]) == ("deleted", keys)


def test_a_snapshot_that_was_begun_is_found_again_and_not_made_twice(journal: Journal) -> None:
    azure = FakeAzure([(ACCEPTED, gone)])
    azure.there[SAVED] = snapshot()
    (outcome,) = removal(azure, journal, save=True).carry_out([ORPHAN])
    assert (outcome.state, outcome.snapshot, azure.asked) == ("deleted", SAVED, ["DELETE pvc-azure-managed-disk"])


@pytest.mark.parametrize(
    ("made", "state", "because"),
    [
        pytest.param(snapshot(12.0), "failed", "not ready within 3600 s", id="never ready"),
        pytest.param(snapshot(provisioningState="Failed"), "failed", "az snapshot delete --ids", id="failed"),
        pytest.param(snapshot(of="another"), "left", "not of this disk", id="of the disk that is re-made"),
        pytest.param({**snapshot(), "tags": {}}, "left", "not of this disk", id="somebody else's"),
    ],
)
def test_without_a_good_snapshot_the_disk_stays(journal: Journal, made: Json, state: str, because: str) -> None:
    azure = FakeAzure([])
    azure.there[SAVED] = made
    (outcome,) = removal(azure, journal, save=True).carry_out([ORPHAN])
    assert (outcome.state, because in outcome.because, azure.asked) == (state, True, []), outcome


def test_a_snapshot_has_another_name_once_the_disk_was_attached_and_its_name_is_never_too_long() -> None:
    changed = replace(SEEN, owner_changed=SEEN.created)
    long = replace(SEEN, id=SEEN.id + 80 * "x", name=SEEN.name + 80 * "x")
    names = [snapshot_id(each).rpartition("/")[2] for each in (SEEN, changed, long)]
    assert len(set(names)) == 3 and max(map(len, names)) == 80
    shouted = replace(SEEN, id=SEEN.id.replace("/disks/", "/DISKS/"))
    assert snapshot_id(shouted) == SAVED
    assert all(name.startswith("pvc-azure-managed-disk") for name in names)


@pytest.mark.parametrize(
    ("change", "done", "noted"),
    [
        pytest.param(gone, True, ["delete", "deleted"], id="done"),
        pytest.param(re_made, True, ["delete", "deleted"], id="done, and re-made"),
        pytest.param(nothing, False, ["delete", "still there"], id="never received"),
    ],
)
def test_a_deletion_whose_end_was_not_seen_is_looked_for(
    journal: Journal, change: Callable[[FakeAzure], None], done: bool, noted: list[str]
) -> None:
    journal.write("delete", disk=SEEN.id, unique_id=SEEN.unique_id, snapshot=SAVED)
    azure = FakeAzure([])
    change(azure)
    outcomes = tuple(removal(azure, journal).unfinished())
    assert outcomes == ((Outcome(SEEN.id, "deleted", "it was asked for before", SAVED),) if done else ())
    assert acts(journal) == noted
    assert tuple(removal(azure, journal).unfinished()) == ()


def test_while_azure_says_nothing_a_deletion_has_no_end(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.write("break", what="fault")  # a journal may have lines of others
    journal.write("delete", disk=SEEN.id, unique_id=SEEN.unique_id, snapshot="")
    azure = FakeAzure([])
    with monkeypatch.context() as patch:
        patch.setattr(azure, "find", lambda _id: SILENT)
        patch.setattr(azure, "follow", lambda _id: repeat(SILENT))
        assert tuple(removal(azure, journal).unfinished()) == ()
    gone(azure)
    assert [each.state for each in removal(azure, journal).unfinished()] == ["deleted"]


def test_one_that_ended_is_not_looked_for(journal: Journal) -> None:
    azure = FakeAzure([(FORBIDDEN, nothing), (ACCEPTED, gone)])
    tuple(removal(azure, journal).carry_out([ORPHAN, ORPHAN]))
    looks = azure.looks
    assert (tuple(removal(azure, journal).unfinished()), azure.looks) == ((), looks)


def test_whoever_asks_it_to_end_is_heard_before_the_next_act(journal: Journal) -> None:
    azure = FakeAzure([(ACCEPTED, gone)])
    heard: list[int] = []
    ending = removal(azure, journal, interrupted=lambda: len(azure.asked) > len(heard))
    outcomes = ending.carry_out([ORPHAN, ORPHAN])
    states = [each.state for each in outcomes]
    assert (states, azure.asked) == (["begun", "not reached"], ["DELETE pvc-azure-managed-disk"])
    heard.append(1)
    (found,) = ending.unfinished()
    assert found.state == "deleted"


class Killed(BaseException):
    """What a kill is to the process: nothing after it is done."""


class Mortal:
    """Ends the process at the n-th moment: before or after each line of the journal and each change of Azure."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def __call__(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*given: Any, **named: Any) -> Any:
            self.tick()
            found = do(*given, **named)
            self.tick()
            return found

        return done

    def tick(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


@pytest.mark.parametrize("meanwhile", [nothing, re_made])
@pytest.mark.parametrize("moment", range(10))
def test_killed_at_any_moment_it_goes_on_and_nothing_is_deleted_twice_or_unnoted(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, moment: int, meanwhile: Callable[[FakeAzure], None]
) -> None:
    azure = FakeAzure([(ACCEPTED, saved()), (ACCEPTED, gone)])  # `gone` twice is an error
    with monkeypatch.context() as patch:
        kill = Mortal(moment)
        patch.setattr(azure, "act", kill(azure.act))
        patch.setattr(journal, "write", kill(journal.write))
        with pytest.raises(Killed):
            tuple(removal(azure, journal, save=True).carry_out([ORPHAN]))
    deleted = SEEN.id not in azure.there
    if deleted or meanwhile is nothing:
        meanwhile(azure)
    before, noted, again = len(azure.asked), "deleted" in acts(journal), removal(azure, journal, save=True)
    finished = tuple(again.unfinished())
    assert len(azure.asked) == before  # looking for what was begun asks for nothing
    assert [each.state for each in finished] == ["deleted"] * (deleted and not noted)
    if not deleted and meanwhile is nothing:
        (outcome,) = again.carry_out([ORPHAN])
        assert (outcome.state, outcome.snapshot) == ("deleted", SAVED)
    verbs = [line.partition(" ")[0] for line in azure.asked]
    assert verbs.count("PUT") <= 1 and verbs.count("DELETE") <= 1
    assert acts(journal).count("delete") >= verbs.count("DELETE") and acts(journal).count("snapshot") >= verbs.count(
        "PUT"
    )
    assert meanwhile is nothing or not deleted or azure.there[SEEN.id] == raw(SEEN, unique_id="another")
