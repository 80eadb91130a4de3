"""Validation of Deployments, ReplicaSets and StatefulSets."""

from __future__ import annotations

from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.selectors import from_label_selector, matches
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators import podspecs
from aksdisks.lab.kube.validators.causes import forbidden, immutable, invalid, required, unsupported
from aksdisks.lab.kube.validators.meta import labels

_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
_MISMATCH = "`selector` does not match template `labels`"


def deployment(obj: Object) -> list[Cause]:
    """A new Deployment."""
    spec = obj.get("spec", {})
    causes = _selector(spec) + _template(spec)
    kind = spec.get("strategy", {}).get("type")
    if kind not in ("Recreate", "RollingUpdate"):
        causes.append(unsupported("spec.strategy.type", kind, ("Recreate", "RollingUpdate")))
    if kind == "Recreate" and "rollingUpdate" in spec["strategy"]:
        why = "may not be specified when strategy `type` is 'Recreate'"
        causes.append(forbidden("spec.strategy.rollingUpdate", why))
    return _replicas(spec) + causes


def replica_set(obj: Object) -> list[Cause]:
    """A new ReplicaSet."""
    spec = obj.get("spec", {})
    return _replicas(spec) + _selector(spec) + _template(spec)


def stateful_set(obj: Object) -> list[Cause]:
    """A new StatefulSet."""
    spec = obj.get("spec", {})
    causes: list[Cause] = []
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        causes.append(invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    kind = spec.get("updateStrategy", {}).get("type")
    if kind not in ("OnDelete", "RollingUpdate"):
        causes.append(
            invalid("spec.updateStrategy", spec.get("updateStrategy"), "must be 'RollingUpdate' or 'OnDelete'")
        )
    for key in ("whenDeleted", "whenScaled"):
        value = spec.get("persistentVolumeClaimRetentionPolicy", {}).get(key)
        if value not in ("Delete", "Retain"):
            causes.append(unsupported(f"spec.persistentVolumeClaimRetentionPolicy.{key}", value, ("Delete", "Retain")))
    # A template's mounts may name the claims that the set itself makes.
    claims = [
        {"name": claim.get("metadata", {}).get("name", ""), "claim": {}}
        for claim in spec.get("volumeClaimTemplates", ())
    ]
    return causes + _replicas(spec) + _selector(spec) + _template(spec, claims)


def deployment_update(new: Object, old: Object) -> list[Cause]:
    """A changed Deployment: its selector stays."""
    return deployment(new) + immutable("spec.selector", new["spec"].get("selector"), old["spec"].get("selector"))


def replica_set_update(new: Object, old: Object) -> list[Cause]:
    """A changed ReplicaSet: its selector stays."""
    return replica_set(new) + immutable("spec.selector", new["spec"].get("selector"), old["spec"].get("selector"))


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
        return stateful_set(new)
    listed = ", ".join(f"'{name}'" for name in _MUTABLE[:-1]) + f" and '{_MUTABLE[-1]}'"
    why = f"updates to statefulset spec for fields other than {listed} are forbidden"
    mismatch = [cause for cause in stateful_set(new) if not cause.field.startswith("spec.template.spec")]
    return [*mismatch, forbidden("spec", why)]


def _replicas(spec: Object) -> list[Cause]:
    replicas = spec.get("replicas", 1)
    return [] if replicas >= 0 else [invalid("spec.replicas", replicas, "must be greater than or equal to 0")]


def _selector(spec: Object) -> list[Cause]:
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")]
    causes = labels("spec.selector.matchLabels", selector.get("matchLabels", {}))
    for index, expression in enumerate(selector.get("matchExpressions", ())):
        if expression.get("operator") not in _OPERATORS:
            field = f"spec.selector.matchExpressions[{index}].operator"
            causes.append(invalid(field, expression.get("operator"), "not a valid selector operator"))
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        causes.append(invalid("spec.selector", selector, "empty selector is invalid for deployment"))
    return causes


def _template(spec: Object, more_volumes: list[Object] | None = None) -> list[Cause]:
    template = spec.get("template", {})
    found = template.get("metadata", {}).get("labels", {})
    causes: list[Cause] = []
    selector = spec.get("selector")
    if selector is not None and not matches(from_label_selector(selector), found):
        causes.append(invalid("spec.template.metadata.labels", found, _MISMATCH))
    causes += labels("spec.template.metadata.labels", found)
    pods = dict(template.get("spec", {}))
    if more_volumes:
        own = [volume["name"] for volume in pods.get("volumes", ())]
        pods["volumes"] = [*pods.get("volumes", ()), *(v for v in more_volumes if v["name"] not in own)]
    causes += podspecs.spec("spec.template.spec", pods)
    if pods.get("restartPolicy", "Always") != "Always":
        causes.append(unsupported("spec.template.spec.restartPolicy", pods["restartPolicy"], ("Always",)))
    return causes
