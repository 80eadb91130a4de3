"""Disruption budgets, priority classes and leases."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission import plugins
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import forbidden, invalid
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.metadata import label_selector
from aksdisks.lab.kube.strategies.rules import (
    Fixed,
    Rule,
    amount_or_percentage,
    bounds,
    enumeration,
    not_negative,
)
from aksdisks.lab.kube.strategies.strategy import Strategy

_HIGHEST_PRIORITY = 1_000_000_000
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def _one_of_both(at: str, obj: Object) -> list[Cause]:
    """How many must stay or may go, one of the two."""
    del at
    spec = obj.get("spec", {})
    if "minAvailable" not in spec or "maxUnavailable" not in spec:
        return []
    keys = ("minAvailable", "selector", "maxUnavailable", "unhealthyPodEvictionPolicy")
    shown = {key[:1].upper() + key[1:]: spec.get(key) for key in keys}
    return [invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set")]


def _priority(at: str, obj: Object) -> list[Cause]:
    """A value below those that the system keeps for itself."""
    del at
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    if name.startswith("system-") and name not in ("system-node-critical", "system-cluster-critical"):
        why = "priority class names with 'system-' prefix are reserved for system use only"
        return [forbidden("metadata.name", why)]
    if value > _HIGHEST_PRIORITY and not name.startswith("system-"):
        return [forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST_PRIORITY}")]
    return []


_PODDISRUPTIONBUDGETS_COLUMNS = (
    columns.NAME,
    column("Min Available", lambda item: str(find(item, "spec.minAvailable", "N/A"))),
    column("Max Unavailable", lambda item: str(find(item, "spec.maxUnavailable", "N/A"))),
    column("Allowed Disruptions", "status.disruptionsAllowed", 0, type="integer"),
    columns.AGE,
)
_PRIORITYCLASSES_COLUMNS = (
    columns.NAME,
    column("Value", "value", 0, type="integer"),
    column("Global-Default", "globalDefault", False, type="boolean"),
    columns.AGE,
    column("PreemptionPolicy", "preemptionPolicy"),
)
_LEASES_COLUMNS = (columns.NAME, column("Holder", "spec.holderIdentity"), columns.AGE)
STRATEGIES = (
    Strategy(
        Resource(
            "poddisruptionbudgets",
            "PodDisruptionBudget",
            "policy",
            short_names=("pdb",),
            subresources=("status",),
            generation=True,
            unconditional_update=False,
        ),
        columns=_PODDISRUPTIONBUDGETS_COLUMNS,
        name_errors=names.path_segment_errors,
        metadata_checks="last",
        status=dict.fromkeys(_COUNTS, 0),
        rules=(
            _one_of_both,
            amount_or_percentage("spec.minAvailable"),
            amount_or_percentage("spec.maxUnavailable"),
            Rule("spec.selector", label_selector),
            enumeration("spec.unhealthyPodEvictionPolicy", "AlwaysAllow", "IfHealthyBudget"),
        ),
    ),
    Strategy(
        Resource(
            "priorityclasses",
            "PriorityClass",
            "scheduling.k8s.io",
            namespaced=False,
            short_names=("pc",),
            generation=True,
        ),
        columns=_PRIORITYCLASSES_COLUMNS,
        known_finalizers=True,
        defaults=(default("", preemptionPolicy="PreemptLowerPriority"),),
        admit=(lambda store, _, obj: plugins.only_default_priority(store, obj),),
        admit_update=(lambda store, new, _: plugins.only_default_priority(store, new),),
        rules=(_priority, enumeration("preemptionPolicy", "PreemptLowerPriority", "Never")),
        rules_on_update=(),
        changes=(Fixed("value", "Value", "may not be changed in an update."), Fixed("preemptionPolicy")),
    ),
    Strategy(
        Resource(
            "leases",
            "Lease",
            "coordination.k8s.io",
            stored="coordination.k8s.io/v1beta1/Lease",
            unconditional_update=False,
        ),
        columns=_LEASES_COLUMNS,
        created_by_update=True,
        rules=(
            bounds("spec.leaseDurationSeconds", 1, why="must be greater than 0"),
            *not_negative("spec.leaseTransitions"),
        ),
    ),
)
