"""What runbook 12 compares: roles and Services, what is acknowledged and what is on disks, snapshots, a plain set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aksdisks.inspection.comparison import Said
from aksdisks.manifests.replicated_store import primary_service, replicas_service
from aksdisks.model import DiskSnapshot, ReplicatedStore, Unknown, VolumeSnapshotContent
from aksdisks.model.checks import Holds
from aksdisks.views.base import Table
from aksdisks.walkthrough.backup_views import OF_SNAPSHOT

Held = tuple[str, ...] | Unknown | None
"""The lines on a disk by generation, why they are unknown, or None where the image has no shell that could tell."""

_NOTHING = Unknown("nothing was made here")


def held(text: str | Unknown | None) -> Held:
    """The lines that a command printed."""
    return tuple(text.splitlines()) if isinstance(text, str) else text


@dataclass(frozen=True)
class Sides:
    """A store at one moment: what Kubernetes says of it, and what its pods' disks hold; `plain` is the other set's."""

    store: ReplicatedStore | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    disks: Mapping[str, Held] = field(default_factory=dict)
    plain: Mapping[str, Held] = field(default_factory=dict)
    contents: tuple[VolumeSnapshotContent, ...] | Unknown = ()
    in_azure: tuple[DiskSnapshot, ...] | Unknown = ()
    namespace: str = ""

    def table(self) -> Table:
        """A row for each pod of the store: its role, the Service that leads to it, the writes on its disk."""
        led = {pod: service for service, pods in self.services.items() for pod in pods}
        rows = [(pod, role, led.get(pod, "-"), _count(self.disks.get(pod))) for pod, role in sorted(self.roles.items())]
        acknowledged = f"acknowledged: generation {self.store.generation or 0}" if self.store else ""
        return Table("The store's pods", ("pod", "role", "Service", "writes on its disk"), rows, note=acknowledged)

    def compared(self) -> Table:
        """What the operator brought about, and what the plain set has of it."""
        if self.store is None:
            return Table("The store and the plain set", ("", "store", "plain set"), [])
        on = [", ".join(str(_count(lines)) for _, lines in sorted(disks.items())) for disks in (self.disks, self.plain)]
        led = ", ".join(self.services.get(primary_service(self.store.name), ()))
        snapshots = len(self.contents) if isinstance(self.contents, tuple) else self.contents
        rows = [
            ("writes on its pods' disks", *on),
            (
                "where a client finds the primary",
                f"{primary_service(self.store.name)}, now {led}",
                "there is none",
            ),
            ("another pod took over", f"{(self.store.term or 1) - 1} times", "never: the pod came back"),
            ("snapshots that somebody took", snapshots, 0),
        ]
        return Table("The store and the plain set", ("", "store", "plain set"), rows)

    @property
    def labelled(self) -> Said:
        """(pod, role), by the pods' labels."""
        return frozenset(self.roles.items()) if self.store else _NOTHING

    @property
    def led_to(self) -> Said:
        """(pod, role), by where the Services lead."""
        if self.store is None:
            return _NOTHING
        services = {primary_service(self.store.name): "primary", replicas_service(self.store.name): "replica"}
        return frozenset((pod, role) for name, role in services.items() for pod in self.services.get(name, ()))

    @property
    def readable(self) -> Holds:
        """Whether the disks can be read here; None, for not applicable, where the image has no shell."""
        if self.store is None:
            return _NOTHING
        lines = [*self.disks.values(), *self.plain.values()]
        if None in lines:
            return None
        return next((each for each in lines if isinstance(each, Unknown)), True)

    @property
    def acknowledged(self) -> Said:
        """(write, generation), as the store's status says."""
        return frozenset(self.store.acknowledged) if self.store else _NOTHING

    @property
    def told(self) -> Said:
        """(pod, write, generation): what is acknowledged has to be on the disk of each pod that has a role."""
        if self.store is None:
            return _NOTHING
        return frozenset((pod, *each) for pod in self.roles for each in self.store.acknowledged)

    @property
    def found(self) -> Said:
        """(pod, write, generation), as the disks say."""
        return frozenset((pod, *each) for pod in self.roles for each in _numbered(self.disks.get(pod)))

    @property
    def on_primary(self) -> Said:
        """(write, generation), as the disk of the primary says."""
        return frozenset(each for pod, role in self.roles.items() if role == "primary" for each in self._of(pod))

    def newest(self) -> Said:
        """(write, generation), as the disk of the pod with the highest number says."""
        return frozenset(self._of(max(self.roles))) if self.roles else _NOTHING

    @property
    def snapshots(self) -> tuple[Said, Said]:
        """The snapshots in Azure, by the contents in Kubernetes and by Azure's own list."""
        named: Said = (
            self.contents
            if isinstance(self.contents, Unknown)
            else frozenset(each.snapshot_id.rpartition("/")[2] for each in self.contents)
        )
        if isinstance(self.in_azure, Unknown):
            return named, self.in_azure
        ours = [each for each in self.in_azure if each.tags.get(f"{OF_SNAPSHOT}namespace") == self.namespace]
        return named, frozenset(each.name for each in ours)

    @property
    def plain_shares_nothing(self) -> tuple[Holds, str]:
        """Whether of the plain set's disks the first alone has what it was given, and what the disks hold."""
        if self.store is None:
            return None, "nothing was made here"
        counts = [len(lines) if isinstance(lines, tuple) else lines for lines in self.plain.values()]
        unknown = next((each for each in counts if isinstance(each, Unknown)), None)
        if unknown is not None or None in counts:
            return unknown, "its disks cannot be read"
        return bool(counts and counts[0]) and not any(counts[1:]), f"writes on its disks: {', '.join(map(str, counts))}"

    def _of(self, pod: str) -> frozenset[tuple[str, int]]:
        return frozenset(_numbered(self.disks.get(pod)))


def _numbered(lines: Held) -> list[tuple[str, int]]:
    return [(line.partition(" ")[0], n) for n, line in enumerate(lines, 1)] if isinstance(lines, tuple) else []


def _count(lines: Held) -> object:
    return len(lines) if isinstance(lines, tuple) else lines if isinstance(lines, Unknown) else "no shell"
