"""The spec of pods, as of the templates that describe them (pkg/apis/core/validation ValidatePodSpec).

What does not bear on where a pod runs and what it mounts is left to the schema: security contexts, probes, variables,
projections, DNS.
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import mounts, ports, resources, scheduling, volumesources
from aksdisks.lab.kube.strategies.causes import duplicate, forbidden, invalid, required
from aksdisks.lab.kube.strategies.kinds import persistentvolumeclaim as claims
from aksdisks.lab.kube.strategies.labels import OLD_LABELS
from aksdisks.lab.kube.strategies.metadata import annotation_map, labels
from aksdisks.lab.kube.strategies.rules import Rule, Rules, bounds, check, enumeration, form, fractions, nested
from aksdisks.lab.kube.strategies.rules import required as must

_RESTART = ("Always", "OnFailure", "Never")
_PULL = ("Always", "IfNotPresent", "Never")
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_CONTAINER = (
    form("name", names.label_errors, must=True),
    must("image"),
    enumeration("terminationMessagePolicy", "File", "FallbackToLogsOnError", must=True),
    Rule("ports", ports.container_ports),
)
_CONTAINER_LAST = (
    enumeration("imagePullPolicy", *_PULL, must=True),
    Rule("resources", resources.requirements),
    enumeration("restartPolicy", *_RESTART),
)


def _size_limit(field: str, value: str | None) -> list[Cause]:
    if value is None or parse(value) >= 0:
        return []
    return [forbidden(field, "SizeLimit field must be a valid resource quantity")]


def _claim_metadata(at: str, template: Object) -> list[Cause]:
    meta = template.get("metadata", {})
    causes = annotation_map(f"{at}.metadata.annotations", meta.get("annotations", {}))
    causes += labels(f"{at}.metadata.labels", meta.get("labels", {}))
    given = (key for key in meta if key not in ("annotations", "labels") and meta[key])
    return causes + [forbidden(f"{at}.metadata.{key}", "cannot be set") for key in given]


_OF_PODS: dict[str, Rules] = {
    "persistentVolumeClaim": (must("claimName"),),
    "secret": (must("secretName"),),
    "configMap": (must("name"),),
    "emptyDir": (Rule("sizeLimit", _size_limit),),
    "ephemeral": (
        must("volumeClaimTemplate"),
        nested("volumeClaimTemplate", (_claim_metadata, nested("spec", claims.CLAIM_SPEC))),
    ),
}


def _volumes(at: str, found: list[Object], pod_name: str) -> tuple[dict[str, Object], list[Cause]]:
    """The good volumes by name, and what is wrong with the others; a template's pods have no name yet."""
    good: dict[str, Object] = {}
    causes: list[Cause] = []
    made = {f"{pod_name}-{one.get('name', '')}" for one in found if "ephemeral" in one} if pod_name else set()
    for index, one in enumerate(found):
        field, name = f"{at}[{index}]", one.get("name", "")
        problems = volumesources.source(field, one, ("name",), _OF_PODS)
        problems += check((form("name", names.label_errors, must=True),), one, field)
        if name in good:
            problems.append(duplicate(f"{field}.name", name))
        if not problems:
            good[name] = one
        causes += problems
        claim = one.get("persistentVolumeClaim", {}).get("claimName")
        if claim in made:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            causes.append(invalid(f"{field}.persistentVolumeClaim.claimName", claim, why))
    return good, causes


def _containers(at: str, spec: Object, volumes: dict[str, Object]) -> list[Cause]:
    causes: list[Cause] = []
    taken: set[str] = set()
    wanted: set[str] = set()
    for key in ("containers", "initContainers", "ephemeralContainers"):
        if key == "containers" and not spec.get(key):
            causes.append(required(f"{at}.{key}"))
        for index, one in enumerate(spec.get(key) or ()):
            field, name = f"{at}.{key}[{index}]", one.get("name", "")
            causes += check(_CONTAINER, one, field)
            causes += mounts.places(field, one, volumes, block=False)
            causes += mounts.places(field, one, volumes, block=True)
            causes += check(_CONTAINER_LAST, one, field)
            causes += [duplicate(f"{field}.name", name)] if name in taken else []
            causes += ports.host_ports(field, one, wanted) if key == "containers" else []
            taken |= {name} if name else set()
    return causes


