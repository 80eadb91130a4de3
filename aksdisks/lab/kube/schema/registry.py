"""The kinds that the lab serves: names, groups, verbs and subresources."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from aksdisks.lab.kube.schema.absent import ABSENT, Absent

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Resource:
    """One row of discovery.

    `generation`: whether the kind counts changes of its spec. `unconditional_update`: whether a PUT may leave out
    resourceVersion. `storage_hash` is upstream's storageVersionHash of the kind. `kept`: whether the lab has it; what
    it has not can be read, and is refused on writing (`absent`).
    """

    plural: str
    singular: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    storage_hash: str = ""
    generation: bool = False
    unconditional_update: bool = True
    kept: bool = True

    @property
    def api_version(self) -> str:
        """`v1` for the core group, else `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The plural as upstream's messages name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind as upstream's messages name it: `Pod`, `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


APPS = "apps"
BATCH = "batch"
RBAC = "rbac.authorization.k8s.io"
STORAGE = "storage.k8s.io"
_WITHOUT_COLLECTION = tuple(verb for verb in ALL_VERBS if verb != "deletecollection")
_ALL = ("all",)

_TABLE = (
    Resource("configmaps", "configmap", "ConfigMap", short_names=("cm",), storage_hash="qFsyl6wFWjQ="),
    Resource("events", "event", "Event", short_names=("ev",), storage_hash="r2yiGXH7wu8="),
    Resource("namespaces", "namespace", "Namespace", namespaced=False, short_names=("ns",),
             subresources=("finalize", "status"), verbs=_WITHOUT_COLLECTION, storage_hash="Q3oi5N2YM8M="),
    Resource("nodes", "node", "Node", namespaced=False, short_names=("no",), subresources=("status",),
             storage_hash="XwShjMxG9Fs="),
    Resource("persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", short_names=("pvc",),
             subresources=("status",), storage_hash="QWTyNDq0dC4="),
    Resource("persistentvolumes", "persistentvolume", "PersistentVolume", namespaced=False, short_names=("pv",),
             subresources=("status",), storage_hash="HN/zwEC+JgM="),
    Resource("pods", "pod", "Pod", short_names=("po",), categories=_ALL,
             subresources=("attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "status"),
             storage_hash="xPOwRZ+Yhw8=", generation=True),
    Resource("podtemplates", "podtemplate", "PodTemplate", storage_hash="LIXB2x4IFpk=", generation=True),
    Resource("secrets", "secret", "Secret", storage_hash="S6u1pOWzb84="),
    Resource("serviceaccounts", "serviceaccount", "ServiceAccount", short_names=("sa",), subresources=("token",),
             storage_hash="pbx9ZvyFpBE="),
    Resource("services", "service", "Service", short_names=("svc",), categories=_ALL, subresources=("status",),
             storage_hash="0/CO1lhkEBI="),
    Resource("controllerrevisions", "controllerrevision", "ControllerRevision", APPS, storage_hash="85nkx63pcBU="),
    Resource("deployments", "deployment", "Deployment", APPS, short_names=("deploy",), categories=_ALL,
             subresources=("scale", "status"), storage_hash="8aSe+NMegvE=", generation=True),
    Resource("replicasets", "replicaset", "ReplicaSet", APPS, short_names=("rs",), categories=_ALL,
             subresources=("scale", "status"), storage_hash="P1RzHs8/mWQ=", generation=True),
    Resource("statefulsets", "statefulset", "StatefulSet", APPS, short_names=("sts",), categories=_ALL,
             subresources=("scale", "status"), storage_hash="H+vl74LkKdo=", generation=True),
    Resource("events", "event", "Event", "events.k8s.io", short_names=("ev",), storage_hash="r2yiGXH7wu8="),
    Resource("leases", "lease", "Lease", "coordination.k8s.io", storage_hash="/sY7hl8ol1U=",
             unconditional_update=False),
    Resource("csistoragecapacities", "csistoragecapacity", "CSIStorageCapacity", STORAGE, storage_hash="xeVl+2Ly1kE=",
             unconditional_update=False),
    Resource("csidrivers", "csidriver", "CSIDriver", STORAGE, namespaced=False, storage_hash="hL6j/rwBV5w="),
    Resource("csinodes", "csinode", "CSINode", STORAGE, namespaced=False, storage_hash="Pe62DkZtjuo=",
             unconditional_update=False),
    Resource("storageclasses", "storageclass", "StorageClass", STORAGE, namespaced=False, short_names=("sc",),
             storage_hash="K+m6uJwbjGY="),
    Resource("volumeattachments", "volumeattachment", "VolumeAttachment", STORAGE, namespaced=False,
             subresources=("status",), storage_hash="tJx/ezt6UDU=", unconditional_update=False),
    Resource("poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", "policy", short_names=("pdb",),
             subresources=("status",), storage_hash="EVWiDmWqyJw=", generation=True, unconditional_update=False),
    Resource("endpointslices", "endpointslice", "EndpointSlice", "discovery.k8s.io", storage_hash="Nx3SIv6I0mE=",
             generation=True),
    Resource("roles", "role", "Role", RBAC, storage_hash="7FuwZcIIItM="),
    Resource("rolebindings", "rolebinding", "RoleBinding", RBAC, storage_hash="eGsCzGH6b1g="),
    Resource("clusterroles", "clusterrole", "ClusterRole", RBAC, namespaced=False, storage_hash="bYE5ZWDrJ44="),
    Resource("clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding", RBAC, namespaced=False,
             storage_hash="48tpQ8gZHFc="),
    Resource("cronjobs", "cronjob", "CronJob", BATCH, short_names=("cj",), categories=_ALL, subresources=("status",),
             storage_hash="sd5LIXh4Fjs=", generation=True),
    Resource("jobs", "job", "Job", BATCH, categories=_ALL, subresources=("status",), storage_hash="mudhfqk/qZY=",
             generation=True),
    Resource("priorityclasses", "priorityclass", "PriorityClass", "scheduling.k8s.io", namespaced=False,
             short_names=("pc",), storage_hash="1QwjyaZjj3Y=", generation=True),
)  # fmt: skip

EVENTS_V1 = "events.events.k8s.io"
"""The key of the events.k8s.io view, which shares its storage with the core `events`."""

KEPT: dict[str, Resource] = {
    (EVENTS_V1 if resource.group == "events.k8s.io" else resource.plural): resource for resource in _TABLE
}
"""Every kind that can be made, by its plural."""


def _absent(row: Absent) -> Resource:
    group, _, version = row.group_version.rpartition("/")
    plural, *short = row.names.split()
    # kube-apiserver: discovery.StorageVersionHash.
    stored = hashlib.sha256((row.stored or f"{group}/{version}/{row.kind}").encode()).digest()[:8]
    return Resource(
        plural,
        plural if row.kind == "Endpoints" else row.kind.lower(),
        row.kind,
        group,
        version,
        row.namespaced,
        tuple(short),
        row.categories,
        row.subresources,
        row.verbs or ALL_VERBS,
        "" if row.verbs else base64.b64encode(stored).decode(),
        kept=False,
    )


RESOURCES: dict[str, Resource] = KEPT | {
    f"{kind.plural}.{kind.version}.{kind.group}": kind for kind in map(_absent, ABSENT)
}
"""Every kind that discovery names: the kept ones, and the absent ones by plural, version and group."""

_BY_PATH = {(resource.group, resource.version, resource.plural): key for key, resource in RESOURCES.items()}


def by_path(group: str, version: str, plural: str) -> str | None:
    """The key into `RESOURCES` of what a URL names; None when no such kind is served."""
    return _BY_PATH.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> str | None:
    """The key into `KEPT` of what an object's apiVersion and kind name; None when the lab has no such kind."""
    return _BY_KIND.get((api_version, kind))


_BY_KIND = {(resource.api_version, resource.kind): key for key, resource in KEPT.items()}
