"""Pod security by a namespace's labels: refusals and warnings (k8s.io/pod-security-admission admission)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission.pod_security_checks import Violation, violations
from aksdisks.lab.kube.schema.registry import RESOURCES
from aksdisks.lab.kube.schema.status import Cause, forbidden, invalid
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import causes

_PREFIX = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
_MODES = ("enforce", "audit", "warn")


def _policy(labels: Object, mode: str) -> tuple[str, str]:
    """A mode's level and version; what cannot be read is held to the strictest, but warned of by nobody."""
    level = labels.get(f"{_PREFIX}{mode}", "privileged")
    version = labels.get(f"{_PREFIX}{mode}-version", "latest")
    if level not in _LEVELS:
        level = "restricted" if mode == "enforce" else "privileged"
    return level, version if re.fullmatch(r"v1\.\d+", version) else "latest"


def _warned(labels: Object) -> tuple[str, str]:
    """Who is not told of by a level of its own is told of what would be refused."""
    return _policy(labels, "warn" if f"{_PREFIX}warn" in labels else "enforce")


def _labels(store: Store, namespace: str) -> Object:
    found = store.get("namespaces", ("", namespace))
    labels: Object = found.object["metadata"].get("labels", {}) if found else {}
    return labels


def check_pod(store: Store, pod: Object, old: Object | None) -> None:
    """Refuse a pod that its namespace does not allow (403); a changed pod when its images or profiles have changed."""
    if old is not None and not _matters(pod, old):
        return
    metadata = pod["metadata"]
    level, version = _policy(_labels(store, metadata["namespace"]), "enforce")
    found = violations(pod, level) if level != "privileged" else []
    if found:
        why = f'violates PodSecurity "{level}:{version}": {_listed(found)}'
        raise forbidden(RESOURCES["pods"], metadata["name"], why)


def _matters(new: Object, old: Object) -> bool:
    def seen(pod: Object) -> list[list[str]]:
        spec = pod["spec"]
        return [
            [container.get("image", "") for container in spec.get(kind, ())]
            for kind in ("containers", "initContainers", "ephemeralContainers")
        ]

    return seen(new) != seen(old)


def _listed(found: list[Violation]) -> str:
    return ", ".join(map(str, found))


def check_namespace(namespace: Object, old: Object | None) -> None:
    """Refuse labels that name no level or version (422)."""
    labels = namespace["metadata"].get("labels", {})
    before = old["metadata"].get("labels", {}) if old else {}
    if old is not None and all(labels.get(key) == before.get(key) for key in _keys()):
        return
    problems: list[Cause] = []
    for mode in _MODES:
        key = f"{_PREFIX}{mode}"
        if key in labels and labels[key] not in _LEVELS:
            why = "must be one of privileged, baseline, restricted"
            problems.append(causes.invalid(f"metadata.labels[{key}]", labels[key], why))
        version = labels.get(f"{key}-version")
        if version is not None and version != "latest" and not re.fullmatch(r"v1\.(0|[1-9]\d*)", version):
            why = 'must be "latest" or "v1.x"'
            problems.append(causes.invalid(f"metadata.labels[{key}-version]", version, why))
    if problems:
        raise invalid(RESOURCES["namespaces"], namespace["metadata"]["name"], problems)


def _keys() -> Iterator[str]:
    for mode in _MODES:
        yield from (f"{_PREFIX}{mode}", f"{_PREFIX}{mode}-version")


def warnings(store: Store, resource: str, new: Object, old: Object | None) -> list[str]:
    """What would be refused, in pods, in templates, and in the pods of a namespace with a new level."""
    if resource == "namespaces":
        return list(_of_pods_there(store, new, old)) if old else []
    template = _template(resource, new)
    if template is None or (old is not None and template == _template(resource, old)):
        return []
    level, version = _warned(_labels(store, new["metadata"].get("namespace", "")))
    found = violations(template, level) if level != "privileged" else []
    return [f'would violate PodSecurity "{level}:{version}": {_listed(found)}'] if found else []


def _template(resource: str, obj: Object) -> Object | None:
    if resource == "pods":
        return obj
    if resource in ("deployments", "jobs", "replicasets", "statefulsets"):
        return obj["spec"].get("template") or {}
    if resource == "cronjobs":
        template: Object = obj["spec"].get("jobTemplate", {}).get("spec", {}).get("template") or {}
        return template
    return None


def _of_pods_there(store: Store, new: Object, old: Object) -> Iterator[str]:
    name = new["metadata"]["name"]
    (level, version), before = (_policy(one["metadata"].get("labels", {}), "enforce") for one in (new, old))
    if (level, version) == before or level == "privileged" or _LEVELS.index(level) < _LEVELS.index(before[0]):
        return
    groups: dict[str, list[str]] = {}
    owners: set[str] = set()
    for (namespace, pod), version_ in store.list("pods"):
        if namespace != name:
            continue
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