_SPEC = (
    enumeration("restartPolicy", *_RESTART, must=True),
    enumeration("dnsPolicy", "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", must=True),
    Rule("nodeSelector", lambda field, value: labels(field, value or {})),
    enumeration("securityContext.fsGroupChangePolicy", "Always", "OnRootMismatch"),
    Rule("affinity", scheduling.affinity),
    form("schedulingGates[].name", names.qualified_name_errors),
    Rule("topologySpreadConstraints", scheduling.spread),
    form("serviceAccountName", names.subdomain_errors),
    form("nodeName", names.subdomain_errors),
    bounds("activeDeadlineSeconds", 1, 2**31 - 1),
    form("hostname", names.label_errors),
    form("subdomain", names.label_errors),
    Rule("tolerations", scheduling.tolerations),
    form("priorityClassName", names.subdomain_errors),
    enumeration("preemptionPolicy", "PreemptLowerPriority", "Never"),
)


def spec_errors(at: str, spec: Object, pod_name: str = "") -> list[Cause]:
    """A pod's spec below a field; a template's pods have no name yet."""
    causes = []
    if spec.get("terminationGracePeriodSeconds") is None:
        causes.append(required(f"{at}.terminationGracePeriodSeconds"))
    good, problems = _volumes(f"{at}.volumes", spec.get("volumes", []), pod_name)
    return causes + problems + _containers(at, spec, good) + check(_SPEC, spec, at)


def template_errors(at: str, template: Object) -> list[Cause]:
    """A pod template below a field, whatever owns it (ValidatePodTemplateSpec)."""
    spec = template.get("spec", {})
    causes = spec_errors(f"{at}.spec", spec)
    if spec.get("ephemeralContainers"):
        why = "ephemeral containers not allowed in pod template"
        causes.append(forbidden(f"{at}.spec.ephemeralContainers", why))
    return causes


def image_errors(at: str, spec: Object) -> list[Cause]:
    """A pod's images have no spaces around them; a template's may."""
    why = "must not have leading or trailing whitespace"
    return [
        invalid(f"{at}.{key}[{index}].image", one["image"], why)
        for key in ("containers", "initContainers")
        for index, one in enumerate(spec.get(key, ()))
        if one.get("image", "") != one.get("image", "").strip()
    ]


def name_warnings(obj: Object, use: str) -> Iterator[str]:
    """Of a name that pods' host names are made of and that is none."""
    problems = names.label_errors(obj["metadata"].get("name", ""))
    if problems:
        recommended = "which can result in surprising behavior; a DNS label is recommended"
        yield f"metadata.name: {use}, {recommended}: [{' '.join(problems)}]"


def spec_warnings(at: str, spec: Object) -> Iterator[str]:
    """What upstream warns of in a pod's spec, as far as it bears on where the pod runs and what it mounts."""
    for key in spec.get("nodeSelector", {}):
        if key in OLD_LABELS:
            yield f"{at}.nodeSelector[{key}]: {OLD_LABELS[key]}"
    for index, constraint in enumerate(spec.get("topologySpreadConstraints", ())):
        field, key = f"{at}.topologySpreadConstraints[{index}]", constraint.get("topologyKey", "")
        if key in OLD_LABELS:
            yield f"{field}.topologyKey: {key} is {OLD_LABELS[key]}"
        if "labelSelector" not in constraint:
            yield f"{field}.labelSelector: a null labelSelector results in matching no pod"
    for index, volume in enumerate(spec.get("volumes", ())):
        claim = volume.get("ephemeral", {}).get("volumeClaimTemplate")
        if claim:
            yield from claims.spec_warnings(f"{at}.volumes[{index}].ephemeral.volumeClaimTemplate", claim["spec"])
    for kind in _CONTAINERS:
        for index, container in enumerate(spec.get(kind, ())):
            for part in ("limits", "requests"):
                given = container.get("resources", {}).get(part, {})
                yield from fractions(f"{at}.{kind}[{index}].resources.{part}", given, ("memory", "ephemeral-storage"))
