"""What upstream warns of in objects that it takes: hidden variables, old labels, names (pkg/api/*, pkg/registry/*)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import canonical, parse

_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
_OLD_CLASS = 'deprecated since v1.8; use "storageClassName" attribute instead'
_OLD_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_OLD_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_REQUIRED, _PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def of(resource: str, new: Object, old: Object | None) -> Iterator[str]:
    """The warnings of a write that was taken, one at a time; `old` is None for a new object."""
    if resource == "pods":
        # Upstream says nothing about changed pods: humans rarely write those.
        if old is None:
            yield from _name(new, "this is used in the Pod's hostname")
            yield from _pod("", new)
    elif resource in _WITH_TEMPLATES:
        yield from _workload(resource, new, old)
    elif check := _CHECKS.get(resource):
        yield from check(new)


def _name(obj: Object, use: str) -> list[str]:
    problems = names.label_errors(obj["metadata"].get("name", ""))
    if not problems:
        return []
    recommended = "which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {use}, {recommended}: [{' '.join(problems)}]"]


_WITH_TEMPLATES = ("cronjobs", "deployments", "jobs", "replicasets", "statefulsets")


def _workload(resource: str, new: Object, old: Object | None) -> Iterator[str]:
    spec = new["spec"]
    if old is not None and old["metadata"].get("generation") == new["metadata"].get("generation"):
        return
    if old is None and resource != "statefulsets":
        yield from _name(new, "this is used in Pod names and hostnames")
    if resource == "cronjobs":
        at, template = "spec.jobTemplate.spec.template", spec["jobTemplate"]["spec"]["template"]
    else:
        at, template = "spec.template", spec.get("template", {})
    yield from _pod(f"{at}.", template)
    for index, claim in enumerate(spec.get("volumeClaimTemplates", ())):
        yield from _claim_spec(f"spec.volumeClaimTemplates[{index}]", claim.get("spec", {}))
    if resource == "statefulsets" and spec.get("revisionHistoryLimit", 0) < 0:
        yield (
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        )


def _pod(at: str, pod: Object) -> Iterator[str]:
    spec, annotations = pod.get("spec", {}), pod.get("metadata", {}).get("annotations", {})
    for key in spec.get("nodeSelector", {}):
        if key in _OLD_LABELS:
            yield f"{at}spec.nodeSelector[{key}]: {_OLD_LABELS[key]}"
    yield from _affinity(f"{at}spec.affinity", spec.get("affinity", {}))
    for index, constraint in enumerate(spec.get("topologySpreadConstraints", ())):
        field, key = f"{at}spec.topologySpreadConstraints[{index}]", constraint.get("topologyKey", "")
        if key in _OLD_LABELS:
            yield f"{field}.topologyKey: {key} is {_OLD_LABELS[key]}"
        if "labelSelector" not in constraint:
            yield f"{field}.labelSelector: a null labelSelector results in matching no pod"
    for key, why in _OLD_ANNOTATIONS.items():
        if key in annotations:
            yield f"{at}metadata.annotations[{key}]: {why}"
    for index, volume in enumerate(spec.get("volumes", ())):
        field = f"{at}spec.volumes[{index}]"
        for kind, why in _OLD_VOLUMES.items():
            if kind in volume:
                yield f"{field}.{'storageOS' if kind == 'storageos' else kind}: {why}"
        claim = volume.get("ephemeral", {}).get("volumeClaimTemplate")
        if claim:
            yield from _claim_spec(f"{field}.ephemeral.volumeClaimTemplate.spec", claim.get("spec", {}))
    yield from _twice(f"{at}spec.hostAliases", spec.get("hostAliases", ()), "ip")
    yield from _twice(f"{at}spec.imagePullSecrets", spec.get("imagePullSecrets", ()), "name")
    for index, secret in enumerate(spec.get("imagePullSecrets", ())):
        if not secret.get("name"):
            yield f'{at}spec.imagePullSecrets[{index}].name: invalid empty name ""'
    yield from _fractions(f"{at}spec.overhead", spec.get("overhead", {}), ("memory", "ephemeral-storage"))
    yield from _containers(f"{at}spec", spec)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        yield (
            f"{at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated "
            "as 1"
        )
    yield from _null_selectors(f"{at}spec.affinity", spec.get("affinity", {}))


def _twice(at: str, entries: list[Object] | tuple[()], key: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        value = entry.get(key, "")
        if value in seen:
            yield f'{at}[{index}].{key}: duplicate {key} "{value}"'
        seen.add(value)


def _affinity(at: str, affinity: Object) -> Iterator[str]:
    nodes = affinity.get("nodeAffinity", {})
    terms = [
        (f"{at}.nodeAffinity.{_REQUIRED}.nodeSelectorTerms[{index}]", term)
        for index, term in enumerate(nodes.get(_REQUIRED, {}).get("nodeSelectorTerms", ()))
    ] + [
        (f"{at}.nodeAffinity.{_PREFERRED}[{index}].preference", term.get("preference", {}))
        for index, term in enumerate(nodes.get(_PREFERRED, ()))
    ]
    for field, term in terms:
        yield from _term(field, term)


def _term(at: str, term: Object) -> Iterator[str]:
    for index, expression in enumerate(term.get("matchExpressions", ())):
        key = expression.get("key", "")
        if key in _OLD_LABELS:
            yield f"{at}.matchExpressions[{index}].key: {key} is {_OLD_LABELS[key]}"


def _null_selectors(at: str, affinity: Object) -> Iterator[str]:
    for kind in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(kind, {})
        fields = [(f"{at}.{kind}.{_REQUIRED}[{i}]", term) for i, term in enumerate(found.get(_REQUIRED, ()))]
        fields += [
            (f"{at}.{kind}.{_PREFERRED}[{i}].podAffinityTerm", term.get("podAffinityTerm", {}))
            for i, term in enumerate(found.get(_PREFERRED, ()))
        ]
        for field, term in fields:
            if "labelSelector" not in term:
                yield f"{field}.labelSelector: a null labelSelector results in matching no pod"


def _containers(at: str, spec: Object) -> Iterator[str]:
    found = [
        (f"{at}.{kind}[{index}]", container)
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for index, container in enumerate(spec.get(kind, ()))
    ]
    for field, container in found:
        for resource in ("memory", "ephemeral-storage"):
            for kind in ("limits", "requests"):
                given = container.get("resources", {}).get(kind, {})
                yield from _fractions(f"{field}.resources.{kind}", given, (resource,))
        yield from _hidden(f"{field}.env", container.get("env", ()))
    ports: dict[tuple[int, str], _Places] = {}
    for field, container in found:
        for index, port in enumerate(container.get("ports", ())):
            key = port.get("containerPort", 0), port.get("protocol", "")
            yield from _port(f"{field}.ports[{index}]", port, ports.setdefault(key, _Places()))


def _fractions(at: str, given: Object, resources: tuple[str, ...]) -> Iterator[str]:
    for resource in resources:
        if resource in given and (parse(given[resource]) * 1000) % 1000:
            value = canonical(given[resource])
            yield f'{at}[{resource}]: fractional byte value "{value}" is invalid, must be an integer'


def _hidden(at: str, variables: list[Object] | tuple[()]) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        name, value = variable.get("name", ""), variable.get("value", "")
        own = f"$({name})"
        if name in seen and ("valueFrom" in variable or value == own or own not in value):
            yield f'{at}[{index}]: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)


class _Places:
    """Where one port of containers stands, in order, found by its address and number on the host.

    Those that get no warning are never looked at: their pairs would be as many as the square of the ports.
    """

    def __init__(self) -> None:
        self._all: list[tuple[str, str, int]] = []
        self._at: dict[tuple[str, int] | int, list[int]] = {}

    def add(self, at: str, ip: str, number: int) -> None:
        """One more."""
        for key in (number, (ip, number)):
            self._at.setdefault(key, []).append(len(self._all))
        self._all.append((at, ip, number))

    def meeting(self, ip: str, number: int) -> Iterator[tuple[str, str, int]]:
        """Those before that share the host's address and number, or may."""
        if not number:
            return iter(self._all)
        found = {*self._at.get(0, ()), *self._at.get((ip, number) if ip else number, ())}
        found |= set(self._at.get(("", number), ()))
        return (self._all[index] for index in sorted(found))


