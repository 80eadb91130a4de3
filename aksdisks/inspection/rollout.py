"""Follows pods from watch events as they arrive: which run, which are kept out, and when each step happened; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aksdisks.inspection.diagnosis.multi_attach import standing_refusal
from aksdisks.model import Attachment, Change, Inventory, KubeEvent, Pod


@dataclass(frozen=True)
class Moments:
    """When a pod passed each step, in cluster seconds since the act; None where it did not (yet)."""

    pod: str
    created: float | None
    scheduled: float | None
    attached: float | None
    started: float | None

    @property
    def ready_to_mount(self) -> float | None:
        """When the disk was there: attached, or, where it had never left the node, when the pod was placed."""
        return self.attached if self.attached is not None else self.scheduled


@dataclass
class Rollout:
    """What is known so far; moments are real seconds since the watch began."""

    app: str
    pods: dict[str, Pod] = field(default_factory=dict)
    events: dict[str, KubeEvent] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    moments: dict[tuple[str, str], float] = field(default_factory=dict)

    def begin(self, initial: Iterable[Change]) -> None:
        """Take in what was there when the watch began: it has no moments."""
        for change in initial:
            self._take(change)
        self.moments.clear()

    def follow(self, changes: Iterable[Change | None]) -> Iterator[Rollout | None]:
        """This state after every change, and None in between: what `waiting.wait` reads."""
        yield self
        for change in changes:
            if change is not None:
                self._take(change)
            yield self if change is not None else None

    def settled(self, replicas: int) -> bool:
        """Every pod runs, or is refused a volume that a running pod on another node keeps."""
        return len(self.pods) == replicas and all(pod.ready or self._kept_out(pod) for pod in self.pods.values())

    def _kept_out(self, pod: Pod) -> bool:
        """Refused for good: without a running pod that shares the claim, the refusal passes once the disk is detached.

        The pods of a StatefulSet share none, so theirs always pass.
        """
        return standing_refusal(pod, self.events.values()) is not None and any(
            other.ready and not other.deleting and other.node != pod.node and set(other.claims) & set(pod.claims)
            for other in self.pods.values()
        )

    @property
    def ready(self) -> int:
        """How many pods run."""
        return sum(pod.ready for pod in self.pods.values())

    def attached_volumes(self) -> set[str]:
        """The volumes that Kubernetes holds attached, or is attaching, anywhere."""
        return {attachment.volume for attachment in self.attachments.values()}

    def describe(self) -> str:
        """The pods' states in one line."""
        pods = sorted(self.pods.values(), key=lambda pod: pod.name)
        return ", ".join(f"{pod.name} {pod.status}" for pod in pods) or "no pods"

    def timeline(self, inventory: Inventory, scale: float) -> list[Moments]:
        """The moments of the pods that came during the watch, in cluster seconds, in the order of their start."""
        volume_of = {c.pod.name: c.volume.name for c in inventory.chains if c.pod and c.volume}

        def row(pod: Pod) -> Moments:
            volume = volume_of.get(pod.name, "")
            keys = {"created": pod.uid, "scheduled": pod.uid, "attached": volume, "started": pod.uid}
            found = {step: self.moments.get((step, key)) for step, key in keys.items()}
            return Moments(pod.name, **{step: None if at is None else at * scale for step, at in found.items()})

        rows = [row(pod) for pod in self.pods.values() if ("created", pod.uid) in self.moments]
        return sorted(rows, key=lambda row: (row.started is None, row.started or 0.0, row.pod))

    def _take(self, change: Change) -> None:
        value = change.value
        if isinstance(value, Pod) and value.labels.get("app") == self.app:
            self._take_pod(value, change)
        elif isinstance(value, Attachment):
            if change.type == "DELETED":
                self.attachments.pop(value.name, None)
            else:
                self.attachments[value.name] = value
            if value.attached:
                self.moments.setdefault(("attached", value.volume), change.at)
        elif isinstance(value, KubeEvent):
            self.events[value.name] = value

    def _take_pod(self, pod: Pod, change: Change) -> None:
        if change.type == "DELETED":
            self.pods.pop(pod.name, None)
            self.gone.append(pod.name)
            return
        self.pods[pod.name] = pod
        if change.type == "ADDED":
            self.moments[("created", pod.uid)] = change.at
        if pod.node:
            self.moments.setdefault(("scheduled", pod.uid), change.at)
        if pod.ready:
            self.moments.setdefault(("started", pod.uid), change.at)
