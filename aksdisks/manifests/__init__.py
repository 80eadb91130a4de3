"""Pure builders of the article's objects; with the lab's default parameters they equal the article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from aksdisks.parameters import Parameters

if TYPE_CHECKING:
    from jinja2 import Template

RUN_LABEL = "aksdisks.dev/run"
FIELD_MANAGER = "aksdisks"

CLAIM = "azure-managed-disk"
DEPLOYMENT = "disk-deploy"
DEPLOYMENT_APP = "disk-pod"
STATEFUL_SET = "disk-stateful-set"
STATEFUL_APP = "stateful-disk-pod"
CLAIM_TEMPLATE = "azure-managed-disk-stateful"
MOUNT_PATH = "/buffer"
LEASE = "aksdisks"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Objects:
    """The article's objects as the parameters want them, with one replica and the stateful set's full number."""

    claim: Manifest
    deployment: Manifest
    stateful_set: Manifest


def objects_for(parameters: Parameters, labels: Mapping[str, str]) -> Objects:
    """The objects of a run; `labels` are on each, on the pods' template and on the claims' template."""
    names = {"claim_name": CLAIM, "deployment": DEPLOYMENT, "deployment_app": DEPLOYMENT_APP, "mount_path": MOUNT_PATH}
    names |= {"stateful_set": STATEFUL_SET, "stateful_app": STATEFUL_APP, "claim_template": CLAIM_TEMPLATE}
    text = template().render(p=parameters, labels=dict(labels), **names)
    return Objects(*yaml.safe_load_all(text))


@cache
def template() -> Template:
    """The template of the article's objects, compiled once; it makes YAML, so nothing is escaped for HTML."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader(__name__), keep_trailing_newline=True)
    environment.policies["json.dumps_kwargs"] = {}  # else keys would be sorted
    return environment.get_template("objects.yaml.j2")


def namespace(name: str, labels: Mapping[str, str], parameters: Parameters) -> Manifest:
    """The run's own namespace; with security `restricted` it enforces that Pod Security level."""
    level = {"pod-security.kubernetes.io/enforce": "restricted"} if parameters.security == "restricted" else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, **level}}}


def made_by(raw: Mapping[str, Any]) -> str:
    """The run that made an object, by its label; empty for none."""
    return str((raw["metadata"].get("labels") or {}).get(RUN_LABEL, ""))


def stateful_claim(ordinal: int) -> str:
    """The name of the claim that the StatefulSet makes for its pod with this number."""
    return f"{CLAIM_TEMPLATE}-{STATEFUL_SET}-{ordinal}"


def stateful_pod(ordinal: int) -> str:
    """The name of the StatefulSet's pod with this number."""
    return f"{STATEFUL_SET}-{ordinal}"


def as_yaml(manifest: Manifest) -> str:
    """An object as a person would write it in a file for `kubectl apply -f`."""
    return yaml.safe_dump(manifest, sort_keys=False)
