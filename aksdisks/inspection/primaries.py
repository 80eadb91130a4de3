"""Who was the primary of a store when, from a watch of its pods; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aksdisks.manifests.replicated_store import ROLE_LABEL, STORE_LABEL
from aksdisks.model import Change, Pod


@dataclass
class Primaries:
    """The pods of a store as a watch shows them: `most` primaries were seen at once, `moments` are what changed.

    A moment has its time in real seconds since the watch began, the pod, and what was seen of it.
    """

    store: str
    most: int = 0
    moments: list[tuple[float, str, str]] = field(default_factory=list)
    pods: dict[str, Pod] = field(default_factory=dict)

    def begin(self, initial: Iterable[Change]) -> None:
        """Take over what was there when the watch began."""
        for change in initial:
            self._take(change, tell=False)

    def follow(self, changes: Iterable[Change | None]) -> Iterator[Primaries | None]:
        """This, again after each change, None in between: what `waiting.wait` reads."""
        yield self
        for change in changes:
            if change is not None:
                self._take(change, tell=True)
            yield None if change is None else self

    @property
    def now(self) -> tuple[str, ...]:
        """The pods that have the label of a primary."""
        return tuple(sorted(pod.name for pod in self.pods.values() if _role(pod) == "primary"))

    def _take(self, change: Change, *, tell: bool) -> None:
        pod: Any = change.value
        if change.kind != "Pod" or pod.labels.get(STORE_LABEL) != self.store:
            return
        before = self.pods.get(pod.uid)
        if change.type == "DELETED":
            self.pods.pop(pod.uid, None)
        else:
            self.pods[pod.uid] = pod
        self.most = max(self.most, len(self.now))
        if tell:
            self.moments += [
                (change.at, pod.name, said) for said in _said(before, None if change.type == "DELETED" else pod)
            ]


def _said(before: Pod | None, pod: Pod | None) -> Iterator[str]:
    """What changed of a pod, in words."""
    was, now = (_role(each) if each else "" for each in (before, pod))
    if pod is not None and pod.deleting and not (before and before.deleting):
        yield "is to end"
    if was and not now and pod is not None:
        yield f"is {was} no more"
    if pod is None:
        yield f"is gone{f', {was} until now' if was else ''}"
    elif before is None:
        yield "is there again, with its disk"
    if pod is not None and pod.ready and not (before and before.ready):
        yield "is ready"
    if was != now and now:
        yield f"is {now}"


def _role(pod: Pod) -> str:
    return pod.labels.get(ROLE_LABEL, "")
