"""Validation of pods and of the pods that templates describe (pkg/apis/core/validation)."""

from __future__ import annotations

from typing import Any

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators import containers, godiff, podvolumes, scheduling
from aksdisks.lab.kube.validators.causes import (
    duplicate,
    forbidden,
    formed,
    immutable,
    invalid,
    not_negative,
    one_of,
    required,
    unsupported,
)

_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_FS_GROUP_CHANGE = ("Always", "OnRootMismatch")
_MAX_INT32 = 2**31 - 1


def pod(obj: Object) -> list[Cause]:
    """A new pod."""
    found = obj.get("spec", {})
    causes = spec("spec", found)
    for key in ("containers", "initContainers"):
        for index, container in enumerate(found.get(key, ())):
            image = container.get("image", "")
            if image != image.strip():
                why = "must not have leading or trailing whitespace"
                causes.append(invalid(f"spec.{key}[{index}].image", image, why))
    return causes


def spec(at: str, found: Object) -> list[Cause]:
    """A pod's spec below a field."""
    causes: list[Cause] = []
    volumes: dict[str, Object] = {}
    for index, volume in enumerate(found.get("volumes", ())):
        causes += podvolumes.volume(f"{at}.volumes[{index}]", volume, volumes)
    if not found.get("containers"):
        causes.append(required(f"{at}.containers"))
    causes += _containers(at, found, volumes)
    causes += one_of(f"{at}.restartPolicy", found.get("restartPolicy"), _RESTART)
    causes += one_of(f"{at}.dnsPolicy", found.get("dnsPolicy"), _DNS)
    for key, value in found.get("nodeSelector", {}).items():
        causes += formed(f"{at}.nodeSelector", key, names.qualified_name_errors)
        causes += formed(f"{at}.nodeSelector", value, names.label_value_errors)
    context = found.get("securityContext", {})
    for key in ("runAsUser", "runAsGroup", "fsGroup"):
        causes += _identity(f"{at}.securityContext.{key}", context.get(key))
    change = context.get("fsGroupChangePolicy")
    if change is not None and change not in _FS_GROUP_CHANGE:
        causes.append(unsupported(f"{at}.securityContext.fsGroupChangePolicy", change, _FS_GROUP_CHANGE))
    causes += scheduling.affinity(f"{at}.affinity", found.get("affinity", {}))
    for key, check in (
        ("serviceAccountName", names.subdomain_errors),
        ("nodeName", names.subdomain_errors),
        ("hostname", names.label_errors),
        ("subdomain", names.label_errors),
        ("priorityClassName", names.subdomain_errors),
    ):
        if found.get(key):
            causes += formed(f"{at}.{key}", found[key], check)
    deadline = found.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        why = f"must be between 1 and {_MAX_INT32}, inclusive"
        causes.append(invalid(f"{at}.activeDeadlineSeconds", deadline, why))
    causes += scheduling.tolerations(f"{at}.tolerations", found.get("tolerations", ()))
    causes += scheduling.spread(f"{at}.topologySpreadConstraints", found.get("topologySpreadConstraints", ()))
    causes += not_negative(f"{at}.terminationGracePeriodSeconds", found.get("terminationGracePeriodSeconds"))
    return causes


def _identity(field: str, value: int | None) -> list[Cause]:
    if value is None or 0 <= value <= _MAX_INT32:
        return []
    return [invalid(field, value, f"must be between 0 and {_MAX_INT32}, inclusive")]


