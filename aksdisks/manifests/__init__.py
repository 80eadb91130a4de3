"""Pure builders of the article's objects; with the lab's default parameters they equal the article."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from aksdisks.parameters import Parameters

if TYPE_CHECKING:
    from jinja2 import Template

RUN_LABEL = "aksdisks.dev/run"
NAMESPACE_LABEL = "aksdisks.dev/namespace"
"""On objects outside namespaces: the namespace of the run that made them."""
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


def another_claim(objects: Objects, name: str) -> Manifest:
    """The article's claim under another name."""
    made = deepcopy(objects.claim)
    made["metadata"]["name"] = name
    return made


def another_deployment(objects: Objects, name: str) -> Manifest:
    """The article's Deployment under another name, which is that of its claim and its pods' app, too; Recreate."""
    made = deepcopy(objects.deployment)
    made["metadata"] |= {"name": name}
    _set_app(made, name)
    made["spec"]["strategy"] = {"type": "Recreate"}
    made["spec"]["template"]["spec"]["volumes"] = [{"name": "volume", "persistentVolumeClaim": {"claimName": name}}]
    return made


def another_stateful_set(objects: Objects, name: str, replicas: int) -> Manifest:
    """The article's StatefulSet under another name, which is that of its pods' app, too."""
    made = deepcopy(objects.stateful_set)
    made["metadata"] |= {"name": name}
    _set_app(made, name)
    made["spec"]["replicas"] = replicas
    return made


def _set_app(workload: Manifest, app: str) -> None:
    workload["spec"]["selector"] = {"matchLabels": {"app": app}}
    workload["spec"]["template"]["metadata"]["labels"]["app"] = app


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


def stateful_claim(ordinal: int, stateful_set: str = STATEFUL_SET) -> str:
    """The name of the claim that the StatefulSet makes for its pod with this number."""
    return f"{CLAIM_TEMPLATE}-{stateful_set}-{ordinal}"


def stateful_pod(ordinal: int) -> str:
    """The name of the StatefulSet's pod with this number."""
    return f"{STATEFUL_SET}-{ordinal}"


def as_yaml(manifest: Manifest) -> str:
    """An object as a person would write it in a file for `kubectl apply -f`."""
    return yaml.safe_dump(manifest, sort_keys=False)
