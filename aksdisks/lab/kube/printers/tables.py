"""Objects as the rows that `kubectl get` prints (upstream: pkg/printers/internalversion/printers.go)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.printers import columns as cells
from aksdisks.lab.kube.printers import columns_further, columns_pods
from aksdisks.lab.kube.schema.registry import EVENTS_V1

IncludeObject = Literal["None", "Metadata", "Object"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column definition; those of priority 1 are shown by `-o wide` only."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0

    def definition(self) -> Object:
        """As it goes over the wire."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": "",
            "priority": self.priority,
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a kind and the function that fills them."""

    columns: tuple[Column, ...]
    cells: Callable[[Object, datetime], Sequence[Any]]


def _layout(cells: Callable[[Object, datetime], Sequence[Any]], names: str, **types: str) -> Layout:
    """`names`: comma-separated; a trailing `*` marks a wide column. `types`: by name without hyphens, lower case."""
    columns = []
    for name in names.split(","):
        bare = name.rstrip("*")
        kind, _, form = types.get(bare.lower(), "string").partition("/")
        form = "name" if bare == "Name" else form
        columns.append(Column(bare, kind, form, 1 if name.endswith("*") else 0))
    return Layout(tuple(columns), cells)


_OTHER = Layout((Column("Name", format="name"), Column("Created At", "date")), cells.other)

LAYOUTS: dict[str, Layout] = {
    "pods": _layout(columns_pods.pod, "Name,Ready,Status,Restarts,Age,IP*,Node*,Nominated Node*,Readiness Gates*"),
    "persistentvolumeclaims": _layout(
        cells.claim,
        "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,VolumeMode*",
    ),
    "persistentvolumes": _layout(
        cells.volume,
        "Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age,"
        "VolumeMode*",
    ),
    "events": _layout(cells.event, "Last Seen,Type,Reason,Object,Subobject*,Source*,Message,First Seen*,Count*,Name*"),
    "deployments": _layout(cells.deployment, "Name,Ready,Up-to-date,Available,Age,Containers*,Images*,Selector*"),
    "replicasets": _layout(
        cells.replica_set,
        "Name,Desired,Current,Ready,Age,Containers*,Images*,Selector*",
        desired="integer",
        current="integer",
        ready="integer",
    ),
    "statefulsets": _layout(cells.stateful_set, "Name,Ready,Age,Containers*,Images*"),
    "controllerrevisions": _layout(cells.controller_revision, "Name,Controller,Revision,Age"),
    "nodes": _layout(
        cells.node,
        "Name,Status,Roles,Age,Version,Internal-IP*,External-IP*,OS-Image*,Kernel-Version*,Container-Runtime*",
    ),
    "namespaces": _layout(cells.namespace, "Name,Status,Age"),
    "storageclasses": _layout(
        cells.storage_class, "Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age"
    ),
    "volumeattachments": _layout(
        cells.attachment, "Name,Attacher,PV,Node,Attached,Age", attacher="string/name", attached="boolean"
    ),
    "csinodes": _layout(cells.csi_node, "Name,Drivers,Age", drivers="integer"),
    "csidrivers": _layout(
        cells.csi_driver,
        "Name,AttachRequired,PodInfoOnMount,StorageCapacity,TokenRequests,RequiresRepublish,Modes,Age",
        attachrequired="boolean",
        podinfoonmount="boolean",
        storagecapacity="boolean",
        requiresrepublish="boolean",
    ),
    "csistoragecapacities": _layout(columns_further.storage_capacity, "Name,StorageClassName,Capacity"),
    "podtemplates": _layout(columns_further.pod_template, "Name,Containers,Images,Pod Labels"),
    "configmaps": _layout(cells.config_map, "Name,Data,Age"),
    "secrets": _layout(cells.secret, "Name,Type,Data,Age"),
    "services": _layout(cells.service, "Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector*"),
    "serviceaccounts": _layout(cells.service_account, "Name,Secrets,Age"),
    "leases": _layout(cells.lease, "Name,Holder,Age"),
    "poddisruptionbudgets": _layout(
        columns_further.disruption_budget,
        "Name,Min Available,Max Unavailable,Allowed Disruptions,Age",
        **{"allowed disruptions": "integer"},
    ),
    "endpointslices": _layout(columns_further.endpoint_slice, "Name,AddressType,Ports,Endpoints,Age"),
    "rolebindings": _layout(columns_further.role_binding, "Name,Role,Age,Users*,Groups*,ServiceAccounts*"),
    "clusterrolebindings": _layout(columns_further.role_binding, "Name,Role,Age,Users*,Groups*,ServiceAccounts*"),
    "cronjobs": _layout(
        columns_further.cron_job,
        "Name,Schedule,Timezone,Suspend,Active,Last Schedule,Age,Containers*,Images*,Selector*",
        active="integer",
    ),
    "jobs": _layout(columns_further.job, "Name,Status,Completions,Duration,Age,Containers*,Images*,Selector*"),
    "priorityclasses": _layout(
        columns_further.priority_class,
        "Name,Value,Global-Default,Age,PreemptionPolicy",
        value="integer",
        **{"global-default": "boolean"},
    ),
}

LAYOUTS["scale"] = _layout(columns_further.scale, "Name,Desired,Available,Age", desired="integer", available="integer")
LAYOUTS[EVENTS_V1] = Layout(LAYOUTS["events"].columns, cells.event_v1)


def column_definitions(resource: str) -> list[Object]:
    """The columns of a plural resource; name and creation time for a kind without a layout of its own."""
    return [column.definition() for column in LAYOUTS.get(resource, _OTHER).columns]


def rows(
    resource: str, objects: Sequence[Object], now: datetime, include: IncludeObject, api_version: str
) -> list[Object]:
    """One row for each object; `api_version` is that of the table and of the metadata it embeds."""
    fill = LAYOUTS.get(resource, _OTHER).cells
    result = []
    for item in objects:
        row: Object = {"cells": list(fill(item, now))}
        conditions = columns_pods.conditions(item) if resource == "pods" else []
        if conditions:
            row["conditions"] = conditions
        if include == "Metadata":
            row["object"] = partial_metadata(item, api_version)
        elif include == "Object":
            row["object"] = item
        else:
            row["object"] = None
        result.append(row)
    return result


def partial_metadata(item: Object, api_version: str) -> Object:
    """Only the metadata, as `kubectl get -o name`, garbage collectors and metadata clients ask for it."""
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": item["metadata"]}
