"""Validation of Deployments, ReplicaSets and StatefulSets (pkg/apis/apps/validation)."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.selectors import from_label_selector, matches
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import podspecs
from aksdisks.lab.kube.validators.causes import (
    Struct,
    forbidden,
    formed,
    immutable,
    invalid,
    not_negative,
    required,
    selector_struct,
    unsupported,
)
from aksdisks.lab.kube.validators.claims import claim_spec
from aksdisks.lab.kube.validators.intstr import amount, int_or_percent, not_above_hundred
from aksdisks.lab.kube.validators.meta import annotation_map, is_readable_selector, label_selector, labels

_MISMATCH = "`selector` does not match template `labels`"
_RETENTION = ("Retain", "Delete")


def deployment(obj: Object) -> list[Cause]:
    """A new Deployment."""
    spec = obj.get("spec", {})
    causes = not_negative("spec.replicas", spec.get("replicas"))
    causes += _selector(spec, "deployment", "invalid label selector") + template_of(spec, "ReplicaSet")
    causes += _strategy(spec.get("strategy", {}))
    ready, deadline = spec.get("minReadySeconds", 0), spec.get("progressDeadlineSeconds")
    causes += not_negative("spec.minReadySeconds", ready)
    causes += not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    causes += not_negative("spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= ready:
        causes.append(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return causes


def _strategy(strategy: Object) -> list[Cause]:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    at = "spec.strategy"
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(f"{at}.rollingUpdate", why)] if rolling is not None else []
    if kind != "RollingUpdate":
        shown = Struct(Type=kind, RollingUpdate=_rolling(rolling))
        return [unsupported(at, shown, ("Recreate", "RollingUpdate"))]
    unavailable, surge = (rolling or {}).get("maxUnavailable"), (rolling or {}).get("maxSurge")
    causes = int_or_percent(f"{at}.rollingUpdate.maxUnavailable", unavailable)
    causes += int_or_percent(f"{at}.rollingUpdate.maxSurge", surge)
    if amount(unavailable) == 0 and amount(surge) == 0:
        why = "may not be 0 when `maxSurge` is 0"
        causes.append(invalid(f"{at}.rollingUpdate.maxUnavailable", unavailable, why))
    return causes + not_above_hundred(f"{at}.rollingUpdate.maxUnavailable", unavailable)


def _rolling(found: Object | None) -> Struct | None:
    """A rolling update as an error shows it: a Deployment's, or a StatefulSet's with its partition."""
    if found is None:
        return None
    first = Struct(Partition=found["partition"]) if "partition" in found else Struct()
    unavailable = found.get("maxUnavailable", 0 if "maxSurge" in found else None)
    more = {"MaxSurge": found["maxSurge"]} if "maxSurge" in found else {}
    return Struct({**first, "MaxUnavailable": unavailable, **more})


def replica_set(obj: Object) -> list[Cause]:
    """A new ReplicaSet."""
    spec = obj.get("spec", {})
    causes = not_negative("spec.replicas", spec.get("replicas"))
    causes += not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    # Upstream's text for ReplicaSets says deployment too.
    return causes + _selector(spec, "deployment", "invalid label selector") + template_of(spec, "ReplicaSet")


def stateful_set(obj: Object) -> list[Cause]:
    """A new StatefulSet; its claim templates and its pods' template are checked as what they will make."""
    causes = _stateful_set(obj.get("spec", {}))
    governing = obj.get("spec", {}).get("serviceName", "")
    causes += formed("spec.serviceName", governing, names.label_errors) if governing else []
    for index, claim in enumerate(obj.get("spec", {}).get("volumeClaimTemplates", ())):
        causes += claim_spec(f"spec.volumeClaimTemplates[{index}].spec", claim.get("spec", {}))
    return causes


