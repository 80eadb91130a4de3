"""The pod mounts a claim that is not there.

What it is
    No claim of that name stands in the pod's namespace: it is misspelt, stands in another namespace, was deleted, or is
    yet to be made. The scheduler gives the pod no node until there is one; then it goes on by itself.

How it is recognised
    States: the pod is not Ready, and there is no such claim.
    Words: `persistentvolumeclaim "…" not found` (kubernetes pkg/scheduler, volume_binding.go; the kubelet's plural),
    `PVC … was not created for pod …` of a generic ephemeral volume (component-helpers storage/ephemeral).

What it is not
    A claim that is there and not bound (`no-consumer`, `provisioning`). One that is being deleted (`claim-protected`).

Next
    Compare the name with those that there are, and make the claim.

Links
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#claims-as-volumes
"""

from __future__ import annotations

from aksdisks.errors import did_you_mean
from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import kubectl, pod_row

_YOUNG = 30.0  # cluster seconds: claims are often applied after their pods, and lists are read beside each other


def _rule(case: Case) -> Match | Not | None:
    pod = case.pod
    if case.kind != "Pod" or pod is None or pod.deleting or not case.claim_name:
        return None
    said = [each for each in case.sayings if each.id == "claim-not-found" and each.groups["claim"] == case.claim_name]
    foreign = case.says("claim-not-ours")
    if case.claim is not None and not foreign:
        return Not("the claim is there now") if said else None
    if not case.seen.saw("PersistentVolumeClaim") and not said:
        return None
    awaited = case.says("ephemeral-claim-awaited")
    age = case.seen.age(pod.created)
    if not said and not foreign and age is not None and age < _YOUNG:
        return None
    about = f"PersistentVolumeClaim {pod.namespace}/{case.claim_name}"
    here = [claim.name for claim in case.seen.inventory.claims if claim.namespace == pod.namespace]
    hint = did_you_mean(case.claim_name, here)
    if foreign:
        because = f"a claim named {case.claim_name} was there before the pod, whose ephemeral volume would be called so"
        row = Evidence("Kubernetes", about, "it does not belong to the pod")
    else:
        because = f"it mounts claim {case.claim_name}, which there is not in {pod.namespace or 'its namespace'}"
        because += f" ({hint})" if hint else ""
        row = Evidence("Kubernetes", about, "there is no such claim")
    words = [*(each.evidence for each in said[-1:]), *([foreign.evidence] if foreign else [])]
    words += [awaited.evidence] if awaited else []
    return Match(
        because=because,
        evidence=(*words, row, pod_row(pod)),
        next=(kubectl("get pvc", pod, "which claims there are"),),
        confidence="certain" if case.seen.saw("PersistentVolumeClaim") else "likely",
    )


CAUSE = Cause(id="no-claim", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__, over=("no-node", "starting"))
