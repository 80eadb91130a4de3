"""Namespaces (pkg/registry/core/namespace, pkg/apis/core/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import formed, invalid
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.metadata import STANDARD_FINALIZERS
from aksdisks.lab.kube.strategies.rules import Rule
from aksdisks.lab.kube.strategies.strategy import Strategy


def defaults(obj: Object) -> None:
    """The label by which selectors find a namespace; one whose name is still to be made gets it later."""
    metadata = obj["metadata"]
    if metadata.get("name"):
        metadata["labels"] = {**metadata.get("labels", {}), "kubernetes.io/metadata.name": metadata["name"]}


def _initial(obj: Object, now: str) -> None:
    del now
    obj["spec"] = {"finalizers": ["kubernetes"]}
    obj["status"] = {"phase": "Active"}


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
STRATEGIES = {
    "namespaces": Strategy(
        columns=_NAMESPACES_COLUMNS,
        name_errors=names.label_errors,
        known_finalizers=True,
        metadata_checks="whole",
        defaults=defaults,
        initial=_initial,
        status_changes=(_phase,),
        finalize_rules=(Rule("spec.finalizers[]", _finalizer),),
    )
}
