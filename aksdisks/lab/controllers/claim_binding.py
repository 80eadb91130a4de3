"""Binds a pod's claims on the node chosen for it: volumes reserved, provisioning asked for and awaited."""

from __future__ import annotations

import asyncio

from aksdisks.lab.client.informer import Informer, key_of
from aksdisks.lab.client.interface import KubernetesApi, Object, own_copy
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import BIND_COMPLETED, SELECTED_NODE, annotations_of, reserved, volume_admits
from aksdisks.lab.controllers.volume_filters import Plan

POLL, POLL_REAL = 1.0, 0.01
"""Cluster seconds between looks at claims being bound (K volumebinding/binder.go BindPodVolumes), and never less than
the real seconds."""
AT_ONCE = 10
"""Pods that are looked at in `POLL_REAL` at most where nothing changed: in a fast lab a thousand pods that wait would
leave no time for what they wait for."""
BIND_LOOKS = 600
"""Looks, a second apart, until a binding is given up (upstream: bindTimeoutSeconds 600). They are counted, so that a
lab that cannot keep up with its own speed is slow, not wrong."""


class ClaimBindingError(Exception):
    """The claims of a pod could not be bound on the node chosen; the message is upstream's."""


class ClaimBinder:
    """Carries out a `Plan` (K pkg/scheduler/framework/plugins/volumebinding/binder.go)."""

    def __init__(
        self,
        api: KubernetesApi,
        clock: Clock,
        pods: Informer,
        claims: Informer,
        volumes: Informer,
        nodes: Informer,
    ) -> None:
        """The informers are the scheduler's; that of pods is indexed by claim."""
        self._api, self._clock = api, clock
        self._pods, self._claims, self._volumes, self._nodes = pods, claims, volumes, nodes
        self._news: dict[str, asyncio.Event] = {}
        pods.add_handler(self._pod_changed)
        claims.add_handler(self._claim_changed)

    async def bind(self, pod: Object, node: str, chosen: Plan) -> None:
        """Bind the claims and wait until they are; raises `ClaimBindingError`, ApiError."""
        for volume, claim in chosen.bindings:
            await self._reserve(volume, claim)
        for claim in chosen.provisions:
            if annotations_of(claim).get(SELECTED_NODE) != node:
                changed = own_copy(claim)
                changed["metadata"].setdefault("annotations", {})[SELECTED_NODE] = node
                self._claims.observe(await self._api.update("persistentvolumeclaims", changed))
        waiting = [claim for _, claim in chosen.bindings] + list(chosen.provisions)
        provisioned = {claim["metadata"]["name"] for claim in chosen.provisions}
        key, looks = key_of(pod), 0
        news = self._news[key] = asyncio.Event()
        try:
            while waiting:
                await self._look_is_due(news)
                looks += 1
                if self._pods.get_key(key) is None:
                    raise ClaimBindingError("pod does not exist any more")
                waiting = [claim for claim in waiting if not self._is_bound(claim, node, provisioned)]
                if waiting and looks >= BIND_LOOKS:
                    raise ClaimBindingError("context deadline exceeded")
        finally:
            if self._news.get(key) is news:
                del self._news[key]

    async def _look_is_due(self, news: asyncio.Event) -> None:
        """Wait for the next look at a pod's claims: that after `POLL` if there are news, else perhaps a later one."""
        began, speed = self._clock.monotonic(), self._clock.speed
        poll = max(POLL, POLL_REAL * speed)
        pause = max(poll, POLL_REAL * speed * len(self._news) / AT_ONCE)
        reminder = asyncio.create_task(self._remind(news, pause))
        try:
            await news.wait()
        finally:
            reminder.cancel()
        news.clear()
        if not reminder.done():
            await self._clock.sleep(poll - (self._clock.monotonic() - began) % poll)

    async def _remind(self, news: asyncio.Event, seconds: float) -> None:
        await self._clock.sleep(seconds)
        news.set()

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if after is None and before is not None:
            self._tell(key_of(before))

    def _claim_changed(self, before: Object | None, after: Object | None) -> None:
        claim = before if after is None else after
        if claim is not None and self._news:
            for pod in self._pods.by_index("claim", key_of(claim)):
                self._tell(key_of(pod))

    def _tell(self, key: str) -> None:
        if key in self._news:
            self._news[key].set()

    async def _reserve(self, volume: Object, claim: Object) -> None:
        if (changed := reserved(volume, claim)) is not None:
            self._volumes.observe(await self._api.update("persistentvolumes", changed))

    def _is_bound(self, claim: Object, node: str, provisioned: set[str]) -> bool:
        name = claim["metadata"]["name"]
        current = self._claims.get_key(key_of(claim))
        if current is None or current["metadata"]["uid"] != claim["metadata"]["uid"]:
            raise ClaimBindingError(f'persistentvolumeclaim "{name}" not found')
        bound = current["spec"].get("volumeName")
        if bound and name in provisioned and not self._is_in_place(bound, node):
            return False
        if bound and BIND_COMPLETED in annotations_of(current):
            return True
        if name in provisioned and annotations_of(current).get(SELECTED_NODE) != node:
            # The driver takes the annotation away when this node cannot have a disk.
            raise ClaimBindingError(f'provisioning failed for PVC "{name}"')
        return False

    def _is_in_place(self, name: str, node: str) -> bool:
        """What was made for the node can be used there; False while its volume is not seen yet.

        Raises `ClaimBindingError`: a clone is where its source is, wherever its pod is to be.
        """
        volume, there = self._volumes.get(name), self._nodes.get(node)
        if volume is not None and there is not None and not volume_admits(volume, there):
            why = f'pv "{name}" node affinity doesn\'t match node "{node}": no matching NodeSelectorTerms'
            raise ClaimBindingError(why)
        return volume is not None
