"""The cells of rows of kinds about disruption, endpoints, access, priority, batches and scale (as in `cells`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.printers.columns import age_of, containers, selector
from aksdisks.lab.kube.printers.durations import age, human_duration, parse_time

_NONE, _UNSET, _NOT_APPLICABLE = "<none>", "<unset>", "N/A"
_SHOWN = 3
"""How many ports or addresses a row names before it counts the rest."""


def disruption_budget(item: Object, now: datetime) -> Sequence[Any]:
    """What must stay, what may go, and how much may go now."""
    spec = item.get("spec", {})
    return (
        item["metadata"]["name"],
        str(spec.get("minAvailable", _NOT_APPLICABLE)),
        str(spec.get("maxUnavailable", _NOT_APPLICABLE)),
        item.get("status", {}).get("disruptionsAllowed", 0),
        age_of(item, now),
    )


def endpoint_slice(item: Object, now: datetime) -> Sequence[Any]:
    """The first ports and addresses."""
    ports = [str(port.get("port", port.get("name", "*"))) for port in item.get("ports") or ()]
    addresses = [address for endpoint in item.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return (item["metadata"]["name"], item.get("addressType", ""), _some(ports), _some(addresses), age_of(item, now))


def _some(values: Sequence[str]) -> str:
    shown = ",".join(values[:_SHOWN]) or _UNSET
    return f"{shown} + {len(values) - _SHOWN} more..." if len(values) > _SHOWN else shown


def role_binding(item: Object, now: datetime) -> Sequence[Any]:
    """The role and who has it."""
    role = item.get("roleRef", {})
    subjects = item.get("subjects") or ()

    def named(kind: str) -> str:
        of_kind = [entry for entry in subjects if entry.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{entry.get('namespace', '')}/{entry.get('name', '')}" for entry in of_kind)
        return ", ".join(entry.get("name", "") for entry in of_kind)

    return (
        item["metadata"]["name"],
        f"{role.get('kind', '')}/{role.get('name', '')}",
        age_of(item, now),
        named("User"),
        named("Group"),
        named("ServiceAccount"),
    )


def cron_job(item: Object, now: datetime) -> Sequence[Any]:
    """The schedule and what it last did."""
    spec, status = item.get("spec", {}), item.get("status", {})
    suspended = spec.get("suspend")
    template = spec.get("jobTemplate", {}).get("spec", {})
    return (
        item["metadata"]["name"],
        spec.get("schedule", ""),
        spec.get("timeZone", _NONE),
        _UNSET if suspended is None else str(suspended),
        len(status.get("active") or ()),
        age(status["lastScheduleTime"], now) if status.get("lastScheduleTime") else _NONE,
        age_of(item, now),
        *containers(template.get("template", {})),
        selector(template.get("selector")),
    )


def job(item: Object, now: datetime) -> Sequence[Any]:
    """How far it has come."""
    spec, status = item.get("spec", {}), item.get("status", {})
    done, parallel = status.get("succeeded", 0), spec.get("parallelism", 0)
    if spec.get("completions") is not None:
        completions = f"{done}/{spec['completions']}"
    else:
        completions = f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"
    return (
        item["metadata"]["name"],
        _job_status(item),
        completions,
        _job_duration(status, now),
        age_of(item, now),
        *containers(spec.get("template", {})),
        selector(spec.get("selector")),
    )


def _job_status(item: Object) -> str:
    conditions = item.get("status", {}).get("conditions") or ()
    true = {entry.get("type") for entry in conditions if entry.get("status") == "True"}
    if "deletionTimestamp" in item["metadata"] and not true & {"Complete", "Failed"}:
        return "Terminating"
    order = ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((condition for condition in order if condition in true), "Running")


def _job_duration(status: Object, now: datetime) -> str:
    if not status.get("startTime"):
        return ""
    end = parse_time(status["completionTime"]) if status.get("completionTime") else now
    return human_duration((end - parse_time(status["startTime"])).total_seconds())


def priority_class(item: Object, now: datetime) -> Sequence[Any]:
    """Its value and what it does to others."""
    return (
        item["metadata"]["name"],
        item.get("value", 0),
        item.get("globalDefault", False),
        age_of(item, now),
        item.get("preemptionPolicy", ""),
    )


def scale(item: Object, now: datetime) -> Sequence[Any]:
    """The subresource of what is scaled: how many are wanted, and how many there are."""
    wanted, present = item["spec"].get("replicas", 0), item["status"].get("replicas", 0)
    return (item["metadata"]["name"], wanted, present, age_of(item, now))


def pod_template(item: Object, now: datetime) -> Sequence[Any]:
    """What its pods are made of."""
    del now
    template = item.get("template", {})
    labels = sorted((template.get("metadata", {}).get("labels") or {}).items())
    shown = ",".join(f"{key}={value}" for key, value in labels)
    return (item["metadata"]["name"], *containers(template), shown or _NONE)


def storage_capacity(item: Object, now: datetime) -> Sequence[Any]:
    """How much a driver could still provide where."""
    del now
    return (item["metadata"]["name"], item.get("storageClassName", ""), item.get("capacity", ""))