def _port(at: str, port: Object, places: _Places) -> Iterator[str]:
    ip, number = port.get("hostIP", ""), port.get("hostPort", 0)
    if ip and not number:
        container, protocol = port.get("containerPort", 0), port.get("protocol", "")
        shown = f"{{Name:{port.get('name', '')} HostPort:0 ContainerPort:{container} Protocol:{protocol} HostIP:{ip}}}"
        yield f"{at}: hostIP set without hostPort: {shown}"
    for other, other_ip, other_number in places.meeting(ip, number):
        if (other_ip, other_number) == (ip, number):
            yield f"{at}: duplicate port definition with {other}"
        elif 0 in (number, other_number):
            yield f"{at}: overlapping port definition with {other}"
        else:
            yield f"{at}: dangerously ambiguous port definition with {other}"
    places.add(at, ip, number)


def _claim(claim: Object) -> Iterator[str]:
    if _BETA_CLASS in claim["metadata"].get("annotations", {}):
        yield f"metadata.annotations[{_BETA_CLASS}]: {_OLD_CLASS}"
    yield from _claim_spec("spec", claim["spec"])


def _claim_spec(at: str, spec: Object) -> Iterator[str]:
    for kind in ("requests", "limits"):
        yield from _fractions(f"{at}.resources.{kind}", spec.get("resources", {}).get(kind, {}), ("storage",))


