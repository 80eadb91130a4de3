"""What owns a disk's pods or its claim, up to the Deployment, StatefulSet, CronJob or custom resource; pure."""

from __future__ import annotations

from aksdisks.inspection.ownership.facts import Facts
from aksdisks.model import Claim, Pod, Workload


def owner(facts: Facts, namespace: str, reference: str) -> str:
    """What stands at the end of the chain of controllers that begins with `reference` (`Kind/name`).

    A link that was not read, such as a custom resource, ends it: the ownerReference names it all the same.
    """
    passed = {reference}
    while (found := facts.workloads.get((namespace, reference))) and found.owner and found.owner not in passed:
        reference = found.owner
        passed.add(reference)
    return reference


def workload_of(facts: Facts, claim: Claim, pods: tuple[Pod, ...]) -> str:
    """Whose a claim is: what owns its pods; without any, what owns the claim, or would make its pods again."""
    if pods:
        return ", ".join(dict.fromkeys(owner(facts, pod.namespace, pod.owner or f"Pod/{pod.name}") for pod in pods))
    if claim.owner and not claim.owner.startswith("Pod/"):
        return owner(facts, claim.namespace, claim.owner)
    found = set_of(facts, claim)
    waiting = [found] if found else facts.mounting.get(claim.key, ())
    return ", ".join(dict.fromkeys(owner(facts, each.namespace, each.reference) for each in waiting))


def set_of(facts: Facts, claim: Claim) -> Workload | None:
    """The StatefulSet that made a claim by a template: such a claim is named `template-set-ordinal`."""
    for begin, found in facts.sets.get(claim.namespace, ()):
        if claim.name.startswith(begin) and claim.name.removeprefix(begin).isdecimal():
            return found
    return None