def _stateful_set(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        causes.append(invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    causes += _update_strategy(spec.get("updateStrategy", {}))
    for key in ("whenDeleted", "whenScaled"):
        value = spec.get("persistentVolumeClaimRetentionPolicy", {}).get(key)
        if value not in _RETENTION:
            causes.append(unsupported(f"spec.persistentVolumeClaimRetentionPolicy.{key}", value, _RETENTION))
    causes += not_negative("spec.replicas", spec.get("replicas"))
    causes += not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    causes += not_negative("spec.ordinals.start", spec.get("ordinals", {}).get("start"))
    causes += _selector(spec, "statefulset", "")
    # A template's mounts may name the claims that the set itself makes.
    claims = [
        {"name": claim.get("metadata", {}).get("name", ""), "persistentVolumeClaim": {"claimName": "claim"}}
        for claim in spec.get("volumeClaimTemplates", ())
    ]
    return causes + template_of(spec, "StatefulSet", claims)


def _update_strategy(strategy: Object) -> list[Cause]:
    at, kind, rolling = "spec.updateStrategy", strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        if rolling is None:
            return []
        shown = Struct(Partition=rolling.get("partition", 0), MaxUnavailable=rolling.get("maxUnavailable"))
        return [invalid(f"{at}.rollingUpdate", shown, "only allowed for updateStrategy 'RollingUpdate'")]
    if kind != "RollingUpdate":
        shown = Struct(Type=kind, RollingUpdate=_rolling(rolling))
        return [invalid(at, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    causes = not_negative(f"{at}.rollingUpdate.partition", (rolling or {}).get("partition"))
    unavailable = (rolling or {}).get("maxUnavailable")
    if unavailable is not None:
        causes += int_or_percent(f"{at}.rollingUpdate.maxUnavailable", unavailable)
        if amount(unavailable) == 0:
            causes.append(invalid(f"{at}.rollingUpdate.maxUnavailable", unavailable, "cannot be 0"))
        causes += not_above_hundred(f"{at}.rollingUpdate.maxUnavailable", unavailable)
    return causes


def _selector_update(new: Object, old: Object) -> list[Cause]:
    after, before = (one["spec"].get("selector") for one in (new, old))
    return immutable("spec.selector", after and selector_struct(after), before and selector_struct(before))


def deployment_update(new: Object, old: Object) -> list[Cause]:
    """A changed Deployment: its selector stays."""
    return deployment(new) + _selector_update(new, old)


def replica_set_update(new: Object, old: Object) -> list[Cause]:
    """A changed ReplicaSet: its selector stays."""
    return replica_set(new) + _selector_update(new, old)


_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def stateful_set_update(new: Object, old: Object) -> list[Cause]:
    """A changed StatefulSet: seven fields may differ."""
    fixed = [{key: value for key, value in obj["spec"].items() if key not in _MUTABLE} for obj in (new, old)]
    if fixed[0] == fixed[1]:
        return _stateful_set(new["spec"])
    listed = ", ".join(f"'{name}'" for name in _MUTABLE[:-1]) + f" and '{_MUTABLE[-1]}'"
    why = f"updates to statefulset spec for fields other than {listed} are forbidden"
    mismatch = [cause for cause in _stateful_set(new["spec"]) if not cause.field.startswith("spec.template.spec")]
    return [*mismatch, forbidden("spec", why)]


_COUNTS = {
    "Deployment": (
        "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
        "unavailableReplicas", "collisionCount",
    ),
    "ReplicaSet": ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"),
    "StatefulSet": (
        "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration",
        "collisionCount",
    ),
}  # fmt: skip
_PARTS = ("fullyLabeledReplicas", "updatedReplicas", "readyReplicas", "currentReplicas", "availableReplicas")
_PARTS_OF_SETS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


def status_update(new: Object, old: Object) -> list[Cause]:
    """The counts of a workload's status: none below zero, none above all replicas."""
    status, kind = new.get("status", {}), new["kind"]
    counts = _COUNTS[kind]
    causes: list[Cause] = []
    for key in counts:
        causes += not_negative(f"status.{key}", status.get(key))
    total, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    for key in _PARTS_OF_SETS if kind == "StatefulSet" else _PARTS:
        if key in counts and status.get(key, 0) > total:
            causes.append(invalid(f"status.{key}", status[key], "cannot be greater than status.replicas"))
    if available > status.get("readyReplicas", 0):
        named = "status.readyReplicas" if kind == "StatefulSet" else "readyReplicas"
        causes.append(invalid("status.availableReplicas", available, f"cannot be greater than {named}"))
    was, now = (one.get("status", {}).get("collisionCount") for one in (old, new))
    if "collisionCount" in counts and was is not None and (now is None or now < was):
        causes.append(invalid("status.collisionCount", now or 0, "cannot be decremented"))
    return causes


def _selector(spec: Object, kind: str, unreadable: str) -> list[Cause]:
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")]
    causes = label_selector("spec.selector", selector)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        causes.append(invalid("spec.selector", selector_struct(selector), f"empty selector is invalid for {kind}"))
    if not is_readable_selector(selector):
        causes.append(invalid("spec.selector", selector_struct(selector), unreadable))
    return causes


def template_of(spec: Object, kind: str, more_volumes: list[Object] | None = None) -> list[Cause]:
    """A workload's template of pods that always run."""
    template = spec.get("template", {})
    metadata: dict[str, Any] = template.get("metadata", {})
    found = metadata.get("labels", {})
    causes: list[Cause] = []
    selector = spec.get("selector")
    if selector is not None and not is_readable_selector(selector):
        return causes
    if selector is None or not matches(from_label_selector(selector), found):
        causes.append(invalid("spec.template.metadata.labels", found or None, _MISMATCH))
    causes += labels("spec.template.labels", found)
    causes += annotation_map("spec.template.annotations", metadata.get("annotations", {}))
    pods = dict(template.get("spec", {}))
    if more_volumes:
        taken = [volume["name"] for volume in more_volumes]
        pods["volumes"] = [*(v for v in pods.get("volumes", ()) if v.get("name") not in taken), *more_volumes]
    causes += podspecs.template("spec.template", {**template, "spec": pods})
    if pods.get("restartPolicy", "Always") != "Always":
        causes.append(unsupported("spec.template.spec.restartPolicy", pods["restartPolicy"], ("Always",)))
    if "activeDeadlineSeconds" in pods:
        why = f"activeDeadlineSeconds in {kind} is not Supported"
        causes.append(forbidden("spec.template.spec.activeDeadlineSeconds", why))
    return causes
