"""Deployments and ReplicaSets (pkg/registry/apps, pkg/apis/apps/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.objects import fill
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, workloads
from aksdisks.lab.kube.strategies.causes import Struct, forbidden, invalid, unsupported
from aksdisks.lab.kube.strategies.columns import column, find
from aksdisks.lab.kube.strategies.rules import amount, amount_errors, not_negative, percentage_errors
from aksdisks.lab.kube.strategies.strategy import Strategy

_READINESS = ("updatedReplicas", "readyReplicas", "availableReplicas")


def _defaults(obj: Object) -> None:
    spec = workloads.defaults(obj)
    strategy = spec.setdefault("strategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy, rollingUpdate={})
        fill(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
    fill(spec, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    workloads.drop_zeros(obj, "observedGeneration", "replicas", *_READINESS, "unavailableReplicas")


def _replica_set_defaults(obj: Object) -> None:
    workloads.defaults(obj)
    workloads.drop_zeros(obj, "observedGeneration", "fullyLabeledReplicas", *_READINESS)


def _initial(obj: Object, now: str) -> None:
    del now
    obj["status"] = {}


def _replica_set_initial(obj: Object, now: str) -> None:
    del now
    obj["status"] = {"replicas": 0}


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
        shown = Struct(Type=kind, RollingUpdate=workloads.rolling_struct(rolling))
        return [unsupported(at, shown, ("Recreate", "RollingUpdate"))]
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


_COUNTS = (
    "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
    "collisionCount",
)  # fmt: skip
_SET_COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")


def _status_changes(new: Object, old: Object) -> list[Cause]:
    return workloads.status_errors(new, old, _COUNTS, _READINESS, "readyReplicas")


def _replica_set_status_changes(new: Object, old: Object) -> list[Cause]:
    parts = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    return workloads.status_errors(new, old, _SET_COUNTS, parts, "readyReplicas")


def _raises_generation(new: Object, old: Object) -> bool:
    annotations = (one["metadata"].get("annotations") for one in (new, old))
    return bool(new.get("spec") != old.get("spec") or next(annotations) != next(annotations))


_OF_PODS = (*columns.containers("spec.template"), columns.selector("spec.selector"))


def _ready(item: Object) -> str:
    return f"{find(item, 'status.readyReplicas', 0)}/{find(item, 'spec.replicas', 0)}"


_DEPLOYMENTS_COLUMNS = (
    columns.NAME,
    column("Ready", _ready),
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
STRATEGIES = {
    "deployments": Strategy(
        columns=_DEPLOYMENTS_COLUMNS,
        known_finalizers=True,
        status_keeps=("labels",),
        defaults=_defaults,
        initial=_initial,
        rules=(
            *not_negative("spec.replicas"),
            _pods,
            _strategy,
            *not_negative("spec.minReadySeconds", "spec.revisionHistoryLimit", "spec.progressDeadlineSeconds"),
            _deadline,
        ),
        changes=(workloads.selector_change,),
        status_changes=(_status_changes,),
        warnings=workloads.template_warnings("spec", "template"),
        raises_generation=_raises_generation,
    ),
    "replicasets": Strategy(
        columns=_REPLICASETS_COLUMNS,
        known_finalizers=True,
        status_keeps=("labels",),
        defaults=_replica_set_defaults,
        initial=_replica_set_initial,
        rules=(*not_negative("spec.replicas", "spec.minReadySeconds"), _pods),
        changes=(workloads.selector_change,),
        status_changes=(_replica_set_status_changes,),
        warnings=workloads.template_warnings("spec", "template"),
    ),
}
