"""The defaults that upstream fills in, and the status that a new object starts with."""

from __future__ import annotations

import base64
from collections.abc import Callable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import decoding
from aksdisks.lab.kube.strategies import pod_defaults
from aksdisks.lab.kube.strategies.pod_defaults import fill

_ROLLING = {"maxUnavailable": "25%", "maxSurge": "25%"}


def apply(resource: str, obj: Object) -> None:
    """Fill in what the object leaves out (pkg/apis/*/v1/defaults.go); changes `obj`."""
    complete = _BY_RESOURCE.get(resource)
    if complete is not None:
        complete(obj)
    decoding.complete(resource, obj)


def first_status(resource: str, obj: Object, now: str) -> None:
    """Replace the status of a new object by the one its strategy gives it, and a Job's selector; changes `obj`."""
    if resource == "pods":
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj["spec"])}
    elif resource == "persistentvolumeclaims":
        obj["status"] = {"phase": "Pending"}
    elif resource == "persistentvolumes":
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": now}
    elif resource == "namespaces":
        obj["spec"] = {"finalizers": ["kubernetes"]}
        obj["status"] = {"phase": "Active"}
    elif resource in _EMPTY_STATUS:
        obj["status"] = dict(_EMPTY_STATUS[resource])
    if resource == "jobs" and not obj["spec"].get("manualSelector"):
        _select_own_pods(obj)


_EMPTY_STATUS: dict[str, Object] = {
    "deployments": {},
    "replicasets": {"replicas": 0},
    "statefulsets": {"replicas": 0, "availableReplicas": 0},
    "services": {"loadBalancer": {}},
    "volumeattachments": {"attached": False},
    "poddisruptionbudgets": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    "cronjobs": {},
    "jobs": {},
}


