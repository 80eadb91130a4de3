"""Pods and pod templates (pkg/registry/core/pod, pkg/apis/core/validation)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.kube.admission import plugins, pod_security
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.durations import parse_time
from aksdisks.lab.kube.schema.resource import Field, Resource, fields, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, podcolumns, poddefaults, podspec, scheduling
from aksdisks.lab.kube.strategies.causes import NULL, forbidden, formed, immutable, invalid
from aksdisks.lab.kube.strategies.defaults import default, within
from aksdisks.lab.kube.strategies.metadata import stamp_deletion
from aksdisks.lab.kube.strategies.rules import Rule
from aksdisks.lab.kube.strategies.strategy import Strategy

_MAX_INT32 = 2**31 - 1
_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _requests(spec: Object) -> None:
    """Requests follow limits, and the host's ports the containers', in pods only, not in templates."""
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        resources = container.get("resources", {})
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
        for port in container.get("ports", ()) if spec.get("hostNetwork") else ():
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort", 0)


_DEFAULTS = (
    default("", spec={}),
    within("spec", poddefaults.POD_SPEC),
    default("spec", enableServiceLinks=True),
    within("spec", (_requests,)),
)


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
    """Images, deadline, more tolerations, fewer gates, and more of a gated pod's node selector may differ."""
    after, before = new["spec"], old["spec"]
    for key in ("containers", "initContainers"):
        if len(after.get(key, ())) != len(before.get(key, ())):
            return [forbidden(f"spec.{key}", "pod updates may not add or remove containers")]
    causes = podspec.image_errors("spec", after)  # upstream looks at them twice
    deadline = _deadline(after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    causes += deadline
    if deadline and "activeDeadlineSeconds" in after:
        return causes
    causes += _tolerations(after.get("tolerations", ()), before.get("tolerations", ()))
    gates = [gate.get("name") for gate in before.get("schedulingGates", ())]
    for index, gate in enumerate(after.get("schedulingGates", ())):
        if gate.get("name") not in gates:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            causes.append(forbidden(f"spec.schedulingGates[{index}].name", why))
    selector = after.get("nodeSelector", {})
    if gates and not before.get("nodeSelector", {}).items() <= selector.items():
        why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        causes.append(invalid("spec.nodeSelector", selector, why))
    return causes + ([forbidden("spec", _MUTABLE)] if _as_it_was(after, before) != before else [])


def _deadline(new: int | None, old: int | None) -> list[Cause]:
    why = ""
    if new is None:
        why = "must not update from a positive integer to nil value" if old is not None else ""
    elif not 0 <= new <= _MAX_INT32:
        why = f"must be between 0 and {_MAX_INT32}, inclusive"
    elif old is not None and old < new:
        why = "must be less than or equal to previous value"
    return [invalid("spec.activeDeadlineSeconds", NULL if new is None else new, why)] if why else []


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
    free = (*_FREE, "nodeSelector") if before.get("schedulingGates") else _FREE
    spec: Object = {key: value for key, value in after.items() if key not in free}
    spec |= {key: before[key] for key in free if key in before}
    for key in ("containers", "initContainers"):
        if key in spec:
            pairs = zip(spec[key], before[key], strict=True)
            spec[key] = [{**container, "image": was.get("image", "")} for container, was in pairs]
    if before.get("terminationGracePeriodSeconds", 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        spec["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    return spec


def _status_changes(new: Object, old: Object) -> list[Cause]:
    """A pod's quality of service stays."""
    after, before = new.get("status", {}), old.get("status", {})
    causes: list[Cause] = []
    nominated = after.get("nominatedNodeName", "")
    if nominated and nominated != before.get("nominatedNodeName", ""):
        causes += formed("status.nominatedNodeName", nominated, names.subdomain_errors)
    causes += immutable("status.qosClass", after.get("qosClass", ""), before.get("qosClass", ""))
    return causes


def _warnings(new: Object, old: Object | None) -> Iterator[str]:
    # Upstream says nothing about changed pods: humans rarely write those.
    if old is None:
        yield from podspec.name_warnings(new, "this is used in the Pod's hostname")
        yield from podspec.spec_warnings("spec", new["spec"])


def _mark_deleted(pod: Object, asked: int | None, now: datetime) -> bool:
    """Give a pod its deletion time, or shorten the one it has (pkg/registry/core/pod CheckGracefulDelete)."""
    metadata, spec = pod["metadata"], pod["spec"]
    if "deletionTimestamp" in metadata:
        left = metadata.get("deletionGracePeriodSeconds", 0)
        if asked is None or asked >= left:
            return False
        before = parse_time(metadata["deletionTimestamp"])
        metadata["deletionTimestamp"] = timestamp(max(now, before + timedelta(seconds=asked - left)))
        metadata["deletionGracePeriodSeconds"] = asked
        return True
    grace = spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked
    if not spec.get("nodeName") or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        grace = 0
    stamp_deletion(metadata, now, max(grace, 0))
    return True


_NAMES, _IMAGES = columns.containers("template")
_TEMPLATE_COLUMNS = (
    columns.NAME,
    replace(_NAMES, priority=0),
    replace(_IMAGES, priority=0),
    columns.column("Pod Labels", lambda item: columns.pairs(find(item, "template.metadata.labels", {}))),
)
STRATEGIES = (
    Strategy(
        Resource(
            "pods",
            "Pod",
            short_names=("po",),
            categories=("all",),
            subresources=("attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "status"),
            generation=True,
            selectable=(
                *fields("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName"),
                *fields("status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"),
                Field("spec.hostNetwork", zero="false"),
            ),
            probed=True,
        ),
        columns=podcolumns.COLUMNS,
        returns_deleted=True,
        row_conditions=podcolumns.conditions,
        known_finalizers=True,
        metadata_checks="whole",
        status_keeps=("ownerReferences",),
        defaults=_DEFAULTS,
        admit=(plugins.service_account, plugins.tolerations, plugins.priority),
        admit_update=(plugins.keep_admitted,),
        status=lambda pod, _: {"phase": "Pending", "qosClass": qos_class(pod["spec"])},
        rules=(_always, _new),
        rules_on_update=(_always,),
        changes=(_changes,),
        status_changes=(_status_changes,),
        validating_admission=pod_security.check_pod,
        mark_deleted=_mark_deleted,
        warnings=_warnings,
        admission_warnings=pod_security.template_warnings(),
    ),
    Strategy(
        Resource("podtemplates", "PodTemplate", generation=True),
        columns=_TEMPLATE_COLUMNS,
        returns_deleted=True,
        defaults=poddefaults.template(""),
        rules=(Rule("template", lambda field, value: podspec.template_errors(field, value or {})),),
        raises_generation=lambda new, old: bool(new.get("template") != old.get("template")),
    ),
)
