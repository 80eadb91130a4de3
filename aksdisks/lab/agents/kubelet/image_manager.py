"""The images of one node: pulled once, one at a time; those that no registry has are tried again after a back-off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aksdisks.lab import images
from aksdisks.lab.agents.kubelet.pod_status import pulled_message
from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.versions import DEFAULT_WORDS, Words

Tell = Callable[[str, str, str], None]
"""Records an event about a container: its type, reason and message."""

FIRST_BACKOFF, LAST_BACKOFF = 10.0, 300.0
"""Cluster seconds from one failed pull to the next; each is twice the one before (K pkg/kubelet/kubelet.go)."""


@dataclass(frozen=True)
class Failure:
    """The last failed pull of a pod's image: when, why, and how long until the next one."""

    at: float
    why: str
    backoff: float


class NodeImages:
    """What the kubelet's image manager does for one node (K pkg/kubelet/images/image_manager.go)."""

    def __init__(self, clock: Clock, pull_seconds: float, absent: Iterable[str], words: Words = DEFAULT_WORDS) -> None:
        """`absent`: patterns of the images that no registry has (`images.is_absent`)."""
        self._words = words
        self._clock = clock
        self._pull_seconds = pull_seconds
        self._absent = tuple(absent)
        self._present: set[str] = set()
        self._pulling = asyncio.Lock()
        self._failures: dict[tuple[str, str], Failure] = {}

    def take_over(self, names: Iterable[str]) -> None:
        """These are on the node already."""
        self._present.update(names)

    def forget(self, uid: str) -> None:
        """The pod is gone: so is its back-off."""
        self._failures = {key: failure for key, failure in self._failures.items() if key[0] != uid}

    async def ensure(self, uid: str, container: Object, tell: Tell) -> tuple[str, str] | None:
        """Have the image of a pod's container on the node: None, else why the container waits (reason, message)."""
        image = container["image"]
        if image in self._present and container.get("imagePullPolicy") != "Always":
            tell("Normal", "Pulled", self._words.image_present.format(image=image))
            return None
        if container.get("imagePullPolicy") == "Never":
            message = f'Container image "{image}" is not present with pull policy of Never'
            tell("Warning", "ErrImageNeverPull", message)
            tell("Warning", "Failed", "Error: ErrImageNeverPull")
            return "ErrImageNeverPull", message
        last = self._failures.get((uid, image))
        if last is not None and self._clock.monotonic() - last.at < last.backoff:
            message = f'Back-off pulling image "{image}"'
            tell("Normal", "BackOff", message)
            tell("Warning", "Failed", "Error: ImagePullBackOff")
            return "ImagePullBackOff", f"{message}: ErrImagePull: {last.why}"
        tell("Normal", "Pulling", f'Pulling image "{image}"')
        pulling, waited = await self._pull(image)
        if not images.is_absent(image, self._absent):
            self._present.add(image)
            tell("Normal", "Pulled", pulled_message(image, pulling, pulling + waited))
            return None
        why, backoff = images.not_found(image), min(2 * last.backoff, LAST_BACKOFF) if last else FIRST_BACKOFF
        self._failures[uid, image] = Failure(self._clock.monotonic(), why, backoff)
        tell("Warning", "Failed", f'Failed to pull image "{image}": {why}')
        tell("Warning", "Failed", "Error: ErrImagePull")
        return "ErrImagePull", why

    async def _pull(self, image: str) -> tuple[float, float]:
        """Seconds of pulling, and of waiting for others' pulls: one at a time, unless told otherwise."""
        asked = self._clock.monotonic()
        async with self._pulling:
            waited = self._clock.monotonic() - asked
            pulling = 0.0 if image in self._present else self._pull_seconds
            await self._clock.sleep(pulling)
        return pulling, waited
