"""What workloads share: a selector, a template of pods, counts in their status (pkg/apis/apps/validation)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.selectors import from_label_selector, matches
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import poddefaults, podspec
from aksdisks.lab.kube.strategies.causes import (
    forbidden,
    immutable,
    invalid,
    required,
    unsupported,
)
from aksdisks.lab.kube.strategies.defaults import Within, default, within
from aksdisks.lab.kube.strategies.metadata import annotation_map, is_readable_selector, label_selector, labels
from aksdisks.lab.kube.strategies.strategy import Warnings

_MISMATCH = "`selector` does not match template `labels`"


DEFAULTS = (
    default("", spec={}),
    default("spec", replicas=1),
    *poddefaults.template("spec"),
)
"""One replica, and the defaults of its pods."""


def rolls(strategy: Object) -> Object | None:
    """The default of a `rollingUpdate`: only a strategy of that type has one."""
    return {} if strategy.get("type") == "RollingUpdate" else None


def drop_zeros(*names: str) -> Within:
    """Leave out counts of zero that upstream's types omit."""

    def drop(status: Object) -> None:
        for name in names:
            if status.get(name) == 0:
                del status[name]

    return within("status", (drop,))


def selector_errors(spec: Object, kind: str, unreadable: str) -> list[Cause]:
    """A selector that can be read and selects something."""
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")]
    causes = label_selector("spec.selector", selector)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        causes.append(invalid("spec.selector", selector, f"empty selector is invalid for {kind}"))
    if not is_readable_selector(selector):
        causes.append(invalid("spec.selector", selector, unreadable))
    return causes


def template_errors(spec: Object, kind: str, more_volumes: Sequence[Object] = ()) -> list[Cause]:
    """A template of pods that always run; `more_volumes`: those that its pods will have besides its own."""
    template = spec.get("template", {})
    metadata: dict[str, Any] = template.get("metadata", {})
    found = metadata.get("labels", {})
    causes: list[Cause] = []
    selector = spec.get("selector")
    if selector is not None and not is_readable_selector(selector):
        return causes
    if selector is None or not matches(from_label_selector(selector), found):
        causes.append(invalid("spec.template.metadata.labels", found or None, _MISMATCH))
    causes += labels("spec.template.labels", found)
    causes += annotation_map("spec.template.annotations", metadata.get("annotations", {}))
    pods = dict(template.get("spec", {}))
    if more_volumes:
        taken = [volume["name"] for volume in more_volumes]
        pods["volumes"] = [*(v for v in pods.get("volumes", ()) if v.get("name") not in taken), *more_volumes]
    causes += podspec.template_errors("spec.template", {**template, "spec": pods})
    if pods.get("restartPolicy", "Always") != "Always":
        causes.append(unsupported("spec.template.spec.restartPolicy", pods["restartPolicy"], ("Always",)))
    if "activeDeadlineSeconds" in pods:
        why = f"activeDeadlineSeconds in {kind} is not Supported"
        causes.append(forbidden("spec.template.spec.activeDeadlineSeconds", why))
    return causes


def selector_change(new: Object, old: Object) -> list[Cause]:
    """A selector stays."""
    after, before = (one["spec"].get("selector") for one in (new, old))
    return immutable("spec.selector", after, before)


def template_warnings(*path: str, named: bool = True) -> Warnings:
    """Warnings of the pod template at a path, for new objects and changed specs; `named`: of the name as well."""

    def warnings(new: Object, old: Object | None) -> Iterator[str]:
        if old is not None and old["metadata"].get("generation") == new["metadata"].get("generation"):
            return
        if old is None and named:
            yield from podspec.name_warnings(new, "this is used in Pod names and hostnames")
        template = new
        for step in path:
            template = template.get(step, {})
        yield from podspec.spec_warnings(f"{'.'.join(path)}.spec", template.get("spec", {}))

    return warnings
