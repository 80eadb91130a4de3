"""What a diagnosis could not see, why, and what cannot be told without it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aksdisks.inspection.diagnosis.findings import Finding, ObjectRef, Unseen
from aksdisks.inspection.diagnosis.seen import Seen
from aksdisks.model import Claim, Inventory, NotAsked, Unknown, unread_files

VOLUME_EVENTS = "Event of PersistentVolumes"
"""What the events about volumes and contents are called in an inventory's `unreadable`: they are read if needed."""

EVENTS_LAST = 3600.0
"""How long an API server keeps an event, in cluster seconds (kube-apiserver --event-ttl, and AKS's)."""

# kind: (what cannot be told without it, whether its absence can hide a problem where nothing waits)
_LIMITS: dict[str, tuple[str, bool]] = {
    "Pod": ("whether pods are stuck, and who uses a claim", True),
    "PersistentVolumeClaim": ("whether claims are bound, expanded or deleted", True),
    "PersistentVolume": ("which disk a claim has, and whether volumes are released or cannot be deleted", True),
    "VolumeAttachment": ("to which node a disk is attached, and the errors of attaching and detaching", True),
    "Node": ("whether nodes are Ready, their zones, and where Azure has them", True),
    "CSINode": ("whether a node has the disk driver, and how many disks it takes", False),
    "StorageClass": ("whether a claim's class exists and when it binds", False),
    "Event": ("the words of scheduler, driver and kubelet; causes come from states alone", False),
    "Deployment": ("whether a Deployment surges", False),
    "ReplicaSet": ("whether a Deployment surges", False),
    VOLUME_EVENTS: ("why a released volume is not deleted", False),
    "VolumeSnapshot": ("whether snapshots fail, and whether a claim's source exists and is ready", False),
    "VolumeSnapshotContent": ("whose snapshot a claim is to be filled from", False),
    "VolumeAttributesClass": ("whether there is a class that a disk is to be changed to", False),
}


def unseen(inventory: Inventory, findings: Sequence[Finding], about: ObjectRef | None = None) -> tuple[Unseen, ...]:
    """What could not be read although it was asked for; Azure that nothing needed is not among it.

    Where the very object that was asked `about` could not be read, a problem may be hidden.
    Events that have expired are: an object that waits for longer than they last, and has none, waits without a word.
    """
    waits = any(finding.verdict == "wait" for finding in findings)
    return (*_unread(inventory, waits, about.kind if about else ""), *_expired(Seen(inventory), findings))


def _unread(inventory: Inventory, waits: bool, about: str) -> Iterator[Unseen]:
    for kind, because in inventory.unreadable.items():
        if kind in _LIMITS:  # others, such as Jobs, say nothing of what is stuck
            limits, hides = _LIMITS[kind]
            yield Unseen(kind, because, limits, hides or waits or kind == about)
    for what, values, limits in (
        ("Azure's disks", inventory.disks, "who holds a disk, and whether it exists"),
        ("Azure's machines", inventory.machines, "whether a machine runs, and which disks are on it"),
        ("workloads", inventory.workloads, "whether a Deployment surges"),
    ):
        if isinstance(values, Unknown) and not isinstance(values, NotAsked):
            yield Unseen(what, values.because, limits, waits)
    for what, because in unread_files(inventory.files).items():
        yield Unseen(what, because, "whether a share exists, and whether its account admits the nodes", waits)


def _expired(seen: Seen, findings: Sequence[Finding]) -> Iterator[Unseen]:
    """One for all objects whose events have expired: it would be the same words for each."""
    if not seen.saw("Event"):
        return
    silent = {f.object: f for f in findings if f.verdict != "expected" and _is_silent(seen, f.object)}
    if not silent:
        return
    first, *others = silent
    named = f"{first}" + (f" and {len(others)} more" if others else "")
    because = f"events last {EVENTS_LAST / 3600:.0f} h, and {named} waits for longer than that"
    hides = any(each.verdict == "wait" for each in silent.values())
    yield Unseen("expired events", because, "what was said of it when it began", hides)


def _is_silent(seen: Seen, ref: ObjectRef) -> bool:
    """Whether it is a pod, or a claim that is not bound, which waits for longer than events last and has none."""
    key = f"{ref.namespace}/{ref.name}"
    found = {"Pod": seen.pod, "PersistentVolumeClaim": seen.claim}.get(ref.kind, _nothing)(key)
    if found is None or (isinstance(found, Claim) and found.phase == "Bound"):
        return False
    age = seen.age(found.created)
    return age is not None and age > EVENTS_LAST and not seen.events_of(found)


def _nothing(_key: str) -> None:
    """Of other kinds the age does not say for how long something waits."""
