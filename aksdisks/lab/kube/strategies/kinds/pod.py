"""Pods and pod templates (pkg/registry/core/pod, pkg/apis/core/validation)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.objects import fill
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, podcolumns, poddefaults, podspec, scheduling
from aksdisks.lab.kube.strategies.causes import NULL, forbidden, formed, immutable, invalid
from aksdisks.lab.kube.strategies.rules import Rule
from aksdisks.lab.kube.strategies.strategy import Strategy

_MAX_INT32 = 2**31 - 1
_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _defaults(pod: Object) -> None:
    spec = pod.setdefault("spec", {})
    poddefaults.pod_spec(spec)
    fill(spec, enableServiceLinks=True)
    # Requests follow limits, and the host's ports the containers', in pods only, not in templates.
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        resources = container.get("resources", {})
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
        for port in container.get("ports", ()) if spec.get("hostNetwork") else ():
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort", 0)


def _initial(pod: Object, now: str) -> None:
    del now
    pod["status"] = {"phase": "Pending", "qosClass": qos_class(pod["spec"])}


def qos_class(spec: Object) -> str:
    """BestEffort without cpu and memory resources, Guaranteed when all limits equal requests, else Burstable."""
    containers = [*spec.get("initContainers", ()), *spec.get("containers", ())]
    kinds = ("cpu", "memory")
    requests = [{k: v for k, v in c.get("resources", {}).get("requests", {}).items() if k in kinds} for c in containers]
    limits = [{k: v for k, v in c.get("resources", {}).get("limits", {}).items() if k in kinds} for c in containers]
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(
        len(limit) == 2 and (request or limit) == limit for request, limit in zip(requests, limits, strict=True)
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _always(at: str, pod: Object) -> list[Cause]:
    del at
    spec = pod.get("spec", {})
    return podspec.spec_errors("spec", spec, pod["metadata"].get("name", "")) + podspec.image_errors("spec", spec)


def _new(at: str, pod: Object) -> list[Cause]:
    del at
    spec = pod.get("spec", {})
    causes: list[Cause] = []
    if spec.get("ephemeralContainers"):
        causes.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        causes.append(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
    return causes


def _changes(new: Object, old: Object) -> list[Cause]:
    """Images, deadline, more tolerations, and fewer gates are all that may differ."""
    after, before = new["spec"], old["spec"]
    for key in ("containers", "initContainers"):
        if len(after.get(key, ())) != len(before.get(key, ())):
            return [forbidden(f"spec.{key}", "pod updates may not add or remove containers")]
    causes = podspec.image_errors("spec", after)  # upstream looks at them twice
    deadline, stop = _deadline(after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    causes += deadline
    if stop:
        return causes
    causes += _tolerations(after.get("tolerations", ()), before.get("tolerations", ()))
    gates = [gate.get("name") for gate in before.get("schedulingGates", ())]
    for index, gate in enumerate(after.get("schedulingGates", ())):
        if gate.get("name") not in gates:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            causes.append(forbidden(f"spec.schedulingGates[{index}].name", why))
    return causes + ([forbidden("spec", _MUTABLE)] if _as_it_was(after, before) != before else [])


def _deadline(new: int | None, old: int | None) -> tuple[list[Cause], bool]:
    """What is wrong, and whether nothing more is looked at."""
    field = "spec.activeDeadlineSeconds"
    if new is None:
        why = "must not update from a positive integer to nil value"
        return ([] if old is None else [invalid(field, NULL, why)]), False
    if not 0 <= new <= _MAX_INT32:
        return [invalid(field, new, f"must be between 0 and {_MAX_INT32}, inclusive")], True
    if old is not None and old < new:
        return [invalid(field, new, "must be less than or equal to previous value")], True
    return [], False


def _tolerations(new: Iterable[Object], old: Iterable[Object]) -> list[Cause]:
    kept = {_without_seconds(toleration) for toleration in new}
    if any(_without_seconds(toleration) not in kept for toleration in old):
        why = "existing toleration can not be modified except its tolerationSeconds"
        return [forbidden("spec.tolerations", why)]
    return scheduling.tolerations("spec.tolerations", new)


def _without_seconds(toleration: Object) -> frozenset[tuple[str, str]]:
    return frozenset((key, value) for key, value in toleration.items() if key != "tolerationSeconds")


_FREE = ("tolerations", "activeDeadlineSeconds", "schedulingGates")


def _as_it_was(after: Object, before: Object) -> Object:
    """The new spec with what may be changed as it was."""
    spec: Object = {key: value for key, value in after.items() if key not in _FREE}
    spec |= {key: before[key] for key in _FREE if key in before}
    for key in ("containers", "initContainers"):
        if key in spec:
            pairs = zip(spec[key], before[key], strict=True)
            spec[key] = [{**container, "image": was.get("image", "")} for container, was in pairs]
    if before.get("terminationGracePeriodSeconds", 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        spec["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    return spec


def _status_changes(new: Object, old: Object) -> list[Cause]:
    """A pod's quality of service and its node stay, what has ended stays so."""
    after, before = new.get("status", {}), old.get("status", {})
    causes: list[Cause] = []
    nominated = after.get("nominatedNodeName", "")
    if nominated and nominated != before.get("nominatedNodeName", ""):
        causes += formed("status.nominatedNodeName", nominated, names.subdomain_errors)
    causes += immutable("status.qosClass", after.get("qosClass", ""), before.get("qosClass", ""))
    policy = old["spec"].get("restartPolicy")
    sidecars = {c.get("name") for c in old["spec"].get("initContainers", ()) if c.get("restartPolicy") == "Always"}
    for key, restarts, exempt in (
        ("containerStatuses", policy, set()),
        ("initContainerStatuses", policy, sidecars),
        ("ephemeralContainerStatuses", "Never", set()),
    ):
        causes += _still_ended(f"status.{key}", after.get(key, ()), before.get(key, ()), restarts, exempt)
    return causes


