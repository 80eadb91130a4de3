"""Jobs and CronJobs (pkg/registry/batch, pkg/apis/batch/validation)."""

from __future__ import annotations

import re
from datetime import datetime

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission import pod_security
from aksdisks.lab.kube.schema.durations import age, human_duration, parse_time
from aksdisks.lab.kube.schema.resource import BATCH, Field, Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns, poddefaults, podspec, workloads
from aksdisks.lab.kube.strategies.causes import invalid, required, unsupported
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.metadata import annotation_map, label_selector, labels
from aksdisks.lab.kube.strategies.rules import Fixed, Rule, Rules, enumeration, nested, not_negative
from aksdisks.lab.kube.strategies.strategy import Strategy

_MAX_CRON_NAME = 52


_DEFAULTS = (
    default("", spec={}),
    *poddefaults.template("spec"),
    default(
        "spec",
        completions=lambda spec: None if "parallelism" in spec else 1,
        parallelism=1,
        backoffLimit=6,
        completionMode="NonIndexed",
        suspend=False,
        podReplacementPolicy=lambda spec: "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed",
    ),
)


def _prepare(job: Object, old: Object | None) -> None:
    """Unless the Job says otherwise, labels by which it knows its pods, of its uid (job/strategy.go)."""
    if old is not None or job["spec"].get("manualSelector"):
        return
    uid, name = job["metadata"]["uid"], job["metadata"].get("name", "")
    found = job["spec"]["template"].setdefault("metadata", {}).setdefault("labels", {})
    found |= {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    found |= {"controller-uid": uid, "job-name": name}
    job["spec"].setdefault("selector", {}).setdefault("matchLabels", {})["batch.kubernetes.io/controller-uid"] = uid


_CRON_DEFAULTS = (
    default("", spec={}),
    default(
        "spec",
        jobTemplate={},
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    ),
    default("spec.jobTemplate", spec={}),
    *poddefaults.template("spec.jobTemplate.spec"),
)


def _template(at: str, spec: Object) -> list[Cause]:
    template, at = spec.get("template", {}), f"{at}.template"
    causes = labels(f"{at}.labels", template.get("metadata", {}).get("labels", {}))
    causes += annotation_map(f"{at}.annotations", template.get("metadata", {}).get("annotations", {}))
    causes += podspec.template_errors(at, template)
    policy = template.get("spec", {}).get("restartPolicy")
    if policy == "Always":
        causes.append(required(f"{at}.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    elif policy not in ("OnFailure", "Never"):
        causes.append(unsupported(f"{at}.spec.restartPolicy", policy, ("OnFailure", "Never")))
    return causes


_SPEC: Rules = (
    *not_negative("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"),
    Rule("selector", label_selector),
    _template,
)


def _schedule(field: str, schedule: str | None) -> list[Cause]:
    parts = (schedule or "").split()
    if not parts:
        return [required(field)]
    if len(parts) != 5 and not parts[0].startswith("@"):
        return [invalid(field, schedule, f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]")]
    wrong = [part for part in parts if not re.fullmatch(r"[0-9A-Za-z*?,/.@-]+", part)]
    return [invalid(field, schedule, f"failed to parse int from {wrong[0]}")] if wrong else []


def _name(field: str, name: str | None) -> list[Cause]:
    why = f"must be no more than {_MAX_CRON_NAME} characters"
    return [invalid(field, name, why)] if len(name or "") > _MAX_CRON_NAME else []


def _completions(item: Object) -> str:
    done, parallel = find(item, "status.succeeded", 0), find(item, "spec.parallelism", 0)
    wanted = find(item, "spec.completions", None)
    if wanted is not None:
        return f"{done}/{wanted}"
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _status(item: Object) -> str:
    true = {entry.get("type") for entry in find(item, "status.conditions", ()) if entry.get("status") == "True"}
    if "deletionTimestamp" in item["metadata"] and not true & {"Complete", "Failed"}:
        return "Terminating"
    order = ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((condition for condition in order if condition in true), "Running")


def _duration(item: Object, now: datetime) -> str:
    status = item.get("status", {})
    if not status.get("startTime"):
        return ""
    end = parse_time(status["completionTime"]) if status.get("completionTime") else now
    return human_duration((end - parse_time(status["startTime"])).total_seconds())


def _last(item: Object, now: datetime) -> str:
    last = find(item, "status.lastScheduleTime", None)
    return age(last, now) if last else columns.NONE


_JOBS_COLUMNS = (
    columns.NAME,
    column("Status", _status),
    column("Completions", _completions),
    columns.Column("Duration", _duration),
    columns.AGE,
    *columns.containers("spec.template"),
    columns.selector("spec.selector"),
)
_CRONJOBS_COLUMNS = (
    columns.NAME,
    column("Schedule", "spec.schedule"),
    column("Timezone", "spec.timeZone", columns.NONE),
    column("Suspend", lambda item: str(find(item, "spec.suspend", columns.UNSET))),
    column("Active", lambda item: len(find(item, "status.active", ())), type="integer"),
    columns.Column("Last Schedule", _last),
    columns.AGE,
    *columns.containers("spec.jobTemplate.spec.template"),
    columns.selector("spec.jobTemplate.spec.selector"),
)
STRATEGIES = (
    Strategy(
        Resource(
            "jobs",
            "Job",
            BATCH,
            categories=("all",),
            subresources=("status",),
            generation=True,
            selectable=(Field("status.successful", "status.succeeded", zero="0"),),
        ),
        columns=_JOBS_COLUMNS,
        known_finalizers=True,
        defaults=_DEFAULTS,
        status={},
        prepare=_prepare,
        rules=(nested("spec", _SPEC),),
        changes=tuple(Fixed(f"spec.{key}") for key in ("completions", "selector", "template", "completionMode")),
        warnings=workloads.template_warnings("spec", "template"),
        admission_warnings=pod_security.template_warnings("spec", "template"),
    ),
    Strategy(
        Resource(
            "cronjobs",
            "CronJob",
            BATCH,
            short_names=("cj",),
            categories=("all",),
            subresources=("status",),
            generation=True,
        ),
        columns=_CRONJOBS_COLUMNS,
        known_finalizers=True,
        defaults=_CRON_DEFAULTS,
        status={},
        rules=(
            Rule("spec.schedule", _schedule),
            *not_negative("spec.startingDeadlineSeconds"),
            enumeration("spec.concurrencyPolicy", "Allow", "Forbid", "Replace", must=True),
            nested("spec.jobTemplate.spec", _SPEC),
            *not_negative("spec.successfulJobsHistoryLimit", "spec.failedJobsHistoryLimit"),
            Rule("metadata.name", _name),
        ),
        warnings=workloads.template_warnings("spec", "jobTemplate", "spec", "template"),
        admission_warnings=pod_security.template_warnings("spec", "jobTemplate", "spec", "template"),
    ),
)
