"""Runs a StatefulSet: pods by ordinal, one after another, each with its own claims that outlive it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object, own_copy
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock, turn
from aksdisks.lab.controllers import replicas
from aksdisks.lab.controllers.controller_refs import claim, index_by_controller
from aksdisks.lab.controllers.pods import Availability, controller_of, is_finished, is_terminating, matches, phase
from aksdisks.lab.controllers.replicas import Pass, Settled
from aksdisks.lab.controllers.revisions import Revisions
from aksdisks.lab.ids import Ids
from aksdisks.lab.versions import DEFAULT_WORDS, Words


class StatefulSetController(Controller):
    """The stateful set controller (upstream pkg/controller/statefulset).

    OrderedReady stops a pass at the first replica that is not yet there, Running and Ready, or still terminating;
    Parallel does not. The status written in a pass is that of the pods as they were before it.
    """

    name: ClassVar[str] = "statefulset-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, words: Words = DEFAULT_WORDS) -> None:
        """Watches StatefulSets, pods, claims and revisions; `words` as the version has them."""
        super().__init__(api, clock, ids)
        self.words = words
        self._sets = self.watch("statefulsets")
        self._sets.add_handler(self._set_changed)
        self._pods = self.watch("pods", self._concerned)
        index_by_controller(self._pods, left_out=self._is_settled)
        self._claims = self.watch("persistentvolumeclaims", None)
        self._revisions = self.watch("controllerrevisions", None)
        index_by_controller(self._revisions)
        self._history = Revisions(api, ids)
        self._events = EventRecorder(api, clock, self.name)
        self._availability = Availability(clock)
        self._settled: dict[str, Settled] = {}
        self._claims.add_handler(self._claim_changed)

    def _claim_changed(self, before: Object | None, after: Object | None) -> None:
        """A claim that is gone, or has other owners, makes its set look at its pods again."""
        if before is not None and (after is None or _owners(before) != _owners(after)):
            for settled in self._settled.values():
                settled.clear()

    def _concerned(self, before: Object | None, after: Object | None) -> Iterable[str]:
        keys = set()
        for pod in (before, after):
            if pod is None:
                continue
            namespace = pod["metadata"]["namespace"]
            controller = controller_of(pod)
            if controller is not None:
                if controller["kind"] == "StatefulSet":
                    self._unsettle(controller["uid"], pod)
                    keys.add(f"{namespace}/{controller['name']}")
            elif pod is after:
                labels = pod["metadata"].get("labels")
                items = self._sets.items(namespace)
                keys.update(key_of(s) for s in items if matches(s["spec"]["selector"], labels))
        if after is None and before is not None:
            self._availability.forget(before["metadata"]["uid"])
        return sorted(keys)

    def _unsettle(self, owner_uid: str, pod: Object) -> None:
        settled = self._settled.get(owner_uid)
        if settled is not None:
            settled.drop(replicas.ordinal(pod))

    def _set_changed(self, before: Object | None, after: Object | None) -> None:
        if after is None and before is not None:
            settled = self._settled.pop(before["metadata"]["uid"], None)
            if settled is not None:
                settled.clear()

    def _is_settled(self, pod: Object) -> bool:
        controller = controller_of(pod)
        settled = None if controller is None else self._settled.get(controller["uid"])
        return settled is not None and settled.holds(pod)

    async def reconcile(self, key: str) -> float | None:
        """One pass; again when a pod is to become available."""
        owner = self._sets.get_key(key)
        if owner is None:
            return None
        settled = self._settled.setdefault(owner["metadata"]["uid"], Settled(self._pods.refile))
        settled.keep_for(owner)
        members = partial(replicas.is_member, owner)
        pods = await claim(self.api, "statefulsets", owner, self._pods, members)
        known = await claim(self.api, "statefulsets", owner, self._revisions)
        if is_terminating(owner) and not known:
            return None  # Its history was collected already; making it again would only be collected again.
        current, update, collisions = await self._history.current_and_update(owner, known)
        for revision in (current, update):
            self._revisions.observe(revision)
        if settled.keep_for(owner, update["metadata"]["name"]):
            pods = await claim(self.api, "statefulsets", owner, self._pods, members)
        a_pass = Pass(owner, current, update, pods, settled)
        failure: ApiError | None = None
        try:
            await self._progress(a_pass)
        except ApiError as error:
            failure = error
        await self._write_status(a_pass, collisions)
        for pod in a_pass.sound:
            if self._pods.get_key(key_of(pod)) is pod:
                settled.add(pod, starting=_starts(pod))
        if failure is not None:
            raise failure
        in_use = {replicas.revision_of(pod) for pod in pods}
        in_use |= {current["metadata"]["name"], update["metadata"]["name"]}
        await self._history.truncate(owner, known, in_use)
        minimum = owner["spec"].get("minReadySeconds", 0)
        waits = (self._availability.remaining(pod, minimum) for pod in pods)
        return min((wait for wait in waits if wait), default=None)

    # --- pods -------------------------------------------------------------------------------------------------------

    async def _progress(self, a_pass: Pass) -> None:
        owner = a_pass.owner
        if is_terminating(owner):
            return
        ordered = owner["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        for pod in a_pass.replicas():
            if await self._process_replica(a_pass, pod, ordered) and ordered:
                return
        for pod in a_pass.condemned:
            await self._own_claims(owner, pod)
        unhealthy = None
        if a_pass.condemned:
            candidates = [*a_pass.replicas(), *reversed(a_pass.condemned)]
            unhealthy = next((pod for pod in candidates if not self._healthy(owner, pod)), None)
        for pod in a_pass.condemned:
            if await self._process_condemned(owner, pod, unhealthy, ordered) and ordered:
                return
        if owner["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
            await self._roll(a_pass)

    def _healthy(self, owner: Object, pod: Object) -> bool:
        return replicas.is_available(owner, pod, self._availability) and not is_terminating(pod)

    async def _process_replica(self, a_pass: Pass, pod: Object, ordered: bool) -> bool:
        """Bring one wanted replica forward; True when those after it have to wait."""
        owner = a_pass.owner
        if is_finished(pod):
            if not is_terminating(pod):
                await self._delete_pod(owner, pod)
            return True
        if not replicas.is_created(pod):
            if any(replicas.is_stale(owner, pod, existing) for existing in self._existing_claims(owner, pod)):
                return True
            await self._create_pod(owner, pod)
            await turn()
            return True
        if phase(pod) == "Pending":
            await self._create_claims(owner, pod)
        healthy = self._healthy(owner, pod)
        if ordered and not healthy:
            return True
        await self._own_claims(owner, pod)
        if not replicas.has_identity(pod):
            await self._repair(owner, pod)
        elif replicas.revision_of(pod) == a_pass.update_name and (healthy or _starts(pod)):
            a_pass.sound.append(pod)
        return False

    async def _repair(self, owner: Object, pod: Object) -> None:
        """Give a pod back the labels that tell its name and ordinal (upstream UpdateStatefulPod)."""
        meta = pod["metadata"]
        try:
            patch = {"metadata": {"uid": meta["uid"], "labels": replicas.identity(pod)}}
            self._pods.observe(await self.api.patch("pods", meta["name"], patch, meta["namespace"]))
        except ApiError as error:
            if error.reason == "NotFound":
                return
            self._tell_pod(owner, "Update", pod, error)
            raise
        self._tell_pod(owner, "Update", pod)

    async def _process_condemned(self, owner: Object, pod: Object, unhealthy: Object | None, ordered: bool) -> bool:
        """Take one pod beyond the wanted number away; True when those below it have to wait."""
        if is_terminating(pod):
            return True
        if ordered and pod is not unhealthy and not replicas.is_available(owner, pod, self._availability):
            return True
        await self._delete_pod(owner, pod)
        return True

    async def _roll(self, a_pass: Pass) -> None:
        """Delete the highest replica that is not at the update revision, once those above it are healthy."""
        partition = a_pass.owner["spec"].get("updateStrategy", {}).get("rollingUpdate", {}).get("partition", 0)
        for pod in a_pass.replicas(backwards=True):
            if replicas.ordinal(pod) < max(partition, a_pass.last_starting):
                return
            if replicas.revision_of(pod) != a_pass.update_name and not is_terminating(pod):
                await self._delete_pod(a_pass.owner, pod)
                return
            if not self._healthy(a_pass.owner, pod):
                return

    async def _create_pod(self, owner: Object, pod: Object) -> None:
        try:
            await self._create_claims(owner, pod)
            created = await self.api.create("pods", pod, owner["metadata"]["namespace"])
        except ApiError as error:
            if error.reason != "AlreadyExists":
                self._tell_pod(owner, "Create", pod, error)
            raise
        self._pods.observe(created)
        self._tell_pod(owner, "Create", pod)

    async def _delete_pod(self, owner: Object, pod: Object) -> None:
        meta = pod["metadata"]
        self._unsettle(owner["metadata"]["uid"], pod)
        try:
            answer = await self.api.delete("pods", meta["name"], meta["namespace"])
        except ApiError as error:
            if error.reason == "NotFound":
                return
            self._tell_pod(owner, "Delete", pod, error)
            raise
        self._pods.observe_deleted(pod, answer)
        self._tell_pod(owner, "Delete", pod)

    def _tell_pod(self, owner: Object, verb: str, pod: Object, error: ApiError | None = None) -> None:
        what = self._words(verb, f"Pod {pod['metadata']['name']} in StatefulSet {owner['metadata']['name']}")
        if error is None:
            self._events.event(owner, "Normal", f"Successful{verb}", f"{what} successful")
        else:
            self._events.event(owner, "Warning", f"Failed{verb}", f"{what} failed error: {error.message}")

    def _words(self, verb: str, what: str) -> str:
        return self.words.stateful_set.format(verb=verb, lower=verb.lower(), what=what)

    # --- claims -----------------------------------------------------------------------------------------------------

    def _existing_claims(self, owner: Object, pod: Object) -> list[Object]:
        namespace = owner["metadata"]["namespace"]
        names = replicas.claim_names(owner, replicas.ordinal(pod))
        found = (self._claims.get(name, namespace) for name in names)
        return [existing for existing in found if existing is not None]

    async def _create_claims(self, owner: Object, pod: Object) -> None:
        """Create those of the pod's claims that do not exist; an existing one is used again, unless it is going.

        All are tried before the first failure is raised.
        """
        failures = []
        for wanted in replicas.claims_for(owner, replicas.ordinal(pod)):
            meta = wanted["metadata"]
            existing = self._claims.get(meta["name"], meta["namespace"])
            if existing is None:
                references = replicas.claim_references(owner, pod, wanted)
                if references:
                    meta["ownerReferences"] = references
                try:
                    await self._create_claim(owner, pod, wanted)
                except ApiError as error:
                    text = f"failed to create PVC {meta['name']}: {error.message}"
                    failures.append(ApiError(error.code, error.reason, text, error.details))
            elif is_terminating(existing):
                failures.append(ApiError(500, "InternalError", f"pvc {meta['name']} is being deleted"))
        if len(failures) > 1:
            first, texts = failures[0], ", ".join(error.message for error in failures)
            raise ApiError(first.code, first.reason, f"[{texts}]", first.details)
        if failures:
            raise failures[0]

    async def _create_claim(self, owner: Object, pod: Object, wanted: Object) -> None:
        meta = wanted["metadata"]
        where = f"Pod {pod['metadata']['name']} in StatefulSet {owner['metadata']['name']}"
        try:
            self._claims.observe(await self.api.create("persistentvolumeclaims", wanted, meta["namespace"]))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                text = self._words("Create", f"Claim {meta['name']} for {where} failed error: {error.message}")
                self._events.event(owner, "Warning", "FailedCreate", text)
            raise
        text = self._words("Create", f"Claim {meta['name']} {where} success")
        self._events.event(owner, "Normal", "SuccessfulCreate", text)

    async def _own_claims(self, owner: Object, pod: Object) -> None:
        """Make the owner references of the pod's claims what the retention policy says."""
        for existing in self._existing_claims(owner, pod):
            references = replicas.claim_references(owner, pod, existing)
            if references == existing["metadata"].get("ownerReferences", []):
                continue
            updated = own_copy(existing)
            updated["metadata"]["ownerReferences"] = references
            self._claims.observe(await self.api.update("persistentvolumeclaims", updated))

    # --- status -----------------------------------------------------------------------------------------------------

    async def _write_status(self, a_pass: Pass, collisions: int) -> None:
        owner = a_pass.owner
        counts = replicas.counts(owner, a_pass.pods, a_pass.current_name, a_pass.update_name, self._availability)
        same = a_pass.current_name == a_pass.update_name
        for name in counts:
            if name in ("readyReplicas", "availableReplicas"):
                counts[name] += a_pass.settled_running
            elif name != "currentReplicas" or same:
                counts[name] += a_pass.settled_count
        current, wanted = a_pass.current_name, owner["spec"]["replicas"]
        if owner["spec"].get("updateStrategy", {}).get("type") != "OnDelete" and all(
            counts[name] == wanted for name in ("updatedReplicas", "readyReplicas", "replicas")
        ):
            current = a_pass.update_name
            counts["currentReplicas"] = counts["updatedReplicas"]
        always = ("replicas", "availableReplicas")
        status: Object = {
            "observedGeneration": owner["metadata"]["generation"],
            **{name: count for name, count in counts.items() if count or name in always},
            "currentRevision": current,
            "updateRevision": a_pass.update_name,
            "collisionCount": collisions,
        }
        if status == owner.get("status"):
            return
        try:
            updated = owner | {"status": status}
            self._sets.observe(await self.api.update("statefulsets", updated, subresource="status"))
        except ApiError as error:
            if error.reason != "NotFound":
                raise


def _starts(pod: Object) -> bool:
    """It is on its way: nothing is to be done for it until it changes."""
    return not replicas.is_up(pod) and not is_terminating(pod)


def _owners(claim: Object) -> object:
    return claim["metadata"].get("ownerReferences")
