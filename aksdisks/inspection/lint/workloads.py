"""What runs pods: their template, how many there may be at once, which claims they mount, and where they may stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aksdisks.inspection.lint.documents import Path
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.model.decoding import find, listed, mapping

TEMPLATES: dict[str, Path] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where the pod template of a kind stands."""
WORKLOADS = tuple(TEMPLATES)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_HOOKS = ("helm.sh/hook", "argocd.argoproj.io/hook")
HOSTNAME = "kubernetes.io/hostname"
_NUMBER = re.compile("-?[0-9]{1,10}")


def at_path(raw: Any, path: Path) -> Any:
    """What stands there; None where nothing does."""
    for part in path:
        if isinstance(raw, dict):
            raw = raw.get(part)
        elif isinstance(raw, list) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        else:
            return None
    return raw


def image_parts(container: dict[str, Any]) -> list[str]:
    """The parts of a container's image name, without registry's ports, tag and digest at its end."""
    parts = str(container.get("image") or "").partition("@")[0].split("/")
    return [*parts[:-1], parts[-1].partition(":")[0]]


def count(found: Any) -> int | None:
    """A whole number, also one that is written as text (`"3"`), as it is meant; None for anything else."""
    if isinstance(found, str) and _NUMBER.fullmatch(found):
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of a pod template that is a claim of its namespace."""

    volume: str
    claim: str
    path: Path


@dataclass(frozen=True)
class Workload:
    """An object that runs pods."""

    manifest: Manifest

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.manifest.kind

    @property
    def namespace(self) -> str:
        """Its namespace, in which the claims stand that it mounts."""
        return self.manifest.namespace

    @property
    def spec(self) -> dict[str, Any]:
        """Its spec."""
        return mapping(self.manifest.raw, "spec")

    @property
    def template_path(self) -> Path:
        """Where its pod template stands."""
        return TEMPLATES[self.kind]

    @cached_property
    def template(self) -> dict[str, Any]:
        """Its pod template."""
        found = at_path(self.manifest.raw, self.template_path)
        return found if isinstance(found, dict) else {}

    @property
    def pod(self) -> dict[str, Any]:
        """The spec of its pods."""
        return mapping(self.template, "spec")

    @property
    def labels(self) -> dict[str, Any]:
        """The labels of its pods."""
        return mapping(self.template, "metadata.labels")

    @property
    def replicas(self) -> int | None:
        """The replicas that it asks for, 1 where it does not say; None for what is no number."""
        found = self.spec.get("replicas")
        return 1 if found is None else count(found)

    @property
    def volumes(self) -> list[tuple[Path, dict[str, Any]]]:
        """The volumes of its pods, each with its place."""
        found, place = self.pod.get("volumes"), (*self.template_path, "spec", "volumes")
        listed = enumerate(found if isinstance(found, list) else ())
        return [((*place, number), each) for number, each in listed if isinstance(each, dict)]

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """The claims that all its pods mount; a set's own claims, and ephemeral ones, are each pod's."""
        own = {template.name for template in self.claim_templates}
        found = [
            Mount(str(each.get("name", "")), name, path)
            for path, each in self.volumes
            if isinstance(name := find(each, "persistentVolumeClaim.claimName"), str)
        ]
        # A template's volume takes the place of one that has its name.
        return tuple(mount for mount in found if mount.volume not in own)

    @cached_property
    def claim_templates(self) -> tuple[ClaimTemplate, ...]:
        """The claims that a StatefulSet makes for each pod."""
        found = self.spec.get("volumeClaimTemplates") if self.kind == "StatefulSet" else None
        return tuple(
            ClaimTemplate(str(find(each, "metadata.name", "")), ("spec", "volumeClaimTemplates", number), each)
            for number, each in enumerate(found if isinstance(found, list) else ())
            if isinstance(each, dict)
        )

    def mounts_of(self, claim: str) -> Mount:
        """How it mounts a claim that it mounts."""
        return next(mount for mount in self.mounts if mount.claim == claim)

    @cached_property
    def host(self) -> str:
        """The one node that all its pods go to; empty where it names none."""
        named = find(self.pod, "nodeName") or mapping(self.pod, "nodeSelector").get(HOSTNAME)
        terms = listed(
            self.pod, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        )
        for rule in listed(terms[0], "matchExpressions") if len(terms) == 1 else ():
            values = rule.get("values")
            if rule.get("key") == HOSTNAME and rule.get("operator") == "In" and isinstance(values, list):
                named = named or (values[0] if len(values) == 1 else None)
        return str(named or "")

    def joins(self, other: Workload) -> bool:
        """Whether its pods only go to nodes where one of the other's is: by a required affinity to the same host."""
        place = f"affinity.podAffinity.{_REQUIRED}"
        return self.namespace == other.namespace and any(
            term.get("topologyKey") == HOSTNAME and selects(term.get("labelSelector"), other.labels)
            for term in listed(self.pod, place)
        )

    @property
    def ended(self) -> bool:
        """Whether it holds no disk: it has run, has nothing to run, or runs as a hook before the others."""
        status = mapping(self.manifest.raw, "status")
        ran = bool(status.get("completionTime")) or status.get("phase") in ("Succeeded", "Failed")
        return ran or self.replicas == 0 or any(name in _annotations(self) for name in _HOOKS)

    @property
    def kept_apart(self) -> bool:
        """Whether something spreads its pods over nodes or zones: an affinity against each other, or a constraint."""
        against = mapping(self.pod, "affinity.podAntiAffinity")
        preferred = listed(against, "preferredDuringSchedulingIgnoredDuringExecution")
        terms = [*listed(against, "requiredDuringSchedulingIgnoredDuringExecution")]
        terms += [mapping(each, "podAffinityTerm") for each in preferred]
        return any(
            selects(each.get("labelSelector"), self.labels)
            for each in (*terms, *listed(self.pod, "topologySpreadConstraints"))
        )

    @property
    def on_one_node(self) -> bool:
        """Whether all its pods stand on one node."""
        return bool(self.host) or self.joins(self)


def _annotations(workload: Workload) -> dict[str, Any]:
    return mapping(workload.manifest.raw, "metadata.annotations")


@dataclass(frozen=True, slots=True)
class ClaimTemplate:
    """A claim that a StatefulSet makes for each of its pods."""

    name: str
    path: Path
    raw: dict[str, Any]


def selects(selector: Any, labels: dict[str, Any]) -> bool:
    """Whether a label selector selects an object with these labels; one that is not there selects none."""
    if not isinstance(selector, dict):
        return False
    wanted = mapping(selector, "matchLabels")
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        _holds(rule, labels) for rule in listed(selector, "matchExpressions")
    )


def _holds(rule: dict[str, Any], labels: dict[str, Any]) -> bool:
    key, values = rule.get("key"), rule.get("values") or ()
    match rule.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
