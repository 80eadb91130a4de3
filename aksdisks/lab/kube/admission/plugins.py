"""The admission plugins: what they add to or refuse in objects. Each kind's strategy names those that look at it."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause, forbidden, not_found
from aksdisks.lab.kube.storage.store import Store

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOLERATED_SECONDS = 300
_PODS, _CLAIMS, _NAMESPACES = (
    Resource("pods", "Pod"),
    Resource("persistentvolumeclaims", "PersistentVolumeClaim"),
    Resource("namespaces", "Namespace"),
)
_PRIORITY_CLASSES = Resource("priorityclasses", "PriorityClass", "scheduling.k8s.io")

TOKEN_SECRET = "lab.aksdisks.dev/token-secret"
"""Annotation of an account whose pods mount this secret, as before 1.21; upstream decides by a feature gate."""


def namespace_lifecycle(store: Store, kind: Resource, metadata: Object) -> None:
    """Nothing is made in a namespace that is missing (404) or being deleted (403); of every kind that is in one."""
    name = metadata["namespace"]
    found = store.get("namespaces", ("", name))
    if found is None:
        raise not_found(_NAMESPACES, name)
    if found.object.get("status", {}).get("phase") == "Terminating":
        # Refused whatever the object is, so that the namespace can become empty.
        cause = Cause("metadata.namespace", "NamespaceTerminating", f"namespace {name} is being terminated")
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise forbidden(kind, metadata.get("name", ""), why, [cause])


def default_class(store: Store, ids: Ids, claim: Object) -> None:
    """The default class for a claim that names none; the newest, should there be several."""
    del ids
    spec = claim["spec"]
    if "storageClassName" in spec or spec.get("volumeName") == "":
        return
    classes = [version.object for _, version in store.list("storageclasses")]
    default = [c for c in classes if c["metadata"].get("annotations", {}).get(_DEFAULT_CLASS) == "true"]
    if default:
        newest = max(default, key=lambda c: c["metadata"]["creationTimestamp"])
        spec["storageClassName"] = newest["metadata"]["name"]


def check_expansion(store: Store, new: Object, old: Object) -> None:
    """Refuse to grow a claim whose class does not say that its volumes can (403)."""
    was, now = (one["spec"].get("resources", {}).get("requests", {}).get("storage") for one in (old, new))
    if "volumeName" not in old["spec"] or was is None or now is None or parse(now) <= parse(was):
        return
    found = store.get("storageclasses", ("", new["spec"].get("storageClassName", "")))
    if found is None or not found.object.get("allowVolumeExpansion"):
        why = (
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
            "support resize"
        )
        raise forbidden(_CLAIMS, new["metadata"]["name"], why)


def tolerations(store: Store, ids: Ids, pod: Object) -> None:
    """Five minutes on a node that is not ready or cannot be reached (plugin/pkg/admission/defaulttolerationseconds)."""
    del store, ids
    _tolerate(pod["spec"])


def _tolerate(spec: Object) -> None:
    found = spec.setdefault("tolerations", [])
    for taint in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if any(_tolerates(toleration, taint) for toleration in found):
            continue
        found.append(
            {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _TOLERATED_SECONDS}
        )


def keep_admitted(store: Store, new: Object, old: Object) -> None:
    """A pod that is written without what admission gave it keeps that."""
    del store
    _tolerate(new["spec"])
    for key in ("priority", "preemptionPolicy"):
        if key not in new["spec"] and key in old["spec"]:
            new["spec"][key] = old["spec"][key]


def _tolerates(toleration: Object, taint: str) -> bool:
    return bool(toleration.get("key", taint) == taint and toleration.get("effect", "NoExecute") == "NoExecute")


def priority(store: Store, ids: Ids, pod: Object) -> None:
    """Priority and preemption policy by the pod's class, else by the default one (plugin/pkg/admission/priority)."""
    del ids
    spec, name = pod["spec"], pod["metadata"].get("name", "")
    named = spec.get("priorityClassName")
    if named:
        found = store.get("priorityclasses", ("", named))
        if found is None:
            raise forbidden(_PODS, name, f"no PriorityClass with name {named} was found")
        chosen: Object | None = found.object
    else:
        chosen = _default_priority(store)
    if chosen is not None:
        spec["priorityClassName"] = chosen["metadata"]["name"]
    computed = chosen["value"] if chosen else 0
    policy = chosen.get("preemptionPolicy", _PREEMPTS) if chosen else _PREEMPTS
    if spec.get("priority") not in (None, computed):
        raise forbidden(_PODS, name, f"the integer value of priority ({spec['priority']}) {_COMPUTED % computed}")
    if spec.get("preemptionPolicy") not in (None, policy):
        shown = spec["preemptionPolicy"]
        raise forbidden(_PODS, name, f"the string value of PreemptionPolicy ({shown}) {_COMPUTED % policy}")
    spec["priority"], spec["preemptionPolicy"] = computed, policy


_PREEMPTS = "PreemptLowerPriority"
_COMPUTED = (
    "must not be provided in pod spec; priority admission controller computed %s from the given PriorityClass name"
)


def _default_priority(store: Store) -> Object | None:
    """The class of pods that name none; the lowest, should there be several."""
    classes = [version.object for _, version in store.list("priorityclasses") if version.object.get("globalDefault")]
    return min(classes, key=lambda one: int(one["value"])) if classes else None


def only_default_priority(store: Store, obj: Object) -> None:
    """Refuse a second default class (403)."""
    if not obj.get("globalDefault"):
        return
    present = _default_priority(store)
    name = obj["metadata"].get("name", "")
    if present is not None and present["metadata"]["name"] != name:
        why = f"PriorityClass {present['metadata']['name']} is already marked as default. Only one default can exist"
        raise forbidden(_PRIORITY_CLASSES, name, why)


def service_account(store: Store, ids: Ids, pod: Object) -> None:
    """The account, and its token mounted into every container (plugin/pkg/admission/serviceaccount)."""
    spec, metadata = pod["spec"], pod["metadata"]
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = store.get("serviceaccounts", (metadata["namespace"], name))
    if account is None:
        why = f'error looking up service account {metadata["namespace"]}/{name}: serviceaccount "{name}" not found'
        raise forbidden(_PODS, metadata.get("name", ""), why)
    if not spec.get("imagePullSecrets") and account.object.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(secret) for secret in account.object["imagePullSecrets"]]
    wanted = spec.get("automountServiceAccountToken", account.object.get("automountServiceAccountToken", True))
    containers = [*spec.get("initContainers", ()), *spec.get("containers", ())]
    unmounted = [c for c in containers if not any(m.get("mountPath") == _TOKEN_PATH for m in c.get("volumeMounts", ()))]
    if not wanted or not unmounted:
        return
    secret = account.object["metadata"].get("annotations", {}).get(TOKEN_SECRET)
    volume = secret or f"kube-api-access-{ids.suffix()}"
    for container in unmounted:
        mount = {"name": volume, "readOnly": True, "mountPath": _TOKEN_PATH}
        container.setdefault("volumeMounts", []).append(mount)
    source: Object = {"projected": _token_sources()}
    if secret:
        source = {"secret": {"secretName": secret, "defaultMode": 420}}
    spec.setdefault("volumes", []).append({"name": volume, **source})


def _token_sources() -> Object:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    return {"sources": sources, "defaultMode": 420}
