"""StatefulSets and the revisions of their templates (pkg/registry/apps, pkg/apis/apps/validation)."""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.objects import fill
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, workloads
from aksdisks.lab.kube.strategies.causes import Struct, forbidden, invalid, not_negative, required
from aksdisks.lab.kube.strategies.columns import column, find
from aksdisks.lab.kube.strategies.kinds import persistentvolumeclaim as claims
from aksdisks.lab.kube.strategies.rules import (
    Fixed,
    Rule,
    Rules,
    amount,
    amount_errors,
    bounds,
    check,
    enumeration,
    form,
    nested,
    percentage_errors,
)
from aksdisks.lab.kube.strategies.rules import not_negative as counts
from aksdisks.lab.kube.strategies.strategy import Strategy

_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def _defaults(obj: Object) -> None:
    spec = workloads.defaults(obj)
    fill(spec, podManagementPolicy="OrderedReady", revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy, rollingUpdate={})
        fill(strategy["rollingUpdate"], partition=0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    fill(retention, whenDeleted="Retain", whenScaled="Retain")
    for index, claim in enumerate(spec.get("volumeClaimTemplates", ())):
        claims.defaults(claim)
        head = {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
        spec["volumeClaimTemplates"][index] = {**head, **claim, "status": {"phase": "Pending"}}
    workloads.drop_zeros(obj, "observedGeneration", "readyReplicas", "currentReplicas", "updatedReplicas")


def _initial(obj: Object, now: str) -> None:
    del now
    obj["status"] = {"replicas": 0, "availableReplicas": 0}


def _management(at: str, obj: Object) -> list[Cause]:
    del at
    policy = obj.get("spec", {}).get("podManagementPolicy")
    if policy in ("OrderedReady", "Parallel"):
        return []
    return [invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")]


def _update_strategy(at: str, obj: Object) -> list[Cause]:
    strategy, at = obj.get("spec", {}).get("updateStrategy", {}), "spec.updateStrategy"
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        if rolling is None:
            return []
        shown = Struct(Partition=rolling.get("partition", 0), MaxUnavailable=rolling.get("maxUnavailable"))
        return [invalid(f"{at}.rollingUpdate", shown, "only allowed for updateStrategy 'RollingUpdate'")]
    if kind != "RollingUpdate":
        shown = Struct(Type=kind, RollingUpdate=workloads.rolling_struct(rolling))
        return [invalid(at, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    causes = not_negative(f"{at}.rollingUpdate.partition", (rolling or {}).get("partition"))
    field, unavailable = f"{at}.rollingUpdate.maxUnavailable", (rolling or {}).get("maxUnavailable")
    if unavailable is not None:
        causes += amount_errors(field, unavailable)
        causes += [invalid(field, unavailable, "cannot be 0")] if amount(unavailable) == 0 else []
        causes += percentage_errors(field, unavailable)
    return causes


def _pods(at: str, obj: Object) -> list[Cause]:
    del at
    spec = obj.get("spec", {})
    # A template's mounts may name the claims that the set itself makes.
    made = [
        {"name": claim.get("metadata", {}).get("name", ""), "persistentVolumeClaim": {"claimName": "claim"}}
        for claim in spec.get("volumeClaimTemplates", ())
    ]
    return workloads.selector_errors(spec, "statefulset", "") + workloads.template_errors(spec, "StatefulSet", made)


_ALWAYS: Rules = (
    _management,
    _update_strategy,
    enumeration("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain", "Delete"),
    enumeration("spec.persistentVolumeClaimRetentionPolicy.whenScaled", "Retain", "Delete"),
    *counts("spec.replicas", "spec.minReadySeconds", "spec.ordinals.start"),
    _pods,
)


def _changes(new: Object, old: Object) -> list[Cause]:
    """Seven fields may differ; where others do, what is wrong with the pods is not told."""
    found = check(_ALWAYS, new)
    fixed = [{key: value for key, value in obj["spec"].items() if key not in _MUTABLE} for obj in (new, old)]
    if fixed[0] == fixed[1]:
        return found
    listed = ", ".join(f"'{name}'" for name in _MUTABLE[:-1]) + f" and '{_MUTABLE[-1]}'"
    why = f"updates to statefulset spec for fields other than {listed} are forbidden"
    mismatch = [cause for cause in found if not cause.field.startswith("spec.template.spec")]
    return [*mismatch, forbidden("spec", why)]


_PARTS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


def _status_changes(new: Object, old: Object) -> list[Cause]:
    numbers = ("replicas", *_PARTS, "observedGeneration", "collisionCount")
    return workloads.status_errors(new, old, numbers, _PARTS, "status.readyReplicas")


_of_template = workloads.template_warnings("spec", "template", named=False)


def _warnings(new: Object, old: Object | None) -> Iterator[str]:
    if old is not None and old["metadata"].get("generation") == new["metadata"].get("generation"):
        return
    yield from _of_template(new, old)
    for index, claim in enumerate(new["spec"].get("volumeClaimTemplates", ())):
        yield from claims.spec_warnings(f"spec.volumeClaimTemplates[{index}]", claim.get("spec", {}))
    if new["spec"].get("revisionHistoryLimit", 0) < 0:
        yield (
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        )


def _ready(item: Object) -> str:
    return f"{find(item, 'status.readyReplicas', 0)}/{find(item, 'spec.replicas', 0)}"


def _controller(item: Object) -> str:
    """The owner of a revision as kind.group/name."""
    owner = next((entry for entry in find(item, "metadata.ownerReferences", ()) if entry.get("controller")), None)
    if owner is None:
        return columns.NONE
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' if group else ''}{group}/{owner['name']}"


_STATEFULSETS_COLUMNS = (columns.NAME, column("Ready", _ready), columns.AGE, *columns.containers("spec.template"))
_REVISION_COLUMNS = (
    columns.NAME,
    column("Controller", _controller),
    column("Revision", "revision", 0),
    columns.AGE,
)
STRATEGIES = {
    "statefulsets": Strategy(
        columns=_STATEFULSETS_COLUMNS,
        name_errors=names.label_errors,
        known_finalizers=True,
        status_keeps=("labels",),
        defaults=_defaults,
        initial=_initial,
        rules=(
            *_ALWAYS,
            form("spec.serviceName", names.label_errors),
            nested("spec.volumeClaimTemplates[].spec", claims.CLAIM_SPEC),
        ),
        rules_on_update=(),
        changes=(_changes,),
        status_changes=(_status_changes,),
        warnings=_warnings,
    ),
    "controllerrevisions": Strategy(
        columns=_REVISION_COLUMNS,
        rules=(
            Rule("data", lambda field, value: [required(field, "data is mandatory")] if value is None else []),
            bounds("revision", 0),
        ),
        changes=(Fixed("data"),),
    ),
}
