"""The roles and bindings that every cluster begins with (upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy).

Those of components that the lab has none of are left out: its own parts act in process, with full rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.selectors import label_selector_matches

_GROUP = "rbac.authorization.k8s.io"
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_AUTOUPDATE = {"rbac.authorization.kubernetes.io/autoupdate": "true"}

_READ = "get list watch"
_WRITE = "create delete deletecollection patch update"
_ALL = "create delete deletecollection get list patch update watch"

_PUBLIC = "/healthz /livez /readyz /version /version/"

# role: lines of `verbs: API group: resources`, or `verbs: paths`; "core" is the group without a name.
_ROLES = {
    "cluster-admin": "*: *: *\n*: *",
    "system:aggregate-to-admin": f"""
        create: authorization.k8s.io: localsubjectaccessreviews
        {_ALL}: {_GROUP}: rolebindings roles""",
    "system:aggregate-to-edit": f"""
        {_READ}: core: pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy
        impersonate: core: serviceaccounts
        {_WRITE}: core: pods pods/attach pods/exec pods/portforward pods/proxy
        create: core: pods/eviction
        {_WRITE}: core: configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale \
            secrets serviceaccounts services services/proxy
        create: core: serviceaccounts/token
        {_WRITE}: apps: daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale \
            statefulsets statefulsets/scale
        {_WRITE}: autoscaling: horizontalpodautoscalers
        {_WRITE}: batch: cronjobs jobs
        {_WRITE}: policy: poddisruptionbudgets
        {_WRITE}: networking.k8s.io: ingresses networkpolicies
        {_ALL}: coordination.k8s.io: leases""",
    "system:aggregate-to-view": f"""
        {_READ}: core: configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods \
            replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status
        {_READ}: core: bindings events limitranges namespaces/status pods/log pods/status \
            replicationcontrollers/status resourcequotas resourcequotas/status
        {_READ}: core: namespaces
        {_READ}: discovery.k8s.io: endpointslices
        {_READ}: apps: controllerrevisions daemonsets daemonsets/status deployments deployments/scale \
            deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale \
            statefulsets/status
        {_READ}: autoscaling: horizontalpodautoscalers horizontalpodautoscalers/status
        {_READ}: batch: cronjobs cronjobs/status jobs jobs/status
        {_READ}: policy: poddisruptionbudgets poddisruptionbudgets/status
        {_READ}: networking.k8s.io: ingresses ingresses/status networkpolicies""",
    "system:auth-delegator": """
        create: authentication.k8s.io: tokenreviews
        create: authorization.k8s.io: subjectaccessreviews""",
    "system:basic-user": """
        create: authorization.k8s.io: selfsubjectaccessreviews selfsubjectrulesreviews
        create: authentication.k8s.io: selfsubjectreviews""",
    "system:discovery": "get: /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
    "system:monitoring": "get: /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*",
    "system:public-info-viewer": f"get: {_PUBLIC}",
    "system:service-account-issuer-discovery": "get: /.well-known/openid-configuration /openid/v1/jwks",
}
# role: the role that it is collected into; each after its own parts.
_AGGREGATED = {"view": "edit", "edit": "admin", "admin": ""}
_BINDINGS = {
    "cluster-admin": ("system:masters",),
    "system:basic-user": ("system:authenticated",),
    "system:discovery": ("system:authenticated",),
    "system:monitoring": ("system:monitoring",),
    "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
    "system:service-account-issuer-discovery": ("system:serviceaccounts",),
}


def roles() -> list[Object]:
    """Every ClusterRole; the collected ones with the rules that upstream's controller gives them."""
    found: list[Object] = [
        {"metadata": _metadata(name, name.partition("aggregate-to-")[2]), "rules": list(_rules(text))}
        for name, text in _ROLES.items()
    ]
    for name, into in _AGGREGATED.items():
        selector = {"matchLabels": {f"{_GROUP}/aggregate-to-{name}": "true"}}
        role: Object = {"metadata": _metadata(name, into), "aggregationRule": {"clusterRoleSelectors": [selector]}}
        found.append(role | {"rules": aggregated(role, found)})
    return found


def aggregated(role: Object, others: Iterable[Object]) -> list[Object]:
    """The rules that a ClusterRole collects from those that its selectors find, by name, none twice."""
    name = role["metadata"]["name"]
    rules: list[Object] = []
    for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
        found = (other for other in others if label_selector_matches(selector, other["metadata"].get("labels")))
        parts = [other for other in found if other["metadata"]["name"] != name]
        for part in sorted(parts, key=lambda other: str(other["metadata"]["name"])):
            rules += [entry for entry in part.get("rules") or () if entry not in rules]
    return rules


def bindings() -> Iterator[Object]:
    """Every ClusterRoleBinding."""
    for name, groups in _BINDINGS.items():
        yield {
            "metadata": _metadata(name, ""),
            "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": group} for group in groups],
        }


def _metadata(name: str, into: str) -> Object:
    labels = {**_LABELS, **({f"{_GROUP}/aggregate-to-{into}": "true"} if into else {})}
    return {"name": name, "labels": labels, "annotations": dict(_AUTOUPDATE)}


def _rules(text: str) -> Iterator[Object]:
    for line in text.strip().split("\n"):
        verbs, *group, about = (part.strip() for part in line.split(": "))
        if group:
            groups = ["" if group[0] == "core" else group[0]]
            yield {"verbs": verbs.split(), "apiGroups": groups, "resources": about.split()}
        else:
            yield {"verbs": verbs.split(), "nonResourceURLs": about.split()}
