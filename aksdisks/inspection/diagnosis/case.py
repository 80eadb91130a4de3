"""A case: one object and one volume that a cause is looked for, with everything that both sides say about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeVar

from aksdisks.inspection.diagnosis.claims import RESIZE_ERRORS, condition, is_expanding, is_modifying
from aksdisks.inspection.diagnosis.findings import Evidence, ObjectRef
from aksdisks.inspection.diagnosis.multi_attach import pods_in, standing_refusal
from aksdisks.inspection.diagnosis.seen import Seen
from aksdisks.inspection.diagnosis.snapshots import failure
from aksdisks.inspection.diagnosis.words import heard
from aksdisks.model import (
    FILE_DRIVERS,
    Attachment,
    AzureFiles,
    Claim,
    Disk,
    FileShare,
    KubeEvent,
    Machine,
    Named,
    Node,
    Pod,
    StorageAccount,
    StorageClass,
    Unknown,
    Volume,
    VolumeSnapshot,
)

T = TypeVar("T")
# Cluster seconds after its deadline within which a kubelet that works has ended a pod and unmounted its volumes.
_LATE = 120.0
# Real seconds: an attachment that was made so soon after its pod was placed did not have to wait for another node.
_AT_ONCE = 1.0
_RESIZE_REASONS = ("VolumeResizeFailed", "FileSystemResizeFailed", "ExternalExpanding")

Subject = Literal["Pod", "PersistentVolumeClaim", "PersistentVolume", "VolumeSnapshot"]
SUBJECTS: tuple[Subject, ...] = ("Pod", "PersistentVolumeClaim", "PersistentVolume", "VolumeSnapshot")


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that a message which still stands says (`id` and `groups` are of the table of words)."""

    id: str
    groups: Mapping[str, str]
    evidence: Evidence


