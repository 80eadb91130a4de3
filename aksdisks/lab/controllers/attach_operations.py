"""What the attachdetach-controller has under way for a volume, by node: attaches, detaches, and what it has told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aksdisks.lab.client.interface import Object

TIMEOUT, TICK = 120.0, 10.0
"""Cluster seconds until an attach or a detach counts as failed; looked at so often, and never more counted at a time: a
lab that cannot keep up with its own speed is slow, not wrong."""


@dataclass
class Wait:
    """When something was last looked at, and how long it has been waited for, in cluster seconds."""

    seen: float
    waited: float = 0.0

    def count(self, now: float) -> None:
        """Look at it now."""
        self.waited += min(now - self.seen, TICK)
        self.seen = now


@dataclass
class Attach(Wait):
    """An attach under way or failed: for which pods, how often it failed, when it is tried again."""

    pods: list[Object] = field(default_factory=list)
    failures: int = 0
    retry_at: float | None = None


@dataclass
class Wanted:
    """A volume that is wanted on a node, and the pods there that want it, or another volume of the same disk."""

    volume: Object
    pods: list[Object] = field(default_factory=list)


@dataclass
class Operations:
    """What is remembered of one volume, by node: operations, Multi-Attach told, when a detach was first due."""

    attaching: dict[str, Attach] = field(default_factory=dict)
    detaching: dict[str, Wait] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    detach_due: dict[str, float] = field(default_factory=dict)

    def forget(self, desired: Iterable[str], attached: Iterable[str]) -> bool:
        """Keep only what is still about a place wanted or attached; whether anything is left."""
        self.told.intersection_update(desired)
        for node in self.attaching.keys() - set(desired):
            del self.attaching[node]
        leaving = set(attached) - set(desired)
        for node in self.detach_due.keys() - leaving:
            del self.detach_due[node]
        for node in self.detaching.keys() - leaving:
            del self.detaching[node]
        return bool(self.attaching or self.detaching or self.told or self.detach_due)

    def pending(self, attachments: Iterable[Object], now: float) -> float | None:
        """How long to wait at most while the volume comes or goes elsewhere; None when nothing is under way.

        Until then upstream neither attaches it to another node nor tells of a Multi-Attach error
        (K attachdetach/reconciler/reconciler.go, IsOperationPending). What failed is no longer under way.
        """
        for attachment in attachments:
            status = attachment.get("status") or {}
            attach, detach = (known.get(node_of(attachment)) for known in (self.attaching, self.detaching))
            if detach is not None and not status.get("detachError"):
                detach.count(now)
                if detach.waited < TIMEOUT:
                    return min(TICK, TIMEOUT - detach.waited)
            elif isinstance(attach, Attach) and attach.retry_at is None and not status.get("attached"):
                return TICK
        return None


def node_of(attachment: Object) -> str:
    """The node that it attaches to."""
    return str(attachment["spec"]["nodeName"])
