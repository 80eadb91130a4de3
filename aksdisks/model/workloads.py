"""What makes pods: Deployments, ReplicaSets, StatefulSets, Jobs and CronJobs as frozen values."""

# `at` and the like make a new field at each call, as `field` itself does.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aksdisks.model.decoding import at, find, listed, mapping, read
from aksdisks.model.kubernetes import Named, mounted_claims, owner_of


def _claims_of_template(raw: Any) -> tuple[str, ...]:
    """The claims that the pods of a workload mount by name; a generic ephemeral volume's are each pod's own."""
    template = find(raw, "spec.template spec.jobTemplate.spec.template", {})
    named = {"spec": {"volumes": [each for each in listed(template, "spec.volumes") if "ephemeral" not in each]}}
    return mounted_claims(named)


def _claim_templates(raw: Any) -> tuple[str, ...]:
    return tuple(str(find(each, "metadata.name", "")) for each in listed(raw, "spec.volumeClaimTemplates"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload(Named):
    """A Deployment, ReplicaSet, StatefulSet, Job or CronJob; `owner` is what controls it (`Kind/name`).

    `strategy` and `max_surge` are a Deployment's. `claims` are those that its pods mount by name, `claim_templates` the
    names of a StatefulSet's volumeClaimTemplates. Jobs and CronJobs have no replicas: there it says nothing.
    """

    kind: str = at("kind")
    replicas: int = read(lambda raw: mapping(raw, "spec").get("replicas", 1), 1)
    strategy: str = at("spec.strategy.type")
    max_surge: str = read(lambda raw: str(mapping(raw, "spec.strategy.rollingUpdate").get("maxSurge", "")), "")
    owner: str = read(owner_of, "")
    claims: tuple[str, ...] = read(_claims_of_template, ())
    claim_templates: tuple[str, ...] = read(_claim_templates, ())

    @property
    def reference(self) -> str:
        """`Kind/name`, as the owner of another object names it."""
        return f"{self.kind}/{self.name}"
