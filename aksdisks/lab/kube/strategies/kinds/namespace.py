"""Namespaces (pkg/registry/core/namespace, pkg/apis/core/validation)."""

from __future__ import annotations

from datetime import datetime

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.kube.admission import pod_security
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import ALL_VERBS, Resource, fields
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import formed, invalid
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.metadata import STANDARD_FINALIZERS
from aksdisks.lab.kube.strategies.rules import Rule
from aksdisks.lab.kube.strategies.strategy import Strategy


def _label(obj: Object) -> None:
    """The label by which selectors find a namespace."""
    metadata = obj["metadata"]
    if metadata.get("name"):
        metadata["labels"] = {**metadata.get("labels", {}), "kubernetes.io/metadata.name": metadata["name"]}


def _prepare(new: Object, old: Object | None) -> None:
    """What empties a namespace is a finalizer in its spec."""
    if old is None:
        new["spec"] = {"finalizers": ["kubernetes"]}


def _mark_deleted(namespace: Object, seconds: int | None, now: datetime) -> bool:
    """The time, and the phase that keeps others from adding to it."""
    del seconds
    if "deletionTimestamp" in namespace["metadata"]:
        return False
    namespace["metadata"]["deletionTimestamp"] = timestamp(now)
    namespace["status"] = {**namespace.get("status", {}), "phase": "Terminating"}
    return True


def _finalizer(field: str, name: str | None) -> list[Cause]:
    causes = formed(field, name or "", names.qualified_name_errors)
    if "/" not in (name or "") and name not in STANDARD_FINALIZERS:
        causes.append(invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified"))
    return causes


def _phase(new: Object, old: Object) -> list[Cause]:
    """The phase says whether it is being deleted."""
    del old
    wanted = "Terminating" if "deletionTimestamp" in new["metadata"] else "Active"
    phase = new.get("status", {}).get("phase", "")
    if phase == wanted:
        return []
    emptiness = "is not empty" if wanted == "Terminating" else "is empty"
    return [invalid("status.Phase", phase, f"may only be '{wanted}' if `deletionTimestamp` {emptiness}")]


_NAMESPACES_COLUMNS = (columns.NAME, column("Status", "status.phase"), columns.AGE)
STRATEGIES = (
    Strategy(
        Resource(
            "namespaces",
            "Namespace",
            namespaced=False,
            short_names=("ns",),
            subresources=("finalize", "status"),
            verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
            selectable=fields("status.phase"),
        ),
        columns=_NAMESPACES_COLUMNS,
        name_errors=names.label_errors,
        known_finalizers=True,
        metadata_checks="whole",
        defaults=(_label,),
        status={"phase": "Active"},
        prepare=_prepare,
        status_changes=(_phase,),
        finalize_rules=(Rule("spec.finalizers[]", _finalizer),),
        validating_admission=pod_security.check_namespace,
        mark_deleted=_mark_deleted,
        held=lambda namespace: bool(namespace.get("spec", {}).get("finalizers")),
        undeletable=("default", "kube-public", "kube-system"),
        admission_warnings=pod_security.namespace_warnings,
    ),
)
