"""Deployments and ReplicaSets (pkg/registry/apps, pkg/apis/apps/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission import pod_security
from aksdisks.lab.kube.schema.resource import APPS, Field, Resource
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, workloads
from aksdisks.lab.kube.strategies.causes import forbidden, invalid, unsupported
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.rules import amount, amount_errors, not_negative, percentage_errors
from aksdisks.lab.kube.strategies.strategy import Strategy

_READINESS = ("updatedReplicas", "readyReplicas", "availableReplicas")


def _pods(at: str, obj: Object) -> list[Cause]:
    del at
    spec = obj.get("spec", {})
    # Upstream's text for ReplicaSets says deployment too.
    causes = workloads.selector_errors(spec, "deployment", "invalid label selector")
    return causes + workloads.template_errors(spec, "ReplicaSet")


def _strategy(at: str, obj: Object) -> list[Cause]:
    strategy, at = obj.get("spec", {}).get("strategy", {}), "spec.strategy"
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(f"{at}.rollingUpdate", why)] if rolling is not None else []
    if kind != "RollingUpdate":
        return [unsupported(at, strategy, ("Recreate", "RollingUpdate"))]
    unavailable, surge = (rolling or {}).get("maxUnavailable"), (rolling or {}).get("maxSurge")
    causes = amount_errors(f"{at}.rollingUpdate.maxUnavailable", unavailable)
    causes += amount_errors(f"{at}.rollingUpdate.maxSurge", surge)
    if amount(unavailable) == 0 and amount(surge) == 0:
        why = "may not be 0 when `maxSurge` is 0"
        causes.append(invalid(f"{at}.rollingUpdate.maxUnavailable", unavailable, why))
    return causes + percentage_errors(f"{at}.rollingUpdate.maxUnavailable", unavailable)


def _deadline(at: str, obj: Object) -> list[Cause]:
    del at
    spec = obj.get("spec", {})
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is None or deadline > spec.get("minReadySeconds", 0):
        return []
    return [invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")]


def _raises_generation(new: Object, old: Object) -> bool:
    annotations = (one["metadata"].get("annotations") for one in (new, old))
    return bool(new.get("spec") != old.get("spec") or next(annotations) != next(annotations))


_OF_PODS = (*columns.containers("spec.template"), columns.selector("spec.selector"))


_DEPLOYMENTS_COLUMNS = (
    columns.NAME,
    column("Ready", columns.ready),
    column("Up-to-date", "status.updatedReplicas", 0),
    column("Available", "status.availableReplicas", 0),
    columns.AGE,
    *_OF_PODS,
)
_REPLICASETS_COLUMNS = (
    columns.NAME,
    column("Desired", "spec.replicas", 0, type="integer"),
    column("Current", "status.replicas", 0, type="integer"),
    column("Ready", "status.readyReplicas", 0, type="integer"),
    columns.AGE,
    *_OF_PODS,
)
STRATEGIES = (
    Strategy(
        Resource(
            "deployments",
            "Deployment",
            APPS,
            short_names=("deploy",),
            categories=("all",),
            subresources=("scale", "status"),
            generation=True,
        ),
        columns=_DEPLOYMENTS_COLUMNS,
        known_finalizers=True,
        status_keeps=("labels",),
        defaults=(
            *workloads.DEFAULTS,
            default("spec", strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600),
            default("spec.strategy", type="RollingUpdate"),
            default("spec.strategy", rollingUpdate=workloads.rolls),
            default("spec.strategy.rollingUpdate", maxUnavailable="25%", maxSurge="25%"),
            workloads.drop_zeros("observedGeneration", "replicas", *_READINESS, "unavailableReplicas"),
        ),
        status={},
        rules=(
            *not_negative("spec.replicas"),
            _pods,
            _strategy,
            *not_negative("spec.minReadySeconds", "spec.revisionHistoryLimit", "spec.progressDeadlineSeconds"),
            _deadline,
        ),
        changes=(workloads.selector_change,),
        warnings=workloads.template_warnings("spec", "template"),
        admission_warnings=pod_security.template_warnings("spec", "template"),
        raises_generation=_raises_generation,
    ),
    Strategy(
        Resource(
            "replicasets",
            "ReplicaSet",
            APPS,
            short_names=("rs",),
            categories=("all",),
            subresources=("scale", "status"),
            generation=True,
            selectable=(Field("status.replicas", zero="0"),),
        ),
        columns=_REPLICASETS_COLUMNS,
        known_finalizers=True,
        status_keeps=("labels",),
        defaults=(
            *workloads.DEFAULTS,
            workloads.drop_zeros("observedGeneration", "fullyLabeledReplicas", *_READINESS),
        ),
        status={"replicas": 0},
        rules=(*not_negative("spec.replicas", "spec.minReadySeconds"), _pods),
        changes=(workloads.selector_change,),
        warnings=workloads.template_warnings("spec", "template"),
        admission_warnings=pod_security.template_warnings("spec", "template"),
    ),
)
