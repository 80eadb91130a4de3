"""Pure rules about a StatefulSet's replicas: ordinals, pods and claims by template, and the counts in its status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain

from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.pods import (
    Availability,
    controller_of,
    controller_reference,
    is_ready,
    is_terminating,
    phase,
    pod_from_template,
)
from aksdisks.lab.controllers.revisions import with_revision

REVISION_LABEL = "controller-revision-hash"
NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


def start(owner: Object) -> int:
    """The first ordinal."""
    return int(owner["spec"].get("ordinals", {}).get("start", 0))


def ordinal(pod: Object) -> int:
    """The number at the end of the name, -1 without one."""
    end = pod["metadata"]["name"].rpartition("-")[2]
    return int(end) if end.isdigit() else -1


def is_member(owner: Object, pod: Object) -> bool:
    """The name is the set's name and a number."""
    return bool(pod["metadata"]["name"].rpartition("-")[0] == owner["metadata"]["name"]) and ordinal(pod) >= 0


def in_range(owner: Object, pod: Object) -> bool:
    """Its ordinal is one of those wanted now."""
    return start(owner) <= ordinal(pod) < start(owner) + int(owner["spec"]["replicas"])


def is_created(pod: Object) -> bool:
    """The API server has it."""
    return phase(pod) != ""


def is_up(pod: Object) -> bool:
    """Running and Ready."""
    return phase(pod) == "Running" and is_ready(pod)


def is_available(owner: Object, pod: Object, availability: Availability) -> bool:
    """Running, and Ready for minReadySeconds."""
    return is_up(pod) and availability.remaining(pod, owner["spec"].get("minReadySeconds", 0)) == 0


def revision_of(pod: Object) -> str:
    """The name of the revision it was made from."""
    return str(pod["metadata"].get("labels", {}).get(REVISION_LABEL, ""))