@dataclass(frozen=True)
class Case:
    """What a cause is looked for: a pod with one of its claims (or none), or a claim, a volume or a snapshot alone."""

    seen: Seen
    kind: Subject
    pod: Pod | None = None
    claim: Claim | None = None
    volume: Volume | None = None
    snapshot: VolumeSnapshot | None = None
    claim_name: str = ""
    """The claim that the pod mounts, also where there is none of this name."""

    @property
    def subject(self) -> Named:
        """The object that it is about."""
        found = dict(zip(SUBJECTS, (self.pod, self.claim, self.volume, self.snapshot), strict=True))[self.kind]
        if found is None:
            raise ValueError(f"a case about a {self.kind} that it does not have")
        return found

    @property
    def ref(self) -> ObjectRef:
        """The reference to it."""
        return ObjectRef.of(self.kind, self.subject)

    @cached_property
    def node(self) -> Node | None:
        """The node that the pod was placed on."""
        return self.seen.node(self.pod.node) if self.pod and self.pod.node else None

    @cached_property
    def storage_class(self) -> StorageClass | None:
        """The class of the claim, else of the volume."""
        name = self.claim.storage_class if self.claim else self.volume.storage_class if self.volume else ""
        return self.seen.storage_class(name)

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """The attachments of the volume, to whatever node."""
        return self.seen.attachments_of(self.volume.name) if self.volume else ()

    @cached_property
    def attachment(self) -> Attachment | None:
        """The attachment of the volume to the pod's node."""
        wanted = self.pod.node if self.pod else ""
        return next((each for each in self.attachments if wanted and each.node == wanted), None)

    @cached_property
    def elsewhere(self) -> tuple[Attachment, ...]:
        """The attachments of the volume to other nodes than the pod's."""
        return tuple(each for each in self.attachments if each is not self.attachment)

    @cached_property
    def disk(self) -> Disk | Unknown | None:
        """Azure's disk of the volume; None where Azure has none, or the volume names none."""
        return self.seen.disk(self.volume.disk_id) if self.volume and self.volume.disk_id else None

    @cached_property
    def share(self) -> FileShare | Unknown | None:
        """Azure's share of the volume; None where Azure has none, or the volume is none of Azure Files."""
        source = self.volume.share if self.volume else None
        return None if source is None else self._files(lambda files: files.share(source))

    @cached_property
    def account(self) -> StorageAccount | Unknown | None:
        """The storage account of the share, likewise."""
        source = self.volume.share if self.volume else None
        return None if source is None else self._files(lambda files: files.account(source.account))

    def _files(self, look: Callable[[AzureFiles], T]) -> T | Unknown:
        files = self.seen.inventory.files
        return files if isinstance(files, Unknown) else look(files)

    @property
    def driver(self) -> str:
        """The CSI driver of the volume, else of the claim's class, else the one that the claim waits for."""
        volume = self.volume.driver or self.volume.provisioner if self.volume else ""
        of_class = self.storage_class.provisioner if self.storage_class else ""
        return volume or of_class or (self.claim.provisioner if self.claim else "")

    @property
    def medium(self) -> str:
        """What the volume's bytes are on, or are to be on: `share` of Azure Files, else `disk`."""
        on_share = self.volume.share is not None if self.volume else self.driver in FILE_DRIVERS
        return "share" if on_share else "disk"

    @cached_property
    def machine(self) -> Machine | Unknown | None:
        """Azure's machine of the pod's node."""
        return self.seen.machine(self.pod.node) if self.pod and self.pod.node else None

    @cached_property
    def refusal(self) -> KubeEvent | None:
        """The Multi-Attach event of the pod that still stands."""
        if self.pod is None or self.volume is None or self.attached:
            return None
        return standing_refusal(self.pod, self.seen.events_of(self.pod), self.volume.name)

    @cached_property
    def attached(self) -> bool:
        """Whether Kubernetes has the volume on the pod's node; without VolumeAttachments, as in 2019, events tell."""
        if self.attachment is not None:
            return self.attachment.attached and not self.attachment.deleting
        return not self.attachments and bool(self._told_attached)

    @cached_property
    def waits_for_disk(self) -> bool:
        """Whether the pod was placed, and its volume, which is an Azure disk, is not on that node."""
        pod, volume = self.pod, self.volume
        placed = pod is not None and bool(pod.node) and not pod.deleting
        return placed and volume is not None and bool(volume.disk_id) and not self.attached

    @cached_property
    def blocked(self) -> bool:
        """Whether the pod waits for a disk that one node at a time may have, and another node has it or is to have it.

        Without VolumeAttachments only the refusal tells; with them, a refusal that nobody is behind any more is over.
        """
        if not (self.waits_for_disk and self.exclusive):
            return False
        told = self.volume is not None and bool(self.volume.driver) and self.seen.saw("VolumeAttachment")
        return bool(self.elsewhere) or (self.refusal is not None and (bool(self.holders) or not told))

    @property
    def placed(self) -> datetime | None:
        """When the pod was placed on its node, as exactly as anything tells: the scheduler's events have fractions."""
        if self.pod is None or not self.pod.node:
            return None
        told = [each.first for each in self.seen.events_of(self.pod, "Scheduled")]
        since = [each.since for each in self.pod.conditions if each.type == "PodScheduled" and each.status == "True"]
        return next(filter(None, (*told[-1:], *since, self.pod.created)), None)

    @cached_property
    def waited(self) -> float | None:
        """How many cluster seconds ago the pod was placed, at least; None where nothing tells."""
        return self.seen.age(self.placed)

    @cached_property
    def attaching(self) -> float | None:
        """How many cluster seconds ago Kubernetes began to attach the volume to the pod's node, at least."""
        created, placed = self.attachment.created if self.attachment else None, self.placed
        if created is None or (placed is not None and (created - placed).total_seconds() < _AT_ONCE):
            return self.waited
        return self.seen.age(created)

    @property
    def attached_at(self) -> datetime | None:
        """When the volume was attached to the pod's node, as far as an event tells; else when that began."""
        told = [each.first for each in self._told_attached[-1:]]
        began = [self.attachment.created] if self.attachment else []
        return next(filter(None, (*told, *began, self.placed)), None)

    @cached_property
    def mounted(self) -> bool:
        """Whether the kubelet has gone on to the pod's containers: it does once all volumes are mounted."""
        if self.pod is None:
            return False
        waiting = ("", "ContainerCreating", "PodInitializing")
        states = self.pod.container_states
        begun = any(each.running or each.restarts or each.ended or each.reason not in waiting for each in states)
        return begun or bool(self.seen.events_of(self.pod, "Pulling", "Pulled", "Created", "Started"))

    @property
    def exclusive(self) -> bool:
        """Whether one node at a time may have the volume (K IsMultiAttachAllowed)."""
        return self.volume is not None and not any(mode.endswith("Many") for mode in self.volume.access_modes)

    @cached_property
    def unwaited(self) -> bool:
        """Whether it is about a volume that is being detached and that no pod waits for: nobody else tells of that."""
        volume = self.volume if self.kind == "PersistentVolume" else None
        if volume is None or not any(each.deleting or each.detach_error for each in self.attachments):
            return False
        return all(pod.ready for pod in self.seen.pods_of(volume.claim))

    @cached_property
    def holders(self) -> tuple[Pod, ...]:
        """The other pods that use the claim on other nodes and may still write, those that have the disk alone.

        Kubernetes counts a pod until its containers have ended, also one on a node that is lost (facts D).
        """
        if self.pod is None or self.claim is None:
            return ()
        others = [each for each in self.seen.pods_of(self.claim.key) if each.uid != self.pod.uid]
        named, nodes = self.refused_by, {each.node for each in self.elsewhere}
        elsewhere = [each for each in others if each.node not in ("", self.pod.node)]
        using = [e for e in elsewhere if e.ready or e.deleting or e.name in named or e.phase == "Running"]
        having = [each for each in elsewhere if each.node in nodes]
        return tuple(sorted(having or using, key=lambda each: (each.name not in named, not each.ready, each.name)))

    @cached_property
    def users(self) -> tuple[Pod, ...]:
        """Those of the holders that are there to stay: not being deleted, and on a node that is not lost."""
        return tuple(each for each in self.holders if not each.deleting and not self.seen.lost(each.node))

    def overdue(self, pod: Pod) -> bool:
        """Whether a pod that is being deleted should have ended minutes ago: its deletionTimestamp is its deadline."""
        late = self.seen.age(pod.deleting)
        return late is not None and late > _LATE

    @property
    def refused_by(self) -> tuple[str, ...]:
        """The names of the pods that the Multi-Attach event says use the volume."""
        found = (pods_in(each.groups) for each in self.sayings if each.id == "multi-attach-pods")
        return next(found, ())

    def says(self, *ids: str) -> Saying | None:
        """The last standing saying with one of these ids."""
        return next((each for each in reversed(self.sayings) if each.id in ids), None)

    @cached_property
    def sayings(self) -> tuple[Saying, ...]:
        """What the standing messages about pod, claim, volume and attachment say, by the table of words, in order."""
        return tuple(
            Saying(each.id, each.groups, evidence) for evidence in self.messages for each in heard(evidence.says)
        )

    @cached_property
    def messages(self) -> tuple[Evidence, ...]:
        """The messages that still stand, the latest last: events that nothing overtook, and errors in states."""
        found = [*self._pod_messages(), *self._claim_messages(), *self._volume_messages(), *self._snapshot_messages()]
        return tuple(sorted(found, key=lambda row: (row.at is not None, row.at.timestamp() if row.at else 0.0)))

    @cached_property
    def _told_attached(self) -> tuple[KubeEvent, ...]:
        if self.pod is None:
            return ()
        told = self.seen.events_of(self.pod, "SuccessfulAttachVolume")
        return tuple(each for each in told if self._is_ours(each.message))

    def _pod_messages(self) -> Iterator[Evidence]:
        if self.pod is None:
            return
        events = self.seen.events_of(self.pod)
        done = {
            "FailedScheduling": bool(self.pod.node),
            "FailedAttachVolume": self.attached,
            "FailedMount": self.mounted,
        }
        attached = [e.last for e in self._told_attached if e.last]
        for event in events:
            if event.type != "Warning" or done.get(event.reason) or not self._is_ours(event.message):
                continue
            overtaken = event.reason == "FailedAttachVolume" and event.last and any(t >= event.last for t in attached)
            if not overtaken:
                yield said(event)
        # The scheduler's word stands in the pod itself, too, and there it outlives its event.
        refused = next((each for each in self.pod.conditions if each.type == "PodScheduled"), None)
        told = any(event.reason == "FailedScheduling" for event in events) or self.pod.node
        if refused and refused.status == "False" and refused.message and not told:
            about = f"Pod {self.pod.key}"
            yield Evidence("Kubernetes", about, f"FailedScheduling: {refused.message}", refused.since)

    def _is_ours(self, message: str) -> bool:
        """False for a message about another of the pod's volumes."""
        mine = self.volume.name if self.volume else ""
        _, quoted, rest = message.partition(' for volume "')
        return not (mine and quoted) or rest.startswith(f'{mine}"') or 'volume "' not in message

    def _claim_messages(self) -> Iterator[Evidence]:
        """Of a claim that is made; whether it grows is nothing that a pod waits for."""
        if self.claim is None:
            return
        bound, own = self.claim.phase == "Bound", self.kind == "PersistentVolumeClaim"
        stands = {
            **dict.fromkeys(_RESIZE_REASONS, own and is_expanding(self.claim)),
            "VolumeModifyFailed": own and is_modifying(self.claim),
            **dict.fromkeys(("ClaimLost", "ClaimMisbound"), self.claim.phase == "Lost"),
        }
        events = self.seen.events_of(self.claim)
        made = [each.last for each in events if each.reason == "ProvisioningSucceeded" and each.last]
        for event in events:
            overtaken = event.reason == "ProvisioningFailed" and event.last and any(at >= event.last for at in made)
            if event.type == "Warning" and stands.get(event.reason, not bound) and not overtaken:
                yield said(event)
        error = condition(self.claim, *RESIZE_ERRORS, "ModifyVolumeError") if own else None
        if error and error.message:
            yield Evidence("Kubernetes", _about_claim(self.claim), f"{error.type}: {error.message}", error.since)

    def _volume_messages(self) -> Iterator[Evidence]:
        if self.volume is None:
            return
        if self.kind == "PersistentVolume":
            about = f"PersistentVolume {self.volume.name}"
            if self.volume.message:
                yield Evidence("Kubernetes", about, f"{self.volume.phase}: {self.volume.message}")
            for event in self.seen.events_of(self.volume):
                if event.type == "Warning":
                    yield said(event)
        for each in self.attachments:
            about = f"VolumeAttachment of {each.volume} to {each.node}"
            # Who waits for an attach is a pod; a detach that fails keeps claim and volume, too.
            if self.kind == "Pod" and each.attach_error and not each.attached:
                yield Evidence("Kubernetes", about, f"attachError: {each.attach_error}", each.attach_error_at)
            if each.detach_error:
                yield Evidence("Kubernetes", about, f"detachError: {each.detach_error}", each.detach_error_at)

    def _snapshot_messages(self) -> Iterator[Evidence]:
        """What its status says of the last failure; events repeat it."""
        found = failure(self.seen, self.snapshot) if self.snapshot else None
        if found:
            yield found


def _about_claim(claim: Claim) -> str:
    return f"PersistentVolumeClaim {claim.key}"


def said(event: KubeEvent) -> Evidence:
    """An event as a row of evidence."""
    about = f"{event.kind} {event.namespace}/{event.object}" if event.namespace else f"{event.kind} {event.object}"
    return Evidence("Kubernetes", about, f"{event.reason}: {event.message}", event.last)
