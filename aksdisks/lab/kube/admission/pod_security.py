"""Pod security by a namespace's labels: refusals and warnings (k8s.io/pod-security-admission admission)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission.pod_security_levels import Violation, violations
from aksdisks.lab.kube.schema.objects import text
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause, forbidden, invalid
from aksdisks.lab.kube.storage.store import Store

_PREFIX = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
_KEYS = tuple(f"{_PREFIX}{mode}{end}" for mode in ("enforce", "audit", "warn") for end in ("", "-version"))
_PODS, _NAMESPACES = Resource("pods", "Pod"), Resource("namespaces", "Namespace")


def _policy(labels: Object, mode: str) -> tuple[str, str]:
    """A mode's level and version; what cannot be read is held to the strictest, but warned of by nobody."""
    level = labels.get(f"{_PREFIX}{mode}", "privileged")
    version = labels.get(f"{_PREFIX}{mode}-version", "latest")
    if level not in _LEVELS:
        level = "restricted" if mode == "enforce" else "privileged"
    return level, version if re.fullmatch(r"v1\.\d+", version) else "latest"


def _labels(store: Store, obj: Object) -> Object:
    found = store.get("namespaces", ("", obj["metadata"].get("namespace", "")))
    labels: Object = found.object["metadata"].get("labels", {}) if found else {}
    return labels


def check_pod(store: Store, pod: Object, old: Object | None) -> None:
    """Refuse a pod that its namespace does not allow (403); a changed pod when its images have changed."""
    if old is not None and _images(pod) == _images(old):
        return
    level, version = _policy(_labels(store, pod), "enforce")
    found = violations(pod, level)
    if found:
        why = f'violates PodSecurity "{level}:{version}": {_listed(found)}'
        raise forbidden(_PODS, pod["metadata"]["name"], why)


def _images(pod: Object) -> list[list[str]]:
    kinds = ("containers", "initContainers", "ephemeralContainers")
    return [[container.get("image", "") for container in pod["spec"].get(kind, ())] for kind in kinds]


def _listed(found: list[Violation]) -> str:
    return ", ".join(map(str, found))


def check_namespace(store: Store, namespace: Object, old: Object | None) -> None:
    """Refuse labels that name no level or version (422)."""
    del store
    labels = namespace["metadata"].get("labels", {})
    before = old["metadata"].get("labels", {}) if old else {}
    if old is not None and all(labels.get(key) == before.get(key) for key in _KEYS):
        return
    problems: list[Cause] = []
    for key in _KEYS:
        value, of_version = labels.get(key), key.endswith("-version")
        known = re.fullmatch(r"latest|v1\.(0|[1-9]\d*)", value or "") if of_version else value in _LEVELS
        if value is not None and not known:
            why = 'must be "latest" or "v1.x"' if of_version else f"must be one of {', '.join(_LEVELS)}"
            problems.append(
                Cause(f"metadata.labels[{key}]", "FieldValueInvalid", f"Invalid value: {text(value)}: {why}")
            )
    if problems:
        raise invalid(_NAMESPACES, namespace["metadata"]["name"], problems)


def template_warnings(*path: str) -> Callable[[Store, Object, Object | None], Iterator[str]]:
    """What would be refused in the pods of the template at a path; without a path the object is a pod itself."""

    def template(obj: Object) -> Object:
        for step in path:
            obj = obj.get(step) or {}
        return obj

    def warnings(store: Store, new: Object, old: Object | None) -> Iterator[str]:
        if old is not None and template(new) == template(old):
            return
        labels = _labels(store, new)
        # Who is not told of by a level of its own is told of what would be refused.
        level, version = _policy(labels, "warn" if f"{_PREFIX}warn" in labels else "enforce")
        found = violations(template(new), level)
        if found:
            yield f'would violate PodSecurity "{level}:{version}": {_listed(found)}'

    return warnings


def namespace_warnings(store: Store, new: Object, old: Object | None) -> Iterator[str]:
    """The pods of a namespace that its new level would refuse, one of each controller."""
    if old is None:
        return
    name = new["metadata"]["name"]
    (level, version), before = (_policy(one["metadata"].get("labels", {}), "enforce") for one in (new, old))
    if (level, version) == before or _LEVELS.index(level) < _LEVELS.index(before[0]):
        return
    groups: dict[str, list[str]] = {}
    owners: set[str] = set()
    for (_, pod), version_ in store.list("pods", name):
        references = version_.object["metadata"].get("ownerReferences", ())
        owner = next((one["uid"] for one in references if one.get("controller")), "")
        if owner in owners:
            continue
        owners |= {owner} - {""}
        found = violations(version_.object, level)
        if found:
            groups.setdefault(", ".join(one.reason for one in found), []).append(pod)
    if groups:
        yield f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{level}:{version}"'
    for reason, pods in sorted(groups.items(), key=lambda group: min(group[1])):
        others = len(pods) - 1
        more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
        yield f"{min(pods)}{more}: {reason}"