def new_pod(owner: Object, revision: str, number: int) -> Object:
    """The pod with that ordinal, its identity and its claims as volumes (upstream newVersionedStatefulSetPod)."""
    name = f"{owner['metadata']['name']}-{number}"
    pod = pod_from_template(owner["spec"]["template"], owner, generate_name=f"{owner['metadata']['name']}-")
    pod["metadata"]["name"] = name
    labels = pod["metadata"].setdefault("labels", {})
    labels |= {**identity(pod), REVISION_LABEL: revision}
    spec = pod["spec"]
    spec["hostname"] = name
    if owner["spec"].get("serviceName"):
        spec["subdomain"] = owner["spec"]["serviceName"]
    claims = {claim_template["metadata"]["name"] for claim_template in owner["spec"].get("volumeClaimTemplates", ())}
    own = [
        {"name": claim_template["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
        for claim_template, claim in zip(
            owner["spec"].get("volumeClaimTemplates", ()), claims_for(owner, number), strict=True
        )
    ]
    spec["volumes"] = own + [volume for volume in spec.get("volumes", ()) if volume["name"] not in claims]
    if not spec["volumes"]:
        del spec["volumes"]
    return pod


def identity(pod: Object) -> dict[str, str]:
    """The labels by which a pod of a set is known."""
    return {NAME_LABEL: pod["metadata"]["name"], INDEX_LABEL: str(ordinal(pod))}


def has_identity(pod: Object) -> bool:
    """It carries the labels by which it is known."""
    return identity(pod).items() <= (pod["metadata"].get("labels") or {}).items()


def claim_names(owner: Object, number: int) -> list[str]:
    """The names of the claims of the pod with that ordinal."""
    end = f"{owner['metadata']['name']}-{number}"
    return [f"{template['metadata']['name']}-{end}" for template in owner["spec"].get("volumeClaimTemplates", ())]


def claims_for(owner: Object, number: int) -> list[Object]:
    """The claims of the pod with that ordinal, named <template>-<set>-<ordinal>."""
    claims = []
    for template in owner["spec"].get("volumeClaimTemplates", ()):
        name = f"{template['metadata']['name']}-{owner['metadata']['name']}-{number}"
        metadata = template["metadata"] | {"name": name, "namespace": owner["metadata"]["namespace"]}
        labels = {**metadata.get("labels", {}), **owner["spec"]["selector"].get("matchLabels", {})}
        if labels:
            metadata["labels"] = labels
        kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        claims.append({**kind, "metadata": metadata, "spec": template["spec"]})
    return claims


def claim_references(owner: Object, pod: Object, claim: Object) -> list[Object]:
    """The owner references that persistentVolumeClaimRetentionPolicy wants on `claim` (others stay as they are).

    WhenDeleted Delete: the set owns it, unless the pod is being scaled away and WhenScaled is Delete: then the pod.
    """
    policy = owner["spec"].get("persistentVolumeClaimRetentionPolicy", {})
    scaled_away = not in_range(owner, pod)
    by_pod = policy.get("whenScaled") == "Delete" and scaled_away
    by_set = policy.get("whenDeleted") == "Delete" and not by_pod
    mine = {("StatefulSet", owner["metadata"]["name"]), ("Pod", pod["metadata"]["name"])}
    references = [r for r in claim["metadata"].get("ownerReferences", ()) if (r["kind"], r["name"]) not in mine]
    if controller_of({"metadata": {"ownerReferences": references}}) is not None:
        return references  # Something else controls the claim: hands off.
    if by_set:
        references.append(controller_reference(owner))
    elif by_pod and pod["metadata"].get("uid"):
        references.append(controller_reference({"apiVersion": "v1", "kind": "Pod"} | pod))
    return references


def is_stale(owner: Object, pod: Object, claim: Object) -> bool:
    """The claim still belongs to a former pod of this name, and will go with it."""
    if owner["spec"].get("persistentVolumeClaimRetentionPolicy", {}).get("whenScaled") != "Delete":
        return False
    return any(
        r["kind"] == "Pod" and r["name"] == pod["metadata"]["name"] and r["uid"] != pod["metadata"].get("uid")
        for r in claim["metadata"].get("ownerReferences", ())
    )


def counts(
    owner: Object, pods: Iterable[Object], current: str, update: str, availability: Availability
) -> dict[str, int]:
    """The replica counts of a status; pods being deleted count as replicas, but not as current or updated ones."""
    pods = list(pods)
    created = [pod for pod in pods if is_created(pod)]
    staying = [pod for pod in created if not is_terminating(pod)]
    return {
        "replicas": len(created),
        "readyReplicas": sum(map(is_up, pods)),
        "currentReplicas": sum(revision_of(pod) == current for pod in staying),
        "updatedReplicas": sum(revision_of(pod) == update for pod in staying),
        "availableReplicas": sum(is_available(owner, pod, availability) for pod in pods),
    }


class Settled:
    """The replicas of a set that were found to need nothing, and have not changed since: a pass need not look again.

    They run, or they are starting (of interest where others need not wait for them). Whoever changes a replica, or
    learns that it changed, drops it. No pass costs more in a large set: the ordinals that are not settled are `_gaps`,
    and all from `_end` on.
    """

    def __init__(self, refile: Callable[[str], object] = lambda _key: None) -> None:
        """`refile` is called with the key of each pod that is settled now, or is so no longer."""
        self.starting: set[int] = set()
        self._refile = refile
        self._pods: dict[int, Object] = {}
        self._state: tuple[object, ...] = ()
        self._revision = ""
        self._first = self._end = 0
        self._gaps: set[int] = set()
        self._latest: list[int] = []

    def keep_for(self, owner: Object, revision: str | None = None) -> bool:
        """Forget everything when the set's spec, or the revision its pods are to have, is another than before.

        Whether anything was forgotten.
        """
        state = (owner["metadata"].get("generation"), "deletionTimestamp" in owner["metadata"])
        changed = state != self._state or revision not in (None, self._revision)
        outdated = bool(self._pods) and changed
        if changed:
            self._first = start(owner)
            self.clear()
        self._state = state
        self._revision = self._revision if revision is None else revision
        return outdated

    def others(self, count: int) -> tuple[Sequence[int], range]:
        """Of `count` ordinals from the set's first on, those of replicas that are not settled, in two parts."""
        return sorted(self._gaps), range(self._end, self._first + count)

    def holds(self, pod: Object) -> bool:
        """It is settled, as it is here."""
        return self._pods.get(ordinal(pod)) is pod

    def last_starting(self) -> int:
        """The highest ordinal of those that are starting, -1 without one."""
        while self._latest and -self._latest[0] not in self.starting:
            heappop(self._latest)
        return -self._latest[0] if self._latest else -1

    def add(self, pod: Object, *, starting: bool = False) -> None:
        """It is as it should be, or on its way there."""
        number = ordinal(pod)
        self.drop(number)
        if starting:
            self.starting.add(number)
            heappush(self._latest, -number)
        self._pods[number] = pod
        self._gaps.discard(number)
        self._gaps.update(range(self._end, number))
        self._end = max(self._end, number + 1)
        self._refile(key_of(pod))

    def drop(self, number: int) -> None:
        """Something happened to that replica."""
        self.starting.discard(number)
        pod = self._pods.pop(number, None)
        if pod is not None:
            self._gaps.add(number)
            self._refile(key_of(pod))

    def clear(self) -> None:
        """Look at everything again."""
        pods, self._pods = self._pods, {}
        self.starting.clear()
        self._latest.clear()
        self._gaps.clear()
        self._end = self._first
        for pod in pods.values():
            self._refile(key_of(pod))

    def __len__(self) -> int:
        return len(self._pods)


class Pass:
    """What one pass looks at: the replicas wanted by ordinal (those not there yet as new pods), and the others.

    Settled replicas are counted, nothing more.
    """

    def __init__(self, owner: Object, current: Object, update: Object, pods: list[Object], settled: Settled) -> None:
        self.owner = owner
        self._current, self._update = current, update
        self.current_name: str = current["metadata"]["name"]
        self.update_name: str = update["metadata"]["name"]
        self.pods = pods
        for pod in pods:
            settled.drop(ordinal(pod))
        self.settled_count = len(settled)
        self.settled_running = len(settled) - len(settled.starting)
        self.last_starting = settled.last_starting()
        self.sound: list[Object] = []
        existing = {ordinal(pod): pod for pod in pods if in_range(owner, pod)}
        self._gaps, self._rest = settled.others(owner["spec"]["replicas"])
        self._replicas = existing
        others = [pod for pod in pods if not in_range(owner, pod)]
        self.condemned: list[Object] = sorted(others, key=ordinal, reverse=True)

    def replicas(self, *, backwards: bool = False) -> Iterator[Object]:
        """Those wanted that are not settled; a pod that is not there is made up when its turn comes."""
        forwards = chain(self._gaps, self._rest)
        for number in chain(reversed(self._rest), reversed(self._gaps)) if backwards else forwards:
            if number not in self._replicas:
                self._replicas[number] = self._new(number)
            yield self._replicas[number]

    def _new(self, number: int) -> Object:
        strategy = self.owner["spec"].get("updateStrategy", {})
        partition = strategy.get("rollingUpdate", {}).get("partition", 0)
        stays = strategy.get("type") == "RollingUpdate" and number < start(self.owner) + partition
        revision = self._current if stays else self._update
        return new_pod(with_revision(self.owner, revision), revision["metadata"]["name"], number)
