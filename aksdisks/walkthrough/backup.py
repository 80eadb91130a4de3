"""What a snapshot holds, and what is made of it: one taken while lines are written, copies, and its deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aksdisks import manifests
from aksdisks.errors import ApiError, InputError
from aksdisks.manifests import snapshots
from aksdisks.manifests.snapshots import Source
from aksdisks.model import KubeEvent, Named, NotServed, Unknown, VolumeSnapshot, known
from aksdisks.model.checks import Holds, check
from aksdisks.model.ownership import Price
from aksdisks.prices import PriceList
from aksdisks.quantities import gib
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough import waits
from aksdisks.walkthrough.backup_views import Lines, Seen, made_for, only
from aksdisks.walkthrough.claims import ABOVE, kubectl
from aksdisks.walkthrough.line_writer import LineWriter, Text, read, settled

ORIGINAL, RESTORED, CLONE, SMALLER, LATE = (
    f"backup-{what}" for what in ("original", "restored", "clone", "smaller", "late")
)
SNAPSHOT = "backup-moment"

_GROUP = "snapshot.storage.k8s.io"
_RIGHTS = {
    "volumesnapshotclasses": ("get", "create", "patch", "delete"),
    "volumesnapshots": ("get", "list", "watch", "create", "patch", "delete"),
    "volumesnapshotcontents": ("list", "watch"),
}
# How many lines are to be there before the snapshot is asked for, and to be written after it is ready.
_BEFORE, _AFTER = 6, 3
_FAILED = "ProvisioningFailed"
_PROVISIONED = (_FAILED, "ProvisioningSucceeded")


class Backup:
    """Takes a snapshot, makes copies of it, and deletes it; `given`: whether that may be done here."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        self._session = session
        self._lines: dict[str, Text] = {}
        self._pods: dict[str, str] = {}
        self._deleted = False
        self.given: Holds = None

    def prepare(self) -> Stack:
        """Check that snapshots may be made here, and if so make a class of them and a Deployment with a claim."""
        self.given, seen = self._allowed()
        shown: list[Any] = []
        if self.given is True:
            session, objects = self._session(), self._session().objects
            classed = snapshots.volume_snapshot_class(self.class_name, session.labels)
            session.apply(classed, manifests.another_claim(objects, ORIGINAL))
            session.apply(manifests.another_deployment(objects, ORIGINAL))
            self._running(ORIGINAL)
            shown.append(self._file("A class of snapshots", classed, "class.yaml"))
        return Stack([*shown, CheckView(check("Snapshots may be made, and deleted, here", self.given, seen))])

    @property
    def class_name(self) -> str:
        """The name of the run's class of snapshots."""
        return f"aksdisks-{self._session().run_id}"

    def take(self) -> Card:
        """Take the snapshot while one command writes lines, and let it write some more when the snapshot is ready."""
        if self.given is not True:
            return _nothing()
        session = self._session()
        wanted = snapshots.volume_snapshot(SNAPSHOT, ORIGINAL, self.class_name, session.labels)
        if not self._lines:
            with LineWriter(session, self._pod(ORIGINAL)) as writer:
                before = writer.lines(_BEFORE)
                session.apply(wanted)
                session.wait_for("VolumeSnapshot", _ready, f"snapshot {SNAPSHOT} to be ready")
                until = writer.read()
                if isinstance(until, str):
                    writer.lines(until.count("\n") + _AFTER)
            written = read(session, self._pod(ORIGINAL))
            before = settled(before) if isinstance(before, str) else before
            self._lines = {"before": before, "until": until, "written": written}
        meanwhile = [("written meanwhile, line by line", f"{manifests.MOUNT_PATH}/lines, by one command in the pod")]
        return self._file("A snapshot, taken while lines are written", wanted, "snapshot.yaml", meanwhile)

    def look(self) -> Seen:
        """Both sides now."""
        session = self._session()
        cluster, azure, space = session.cluster, session.azure, session.namespace
        if self.given is not True:
            nothing = Unknown("nothing was made here")
            return Seen(space, nothing, nothing, (), (), nothing, nothing)
        contents, there, disks = cluster.volume_snapshot_contents(), azure.snapshots(), azure.disks()
        return Seen(
            space,
            only(cluster.volume_snapshots(space), lambda each: each.name == SNAPSHOT),
            only(contents, lambda each: each.snapshot_key == f"{space}/{SNAPSHOT}"),
            session.claims(),
            cluster.volumes(),
            only(there, lambda each: made_for(each) == f"{space}/{SNAPSHOT}"),
            only(disks, lambda each: each.claim_namespace == space),
        )

    def restore(self) -> Card:
        """Make a claim of the snapshot, beside the original, and wait until its pod runs."""
        if self.given is True:
            self._check_done(self._lines, f"snapshot {SNAPSHOT}")
        return self._copy(RESTORED, "VolumeSnapshot", SNAPSHOT)

    def clone(self) -> Card:
        """Make a claim of the original claim, and wait until its pod runs."""
        return self._copy(CLONE, "PersistentVolumeClaim", ORIGINAL)

    @property
    def restored(self) -> Lines:
        """What was written, and what the restored disk has of it."""
        if (readable := self.readable) is not True:
            why = readable if isinstance(readable, Unknown) else None
            return Lines(why, why, why, why)
        return Lines(self._lines["before"], self._lines["until"], self._lines["written"], self._text(RESTORED))

    def cloned(self) -> CheckView:
        """The check that the clone has what the original has, line by line."""
        statement = "The clone has every line that was written"
        if (readable := self.readable) is not True:
            return CheckView(check(statement, readable, "no line was written"))
        original, clone = self._text(ORIGINAL), self._text(CLONE)
        for text in (original, clone):
            if not isinstance(text, str):
                return CheckView(check(statement, text, "not read"))
        return CheckView(check(statement, original == clone, "the same bytes" if original == clone else "other bytes"))

    @property
    def readable(self) -> Holds:
        """Whether lines can be written and read here; None, for not applicable, where the image has no shell."""
        if self.given is not True:
            return self.given
        written = self._lines.get("written", Unknown("no line was written"))
        return True if isinstance(written, str) else written

    def price(self) -> Table:
        """What the original, its snapshot and a disk that is restored cost a month."""
        now, prices = self.look(), PriceList.builtin()
        disks = {each.claim_name: each for each in known(now.disks)}
        rows, source = [], prices.source
        for words, of in (("the disk", ORIGINAL), ("a restored one", RESTORED), ("a clone", CLONE)):
            if disk := disks.get(of):
                rows.append((words, f"{disk.size_gib} GiB {disk.sku}", _price(prices.disk(disk))))
        for each in known(now.in_azure):
            price = _price(prices.snapshot(each))
            rows.insert(1, ("its snapshot", f"at most {each.size_gib} GiB {each.sku}", f"at most {price}"))
        note = f"By {source}. Of a snapshot Azure bills what is used, and does not tell how much that is."
        return Table("A month of each", ("", "what", "price"), rows, note)

    def restore_smaller(self) -> None:
        """Ask for a disk of the snapshot that is smaller than it; raises ApiError with the provisioner's words."""
        self._check_done(self._lines, f"snapshot {SNAPSHOT}")
        session, name = self._session(), SMALLER
        half = f"{gib(session.parameters.size) * 512}Mi"
        session.apply(snapshots.claim_from(session.objects, name, "VolumeSnapshot", SNAPSHOT, half))
        told = self._provisioned(name)
        self._take_back(name)
        if told.reason == _FAILED:
            raise ApiError(f"claim {name} of {half}: {told.message}", status=0, reason=told.reason)

    def restore_late(self) -> None:
        """Ask for a disk of the snapshot that is being deleted; raises ApiError with the provisioner's words."""
        self._check_done(self._deleted, f"a deletion of {SNAPSHOT}")
        told = self._provisioned(LATE)
        if told.reason == _FAILED:
            raise ApiError(f"claim {LATE}: {told.message}", status=0, reason=told.reason)

    def delete(self) -> Card:
        """Delete the snapshot while a claim waits for a disk of it, and wait for the event that says so."""
        if self.held is not True:
            return _nothing()
        self._check_done(self._lines, f"snapshot {SNAPSHOT}")
        session, self._deleted = self._session(), True
        session.apply(snapshots.claim_from(session.objects, LATE, "VolumeSnapshot", SNAPSHOT))
        session.wait_for("PersistentVolumeClaim", lambda found: LATE in _names(found), f"claim {LATE}")
        session.delete("VolumeSnapshot", SNAPSHOT)
        told = session.wait_for(
            "Event", lambda found: bool(_pending(found)), "an event of its deletion", labelled=False
        )
        event = _pending(told)[-1]
        lines = [("event", f"{event.type} {event.reason}: {event.message}")]
        return Card("The snapshot is being deleted", lines, typed=self._typed(f"delete volumesnapshot {SNAPSHOT}"))

    @property
    def held(self) -> Holds:
        """Whether a claim can be held back here, so that a snapshot which it needs is seen to wait."""
        if self.given is not True:
            return self.given
        session = self._session()
        (found,) = [each for each in session.cluster.classes() if each.name == session.parameters.storage_class]
        if found.binding_mode == "WaitForFirstConsumer":
            return True
        return Unknown(f"class {found.name} makes disks at once: the moment in which one is made cannot be caught")

    def let_go(self) -> Stack:
        """Delete the claim that waits, wait until the snapshot and its content are gone, and check that of Azure."""
        statement = "Once nothing waits for it, the snapshot goes, in Azure too"
        if self.held is not True:
            return Stack([_nothing(), CheckView(check(statement, self.held, "no snapshot was deleted"))])
        self._check_done(self._deleted, f"a deletion of {SNAPSHOT}")
        session = self._session()
        self._take_back(LATE)
        session.look_again(SNAPSHOT)
        session.wait_for("VolumeSnapshot", lambda found: SNAPSHOT not in _names(found), f"snapshot {SNAPSHOT} to go")
        contents = session.cluster.follow("VolumeSnapshotContent")
        key = f"{session.namespace}/{SNAPSHOT}"
        session.wait("its content to go", contents, lambda found: key not in [each.snapshot_key for each in found])
        left = self.look().none_left
        seen = "none on either side" if left is True else "it is still there"
        if isinstance(left, Unknown):
            seen = "only one side could be asked"
        made = Card(f"Claim {LATE} is taken back", typed=self._typed(f"delete deploy/{LATE} pvc/{LATE}"))
        return Stack([made, CheckView(check(statement, left, seen))])

    def outlives(self) -> tuple[bool, Holds]:
        """Whether the original claim is gone, and whether the restored disk still has its lines."""
        if self.given is not True or ORIGINAL in _names(self._session().claims()):
            return False, None
        return True, self.restored.holds

    def _allowed(self) -> tuple[Holds, str]:
        """Whether this may be done here, and what was seen of that."""
        session = self._session()
        name = session.parameters.storage_class
        provisioners = [each.provisioner for each in session.cluster.classes() if each.name == name]
        if "disk.csi.azure.com" not in provisioners:
            return None, f"class {name} is not the disk driver's, which alone makes snapshots"
        classes = session.cluster.volume_snapshot_classes()
        if isinstance(classes, NotServed):
            return None, classes.because
        for resource, verbs in _RIGHTS.items():
            space = session.namespace if resource == "volumesnapshots" else ""
            for verb in verbs:
                if session.cluster.allowed(verb, resource, _GROUP, space) is not True:
                    return Unknown(f"this identity may not {verb} {resource}.{_GROUP}"), "not allowed"
        return (classes, "not read") if isinstance(classes, Unknown) else (True, "the cluster serves them")

    def _copy(self, name: str, kind: Source, source: str) -> Card:
        if self.given is not True:
            return _nothing()
        session = self._session()
        claim = snapshots.claim_from(session.objects, name, kind, source)
        session.apply(claim, self._beside(name))
        self._running(name)
        return self._file(f"Claim {name}, of {kind} {source}", claim, "claim.yaml")

    def _beside(self, name: str) -> manifests.Manifest:
        volume = self._session().cluster.get("PersistentVolume", self.look().volume_of(ORIGINAL).name)
        return snapshots.deployment_beside(self._session().objects, name, volume)

    def _provisioned(self, name: str) -> KubeEvent:
        """Give a claim a pod, and wait for the event that says what came of it."""
        session = self._session()
        session.apply(self._beside(name))
        told = session.wait_for("Event", lambda found: bool(_outcomes(found, name)), f"claim {name}", labelled=False)
        return _outcomes(told, name)[-1]

    def _take_back(self, name: str) -> None:
        """Delete a claim that has no disk, and its Deployment, and wait until it is gone."""
        session = self._session()
        session.delete("Deployment", name)
        session.delete("PersistentVolumeClaim", name)
        session.wait_for("PersistentVolumeClaim", lambda found: name not in _names(found), f"claim {name} to go")

    def _running(self, app: str) -> None:
        self._pods[app] = waits.running(self._session(), app)

    def _pod(self, app: str) -> str:
        self._check_done(app in self._pods, f"a pod of {app}")
        return self._pods[app]

    def _check_done(self, done: object, what: str) -> None:
        """Raise InputError for a cell that is run too early."""
        if not done:
            raise InputError(object=what, expected="one", found="none", hint=ABOVE)

    def _text(self, app: str) -> Text:
        return read(self._session(), self._pod(app))

    def _file(self, title: str, manifest: manifests.Manifest, file: str, lines: Sequence[tuple[str, str]] = ()) -> Card:
        """An object as a person would write it, and the command that applies it."""
        plain = {**manifest, "metadata": {"name": manifest["metadata"]["name"]}}
        return Card(title, lines, content=manifests.as_yaml(plain), typed=self._typed(f"apply -f {file}"))

    def _typed(self, words: str) -> str:
        return kubectl(self._session().namespace, words)


def _ready(found: Iterable[VolumeSnapshot]) -> bool:
    return any(each.name == SNAPSHOT and each.ready for each in found)


def _outcomes(found: Iterable[KubeEvent], claim: str) -> list[KubeEvent]:
    """The events that say what came of a claim's provisioning."""
    return [each for each in found if each.object == claim and each.reason in _PROVISIONED]


def _pending(found: Iterable[KubeEvent]) -> list[KubeEvent]:
    return [each for each in found if each.object == SNAPSHOT and each.reason == "SnapshotDeletePending"]


def _names(found: Iterable[Named]) -> list[str]:
    return [each.name for each in found]


def _price(found: Price | Unknown) -> str:
    return f"unknown: {found.because}" if isinstance(found, Unknown) else f"{found.a_month:.2f} {found.currency}"


def _nothing() -> Card:
    return Card("Nothing is done here", [("why", "see the check above")])