def _containers(at: str, found: Object, volumes: dict[str, Object]) -> list[Cause]:
    causes: list[Cause] = []
    host_ports: set[str] = set()
    seen: set[str] = set()
    for index, container in enumerate(found.get("containers", ())):
        field = f"{at}.containers[{index}]"
        causes += containers.container(field, container, volumes)
        if container.get("name", "") in seen:
            causes.append(duplicate(f"{field}.name", container.get("name", "")))
        seen.add(container.get("name", ""))
        causes += containers.handlers(field, container)
        if "restartPolicy" in container and container["restartPolicy"] not in ("Always", "Never", "OnFailure"):
            causes.append(
                unsupported(f"{field}.restartPolicy", container["restartPolicy"], ("Always", "OnFailure", "Never"))
            )
    for index, container in enumerate(found.get("containers", ())):
        causes += containers.host_ports(f"{at}.containers[{index}]", container, host_ports)
    for index, container in enumerate(found.get("initContainers", ())):
        field = f"{at}.initContainers[{index}]"
        causes += containers.container(field, container, volumes)
        if container.get("name") and container["name"] in seen:
            causes.append(duplicate(f"{field}.name", container["name"]))
        seen.add(container.get("name", ""))
        if container.get("restartPolicy") == "Always":
            causes += containers.handlers(field, container)
            continue
        for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if key in container:
                why = "may not be set for init containers without restartPolicy=Always"
                causes.append(forbidden(f"{field}.{key}", why))
    return causes


_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_update(new: Object, old: Object) -> list[Cause]:
    """A changed pod: images, deadline, and more tolerations are all that may differ."""
    after, before = new["spec"], old["spec"]
    causes = pod(new)
    for key in ("containers", "initContainers"):
        if len(after.get(key, ())) != len(before.get(key, ())):
            causes.append(forbidden(f"spec.{key}", "pod updates may not add or remove containers"))
            return causes
    causes += _deadline_update(after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    kept = [_without_seconds(toleration) for toleration in after.get("tolerations", ())]
    if any(_without_seconds(toleration) not in kept for toleration in before.get("tolerations", ())):
        why = "existing toleration can not be modified except its tolerationSeconds"
        causes.append(forbidden("spec.tolerations", why))
    gates = [gate.get("name") for gate in before.get("schedulingGates", ())]
    for index, gate in enumerate(after.get("schedulingGates", ())):
        if gate.get("name") not in gates:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            causes.append(forbidden(f"spec.schedulingGates[{index}].name", why))
    munged = _munged(after, before)
    if munged != before:
        change = godiff.between(godiff.pod_spec(before), godiff.pod_spec(munged))
        causes.append(forbidden("spec", f"{_MUTABLE}\n{change}"))
    return causes


def _deadline_update(new: int | None, old: int | None) -> list[Cause]:
    field = "spec.activeDeadlineSeconds"
    if new is None:
        return [] if old is None else [invalid(field, None, "must not update from a positive integer to nil value")]
    if old is not None and old < new:
        return [invalid(field, new, "must be less than or equal to previous value")]
    return []


def _without_seconds(toleration: Object) -> Object:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _munged(after: Object, before: Object) -> Object:
    """The new spec with what may be changed as it was."""
    munged: Object = {key: value for key, value in after.items() if key not in _FREE}
    for key in _FREE:
        if key in before:
            munged[key] = before[key]
    for key in ("containers", "initContainers"):
        if key in munged:
            pairs = zip(munged[key], before[key], strict=True)
            munged[key] = [{**container, "image": was.get("image", "")} for container, was in pairs]
    if before.get("terminationGracePeriodSeconds", 0) < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        munged["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    return munged


_FREE = ("tolerations", "activeDeadlineSeconds", "schedulingGates")


def pod_status_update(new: Object, old: Object) -> list[Cause]:
    """A changed status: a pod's quality of service and its node stay, what has ended stays so."""
    after, before = new.get("status", {}), old.get("status", {})
    causes = immutable("status.qosClass", after.get("qosClass"), before.get("qosClass"))
    if new["spec"].get("restartPolicy") == "Always":
        return causes
    ended = {entry.get("name"): entry for entry in before.get("containerStatuses", ()) if _ended(entry)}
    for index, entry in enumerate(after.get("containerStatuses", ())):
        was = ended.get(entry.get("name"))
        if was is None or _ended(entry):
            continue
        failed = was["state"]["terminated"].get("exitCode") != 0
        if not (failed and new["spec"].get("restartPolicy") == "OnFailure"):
            why = "may not be transitioned to non-terminated state"
            causes.append(forbidden(f"status.containerStatuses[{index}].state", why))
    return causes


def _ended(entry: dict[str, Any]) -> bool:
    return "terminated" in entry.get("state", {})
