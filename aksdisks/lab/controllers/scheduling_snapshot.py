"""The scheduler's picture of the nodes, each with its pods assigned or assumed, kept until something changes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from aksdisks.lab.client.informer import Informer, key_of
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.node_filters import NodeView
from aksdisks.lab.controllers.storage import claim_names


class Snapshot:
    """Views of all nodes; a change outdates the views it concerns, so that a pod costs what changed, not what is.

    Source: K pkg/scheduler/backend/cache (assumed pods, incremental snapshots).
    """

    def __init__(
        self, pods: Informer, nodes: Informer, claims: Informer, volumes: Informer, attachments: Informer
    ) -> None:
        """Indexes and follows the informers; before they run."""
        self.assumed: dict[str, str] = {}
        self._assumed_on: dict[str, dict[str, None]] = {}
        self._pods, self._nodes = pods, nodes
        self._views: dict[str, NodeView] = {}
        self._outdated: set[str] = set()
        self._by_room: list[tuple[int, str]] = []
        self._particular: set[str] = set()
        pods.add_index("node", _room_taken)
        pods.add_index("claim", lambda pod: [f"{pod['metadata']['namespace']}/{name}" for name in claim_names(pod)])
        pods.add_handler(self._pod_changed)
        nodes.add_handler(self._node_changed)
        claims.add_handler(self._claim_changed)
        volumes.add_handler(self._volume_changed)
        attachments.add_handler(self._attachment_changed)

    def __len__(self) -> int:
        """How many nodes there are."""
        self._renew()
        return len(self._views)

    def views(self) -> list[NodeView]:
        """All nodes, by name."""
        self._renew()
        return [self._views[name] for name in sorted(self._views)]

    def by_room(self) -> Iterator[NodeView]:
        """All nodes as `NodeView.room` has them, while nothing changes."""
        self._renew()
        return (self._views[name] for _, name in self._by_room)

    @property
    def even(self) -> bool:
        """No node has a taint that advises against it, nor a pod with affinities: only the room makes a difference."""
        self._renew()
        return not self._particular

    def assume(self, key: str, node: str) -> None:
        """Count the pod as being on the node from now on."""
        self.assumed[key] = node
        self._assumed_on.setdefault(node, {})[key] = None
        self._outdated.add(node)

    def forget(self, key: str) -> None:
        """The pod is there by now, or will not be."""
        node = self.assumed.pop(key, None)
        if node is not None:
            del self._assumed_on[node][key]
            self._outdated.add(node)

    def users(self, claim_key: str) -> list[Object]:
        """The pods on nodes, or assumed to be, that use the claim and are not over."""
        pods = self._pods.by_index("claim", claim_key)
        return [pod for pod in pods if _room_taken(pod) or key_of(pod) in self.assumed]

    def _renew(self) -> None:
        for name in self._outdated:
            old, node = self._views.pop(name, None), self._nodes.get(name)
            if old is not None:
                del self._by_room[bisect_left(self._by_room, old.room)]
                self._particular.discard(name)
            if node is None:
                continue
            view = self._views[name] = NodeView(node, tuple(self._pods_on(name)))
            insort(self._by_room, view.room)
            if view.soft_taints or view.opinionated:
                self._particular.add(name)
        self._outdated.clear()

    def _pods_on(self, name: str) -> list[Object]:
        pods = self._pods.by_index("node", name)
        for key in self._assumed_on.get(name, ()):
            pod = self._pods.get_key(key)
            if pod is not None and not pod["spec"].get("nodeName"):
                pods.append(pod)
        return pods

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        for pod in (before, after):
            if pod is not None and pod["spec"].get("nodeName"):
                self._outdated.add(pod["spec"]["nodeName"])

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        node = before if after is None else after
        if node is not None:
            self._outdated.add(node["metadata"]["name"])

    def _claim_changed(self, before: Object | None, after: Object | None) -> None:
        claim = before if after is None else after
        if claim is not None:
            self._drop_users(key_of(claim))

    def _volume_changed(self, before: Object | None, after: Object | None) -> None:
        for volume in (before, after):
            reference = (volume or {"spec": {}})["spec"].get("claimRef")
            if reference:
                self._drop_users(f"{reference.get('namespace')}/{reference.get('name')}")

    def _attachment_changed(self, before: Object | None, after: Object | None) -> None:
        if before is None or after is None:
            attachment = before if after is None else after
            if attachment is not None:
                self._outdated.add(attachment["spec"]["nodeName"])

    def _drop_users(self, claim_key: str) -> None:
        for pod in self._pods.by_index("claim", claim_key):
            node = pod["spec"].get("nodeName") or self.assumed.get(key_of(pod))
            if node:
                self._outdated.add(node)


def _room_taken(pod: Object) -> tuple[str, ...]:
    """The node whose room the pod takes; a finished pod takes none."""
    over = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    node = pod["spec"].get("nodeName")
    return (node,) if node and not over else ()
