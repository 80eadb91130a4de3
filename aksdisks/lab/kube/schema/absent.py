"""Upstream's built-in kinds that the lab does not have: discovery names them, they list as empty, none can be made.

Groups, names and subresources are those of Kubernetes 1.35 (kubectl api-resources; golden/api.jsonl, discovery).
"""

from __future__ import annotations

from typing import NamedTuple


class Absent(NamedTuple):
    """A kind: `names` are its plural and its short names. `stored`: the version it is kept in, if it is another."""

    group_version: str
    kind: str
    names: str
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    stored: str = ""


_ALL, _EXTENSIONS, _STATUS = ("all",), ("api-extensions",), ("status",)
_ADMISSION, _NETWORK, _FLOW = (
    "admissionregistration.k8s.io/v1",
    "networking.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1",
)
_DEVICES, _SCALER = "resource.k8s.io/v1", "autoscaling/v2/HorizontalPodAutoscaler"

ABSENT = (
    Absent("v1", "Binding", "bindings", verbs=("create",)),
    Absent("v1", "ComponentStatus", "componentstatuses cs", False, verbs=("get", "list")),
    Absent("v1", "Endpoints", "endpoints ep"),
    Absent("v1", "LimitRange", "limitranges limits"),
    Absent("v1", "ReplicationController", "replicationcontrollers rc", True, ("scale", "status"), _ALL),
    Absent("v1", "ResourceQuota", "resourcequotas quota", True, _STATUS),
    Absent("apiregistration.k8s.io/v1", "APIService", "apiservices", False, _STATUS, _EXTENSIONS),
    Absent("apps/v1", "DaemonSet", "daemonsets ds", True, _STATUS, _ALL),
    Absent("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers hpa", True, _STATUS, _ALL),
    Absent("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers hpa", True, _STATUS, _ALL,
           stored=_SCALER),
    Absent("certificates.k8s.io/v1", "CertificateSigningRequest", "certificatesigningrequests csr", False,
           ("approval", "status")),
    Absent(_NETWORK, "IngressClass", "ingressclasses", False),
    Absent(_NETWORK, "Ingress", "ingresses ing", True, _STATUS),
    Absent(_NETWORK, "IPAddress", "ipaddresses ip", False),
    Absent(_NETWORK, "NetworkPolicy", "networkpolicies netpol"),
    Absent(_NETWORK, "ServiceCIDR", "servicecidrs", False, _STATUS),
    Absent("storage.k8s.io/v1", "VolumeAttributesClass", "volumeattributesclasses vac", False),
    Absent(_ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False, (), _EXTENSIONS),
    Absent(_ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", False, _STATUS, _EXTENSIONS),
    Absent(_ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", False, (), _EXTENSIONS),
    Absent(_ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", False, (), _EXTENSIONS),
    Absent("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions crd crds", False, _STATUS,
           _EXTENSIONS),
    Absent("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", False),
    Absent(_DEVICES, "DeviceClass", "deviceclasses", False),
    Absent(_DEVICES, "ResourceClaim", "resourceclaims", True, _STATUS),
    Absent(_DEVICES, "ResourceClaimTemplate", "resourceclaimtemplates"),
    Absent(_DEVICES, "ResourceSlice", "resourceslices", False),
    Absent(_FLOW, "FlowSchema", "flowschemas", False, _STATUS),
    Absent(_FLOW, "PriorityLevelConfiguration", "prioritylevelconfigurations", False, _STATUS),
)  # fmt: skip
