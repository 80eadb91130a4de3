"""Pure scheduling decisions about volumes: which claims a pod brings, and whether a node can serve them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aksdisks.lab.client.informer import key_of
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.node_filters import NodeView, Refusal
from aksdisks.lab.controllers.storage import (
    BIND_COMPLETED,
    MIGRATED,
    annotations_of,
    claim_names,
    class_name,
    driver_and_handle,
    matches_terms,
    volume_admits,
    waits_for_consumer,
)
from aksdisks.lab.controllers.volume_matching import best_match
from aksdisks.lab.versions import Words

_ZONE_LABELS = (
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
)
_NEW_NAMES = dict(zip(_ZONE_LABELS[2:], _ZONE_LABELS[:2], strict=True))

Lookup = Callable[[str], Object | None]


@dataclass(frozen=True)
class Storage:
    """What the scheduler knows about storage; claims are looked up by `namespace/name`."""

    claim: Lookup
    volume: Lookup
    storage_class: Lookup
    csi_node: Lookup
    candidates: Callable[[str], list[Object]]
    """The volumes that a claim may come to be bound to: those reserved for it, and those that are free."""
    attachments: Callable[[str], list[Object]]
    """The attachments to a node."""
    users: Callable[[str], list[Object]]
    """The pods on nodes that use a claim."""


@dataclass(frozen=True)
class PodClaims:
    """A pod's claims: bound ones with their volumes, and those that wait for the scheduler's choice."""

    bound: tuple[Object, ...] = ()
    delayed: tuple[Object, ...] = ()
    wanted: Mapping[str, set[str]] = field(default_factory=dict)
    """Driver → the volumes that the pod would have on its node."""
    exclusive: bool = False
    """Another pod has one of the claims, and its access mode is ReadWriteOncePod."""

    def __bool__(self) -> bool:
        """There are any."""
        return bool(self.bound or self.delayed)


@dataclass(frozen=True)
class Plan:
    """How a node would serve the claims that wait: volumes to bind, claims to provision."""

    bindings: tuple[tuple[Object, Object], ...] = ()
    provisions: tuple[Object, ...] = ()
    refusal: Refusal | None = field(default=None)


class HopelessPodError(Exception):
    """No node can do for a reason that lies in the pod's claims; the message is upstream's."""


def pod_claims(pod: Object, storage: Storage) -> PodClaims:
    """Look at the pod's claims; raises `HopelessPodError` as upstream's PreFilter refuses (facts C)."""
    namespace = pod["metadata"]["namespace"]
    bound: list[Object] = []
    delayed: list[Object] = []
    immediate = exclusive = False
    volumes, own = pod["spec"].get("volumes") or (), pod["metadata"]["name"]
    ephemeral = {f"{own}-{volume['name']}" for volume in volumes if "ephemeral" in volume}
    for name in claim_names(pod):
        claim = storage.claim(f"{namespace}/{name}")
        if claim is None and name in ephemeral:
            why = "waiting for ephemeral volume controller to create the persistentvolumeclaim"
            raise HopelessPodError(f'{why} "{name}"')
        if claim is None:
            raise HopelessPodError(f'persistentvolumeclaim "{name}" not found')
        volume_name = claim["spec"].get("volumeName", "")
        if "ReadWriteOncePod" in (claim["spec"].get("accessModes") or ()):
            others = storage.users(f"{namespace}/{name}")
            exclusive = exclusive or any(other["metadata"]["uid"] != pod["metadata"]["uid"] for other in others)
        if (claim.get("status") or {}).get("phase") == "Lost":
            raise HopelessPodError(
                f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume_name}"'
            )
        if claim["metadata"].get("deletionTimestamp"):
            raise HopelessPodError(f'persistentvolumeclaim "{name}" is being deleted')
        if volume_name and BIND_COMPLETED in annotations_of(claim):
            volume = storage.volume(volume_name)
            if volume is None:
                raise HopelessPodError(
                    f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume_name}"'
                )
            bound.append(volume)
        elif waits_for_consumer(storage.storage_class(class_name(claim))) and not volume_name:
            delayed.append(claim)
        else:
            immediate = True
    if immediate:
        raise HopelessPodError("pod has unbound immediate PersistentVolumeClaims")
    return PodClaims(tuple(bound), tuple(delayed), _wanted(bound, delayed, storage), exclusive)


def plan(claims: PodClaims, node: NodeView, storage: Storage, words: Words) -> Plan:
    """What this node would do for the claims, or why it cannot."""
    if claims.exclusive:
        return Plan(refusal=Refusal((words.claim_in_use,), resolvable=True))
    if _over_limit(claims, node, storage):
        return Plan(refusal=Refusal(("node(s) exceed max volume count",), resolvable=True))
    if not all(volume_admits(volume, node.node) for volume in claims.bound):
        return Plan(refusal=Refusal((words.volume_elsewhere,)))
    bindings, provisions = [], []
    taken: set[str] = set()
    for claim in claims.delayed:
        candidates = storage.candidates(key_of(claim))
        free = [volume for volume in candidates if volume["metadata"]["name"] not in taken]
        match = best_match(free, claim, node=node.node)
        if match is not None:
            taken.add(match["metadata"]["name"])
            bindings.append((match, claim))
        elif _can_provision(claim, node, storage):
            provisions.append(claim)
        else:
            return Plan(refusal=Refusal(("node(s) didn't find available persistent volumes to bind",)))
    if not all(_in_zone(volume, node) for volume in claims.bound):
        return Plan(refusal=Refusal(("node(s) had no available volume zone",)))
    return Plan(tuple(bindings), tuple(provisions))


def _in_zone(volume: Object, node: NodeView) -> bool:
    """The zone and region that a volume is labelled with are the node's (K plugins/volumezone).

    A node without any such label is in a cluster without zones. Of a label's two names the newer one serves for both.
    """
    if not any(key in node.labels for key in _ZONE_LABELS):
        return True
    labels = volume["metadata"].get("labels") or {}
    return all(
        node.labels.get(key, node.labels.get(_NEW_NAMES.get(key, ""))) in labels[key].split("__")
        for key in _ZONE_LABELS
        if key in labels
    )


def _can_provision(claim: Object, node: NodeView, storage: Storage) -> bool:
    storage_class = storage.storage_class(class_name(claim))
    if storage_class is None or storage_class["provisioner"] == "kubernetes.io/no-provisioner":
        return False
    terms = [
        {"matchExpressions": [{"operator": "In", **rule} for rule in term.get("matchLabelExpressions") or ()]}
        for term in storage_class.get("allowedTopologies") or ()
    ]
    return not terms or matches_terms(terms, node.labels, node.name)


def _wanted(bound: Iterable[Object], delayed: Iterable[Object], storage: Storage) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for volume in bound:
        found = driver_and_handle(volume)
        if found is not None:
            wanted.setdefault(found[0], set()).add(found[1].lower())
    for claim in delayed:
        provisioner = str((storage.storage_class(class_name(claim)) or {}).get("provisioner", ""))
        wanted.setdefault(MIGRATED.get(provisioner, provisioner), set()).add(key_of(claim))
    return wanted


def _over_limit(claims: PodClaims, node: NodeView, storage: Storage) -> bool:
    """The claims would put more volumes of one driver on the node than its CSINode allows."""
    csi_node = storage.csi_node(node.name)
    limits = {
        driver["name"]: (driver.get("allocatable") or {}).get("count")
        for driver in ((csi_node or {}).get("spec") or {}).get("drivers") or ()
    }
    used: dict[str, set[str]] = node.memo.get("volumes") or volumes_on(node, storage)
    node.memo["volumes"] = used
    for driver, volumes in claims.wanted.items():
        limit, there = limits.get(driver), used.get(driver, set())
        if limit is not None and volumes - there and len(there | volumes) > limit:
            return True
    return False


def volumes_on(node: NodeView, storage: Storage) -> dict[str, set[str]]:
    """Driver → what is, or will be, attached to the node for its pods, and what is attached still."""
    used: dict[str, set[str]] = {}
    for pod in node.pods:
        for name in claim_names(pod):
            claim = storage.claim(f"{pod['metadata']['namespace']}/{name}")
            if claim is None:
                continue
            volume = storage.volume(claim["spec"].get("volumeName", ""))
            found = None if volume is None else driver_and_handle(volume)
            if found is not None:
                used.setdefault(found[0], set()).add(found[1].lower())
            elif volume is None:
                provisioner = str((storage.storage_class(class_name(claim)) or {}).get("provisioner", ""))
                key = f"{pod['metadata']['namespace']}/{name}"
                used.setdefault(MIGRATED.get(provisioner, provisioner), set()).add(key)
    for attachment in storage.attachments(node.name):
        volume = storage.volume(attachment["spec"]["source"].get("persistentVolumeName", ""))
        found = None if volume is None else driver_and_handle(volume)
        if found is not None:
            used.setdefault(found[0], set()).add(found[1].lower())
    return used
