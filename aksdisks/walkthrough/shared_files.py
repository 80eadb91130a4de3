"""Files that many pods share: a claim that becomes a share, pods on all nodes, and a volume by hand for it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from aksdisks import manifests
from aksdisks.errors import ApiError, InputError
from aksdisks.inspection.comparison import Said
from aksdisks.inspection.files import read_files
from aksdisks.inspection.rollout import Rollout
from aksdisks.kube.watch import Watcher
from aksdisks.manifests import MOUNT_PATH, Manifest
from aksdisks.manifests.shares import DRIVER, deployment_of, shared_claim, static_share
from aksdisks.model import AzureFiles, KubeEvent, Pod, ShareSource, Unknown, Volume
from aksdisks.model.checks import Holds, check
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Table
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough import proof, waits
from aksdisks.walkthrough.claims import ABOVE, kubectl
from aksdisks.walkthrough.permission import writing_volumes
from aksdisks.walkthrough.shared_views import DISK, FILES, STATIC, Seen
from aksdisks.walkthrough.write_times import measured

_WRONG = "files-on-a-disk"
_FAILED = "ProvisioningFailed"
# Another node may have what it knows of a folder from before, for as long as the mount option actimeo says; the longest
# that a class of AKS's has is 30 cluster seconds.
_LOOKS, _PAUSE = 5, 10.0


class SharedFiles:
    """A share beside a disk; `given`: whether this cluster has shares, `by_hand`: whether volumes may be made here.

    `bound` has the share that the volume by hand names, as `FileShare.key`, once that volume is made.
    """

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        self._session = session
        self._note = ""
        self._written: str | Unknown | None = Unknown("no note was written")
        self._read: Said = frozenset()
        self._read_by_hand: Said = frozenset()
        self.bound: frozenset[str] = frozenset()
        self.given: Holds = None
        self.by_hand: Holds = None

    def prepare(self) -> CheckView:
        """Check that the cluster has the driver of shares and a class of its own; nothing is made."""
        session = self._session()
        name = session.parameters.file_class
        found = [each for each in session.cluster.classes() if each.name == name]
        provisioners, keeps = (
            [each.provisioner for each in found],
            [each for each in found if each.reclaim_policy != "Delete"],
        )
        drivers = [each.name for each in session.cluster.list("CSIDriver")]
        self.given, seen = True, f"{name}, of {DRIVER}"
        if DRIVER not in provisioners:
            self.given, seen = None, f"class {name} is not {DRIVER}'s" if provisioners else f"there is no class {name}"
        elif DRIVER not in drivers:
            self.given, seen = None, f"the cluster has no driver {DRIVER}"
        elif keeps and not session.parameters.allow_retain:
            self.given, seen = None, f"class {name} would keep the share, and its cost; allow_retain: true accepts that"
        self.by_hand = writing_volumes(session) if self.given is True else self.given
        return CheckView(check("The cluster has a class of shared files", self.given, seen))

    def claim(self) -> Card:
        """Make the claim, and wait until it is bound; no pod names it yet."""
        if self.given is not True:
            return _nothing()
        session = self._session()
        wanted = shared_claim(session.objects, FILES, session.parameters.file_class)
        session.apply(wanted)
        session.wait_for("PersistentVolumeClaim", lambda found: _bound(found, FILES), f"claim {FILES} to be bound")
        typed = kubectl(session.namespace, "apply -f claim.yaml")
        return Card("claim.yaml", content=manifests.as_yaml(wanted), typed=typed)

    def look(self) -> Seen:
        """What each side says, now."""
        session = self._session()
        cluster, azure, space = session.cluster, session.azure, session.namespace
        if self.given is not True:
            nothing = Unknown("nothing was made here")
            return Seen(space, (), (), (), (), (), AzureFiles(listed=nothing), nothing, nothing)
        volumes, pods = cluster.volumes(), session.pods()
        named = [each.share for each in volumes if each.share and each.claim_namespace == space]
        both = azure.disks(), azure.machines()
        files, attachments, events = read_files(azure, named), cluster.attachments(), cluster.events(space)
        return Seen(space, session.claims(), volumes, pods, events, attachments, files, *both)

    def run(self) -> Card:
        """One Deployment twice, with the share and with a disk; wait until each pod runs or is kept out."""
        if self.given is not True:
            return _nothing()
        session, replicas = self._session(), self._session().parameters.deployment_replicas
        rollouts = [Rollout(FILES), Rollout(DISK)]
        with session.watch("Pod", "Event") as watcher:
            session.apply(manifests.another_claim(session.objects, DISK))
            session.apply(*(deployment_of(session.objects, each.app, replicas) for each in rollouts))
            session.wait(
                f"{replicas} pods of {FILES} and of {DISK}",
                _followed(watcher, rollouts),
                lambda now: now[0].ready == replicas and all(each.settled(replicas) for each in now),
                describe=lambda now: f"{now[0].ready} of {replicas} ready; {now[0].describe()}; {now[1].describe()}",
            )
        typed = kubectl(session.namespace, f"apply -f claim.yaml -f {FILES}.yaml -f {DISK}-claim.yaml -f {DISK}.yaml")
        return Card(f"Deployments {FILES} and {DISK} ask for {replicas} pods each", typed=typed)

    def write(self) -> Card:
        """Write a note through one pod, and let each pod of the Deployment read it."""
        if self.given is not True:
            return _nothing()
        session, pods = self._session(), self._running(FILES)
        if not isinstance(self._written, str):
            self._note = secrets.token_hex(8)
            self._written = proof.write_one(session, pods[0].name, self._note)
        if not isinstance(self._written, str):
            because = proof.NO_SHELL if self._written is None else self._written.because
            return Card("No note is written", [("why", because)])
        self._read = self._read_all(pods)
        typed = f"exec {pods[0].name} -- sh -c 'echo NOTE > {MOUNT_PATH}/{pods[0].name}.note'"
        read = [("asked for it", f"{len(pods)} pods, on {len({pod.node for pod in pods})} nodes")]
        return Card(f"Pod {pods[0].name} wrote a note", read, typed=kubectl(session.namespace, typed))

    @property
    def readable(self) -> Holds:
        """Whether notes can be written and read here; None, for not applicable, where the image has no shell."""
        if self.given is not True:
            return self.given
        return True if isinstance(self._written, str) else self._written

    @property
    def notes(self) -> tuple[Said, Said]:
        """(pod, what one of them wrote), and (pod, what it reads), of all pods."""
        if self.readable is not True:
            return frozenset(), frozenset()
        return frozenset((pod.name, self._note) for pod in self._running(FILES)), self._read

    def volume(self) -> Card:
        """The volume that names the share of the claim, as a file."""
        if self.by_hand is not True:
            return _nothing()
        content = manifests.as_yaml(self._volume(*self._of_claim()))
        return Card("volume.yaml", content=content, typed="kubectl apply -f volume.yaml")

    def bind(self) -> Card:
        """Apply the volume, a claim that names it and a Deployment of one pod; what that pod reads is noted."""
        if self.by_hand is not True:
            return _nothing()
        session, (raw, share) = self._session(), self._of_claim()
        volume, self.bound = self._volume(raw, share), frozenset({share.key})
        name = volume["metadata"]["name"]
        claim = shared_claim(session.objects, STATIC, volume["spec"]["storageClassName"], name)
        session.apply(volume, claim, deployment_of(session.objects, STATIC, 1))
        pod = waits.running(session, STATIC)
        if isinstance(self._written, str):
            self._read_by_hand = proof.said(proof.read_one(session, pod))
        typed = kubectl(session.namespace, "apply -f volume.yaml -f claim.yaml -f deployment.yaml")
        return Card(f"Pod {pod} runs with the same share, by volume {name}", typed=typed)

    @property
    def notes_by_hand(self) -> tuple[Said, Said]:
        """What a pod of the first Deployment wrote, and what the pod with the volume by hand reads."""
        return frozenset({self._note}), self._read_by_hand

    @property
    def by_hand_readable(self) -> Holds:
        """Whether the pod with the volume by hand can read what was written."""
        return self.by_hand if self.by_hand is not True else self.readable

    def delete_by_hand(self) -> Card:
        """Delete what `bind` made, and wait until the volume is gone."""
        if self.by_hand is not True:
            return _nothing()
        session, name = self._session(), self._name()
        for kind, each in (("Deployment", STATIC), ("PersistentVolumeClaim", STATIC), ("PersistentVolume", name)):
            session.delete(kind, each)
        session.wait_for(
            "PersistentVolume",
            lambda found: name not in [each.name for each in found],
            f"volume {name} to go",
            labelled=False,
        )
        typed = kubectl(session.namespace, f"delete deploy/{STATIC} pvc/{STATIC} pv/{name}")
        return Card(f"Claim {STATIC} and volume {name} are gone", typed=typed)

    def mounted(self) -> Card:
        """The mount options of the claim's volume, and what they mean for locks."""
        if self.given is not True:
            return _nothing()
        raw, _ = self._of_claim()
        options = [str(each) for each in raw["spec"].get("mountOptions") or ()]
        attributes = {key.lower(): value for key, value in (raw["spec"]["csi"].get("volumeAttributes") or {}).items()}
        protocol = str(attributes.get("protocol", "smb")).upper()
        locks = "asked of the server; while one writes, it forbids others to read there, too"
        if protocol == "NFS":
            locks = "asked of the server, and heeded by those that ask"
        elif "nobrl" in options:
            locks = "kept on each node (nobrl): two pods on two nodes both get one"
        lines = [("protocol", protocol), ("options", ", ".join(options) or "the driver's own"), ("locks", locks)]
        name = raw["metadata"]["name"]
        return Card(
            "How the share is mounted", lines, typed=f"kubectl get pv {name} -o jsonpath={{.spec.mountOptions}}"
        )

    def ask_of_a_disk(self) -> None:
        """Ask the disks' class for many writers; raises ApiError with the words of the disk driver."""
        session = self._session()
        claim = shared_claim(session.objects, _WRONG, session.parameters.storage_class)
        session.apply(claim, deployment_of(session.objects, _WRONG, 1))
        told = session.wait_for("Event", lambda found: bool(_refusals(found)), f"claim {_WRONG}", labelled=False)
        session.delete("Deployment", _WRONG)
        session.delete("PersistentVolumeClaim", _WRONG)
        event = _refusals(told)[-1]
        if event.reason == _FAILED:
            raise ApiError(f"claim {_WRONG}, ReadWriteMany: {event.message}", status=0, reason=event.reason)

    def write_times(self) -> Card | Table:
        """How long small writes take on the disk and on the share; nothing is measured in a lab."""
        if self.given is not True:
            return _nothing()
        session = self._session()
        disk, share = session.parameters.storage_class, session.parameters.file_class
        classes = {DISK: f"a disk of {disk}", FILES: f"a share of {share}"}
        return measured(session, [(words, self._running(app)[0].name) for app, words in classes.items()])

    def scaled_out(self) -> tuple[bool, bool]:
        """Whether a reader asked for more pods, and whether all of them run."""
        if self.given is not True:
            return False, False
        pods = [pod for pod in self._session().pods(FILES) if not pod.deleting]
        more = len(pods) > self._session().parameters.deployment_replicas
        return more, more and all(pod.ready for pod in pods)

    def _read_all(self, pods: Iterable[Pod]) -> Said:
        """(pod, what it reads) of all pods; again where one has not seen the note yet."""
        session, names = self._session(), [pod.name for pod in pods]
        for look in range(_LOOKS):
            if look:
                time.sleep(_PAUSE / session.time_scale)
            with ThreadPoolExecutor(len(names)) as pool:
                texts = list(pool.map(lambda name: proof.read_one(session, name), names))
            if all(text == self._note for text in texts):
                break
        unread = [text for text in texts if isinstance(text, Unknown)]
        return unread[0] if unread else frozenset(zip(names, texts, strict=True))

    def _running(self, app: str) -> list[Pod]:
        pods = sorted((pod for pod in self._session().pods(app) if pod.ready), key=lambda pod: pod.name)
        if not pods:
            raise InputError(object=f"a running pod of {app}", expected="one", found="none", hint=ABOVE)
        return pods

    def _of_claim(self) -> tuple[Manifest, ShareSource]:
        """The claim's volume as the API gives it, and the share that it names."""
        session = self._session()
        names = [each.volume for each in session.claims() if each.name == FILES and each.volume]
        if not names:
            raise InputError(object=f"the volume of claim {FILES}", expected="one", found="none", hint=ABOVE)
        raw = session.cluster.get("PersistentVolume", names[0])
        share = Volume.of(raw).share
        if share is None:
            raise InputError(object=f"volume {names[0]}", expected="one that names a share", found="another")
        return raw, share

    def _volume(self, raw: Manifest, share: ShareSource) -> Manifest:
        session = self._session()
        return static_share(self._name(), raw, share, (session.namespace, STATIC), session.labels)

    def _name(self) -> str:
        return f"aksdisks-{self._session().run_id}-{STATIC}"


def _followed(watcher: Watcher, rollouts: list[Rollout]) -> Iterator[list[Rollout] | None]:
    """The states of several Deployments' pods after every change, None in between."""
    for each in rollouts:
        each.begin(watcher.initial)
    yield rollouts
    for change in watcher:
        for each in rollouts:
            each.begin([change] if change is not None else [])
        yield rollouts if change is not None else None


def _bound(found: Iterable[object], name: str) -> bool:
    return any(getattr(each, "name", "") == name and getattr(each, "phase", "") == "Bound" for each in found)


def _refusals(found: Iterable[KubeEvent]) -> list[KubeEvent]:
    """The events that say what came of the claim of the deliberate refusal."""
    return [each for each in found if each.object == _WRONG and each.reason in (_FAILED, "ProvisioningSucceeded")]


def _nothing() -> Card:
    return Card("Nothing is done here", [("why", "see the checks above")])
