"""Validation of jobs and cron jobs (pkg/apis/batch/validation)."""

from __future__ import annotations

import re

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import podspecs
from aksdisks.lab.kube.validators.causes import immutable, invalid, not_negative, one_of, required, unsupported
from aksdisks.lab.kube.validators.meta import annotation_map, label_selector, labels

_CONCURRENCY = ("Allow", "Forbid", "Replace")
_MAX_CRON_NAME = 52


def job(obj: Object) -> list[Cause]:
    """A new Job."""
    return _job_spec("spec", obj.get("spec", {}))


def _job_spec(at: str, spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    for key in ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"):
        causes += not_negative(f"{at}.{key}", spec.get(key))
    causes += label_selector(f"{at}.selector", spec.get("selector"))
    template = spec.get("template", {})
    causes += labels(f"{at}.template.labels", template.get("metadata", {}).get("labels", {}))
    causes += annotation_map(f"{at}.template.annotations", template.get("metadata", {}).get("annotations", {}))
    causes += podspecs.template(f"{at}.template", template)
    policy = template.get("spec", {}).get("restartPolicy")
    if policy == "Always":
        why = 'valid values: "OnFailure", "Never"'
        causes.append(required(f"{at}.template.spec.restartPolicy", why))
    elif policy not in ("OnFailure", "Never"):
        causes.append(unsupported(f"{at}.template.spec.restartPolicy", policy, ("OnFailure", "Never")))
    return causes


def job_update(new: Object, old: Object) -> list[Cause]:
    """A changed Job: what it runs stays."""
    causes = job(new)
    for key in ("completions", "selector", "template", "completionMode"):
        causes += immutable(f"spec.{key}", new["spec"].get(key), old["spec"].get(key))
    return causes


def cron_job(obj: Object) -> list[Cause]:
    """A schedule of five fields, and a Job."""
    spec, name = obj.get("spec", {}), obj["metadata"].get("name", "")
    schedule = spec.get("schedule", "")
    causes: list[Cause] = []
    if not schedule:
        causes.append(required("spec.schedule"))
    else:
        causes += _schedule(schedule)
    zone = spec.get("timeZone")
    if zone is not None and not re.fullmatch("[A-Za-z_+-]+(/[A-Za-z0-9_+-]+)*", zone):
        causes.append(invalid("spec.timeZone", zone, f"unknown time zone {zone}"))
    causes += not_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    causes += one_of("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), _CONCURRENCY)
    causes += _job_spec("spec.jobTemplate.spec", spec.get("jobTemplate", {}).get("spec", {}))
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        causes += not_negative(f"spec.{key}", spec.get(key))
    if len(name) > _MAX_CRON_NAME:
        causes.append(invalid("metadata.name", name, f"must be no more than {_MAX_CRON_NAME} characters"))
    return causes


def cron_job_update(new: Object, old: Object) -> list[Cause]:  # noqa: ARG001 - the shape that all updates share
    """A changed CronJob."""
    return cron_job(new)


def _schedule(schedule: str) -> list[Cause]:
    if schedule.startswith("@"):
        known = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
        if schedule in known or re.fullmatch("@every [0-9.hmsuµn]+", schedule):
            return []
        return [invalid("spec.schedule", schedule, f"unrecognized descriptor: {schedule}")]
    fields = schedule.split()
    if fields and fields[0].startswith(("TZ=", "CRON_TZ=")):
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [invalid("spec.schedule", schedule, why)]
    if len(fields) != 5:
        why = f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
        return [invalid("spec.schedule", schedule, why)]
    for field in fields:
        if not re.fullmatch(r"[0-9A-Za-z*?,/-]+", field):
            return [invalid("spec.schedule", schedule, f"failed to parse int from {field}")]
    return []
