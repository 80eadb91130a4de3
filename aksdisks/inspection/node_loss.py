"""Follows a node that is lost, and the pods that were on it, from watch events: when each step happened; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from aksdisks.model import Attachment, Change, Node, Pod


@dataclass(frozen=True)
class LossMoments:
    """When a pod of a lost node passed each step, in cluster seconds since the power was cut; None where it did not.

    The first three and `out_of_service` are its node's: the machine had stopped, Kubernetes counted the node as lost,
    and somebody marked it. `terminating`: the pod was marked for deletion; `attached` and `started`: of the pod that
    has its name elsewhere.
    """

    pod: str
    stopped: float | None
    not_ready: float | None
    terminating: float | None
    out_of_service: float | None
    attached: float | None
    started: float | None


@dataclass
class NodeLoss:
    """What is known so far of a lost node; moments are real seconds since the watch began.

    `uids`: of the pods that were on it, by name; `volumes`: theirs, each with its pod's name.
    """

    node: str
    taint: str
    uids: Mapping[str, str]
    volumes: Mapping[str, str]
    pods: dict[str, Pod] = field(default_factory=dict)
    ready: bool = True
    moments: dict[tuple[str, str], float] = field(default_factory=dict)

    def begin(self, initial: Iterable[Change]) -> None:
        """Take in what was there when the watch began."""
        for change in initial:
            self._take(change)

    def follow(self, changes: Iterable[Change | None]) -> Iterator[NodeLoss | None]:
        """This state after every change, and None in between: what `waiting.wait` reads."""
        yield self
        for change in changes:
            if change is not None:
                self._take(change)
            yield self if change is not None else None

    @property
    def terminating(self) -> bool:
        """Whether all of its pods are marked for deletion, or gone."""
        return all(pod is None or pod.uid != uid or pod.deleting for pod, uid in self._now())

    @property
    def back(self) -> bool:
        """Whether a pod of each name runs that is another than before."""
        return all(pod is not None and pod.uid != uid and pod.ready for pod, uid in self._now())

    def describe(self) -> str:
        """The node's state and its pods' in one line."""
        pods = (f"{name} {self.pods[name].status if name in self.pods else 'gone'}" for name in sorted(self.uids))
        return ", ".join((f"node {'Ready' if self.ready else 'NotReady'}", *pods))

    def timeline(self, scale: float) -> list[LossMoments]:
        """The moments of the pods that were on the node, in cluster seconds, by name."""

        def at(step: str, key: str) -> float | None:
            found = self.moments.get((step, key))
            return None if found is None else found * scale

        of_node = {step: at(step, self.node) for step in ("stopped", "not_ready", "out_of_service")}
        steps = ("terminating", "attached", "started")
        return [LossMoments(name, **of_node, **{step: at(step, name) for step in steps}) for name in sorted(self.uids)]

    def _now(self) -> list[tuple[Pod | None, str]]:
        return [(self.pods.get(name), uid) for name, uid in self.uids.items()]

    def _take(self, change: Change) -> None:
        value = change.value
        if isinstance(value, Node) and value.name == self.node:
            self.ready = value.ready
            self._note("not_ready", value.name, change.at, not value.ready)
            self._note("out_of_service", value.name, change.at, any(each.key == self.taint for each in value.taints))
        elif isinstance(value, Pod) and value.name in self.uids:
            old = self.uids[value.name] == value.uid
            if change.type == "DELETED":
                self.pods.pop(value.name, None)
            else:
                self.pods[value.name] = value
            self._note("terminating", value.name, change.at, old and bool(value.deleting))
            self._note("started", value.name, change.at, value.ready and not old)
        elif isinstance(value, Attachment) and value.volume in self.volumes:
            here = value.attached and not value.deleting and value.node != self.node
            self._note("attached", self.volumes[value.volume], change.at, here)

    def _note(self, step: str, key: str, at: float, happened: bool) -> None:
        if happened:
            self.moments.setdefault((step, key), at)
