"""Upstream's built-in kinds that the lab does not have: discovery names them, they list as empty, none can be made.

Groups, names and subresources are those of Kubernetes 1.35 (kubectl api-resources; golden/api.jsonl, discovery).
"""

from __future__ import annotations

from aksdisks.lab.kube.schema.resource import ALL_VERBS, Resource


def _of(
    group_version: str,
    kind: str,
    names: str,
    namespaced: bool = True,
    subresources: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    verbs: tuple[str, ...] = ALL_VERBS,
    stored: str = "",
) -> Resource:
    """A kind; `names` are its plural and its short names."""
    group, _, version = group_version.rpartition("/")
    plural, *short = names.split()
    return Resource(
        plural, kind, group, version, namespaced, tuple(short), categories, subresources, verbs, stored, kept=False
    )


_ALL, _EXTENSIONS, _STATUS = ("all",), ("api-extensions",), ("status",)
_ADMISSION, _NETWORK, _FLOW = (
    "admissionregistration.k8s.io/v1",
    "networking.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1",
)
_DEVICES, _SCALER = "resource.k8s.io/v1", "autoscaling/v2/HorizontalPodAutoscaler"

KINDS = (
    _of("v1", "Binding", "bindings", verbs=("create",)),
    _of("v1", "ComponentStatus", "componentstatuses cs", False, verbs=("get", "list")),
    _of("v1", "Endpoints", "endpoints ep"),
    _of("v1", "LimitRange", "limitranges limits"),
    _of("v1", "ReplicationController", "replicationcontrollers rc", True, ("scale", "status"), _ALL),
    _of("v1", "ResourceQuota", "resourcequotas quota", True, _STATUS),
    _of("apiregistration.k8s.io/v1", "APIService", "apiservices", False, _STATUS, _EXTENSIONS),
    _of("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers hpa", True, _STATUS, _ALL),
    _of("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers hpa", True, _STATUS, _ALL,
        stored=_SCALER),
    _of("certificates.k8s.io/v1", "CertificateSigningRequest", "certificatesigningrequests csr", False,
           ("approval", "status")),
    _of(_NETWORK, "IngressClass", "ingressclasses", False),
    _of(_NETWORK, "Ingress", "ingresses ing", True, _STATUS),
    _of(_NETWORK, "IPAddress", "ipaddresses ip", False),
    _of(_NETWORK, "NetworkPolicy", "networkpolicies netpol"),
    _of(_NETWORK, "ServiceCIDR", "servicecidrs", False, _STATUS),
    _of(_ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False, (), _EXTENSIONS),
    _of(_ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", False, _STATUS, _EXTENSIONS),
    _of(_ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", False, (), _EXTENSIONS),
    _of(_ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", False, (), _EXTENSIONS),
    _of("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", False),
    _of(_DEVICES, "DeviceClass", "deviceclasses", False),
    _of(_DEVICES, "ResourceClaim", "resourceclaims", True, _STATUS),
    _of(_DEVICES, "ResourceClaimTemplate", "resourceclaimtemplates"),
    _of(_DEVICES, "ResourceSlice", "resourceslices", False),
    _of(_FLOW, "FlowSchema", "flowschemas", False, _STATUS),
    _of(_FLOW, "PriorityLevelConfiguration", "prioritylevelconfigurations", False, _STATUS),
)  # fmt: skip
