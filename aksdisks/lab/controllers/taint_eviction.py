"""The taint-eviction-controller: deletes pods that do not tolerate a NoExecute taint, once their patience is over."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of, split_key
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.node_filters import tolerations_of
from aksdisks.lab.ids import Ids


class TaintEviction(Controller):
    """Source: K pkg/controller/tainteviction/taint_eviction.go."""

    name = "taint-eviction-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of pods; deadlines are in cluster seconds since the taint was first seen here."""
        super().__init__(api, clock, ids)
        self.pods = self.watch("pods", _placed)
        self.pods.add_index("node", lambda pod: filter(None, (pod["spec"].get("nodeName"),)))
        self.nodes = self.watch("nodes", self._pods_of)
        self.recorder = EventRecorder(api, clock, self.name)
        self._pending: dict[str, tuple[str, float]] = {}
        self._evicted: dict[str, str] = {}

    def _pods_of(self, before: Object | None, after: Object | None) -> Iterable[str]:
        if after is None or _taints(before) == _taints(after):
            return ()
        return [key_of(pod) for pod in self.pods.by_index("node", after["metadata"]["name"])]

    async def reconcile(self, key: str) -> float | None:
        """Delete the pod, or come back when it is due; tell when what was to come does not come any more.

        A pod that is being deleted already is deleted, and told of, all the same.
        """
        pod = self.pods.get_key(key)
        uid = "" if pod is None else str(pod["metadata"]["uid"])
        patience = None if pod is None else _patience(pod, _taints(self.nodes.get(pod["spec"].get("nodeName", ""))))
        if patience is None or self._pending.get(key, (uid,))[0] != uid:
            self._evicted.pop(key, None)
            if self._pending.pop(key, None) is not None:
                self._tell(key, f"Cancelling deletion of Pod {key}")
        if pod is None or patience is None or self._evicted.get(key) == uid:
            return None
        now = self.clock.monotonic()
        _, since = self._pending.setdefault(key, (uid, now))
        left = since + patience - now
        if left > 0:
            return left
        self._tell(key, f"Marking for deletion Pod {key}")
        await self._evict(pod)
        del self._pending[key]
        self._evicted[key] = uid
        return None

    def _tell(self, key: str, message: str) -> None:
        """Upstream names the pod without its uid."""
        namespace, name = split_key(key)
        about = {"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": namespace, "name": name}}
        self.recorder.event(about, "Normal", "TaintManagerEviction", message)

    async def _evict(self, pod: Object) -> None:
        meta = pod["metadata"]
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastTransitionTime": timestamp(self.clock.now()),
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
        }
        patch = {"status": {"conditions": [condition]}}
        try:
            await self.api.patch(
                "pods", meta["name"], patch, meta["namespace"], subresource="status", patch_type="strategic"
            )
            await self.api.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"])
        except ApiError as error:
            if error.reason != "NotFound":
                raise


def _placed(before: Object | None, after: Object | None) -> Iterable[str]:
    pod = before if after is None else after
    if pod is not None and pod["spec"].get("nodeName"):
        yield key_of(pod)


def _taints(node: Object | None) -> list[Object]:
    taints = ((node or {}).get("spec") or {}).get("taints") or ()
    return [taint for taint in taints if taint["effect"] == "NoExecute"]


def _patience(pod: Object, taints: list[Object]) -> float | None:
    """Cluster seconds that the pod stays; None: for ever, as without taints; 0: a taint is not tolerated at all."""
    limits: list[float] = []
    for taint in taints:
        covering = tolerations_of(pod, taint)
        if not covering:
            return 0.0
        limits += [max(0.0, float(entry["tolerationSeconds"])) for entry in covering if "tolerationSeconds" in entry]
    return min(limits, default=None)
