"""The custom resource ReplicatedStore: its definition, its names, and the objects that the operator makes of one."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

GROUP, VERSION, PLURAL, KIND = "aksdisks.dev", "v1alpha1", "replicatedstores", "ReplicatedStore"
CRD = f"{PLURAL}.{GROUP}"
STORE_LABEL = "aksdisks.dev/store"
ROLE_LABEL = "aksdisks.dev/role"
"""On each pod that holds all that is acknowledged: `primary` on one of them, `replica` on the others."""
TERM_ANNOTATION = "aksdisks.dev/term"
"""On a pod: the last term whose promotion it was a part of."""
CLAIM_TEMPLATE = "data"
FOLDER = "replicated-store"
"""Of a replica's disk, under the mount path: in it a folder for each term, and there a file for each write."""

Manifest = dict[str, Any]


def definition(labels: Mapping[str, str]) -> Manifest:
    """The CustomResourceDefinition, with these labels."""
    text = (Path(__file__).parent / "templates" / "replicated-store-crd.yaml").read_text(encoding="utf-8")
    made: Manifest = yaml.safe_load(text)
    if labels:
        made["metadata"]["labels"] = dict(labels)
    return made


def store(name: str, labels: Mapping[str, str], **spec: Any) -> Manifest:
    """A ReplicatedStore; `spec` has the fields that docs/operator.md lists, in Kubernetes' spelling."""
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": metadata, "spec": spec}


def read_command(mount_path: str) -> list[str]:
    """The command that prints the writes on a replica's disk, in their order: those of the newest term."""
    newest = 'cd "$1" 2> /dev/null || exit 0; last=$(ls | sort -n | tail -n 1); [ -z "$last" ] || cat "$last"/*'
    return ["sh", "-c", newest, "sh", f"{mount_path}/{FOLDER}"]


def claim_name(store_name: str, pod: str) -> str:
    """The claim of a store's pod."""
    return f"{CLAIM_TEMPLATE}-{store_name}-{pod.rpartition('-')[2]}"


def primary_service(store_name: str) -> str:
    """The Service that leads to the primary."""
    return f"{store_name}-primary"


def replicas_service(store_name: str) -> str:
    """The Service that leads to the other pods that hold all that is acknowledged."""
    return f"{store_name}-replicas"


def children(raw: Mapping[str, Any]) -> tuple[Manifest, ...]:
    """What a store, as the API gives it, is made of: two Services and a StatefulSet, which go with it.

    They carry the store's own labels; so whoever removes a run's objects by label finds these and their claims.
    """
    name, spec, metadata = raw["metadata"]["name"], raw["spec"], raw["metadata"]
    labels = {**(metadata.get("labels") or {}), STORE_LABEL: name}
    owner = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": name, "uid": metadata["uid"]}
    owners = [{**owner, "controller": True, "blockOwnerDeletion": False}]

    def made(version: str, kind: str, name: str, spec: Manifest) -> Manifest:
        about = {"name": name, "labels": labels, "ownerReferences": owners}
        return {"apiVersion": version, "kind": kind, "metadata": about, "spec": spec}

    def service(service_name: str, role: str, **more: Any) -> Manifest:
        selector, ports = {STORE_LABEL: name, ROLE_LABEL: role}, [{"name": "store", "port": 80}]
        return made("v1", "Service", service_name, {"selector": selector, "ports": ports, **more})

    return (
        service(primary_service(name), "primary"),
        service(replicas_service(name), "replica", clusterIP="None"),
        made("apps/v1", "StatefulSet", name, _set(name, spec, labels)),
    )


def _set(name: str, spec: Mapping[str, Any], labels: Mapping[str, str]) -> Manifest:
    """The spec of the StatefulSet: the store's pods, each with a claim of its own."""
    template = deepcopy(dict(spec["template"]))
    about = template.setdefault("metadata", {})
    about["labels"] = {**(about.get("labels") or {}), **labels}
    container = template["spec"]["containers"][0]
    mounts = [each for each in container.get("volumeMounts") or () if each.get("name") != CLAIM_TEMPLATE]
    container["volumeMounts"] = [*mounts, {"name": CLAIM_TEMPLATE, "mountPath": spec["mountPath"]}]
    claim: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": spec["size"]}}}
    if "storageClassName" in spec:
        claim["storageClassName"] = spec["storageClassName"]
    return {
        "replicas": spec["replicas"],
        "selector": {"matchLabels": {STORE_LABEL: name}},
        "serviceName": replicas_service(name),
        # A pod that waits for its disk keeps none of the others from starting.
        "podManagementPolicy": "Parallel",
        "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": CLAIM_TEMPLATE, "labels": dict(labels)}, "spec": claim}],
    }
