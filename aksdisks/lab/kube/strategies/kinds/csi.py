"""CSI drivers, what nodes say of them, and what they could still provide (pkg/apis/storage)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.resource import STORAGE, Resource, find
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.causes import duplicate, formed, invalid, required
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.metadata import label_selector
from aksdisks.lab.kube.strategies.resources import quantity
from aksdisks.lab.kube.strategies.rules import Fixed, Rule, bounds, check, distinct, enumeration, nested
from aksdisks.lab.kube.strategies.strategy import Strategy
from aksdisks.lab.kube.strategies.volumesources import driver_name

_MAX_NODE_ID = 256


def _node_id(field: str, name: str | None) -> list[Cause]:
    if not name:
        return [required(field)]
    return [] if len(name) <= _MAX_NODE_ID else [invalid(field, name, f"must be {_MAX_NODE_ID} characters or less")]


def _topology_keys(at: str, driver: Object) -> list[Cause]:
    causes: list[Cause] = []
    keys = driver.get("topologyKeys", [])
    for position, key in enumerate(keys):
        causes += [] if key else [required(at)]
        causes += [duplicate(at, key)] if key in keys[:position] else []
        causes += formed(at, key, names.qualified_name_errors)
    return causes


_NODE = (
    nested(
        "spec.drivers[]",
        (Rule("name", driver_name), Rule("nodeID", _node_id), bounds("allocatable.count", 0), _topology_keys),
    ),
    distinct("spec.drivers", "name"),
)


def _node_changes(new: Object, old: Object) -> list[Cause]:
    """A driver that is listed stays as it is, but for how many volumes it can attach (since 1.34).

    Upstream looks twice at all that it would look at in a new object.
    """
    causes = check(_NODE, new)
    after = {driver.get("name"): driver for driver in new.get("spec", {}).get("drivers") or ()}
    for was in old.get("spec", {}).get("drivers") or ():
        driver = after.get(was.get("name"))
        if driver is not None and _lasting(was) != _lasting(driver):
            causes.append(invalid("spec.drivers", driver, "field is immutable"))
    return causes


def _lasting(driver: Object) -> Object:
    return {key: value for key, value in driver.items() if key != "allocatable"}


def _amount(field: str, value: str | None) -> list[Cause]:
    return quantity(field, "storage", value or "0")


def _audiences(item: Object) -> str:
    return ",".join(token.get("audience", "") for token in find(item, "spec.tokenRequests", ())) or columns.UNSET


_CSIDRIVERS_COLUMNS = (
    columns.NAME,
    column("AttachRequired", "spec.attachRequired", True, type="boolean"),
    column("PodInfoOnMount", "spec.podInfoOnMount", False, type="boolean"),
    column("StorageCapacity", "spec.storageCapacity", False, type="boolean"),
    column("TokenRequests", _audiences),
    column("RequiresRepublish", "spec.requiresRepublish", False, type="boolean"),
    column("Modes", lambda item: ",".join(find(item, "spec.volumeLifecycleModes", ())) or columns.NONE),
    columns.AGE,
)
_CSINODES_COLUMNS = (
    columns.NAME,
    column("Drivers", lambda item: len(find(item, "spec.drivers", ())), type="integer"),
    columns.AGE,
)
_CAPACITY_COLUMNS = (columns.NAME, column("StorageClassName", "storageClassName"), column("Capacity", "capacity"))
STRATEGIES = (
    Strategy(
        Resource("csidrivers", "CSIDriver", STORAGE, namespaced=False),
        columns=_CSIDRIVERS_COLUMNS,
        returns_deleted=True,
        known_finalizers=True,
        metadata_checks="last",
        defaults=(
            default("", spec={}),
            default(
                "spec",
                attachRequired=True,
                podInfoOnMount=False,
                storageCapacity=False,
                fsGroupPolicy="ReadWriteOnceWithFSType",
                requiresRepublish=False,
                seLinuxMount=False,
                volumeLifecycleModes=["Persistent"],
            ),
        ),
        rules=(
            enumeration("spec.fsGroupPolicy", "File", "None", "ReadWriteOnceWithFSType"),
            enumeration("spec.volumeLifecycleModes[]", "Persistent", "Ephemeral"),
            bounds("spec.nodeAllocatableUpdatePeriodSeconds", 10, why="must be greater than or equal to 10 seconds"),
        ),
        changes=(Fixed("spec.attachRequired", "spec.attachedRequired"), Fixed("spec.volumeLifecycleModes")),
    ),
    Strategy(
        Resource("csinodes", "CSINode", STORAGE, namespaced=False, unconditional_update=False),
        columns=_CSINODES_COLUMNS,
        returns_deleted=True,
        known_finalizers=True,
        metadata_checks="whole",
        rules=_NODE,
        changes=(_node_changes,),
    ),
    Strategy(
        Resource("csistoragecapacities", "CSIStorageCapacity", STORAGE, unconditional_update=False),
        columns=_CAPACITY_COLUMNS,
        rules=(
            Rule("nodeTopology", label_selector),
            Rule("storageClassName", lambda field, value: formed(field, value or "", names.subdomain_errors)),
            Rule("capacity", _amount),
            Rule("maximumVolumeSize", _amount),
        ),
        changes=(Fixed("nodeTopology"), Fixed("storageClassName")),
    ),
)
