"""Pure builders of the article's objects; with the lab's default parameters they equal the article."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

RUN_LABEL = "aksdisks.dev/run"
FIELD_MANAGER = "aksdisks"

CLAIM = "azure-managed-disk"
DEPLOYMENT = "disk-deploy"
DEPLOYMENT_APP = "disk-pod"
STATEFUL_SET = "disk-stateful-set"
STATEFUL_APP = "stateful-disk-pod"
CLAIM_TEMPLATE = "azure-managed-disk-stateful"
LEASE = "aksdisks"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PodOptions:
    """What a target may need of pods beyond the article; the defaults add nothing."""

    image: str = "vplauzon/get-started:part2-no-redis"
    node_selector: Mapping[str, str] | None = None
    tolerations: tuple[Mapping[str, Any], ...] = ()
    cpu_request: str = ""
    memory_request: str = ""
    restricted: bool = False
    pull_secret: str = ""


def claim(labels: Mapping[str, str], storage_class: str, size: str) -> Manifest:
    """The article's PersistentVolumeClaim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(CLAIM, labels),
        "spec": _claim_spec(storage_class, size),
    }


def deployment(labels: Mapping[str, str], replicas: int, options: PodOptions) -> Manifest:
    """The article's Deployment, whose pods all mount the one claim."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(DEPLOYMENT, {"app": "busy-box-with-disk", **labels}),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": DEPLOYMENT_APP}},
            "template": {
                "metadata": {"labels": {"app": DEPLOYMENT_APP, **labels}},
                "spec": _pod_spec("volume", options)
                | {"volumes": [{"name": "volume", "persistentVolumeClaim": {"claimName": CLAIM}}]},
            },
        },
    }


def stateful_set(
    labels: Mapping[str, str], replicas: int, storage_class: str, size: str, options: PodOptions
) -> Manifest:
    """The article's StatefulSet; its claim template carries the run's label, so that each claim does."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": _metadata(STATEFUL_SET, {"app": "busy-box-with-stateful-set-disk", **labels}),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": STATEFUL_APP}},
            "serviceName": "stateful-disk-set",
            "template": {
                "metadata": {"labels": {"app": STATEFUL_APP, **labels}},
                "spec": _pod_spec(CLAIM_TEMPLATE, options),
            },
            "volumeClaimTemplates": [
                {"metadata": _metadata(CLAIM_TEMPLATE, labels), "spec": _claim_spec(storage_class, size)}
            ],
        },
    }


def namespace(name: str, labels: Mapping[str, str], restricted: bool) -> Manifest:
    """The run's own namespace; with `restricted` it enforces that Pod Security level."""
    level = {"pod-security.kubernetes.io/enforce": "restricted"} if restricted else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name, {**labels, **level})}


def stateful_claim(ordinal: int) -> str:
    """The name of the claim that the StatefulSet makes for its pod with this number."""
    return f"{CLAIM_TEMPLATE}-{STATEFUL_SET}-{ordinal}"


def stateful_pod(ordinal: int) -> str:
    """The name of the StatefulSet's pod with this number."""
    return f"{STATEFUL_SET}-{ordinal}"


def as_yaml(*manifests: Mapping[str, Any]) -> str:
    """The objects as a person would write them in one file for `kubectl apply -f`."""
    # Through JSON, so that shared parts are written out instead of becoming YAML aliases.
    plain = [json.loads(json.dumps(manifest)) for manifest in manifests]
    return yaml.safe_dump_all(plain, sort_keys=False, default_flow_style=False)


def _metadata(name: str, labels: Mapping[str, str]) -> Manifest:
    return {"name": name, "labels": dict(labels)} if labels else {"name": name}


def _claim_spec(storage_class: str, size: str) -> Manifest:
    return {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
    }


def _pod_spec(volume: str, options: PodOptions) -> Manifest:
    container: Manifest = {
        "name": "busy",
        "image": options.image,
        "ports": [{"containerPort": 80}],
        "volumeMounts": [{"name": volume, "mountPath": "/buffer"}],
    }
    requests = {"cpu": options.cpu_request, "memory": options.memory_request}
    requests = {name: amount for name, amount in requests.items() if amount}
    if requests:
        container["resources"] = {"requests": requests}
        if options.memory_request:
            container["resources"]["limits"] = {"memory": options.memory_request}
    spec: Manifest = {"containers": [container]}
    if options.node_selector:
        spec["nodeSelector"] = dict(options.node_selector)
    if options.tolerations:
        spec["tolerations"] = [dict(toleration) for toleration in options.tolerations]
    if options.pull_secret:
        spec["imagePullSecrets"] = [{"name": options.pull_secret}]
    if options.restricted:
        # The least that the restricted Pod Security level asks for; fsGroup lets a non-root user write to the disk.
        spec["securityContext"] = {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "fsGroup": 10001,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return spec
