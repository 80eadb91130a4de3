"""Pure rules about a StatefulSet's replicas: ordinals, pods and claims by template, and the counts in its status."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from aksdisks.lab.controllers.pods import (
    Availability,
    controller_of,
    controller_reference,
    is_ready,
    is_terminating,
    phase,
    pod_from_template,
)
from aksdisks.lab.kube.interface import Object

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
    labels |= {NAME_LABEL: name, INDEX_LABEL: str(number), REVISION_LABEL: revision}
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


def claims_for(owner: Object, number: int) -> list[Object]:
    """The claims of the pod with that ordinal, named <template>-<set>-<ordinal>."""
    claims = []
    for template in owner["spec"].get("volumeClaimTemplates", ()):
        claim: Object = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        claim["metadata"] = copy.deepcopy(template["metadata"])
        claim["metadata"]["name"] = f"{template['metadata']['name']}-{owner['metadata']['name']}-{number}"
        claim["metadata"]["namespace"] = owner["metadata"]["namespace"]
        labels = {**claim["metadata"].get("labels", {}), **owner["spec"]["selector"].get("matchLabels", {})}
        if labels:
            claim["metadata"]["labels"] = labels
        claim["spec"] = copy.deepcopy(template["spec"])
        claims.append(claim)
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
