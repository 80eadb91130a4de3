"""Kinds that are answered and never stored: reviews, and what subresources are written with."""

from __future__ import annotations

from aksdisks.lab.kube.schema.resource import Resource

AUTHENTICATION, AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"


def _kind(kind: str, group: str = "", *, namespaced: bool = True) -> Resource:
    return Resource(f"{kind.lower()}s", kind, group, namespaced=namespaced, verbs=("create",))


REVIEWS = tuple(
    _kind(kind, group, namespaced=kind.startswith("Local"))
    for group, kinds in (
        (AUTHENTICATION, ("SelfSubjectReview", "TokenReview")),
        (
            AUTHORIZATION,
            ("LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"),
        ),
    )
    for kind in kinds
)
"""Questions about who may do what."""

SUBRESOURCE_KINDS = {
    "scale": _kind("Scale", "autoscaling"),
    "binding": _kind("Binding"),
    "eviction": _kind("Eviction", "policy"),
    "attach": _kind("PodAttachOptions"),
    "exec": _kind("PodExecOptions"),
    "portforward": _kind("PodPortForwardOptions"),
    "proxy": _kind("PodProxyOptions"),
    "token": _kind("TokenRequest", AUTHENTICATION),
}
"""Of the subresources that are not written with the object itself, the kind that they are written with."""

DELETE_OPTIONS = _kind("DeleteOptions")
