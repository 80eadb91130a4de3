"""Disruption budgets in evictions: whether one more pod may be evicted now, and the count of those that were."""

from __future__ import annotations

from aksdisks.lab.client.interface import ApiError, Object, own_copy
from aksdisks.lab.kube.schema.selectors import label_selector_matches
from aksdisks.lab.kube.write.writes import Writes

_PDB = "poddisruptionbudgets"
_MANY = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def check(writes: Writes, pod: Object, *, dry_run: bool = False) -> None:
    """Let the pod's budget, if there is one, allow its eviction; counts it there unless `dry_run`.

    429 while the budget allows none, 500 when there is more than one.
    Source: K pkg/registry/core/pod/storage/eviction.go.
    """
    metadata = pod["metadata"]
    if "deletionTimestamp" in metadata or pod.get("status", {}).get("phase") in ("Succeeded", "Failed", "Pending"):
        return
    labels = metadata.get("labels")
    budgets = [
        version.object
        for _, version in writes.store.list(_PDB, metadata["namespace"])
        if label_selector_matches(version.object["spec"].get("selector"), labels)
    ]
    if len(budgets) > 1:
        raise ApiError(500, "InternalError", _MANY)
    if budgets and not _may_go_unhealthy(budgets[0], pod):
        _decrement(writes, budgets[0], metadata["name"], dry_run=dry_run)


def _may_go_unhealthy(budget: Object, pod: Object) -> bool:
    """A pod that is not ready takes nothing from the budget, when the budget is met or its policy says so."""
    conditions = pod.get("status", {}).get("conditions", ())
    if any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status", {})
    healthy, wanted = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return bool(wanted > 0 and healthy >= wanted)


def _decrement(writes: Writes, budget: Object, pod_name: str, *, dry_run: bool) -> None:
    name, status = budget["metadata"]["name"], budget.get("status", {})
    allowed = status.get("disruptionsAllowed", 0)
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _too_many(f"The disruption budget {name} is still being processed by the server.", 10)
    if allowed <= 0:
        failed = next((entry for entry in status.get("conditions", ()) if entry["reason"] == "SyncFailed"), None)
        if failed is not None:
            why = "does not allow evicting pods currently because it failed sync"
            raise _too_many(f"The disruption budget {name} {why}: {failed['message']}")
        counts = f"{status.get('desiredHealthy', 0)} healthy pods and has {status.get('currentHealthy', 0)} currently"
        raise _too_many(f"The disruption budget {name} needs {counts}")
    if dry_run:
        return
    changed: Object = own_copy(budget)
    changed["status"]["disruptionsAllowed"] = allowed - 1
    changed["status"].setdefault("disruptedPods", {})[pod_name] = writes.now()
    if allowed == 1:
        for condition in changed["status"].get("conditions", ()):
            if condition["type"] == "DisruptionAllowed" and condition["status"] == "True":
                condition.update(status="False", reason="InsufficientPods", lastTransitionTime=writes.now())
    writes.update(_PDB, changed, "status")


def _too_many(cause: str, seconds: int = 0) -> ApiError:
    details: Object = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    if seconds:
        details["retryAfterSeconds"] = seconds
    return ApiError(429, "TooManyRequests", _REFUSED, details)
