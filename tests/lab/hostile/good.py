"""One good object of each kind, for requests to spoil."""

from __future__ import annotations

from typing import Any

_POD: dict[str, Any] = {
    "containers": [
        {
            "name": "c",
            "image": "i:1",
            "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "ports": [{"containerPort": 80, "name": "http"}],
            "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}},
            "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }
    ],
    "initContainers": [{"name": "first", "image": "i"}],
    "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "a"}}, {"name": "e", "emptyDir": {}}],
    "tolerations": [{"key": "k", "operator": "Exists"}],
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "a"}}}
            ]
        },
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
            }
        },
    },
}
_TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": _POD}
_SELECTOR = {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]}
_CLAIM = {
    "accessModes": ["ReadWriteOnce"],
    "storageClassName": "managed-csi",
    "resources": {"requests": {"storage": "1Gi"}},
}
_JOB = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}
_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "a"}
_SUBJECTS = [{"kind": "ServiceAccount", "name": "a", "namespace": "default"}]

GOOD: dict[str, dict[str, Any]] = {
    "Binding": {"target": {"kind": "Node", "name": "aks-agentpool-22115152-vmss000000"}},
    "ClusterRole": {"rules": _RULES},
    "ClusterRoleBinding": {"roleRef": _ROLE, "subjects": _SUBJECTS},
    "ConfigMap": {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "data": {"k": "v"}},
    "ControllerRevision": {"data": {"a": 1}, "revision": 1},
    "CronJob": {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": _JOB}}},
    "CSIDriver": {"spec": {"attachRequired": True, "volumeLifecycleModes": ["Persistent"]}},
    "CSINode": {
        "spec": {"drivers": [{"name": "d", "nodeID": "n", "topologyKeys": ["a"], "allocatable": {"count": 4}}]}
    },
    "Deployment": {
        "spec": {"replicas": 1, "selector": _SELECTOR, "template": _TEMPLATE, "strategy": {}},
        "status": {"replicas": 1, "readyReplicas": 1, "conditions": [{"type": "Available", "status": "True"}]},
    },
    "EndpointSlice": {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}]},
    "Event": {
        "involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"},
        "reason": "R",
        "message": "m",
        "type": "Normal",
        "firstTimestamp": "2026-11-23T00:00:00Z",
        "count": 1,
    },
    "Eviction": {"deleteOptions": {"gracePeriodSeconds": 1, "preconditions": {"uid": "u"}}},
    "Job": {"spec": _JOB},
    "Lease": {"spec": {"holderIdentity": "h", "leaseDurationSeconds": 40, "renewTime": "2026-11-23T00:00:00.000000Z"}},
    "Namespace": {"spec": {"finalizers": ["kubernetes"]}},
    "Node": {
        "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}], "providerID": "p"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "capacity": {"cpu": "2"}},
    },
    "PersistentVolume": {
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "csi": {"driver": "disk.csi.azure.com", "volumeHandle": "/subscriptions/x"},
            "claimRef": {"name": "a", "namespace": "default"},
        }
    },
    "PersistentVolumeClaim": {"spec": _CLAIM, "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}},
    "Pod": {
        "spec": _POD,
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "state": {"running": {}}}]},
    },
    "PodDisruptionBudget": {"spec": {"minAvailable": "50%", "selector": _SELECTOR}},
    "PriorityClass": {"value": 5},
    "ReplicaSet": {"spec": {"replicas": 1, "selector": _SELECTOR, "template": _TEMPLATE}},
    "Role": {"rules": _RULES},
    "RoleBinding": {"roleRef": _ROLE, "subjects": _SUBJECTS},
    "Scale": {"spec": {"replicas": 1}},
    "Secret": {"data": {"k": "dg=="}, "stringData": {"s": "t"}},
    "Service": {"spec": {"ports": [{"port": 80, "targetPort": "http"}], "selector": {"app": "a"}}},
    "ServiceAccount": {"secrets": [{"name": "a"}], "automountServiceAccountToken": True},
    "StatefulSet": {
        "spec": {
            "serviceName": "a",
            "selector": _SELECTOR,
            "template": _TEMPLATE,
            "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": _CLAIM}],
        }
    },
    "StorageClass": {"provisioner": "disk.csi.azure.com", "parameters": {"skuname": "Premium_LRS"}},
    "TokenRequest": {"spec": {"audiences": ["a"], "expirationSeconds": 600}},
    "VolumeAttachment": {
        "spec": {"attacher": "d", "nodeName": "n", "source": {"persistentVolumeName": "a"}},
        "status": {"attached": True, "attachmentMetadata": {"LUN": "0"}},
    },
}
"""By kind; without names, which the request's path gives."""