def qos_class(spec: Object) -> str:
    """BestEffort without cpu and memory resources, Guaranteed when all limits equal requests, else Burstable."""
    containers = [*spec.get("initContainers", ()), *spec.get("containers", ())]
    kinds = ("cpu", "memory")
    requests = [{k: v for k, v in c.get("resources", {}).get("requests", {}).items() if k in kinds} for c in containers]
    limits = [{k: v for k, v in c.get("resources", {}).get("limits", {}).items() if k in kinds} for c in containers]
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(
        len(limit) == 2 and (request or limit) == limit for request, limit in zip(requests, limits, strict=True)
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _pod(pod: Object) -> None:
    spec = pod.setdefault("spec", {})
    pod_defaults.pod_spec(spec)
    fill(spec, enableServiceLinks=True)
    # Requests follow limits, and the host's ports the containers', in pods only, not in templates.
    for container in [*spec.get("initContainers", ()), *spec.get("containers", ())]:
        resources = container.get("resources", {})
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
        for port in container.get("ports", ()) if spec.get("hostNetwork") else ():
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort", 0)


def _claim(claim: Object) -> None:
    fill(claim.setdefault("spec", {}), volumeMode="Filesystem")


def _persistent_volume(volume: Object) -> None:
    spec = volume.setdefault("spec", {})
    fill(spec, persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    pod_defaults.volume_source(spec)


def _template(obj: Object) -> Object:
    spec: Object = obj.setdefault("spec", {})
    fill(spec, replicas=1)
    pod_defaults.pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    return spec


def _deployment(obj: Object) -> None:
    spec = _template(obj)
    strategy = spec.setdefault("strategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy, rollingUpdate={})
        fill(strategy["rollingUpdate"], **_ROLLING)
    fill(spec, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _drop_zeros(obj, "observedGeneration", "replicas", *_READINESS, "unavailableReplicas")


def _pod_template(obj: Object) -> None:
    pod_defaults.pod_spec(obj.setdefault("template", {}).setdefault("spec", {}))


def _replica_set(obj: Object) -> None:
    _template(obj)
    _drop_zeros(obj, "observedGeneration", "fullyLabeledReplicas", *_READINESS)


def _stateful_set(obj: Object) -> None:
    spec = _template(obj)
    fill(spec, podManagementPolicy="OrderedReady", revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy, rollingUpdate={})
        fill(strategy["rollingUpdate"], partition=0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    fill(retention, whenDeleted="Retain", whenScaled="Retain")
    for index, claim in enumerate(spec.get("volumeClaimTemplates", ())):
        _claim(claim)
        head = {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
        spec["volumeClaimTemplates"][index] = {**head, **claim, "status": {"phase": "Pending"}}
    _drop_zeros(obj, "observedGeneration", "readyReplicas", "currentReplicas", "updatedReplicas")


_READINESS = ("updatedReplicas", "readyReplicas", "availableReplicas")


def _drop_zeros(obj: Object, *names: str) -> None:
    """Leave out counts of zero that upstream's types omit."""
    status = obj.get("status", {})
    for name in names:
        if status.get(name) == 0:
            del status[name]


def _node(obj: Object) -> None:
    """What can be given out is what there is, unless the node says otherwise."""
    status = obj.get("status", {})
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _storage_class(obj: Object) -> None:
    fill(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _csi_driver(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    for key, value in (
        ("attachRequired", True),
        ("podInfoOnMount", False),
        ("storageCapacity", False),
        ("fsGroupPolicy", "ReadWriteOnceWithFSType"),
        ("requiresRepublish", False),
        ("seLinuxMount", False),
        ("volumeLifecycleModes", ["Persistent"]),
    ):
        spec.setdefault(key, value)


_AFFINITY_SECONDS = 10800


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", _AFFINITY_SECONDS)
    kind = spec["type"]
    if kind in ("ClusterIP", "LoadBalancer", "NodePort"):
        fill(spec, internalTrafficPolicy="Cluster")
    if kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and spec.get("externalIPs")):
        fill(spec, externalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    for port in spec.get("ports", ()):
        fill(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port")
    for ingress in obj.get("status", {}).get("loadBalancer", {}).get("ingress", ()):
        if ingress.get("ip"):
            fill(ingress, ipMode="VIP")


def namespace(obj: Object) -> None:
    """The label by which selectors find a namespace; one whose name is still to be made gets it later."""
    metadata = obj["metadata"]
    if metadata.get("name"):
        metadata["labels"] = {**metadata.get("labels", {}), "kubernetes.io/metadata.name": metadata["name"]}


def _secret(obj: Object) -> None:
    fill(obj, type="Opaque")
    # stringData is write-only: it ends up in data.
    for key, text in obj.pop("stringData", {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _role_binding(obj: Object) -> None:
    """The groups of what a binding names (pkg/apis/rbac/v1/defaults.go)."""
    group = "rbac.authorization.k8s.io"
    fill(obj.setdefault("roleRef", {}), apiGroup=group)
    for subject in obj.get("subjects") or ():
        fill(subject, apiGroup="" if subject.get("kind") == "ServiceAccount" else group)
        if not subject["apiGroup"]:
            del subject["apiGroup"]


def _job(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pod_defaults.pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    for key, value in (
        ("parallelism", 1), ("backoffLimit", 6), ("completionMode", "NonIndexed"), ("suspend", False),
        ("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"),
    ):  # fmt: skip
        spec.setdefault(key, value)


def _select_own_pods(job: Object) -> None:
    """The labels by which a Job knows its pods, and the selector of its uid (pkg/registry/batch/job/strategy.go)."""
    uid, name = job["metadata"]["uid"], job["metadata"].get("name", "")
    labels = job["spec"]["template"].setdefault("metadata", {}).setdefault("labels", {})
    labels |= {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    labels |= {"controller-uid": uid, "job-name": name}
    job["spec"].setdefault("selector", {}).setdefault("matchLabels", {})["batch.kubernetes.io/controller-uid"] = uid


def _cron_job(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    template = spec.setdefault("jobTemplate", {}).setdefault("spec", {}).setdefault("template", {})
    pod_defaults.pod_spec(template.setdefault("spec", {}))
    fill(spec, concurrencyPolicy="Allow")
    for key, value in (("suspend", False), ("successfulJobsHistoryLimit", 3), ("failedJobsHistoryLimit", 1)):
        spec.setdefault(key, value)


def _endpoint_slice(obj: Object) -> None:
    """Ports have a name, if an empty one, and a protocol (pkg/apis/discovery/v1/defaults.go)."""
    for port in obj.get("ports") or ():
        port.setdefault("name", "")
        fill(port, protocol="TCP")


def _priority_class(obj: Object) -> None:
    fill(obj, preemptionPolicy="PreemptLowerPriority")


_BY_RESOURCE: dict[str, Callable[[Object], None]] = {
    "nodes": _node,
    "pods": _pod,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _persistent_volume,
    "podtemplates": _pod_template,
    "deployments": _deployment,
    "replicasets": _replica_set,
    "statefulsets": _stateful_set,
    "storageclasses": _storage_class,
    "csidrivers": _csi_driver,
    "namespaces": namespace,
    "services": _service,
    "secrets": _secret,
    "rolebindings": _role_binding,
    "clusterrolebindings": _role_binding,
    "endpointslices": _endpoint_slice,
    "jobs": _job,
    "cronjobs": _cron_job,
    "priorityclasses": _priority_class,
}
