"""StatefulSets and the revisions of their templates (pkg/registry/apps, pkg/apis/apps/validation)."""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission import pod_security
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import APPS, Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, workloads
from aksdisks.lab.kube.strategies.causes import forbidden, invalid, not_negative, required
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default, within
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


def _whole_claims(spec: Object) -> None:
    """Templates of claims are claims, with kind and status (SetDefaults_PersistentVolumeClaim)."""
    templates = spec.get("volumeClaimTemplates", [])
    head = {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
    templates[:] = [{**head, **claim, "status": {"phase": "Pending"}} for claim in templates]


_DEFAULTS = (
    *workloads.DEFAULTS,
    default(
        "spec",
        podManagementPolicy="OrderedReady",
        revisionHistoryLimit=10,
        updateStrategy={},
        persistentVolumeClaimRetentionPolicy={},
    ),
    default("spec.updateStrategy", type="RollingUpdate"),
    default("spec.updateStrategy", rollingUpdate=workloads.rolls),
    default("spec.updateStrategy.rollingUpdate", partition=0),
    default("spec.persistentVolumeClaimRetentionPolicy", whenDeleted="Retain", whenScaled="Retain"),
    within("spec.volumeClaimTemplates[]", claims.DEFAULTS),
    within("spec", (_whole_claims,)),
    workloads.drop_zeros("observedGeneration", "readyReplicas", "currentReplicas", "updatedReplicas"),
)


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
        return [invalid(f"{at}.rollingUpdate", rolling, "only allowed for updateStrategy 'RollingUpdate'")]
    if kind != "RollingUpdate":
        return [invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
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


def _controller(item: Object) -> str:
    """The owner of a revision as kind.group/name."""
    owner = next((entry for entry in find(item, "metadata.ownerReferences", ()) if entry.get("controller")), None)
    if owner is None:
        return columns.NONE
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' if group else ''}{group}/{owner['name']}"


_STATEFULSETS_COLUMNS = (
    columns.NAME,
    column("Ready", columns.ready),
    columns.AGE,
    *columns.containers("spec.template"),
)
_REVISION_COLUMNS = (
    columns.NAME,
    column("Controller", _controller),
    column("Revision", "revision", 0),
    columns.AGE,
)
STRATEGIES = (
    Strategy(
        Resource(
            "statefulsets",
            "StatefulSet",
            APPS,
            short_names=("sts",),
            categories=("all",),
            subresources=("scale", "status"),
            generation=True,
        ),
        columns=_STATEFULSETS_COLUMNS,
        name_errors=names.label_errors,
        known_finalizers=True,
        status_keeps=("labels",),
        defaults=_DEFAULTS,
        status={"replicas": 0, "availableReplicas": 0},
        rules=(
            *_ALWAYS,
            form("spec.serviceName", names.label_errors),
            nested("spec.volumeClaimTemplates[].spec", claims.CLAIM_SPEC),
        ),
        rules_on_update=(),
        changes=(_changes,),
        warnings=_warnings,
        admission_warnings=pod_security.template_warnings("spec", "template"),
    ),
    Strategy(
        Resource("controllerrevisions", "ControllerRevision", APPS),
        columns=_REVISION_COLUMNS,
        rules=(
            Rule("data", lambda field, value: [required(field, "data is mandatory")] if value is None else []),
            bounds("revision", 0),
        ),
        changes=(Fixed("data"),),
    ),
)