def _still_ended(
    at: str, new: Iterable[Object], old: Iterable[Object], policy: str | None, exempt: set[str]
) -> list[Cause]:
    if policy == "Always":
        return []
    causes: list[Cause] = []
    running = {entry.get("name") for entry in new if "terminated" not in entry.get("state", {})}
    for index, entry in enumerate(old):
        ended = entry.get("state", {}).get("terminated")
        if ended is None or entry.get("name") in exempt:
            continue
        if ended.get("exitCode", 0) != 0 and policy == "OnFailure":
            continue
        if entry.get("name") in running:
            causes.append(forbidden(f"{at}[{index}].state", "may not be transitioned to non-terminated state"))
    return causes


def _warnings(new: Object, old: Object | None) -> Iterator[str]:
    # Upstream says nothing about changed pods: humans rarely write those.
    if old is None:
        yield from podspec.name_warnings(new, "this is used in the Pod's hostname")
        yield from podspec.spec_warnings("spec", new["spec"])


def _template_defaults(obj: Object) -> None:
    poddefaults.pod_spec(obj.setdefault("template", {}).setdefault("spec", {}))


_NAMES, _IMAGES = columns.containers("template")
_TEMPLATE_COLUMNS = (
    columns.NAME,
    replace(_NAMES, priority=0),
    replace(_IMAGES, priority=0),
    columns.column("Pod Labels", lambda item: columns.pairs(columns.find(item, "template.metadata.labels", {}))),
)
STRATEGIES = {
    "pods": Strategy(
        columns=podcolumns.COLUMNS,
        row_conditions=podcolumns.conditions,
        known_finalizers=True,
        metadata_checks="whole",
        status_keeps=("ownerReferences",),
        defaults=_defaults,
        initial=_initial,
        rules=(_always, _new),
        rules_on_update=(_always,),
        changes=(_changes,),
        status_changes=(_status_changes,),
        warnings=_warnings,
    ),
    "podtemplates": Strategy(
        columns=_TEMPLATE_COLUMNS,
        defaults=_template_defaults,
        rules=(Rule("template", lambda field, value: podspec.template_errors(field, value or {})),),
        raises_generation=lambda new, old: bool(new.get("template") != old.get("template")),
    ),
}
