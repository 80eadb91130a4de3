"""Validation of a pod's containers: those that run, those before them, those added later (pkg/apis/core/validation)."""

from __future__ import annotations

from dataclasses import dataclass, field

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import environment, mounts, ports, probes, resources, securitycontexts
from aksdisks.lab.kube.validators.causes import (
    duplicate,
    forbidden,
    formed,
    invalid,
    not_found,
    one_of,
    required,
    unsupported,
)

_PULL = ("Always", "IfNotPresent", "Never")
_TERMINATION = ("File", "FallbackToLogsOnError")
_RESTART = ("Always", "OnFailure", "Never")
_RESIZABLE, _RESIZE = ("cpu", "memory"), ("NotRequired", "RestartContainer")
_NOT_EPHEMERAL = (
    "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe", "readinessProbe",
    "startupProbe", "lifecycle",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PodContext:
    """What the rules of one container need of its pod."""

    volumes: dict[str, Object]
    grace: int | None
    restart_policy: str
    host_users: bool
    claims: frozenset[str] = field(default_factory=frozenset)


def containers(at: str, spec: Object, pod: PodContext) -> list[Cause]:
    """All containers of a pod's spec."""
    found = spec.get("containers") or []
    causes = [] if found else [required(f"{at}.containers")]
    taken: set[str] = set()
    for index, one in enumerate(found):
        where = f"{at}.containers[{index}]"
        causes += _common(where, one, pod) + _unique(where, one, taken)
        causes += probes.handlers(where, one, pod.grace)
        if "restartPolicy" in one and one["restartPolicy"] not in _RESTART:
            causes.append(unsupported(f"{where}.restartPolicy", one["restartPolicy"], _RESTART))
    wanted: set[str] = set()
    for index, one in enumerate(found):
        causes += ports.of_host(f"{at}.containers[{index}]", one, wanted)
    for index, one in enumerate(spec.get("initContainers", ())):
        causes += _init(f"{at}.initContainers", index, one, pod, taken)
    regular = frozenset(taken)
    for index, one in enumerate(spec.get("ephemeralContainers", ())):
        causes += _ephemeral(f"{at}.ephemeralContainers[{index}]", one, pod, taken, regular)
    return causes


def _unique(at: str, container: Object, taken: set[str]) -> list[Cause]:
    name = container.get("name", "")
    if name in taken:
        return [duplicate(f"{at}.name", name)]
    if name:
        taken.add(name)
    return []


def _init(at: str, index: int, container: Object, pod: PodContext, taken: set[str]) -> list[Cause]:
    where = f"{at}[{index}]"
    causes = _common(where, container, pod)
    policy = container.get("restartPolicy")
    if policy is not None and policy not in _RESTART:
        causes.append(unsupported(f"{where}.restartPolicy", policy, _RESTART))
    causes += _unique(where, container, taken)
    causes += ports.of_host(f"{at}[0]", container, set())
    if policy == "Always":
        return causes + probes.handlers(where, container, pod.grace)
    why = "may not be set for init containers without restartPolicy=Always"
    return causes + [forbidden(f"{where}.{key}", why) for key in ("lifecycle", *probes.PROBES) if key in container]


def _ephemeral(at: str, container: Object, pod: PodContext, taken: set[str], regular: frozenset[str]) -> list[Cause]:
    causes = _common(at, container, pod) + image_of_pod(at, container) + _unique(at, container, taken)
    target = container.get("targetContainerName", "")
    if target and target not in regular:
        causes.append(not_found(f"{at}.targetContainerName", target))
    why = "cannot be set for an Ephemeral Container"
    causes += [forbidden(f"{at}.{key}", why) for key in _NOT_EPHEMERAL if container.get(key)]
    for index, mount in enumerate(container.get("volumeMounts", ())):
        keys = [key for key in ("subPath", "subPathExpr") if mount.get(key)]
        causes += [forbidden(f"{at}.volumeMounts[{index}].{key}", why) for key in keys]
    return causes


def image_of_pod(at: str, container: Object) -> list[Cause]:
    """A pod's image has no spaces around it; a template's may."""
    image = container.get("image", "")
    if image == image.strip():
        return []
    return [invalid(f"{at}.image", image, "must not have leading or trailing whitespace")]


def _common(at: str, found: Object, pod: PodContext) -> list[Cause]:
    name = found.get("name", "")
    causes = formed(f"{at}.name", name, names.label_errors) if name else [required(f"{at}.name")]
    if not found.get("image"):
        causes.append(required(f"{at}.image"))
    causes += one_of(f"{at}.terminationMessagePolicy", found.get("terminationMessagePolicy"), _TERMINATION)
    causes += ports.of_container(f"{at}.ports", found.get("ports", ()))
    causes += environment.variables(f"{at}.env", found.get("env", ()))
    causes += environment.from_objects(f"{at}.envFrom", found.get("envFrom", ()))
    causes += mounts.mounts(f"{at}.volumeMounts", found, pod.volumes)
    causes += mounts.devices(f"{at}.volumeDevices", found, pod.volumes)
    causes += one_of(f"{at}.imagePullPolicy", found.get("imagePullPolicy"), _PULL)
    causes += resources.requirements(f"{at}.resources", found.get("resources", {}), pod.claims)
    causes += _resize(f"{at}.resizePolicy", found.get("resizePolicy", ()), pod.restart_policy)
    context = found.get("securityContext", {})
    return causes + securitycontexts.of_container(f"{at}.securityContext", context, host_users=pod.host_users)


def _resize(at: str, found: list[Object] | tuple[()], restart_policy: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, entry in enumerate(found):
        name, policy = entry.get("resourceName", ""), entry.get("restartPolicy", "")
        if name in seen:
            causes.append(duplicate(f"{at}[{index}]", name))
        seen.add(name)
        causes += one_of(at, name, _RESIZABLE) + one_of(at, policy, _RESIZE)
        if restart_policy == "Never" and policy != "NotRequired":
            causes.append(invalid(at, policy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
    return causes
