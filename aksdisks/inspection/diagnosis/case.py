"""A case: one object and one volume that a cause is looked for, with everything that both sides say about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from aksdisks.inspection.diagnosis.findings import Evidence, ObjectRef
from aksdisks.inspection.diagnosis.multi_attach import standing_refusal
from aksdisks.inspection.diagnosis.seen import Seen
from aksdisks.inspection.diagnosis.words import heard
from aksdisks.model import (
    Attachment,
    Claim,
    Disk,
    KubeEvent,
    Machine,
    Named,
    Node,
    Pod,
    StorageClass,
    Unknown,
    Volume,
)

Subject = Literal["Pod", "PersistentVolumeClaim", "PersistentVolume"]


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that a message which still stands says (`id` and `groups` are of the table of words)."""

    id: str
    groups: Mapping[str, str]
    evidence: Evidence


@dataclass(frozen=True)
class Case:
    """What a cause is looked for: a pod with one of its claims (or none), a claim without a pod, or a volume."""

    seen: Seen
    kind: Subject
    pod: Pod | None = None
    claim: Claim | None = None
    volume: Volume | None = None
    claim_name: str = ""
    """The claim that the pod mounts, also where there is none of this name."""

    @property
    def subject(self) -> Named:
        """The object that it is about."""
        found = {"Pod": self.pod, "PersistentVolumeClaim": self.claim, "PersistentVolume": self.volume}[self.kind]
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
    def machine(self) -> Machine | Unknown | None:
        """Azure's machine of the pod's node."""
        return self.seen.machine(self.pod.node) if self.pod and self.pod.node else None

    @cached_property
    def refusal(self) -> KubeEvent | None:
        """The Multi-Attach event of the pod that still stands."""
        if self.pod is None or self.volume is None or self._attached:
            return None
        return standing_refusal(self.pod, self.seen.events_of(self.pod), self.volume.name)

    @cached_property
    def holders(self) -> tuple[Pod, ...]:
        """The other pods that use the claim on other nodes and may still write: running ones, and those that end."""
        if self.pod is None or self.claim is None:
            return ()
        others = [each for each in self.seen.pods_of(self.claim.key) if each.uid != self.pod.uid]
        named = self.refused_by
        using = [e for e in others if e.node not in ("", self.pod.node) and (e.ready or e.deleting or e.name in named)]
        return tuple(sorted(using, key=lambda each: (each.name not in named, each.name)))

    @property
    def refused_by(self) -> tuple[str, ...]:
        """The names of the pods that the Multi-Attach event says use the volume."""
        for each in self.sayings:
            if each.id == "multi-attach-pods":
                return tuple(each.groups.get("pods", "").split(" and ")[0].split(", "))
        return ()

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
        found = [*self._pod_messages(), *self._claim_messages(), *self._volume_messages()]
        return tuple(sorted(found, key=lambda row: (row.at is not None, row.at.timestamp() if row.at else 0.0)))

    @property
    def _attached(self) -> bool:
        return self.attachment is not None and self.attachment.attached

    def _pod_messages(self) -> Iterator[Evidence]:
        if self.pod is None:
            return
        events = self.seen.events_of(self.pod)
        done = {"FailedScheduling": bool(self.pod.node), "FailedAttachVolume": self._attached}
        attached = [e.last for e in events if e.reason == "SuccessfulAttachVolume" and e.last]
        for event in events:
            if event.type != "Warning" or done.get(event.reason) or not self._is_ours(event.message):
                continue
            overtaken = event.reason == "FailedAttachVolume" and event.last and any(t >= event.last for t in attached)
            if not overtaken:
                yield said(event)

    def _is_ours(self, message: str) -> bool:
        """False for a message about another of the pod's volumes."""
        mine = self.volume.name if self.volume else ""
        _, quoted, rest = message.partition(' for volume "')
        return not (mine and quoted) or rest.startswith(f'{mine}"') or 'volume "' not in message

    def _claim_messages(self) -> Iterator[Evidence]:
        if self.claim is None:
            return
        for event in self.seen.events_of(self.claim):
            waits = event.reason in ("ProvisioningFailed", "FailedBinding", "ExternalProvisioning", "Provisioning")
            if event.type == "Warning" and not (waits and self.claim.phase == "Bound"):
                yield said(event)

    def _volume_messages(self) -> Iterator[Evidence]:
        if self.volume is None:
            return
        for event in self.seen.events_of(self.volume):
            if event.type == "Warning":
                yield said(event)
        for each in self.attachments:
            about = f"VolumeAttachment of {each.volume} to {each.node}"
            if each.attach_error and not each.attached:
                yield Evidence("Kubernetes", about, f"attachError: {each.attach_error}", each.attach_error_at)
            if each.detach_error:
                yield Evidence("Kubernetes", about, f"detachError: {each.detach_error}", each.detach_error_at)


def said(event: KubeEvent) -> Evidence:
    """An event as a row of evidence."""
    about = f"{event.kind} {event.namespace}/{event.object}" if event.namespace else f"{event.kind} {event.object}"
    return Evidence("Kubernetes", about, f"{event.reason}: {event.message}", event.last)
