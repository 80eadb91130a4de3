"""Pure builders of the article's objects; with the lab's default parameters they equal the article."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from aksdisks.parameters import Parameters

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
    claim_spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": parameters.storage_class,
        "resources": {"requests": {"storage": parameters.size}},
    }
    mounted = [{"name": "volume", "persistentVolumeClaim": {"claimName": CLAIM}}]
    template = {"metadata": _metadata(CLAIM_TEMPLATE, labels), "spec": claim_spec}

    def workload(app: str, volume: str, **pod_spec: Any) -> Manifest:
        pod = {"metadata": {"labels": {"app": app, **labels}}, "spec": _pod_spec(volume, parameters) | pod_spec}
        return {"selector": {"matchLabels": {"app": app}}, "template": pod}

    stateful = workload(STATEFUL_APP, CLAIM_TEMPLATE)
    return Objects(
        claim=_object("v1", "PersistentVolumeClaim", _metadata(CLAIM, labels), claim_spec),
        deployment=_object(
            "apps/v1",
            "Deployment",
            _metadata(DEPLOYMENT, {"app": "busy-box-with-disk", **labels}),
            {"replicas": 1, **workload(DEPLOYMENT_APP, "volume", volumes=mounted)},
        ),
        stateful_set=_object(
            "apps/v1",
            "StatefulSet",
            _metadata(STATEFUL_SET, {"app": "busy-box-with-stateful-set-disk", **labels}),
            {
                "replicas": parameters.stateful_replicas,
                "selector": stateful["selector"],
                "serviceName": "stateful-disk-set",
                "template": stateful["template"],
                "volumeClaimTemplates": [template],
            },
        ),
    )


def namespace(name: str, labels: Mapping[str, str], parameters: Parameters) -> Manifest:
    """The run's own namespace; with security `restricted` it enforces that Pod Security level."""
    level = {"pod-security.kubernetes.io/enforce": "restricted"} if parameters.security == "restricted" else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name, {**labels, **level})}


def made_by(raw: Mapping[str, Any]) -> str:
    """The run that made an object, by its label; empty for none."""
    return str((raw["metadata"].get("labels") or {}).get(RUN_LABEL, ""))


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


def _object(version: str, kind: str, metadata: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _metadata(name: str, labels: Mapping[str, str]) -> Manifest:
    return {"name": name, "labels": dict(labels)} if labels else {"name": name}


def _pod_spec(volume: str, parameters: Parameters) -> Manifest:
    container: Manifest = {
        "name": "busy",
        "image": parameters.image,
        "ports": [{"containerPort": 80}],
        "volumeMounts": [{"name": volume, "mountPath": MOUNT_PATH}],
    }
    requests = {"cpu": parameters.cpu_request, "memory": parameters.memory_request}
    limits = {"memory": parameters.memory_request}
    for name, amounts in (("requests", requests), ("limits", limits)):
        if asked := {resource: amount for resource, amount in amounts.items() if amount}:
            container.setdefault("resources", {})[name] = asked
    wanted = {
        "containers": [container],
        "nodeSelector": parameters.node_selector,
        "tolerations": parameters.tolerations,
        "imagePullSecrets": [{"name": parameters.pull_secret}] if parameters.pull_secret else [],
    }
    spec: Manifest = {name: value for name, value in wanted.items() if value}
    if parameters.security == "restricted":
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