def _volume(volume: Object) -> Iterator[str]:
    spec = volume["spec"]
    if _BETA_CLASS in volume["metadata"].get("annotations", {}):
        yield f"metadata.annotations[{_BETA_CLASS}]: {_OLD_CLASS}"
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
            "approach is to use dynamic provisioning."
        )
    terms = (spec.get("nodeAffinity") or {}).get("required", {}).get("nodeSelectorTerms", ())
    for index, term in enumerate(terms):
        yield from _term(f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]", term)
    for kind in ("cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"):
        if kind in spec:
            yield f"spec.{'storageOS' if kind == 'storageos' else kind}: {_OLD_VOLUMES[kind]}"


def _storage_class(item: Object) -> Iterator[str]:
    for index, term in enumerate(item.get("allowedTopologies", ())):
        for number, expression in enumerate(term.get("matchLabelExpressions", ())):
            key = expression.get("key", "")
            if key in _OLD_LABELS:
                yield f"allowedTopologies[{index}].matchLabelExpressions[{number}].key: {_OLD_LABELS[key]}"


def _service(service: Object) -> Iterator[str]:
    spec = service["spec"]
    hints, mode = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"
    if hints in service["metadata"].get("annotations", {}):
        yield f"annotation {hints} is deprecated, please use {mode} instead"
    if spec.get("clusterIP") == "None" and spec.get("type") == "ClusterIP":
        for key in ("loadBalancerIP", "externalIPs"):
            if spec.get(key):
                yield f"spec.{key} is ignored for headless services"
        if spec.get("sessionAffinity") != "None":
            yield "spec.SessionAffinity is ignored for headless services"
    external = spec.get("type") == "ExternalName"
    if external and spec.get("externalIPs"):
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if not external and spec.get("externalName"):
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
    if spec.get("trafficDistribution") == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'


def _account(account: Object) -> Iterator[str]:
    key = "kubernetes.io/enforce-mountable-secrets"
    if key in account["metadata"].get("annotations", {}):
        why = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        yield f"metadata.annotations[{key}]: {why}"


def _secret(secret: Object) -> Iterator[str]:
    if secret.get("type") != "kubernetes.io/tls":
        return
    for key, named in (("tls.crt", "certificate"), ("tls.key", "key")):
        try:
            text = base64.b64decode(secret.get("data", {}).get(key, ""))
        except (binascii.Error, ValueError):
            text = b""
        if b"-----BEGIN" not in text:
            yield f"tls: failed to find any PEM data in {named} input"
            return


_CHECKS: dict[str, Callable[[Object], Iterator[str]]] = {
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume,
    "secrets": _secret,
    "serviceaccounts": _account,
    "services": _service,
    "storageclasses": _storage_class,
}
