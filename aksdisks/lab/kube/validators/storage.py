"""Validation of storage classes, attachments, drivers and what nodes say of them (pkg/apis/storage/validation)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import (
    Struct,
    duplicate,
    forbidden,
    formed,
    immutable,
    invalid,
    not_negative,
    required,
    too_long,
    unsupported,
)
from aksdisks.lab.kube.validators.meta import label_selector
from aksdisks.lab.kube.validators.volumes import volume_spec
from aksdisks.lab.kube.validators.volumesources import driver_name

_POLICIES = ("Delete", "Retain")
_MODES = ("Immediate", "WaitForFirstConsumer")
_FS_GROUP = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLES = ("Persistent", "Ephemeral")
_MAX_PARAMETERS, _MAX_PARAMETER_BYTES = 512, 256 * 1024
_MAX_NODE_ID = 256
_MAX_ERROR = 1024
_MIN_PERIOD = 10
_EXACTLY_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def storage_class(obj: Object) -> list[Cause]:
    """A new class."""
    provisioner = obj.get("provisioner", "")
    causes = [] if provisioner else [required("provisioner")]
    if provisioner:
        causes += [
            invalid("provisioner", provisioner.lower(), p) for p in names.qualified_name_errors(provisioner.lower())
        ]
    parameters = obj.get("parameters", {})
    if len(parameters) > _MAX_PARAMETERS:
        causes.append(too_long("parameters", _MAX_PARAMETERS))
    else:
        causes += [invalid("parameters", key, "field can not be empty.") for key in parameters if not key]
        if sum(len(key.encode()) + len(value.encode()) for key, value in parameters.items()) > _MAX_PARAMETER_BYTES:
            causes.append(too_long("parameters", _MAX_PARAMETER_BYTES))
    for field, allowed in (("reclaimPolicy", _POLICIES), ("volumeBindingMode", _MODES)):
        if obj.get(field) not in allowed:
            causes.append(unsupported(field, obj.get(field), allowed))
    return causes + _topologies(obj.get("allowedTopologies", ()))


def _topologies(terms: list[Object]) -> list[Cause]:
    causes: list[Cause] = []
    for index, term in enumerate(terms):
        keys: set[str] = set()
        for number, expression in enumerate(term.get("matchLabelExpressions", ())):
            at = f"allowedTopologies[{index}].matchLabelExpressions[{number}]"
            values, key = expression.get("values", []), expression.get("key", "")
            if not values:
                causes.append(required(f"{at}.values"))
            for position, value in enumerate(values):
                if value in values[:position]:
                    causes.append(duplicate(f"{at}.values[{position}]", value))
            causes += formed(f"{at}.key", key, names.qualified_name_errors)
            if key in keys:
                causes.append(duplicate(f"{at}.key", key))
            keys.add(key)
    return causes


def storage_class_update(new: Object, old: Object) -> list[Cause]:
    """A changed class: what its volumes were made from stays."""
    causes = storage_class(new)
    for field in ("parameters", "provisioner", "reclaimPolicy"):
        if new.get(field) != old.get(field):
            causes.append(forbidden(field, f"updates to {field} are forbidden."))
    return causes + immutable("volumeBindingMode", new.get("volumeBindingMode"), old.get("volumeBindingMode"))


def capacity(obj: Object) -> list[Cause]:
    """What a driver says that it could still provide."""
    name = obj.get("storageClassName", "")
    causes = label_selector("nodeTopology", obj["nodeTopology"]) if "nodeTopology" in obj else []
    causes += formed("storageClassName", name, names.subdomain_errors)
    for field in ("capacity", "maximumVolumeSize"):
        if field in obj and parse(obj[field]) < 0:
            causes.append(invalid(field, obj[field], "must be greater than or equal to 0"))
    return causes


def capacity_update(new: Object, old: Object) -> list[Cause]:
    """What was asked of the driver stays."""
    changed = [field for field in ("nodeTopology", "storageClassName") if new.get(field) != old.get(field)]
    causes = [invalid(field, new.get(field), "field is immutable") for field in changed]
    return causes + capacity(new)


def attachment(obj: Object) -> list[Cause]:
    """A new attachment, of which more is asked than of those that are there."""
    spec = obj.get("spec", {})
    causes = _attachment(obj) + driver_name("spec.attacher", spec.get("attacher", ""))
    name = spec.get("source", {}).get("persistentVolumeName")
    if name is not None:
        causes += formed("spec.source.persistentVolumeName", name, names.subdomain_errors)
    return causes


def _attachment(obj: Object) -> list[Cause]:
    spec = obj.get("spec", {})
    causes = [] if spec.get("attacher") else [required("spec.attacher")]
    source = spec.get("source", {})
    name = source.get("persistentVolumeName")
    if name is None and "inlineVolumeSpec" not in source:
        causes.append(required("spec.source", _EXACTLY_ONE))
    elif name is not None and "inlineVolumeSpec" in source:
        causes.append(forbidden("spec.source", _EXACTLY_ONE))
    elif name is not None and not name:
        causes.append(required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName"))
    elif name is None:
        inline = source["inlineVolumeSpec"]
        causes += volume_spec("spec.source.inlineVolumeSpec", inline, "", inline=True)
    causes += formed("spec.nodeName", spec.get("nodeName", ""), names.subdomain_errors)
    return causes + _attached(obj.get("status", {}))


def _attached(status: Object) -> list[Cause]:
    causes: list[Cause] = []
    found = status.get("attachmentMetadata", {})
    if sum(len(key.encode()) + len(value.encode()) for key, value in found.items()) > _MAX_PARAMETER_BYTES:
        causes.append(too_long("status.attachmentMetadata", _MAX_PARAMETER_BYTES))
    for key in ("attachError", "detachError"):
        error = status.get(key) or {}
        if len(error.get("message", "").encode()) > _MAX_ERROR:
            causes.append(too_long(f"status.{key}.message", _MAX_PARAMETER_BYTES))
        if error.get("errorCode", 0) < 0:
            why = "must be between 0 and 2147483647, inclusive"
            causes.append(invalid(f"status.{key}.errorCode", error["errorCode"], why))
    return causes


def attachment_update(new: Object, old: Object) -> list[Cause]:
    """A changed attachment, all of which upstream looks at twice: its spec stays."""
    causes = _attachment(new) * 2
    if new.get("spec") == old.get("spec"):
        return causes
    spec = new.get("spec", {})
    source = spec.get("source", {})
    shown = Struct(
        Attacher=spec.get("attacher", ""),
        Source=Struct(
            PersistentVolumeName=source.get("persistentVolumeName"), InlineVolumeSpec=source.get("inlineVolumeSpec")
        ),
        NodeName=spec.get("nodeName", ""),
    )
    return [*causes, invalid("spec", shown, "field is immutable")]


def csi_node(obj: Object) -> list[Cause]:
    """What a node says of its drivers."""
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, driver in enumerate(obj.get("spec", {}).get("drivers") or ()):
        at, name, node = f"spec.drivers[{index}]", driver.get("name", ""), driver.get("nodeID", "")
        causes += driver_name(f"{at}.name", name)
        causes += [] if node else [required(f"{at}.nodeID")]
        if len(node) > _MAX_NODE_ID:
            causes.append(invalid(f"{at}.nodeID", node, f"must be {_MAX_NODE_ID} characters or less"))
        causes += not_negative(f"{at}.allocatable.count", driver.get("allocatable", {}).get("count"))
        if name in seen:
            causes.append(duplicate(f"{at}.name", name))
        seen.add(name)
        keys = driver.get("topologyKeys", [])
        for position, key in enumerate(keys):
            if not key:
                causes.append(required(at))
            if key in keys[:position]:
                causes.append(duplicate(at, key))
            causes += formed(at, key, names.qualified_name_errors)
    return causes


def csi_node_update(new: Object, old: Object) -> list[Cause]:
    """A driver that is listed stays as it is, but for how many volumes it can attach (since 1.34).

    Upstream looks twice at all that it would look at in a new object.
    """
    causes = csi_node(new) * 2
    after = {driver.get("name"): driver for driver in new.get("spec", {}).get("drivers") or ()}
    for was in old.get("spec", {}).get("drivers") or ():
        driver = after.get(was.get("name"))
        if driver is not None and _lasting(was) != _lasting(driver):
            shown = Struct(
                Name=driver.get("name", ""),
                NodeID=driver.get("nodeID", ""),
                TopologyKeys=driver.get("topologyKeys"),
                Allocatable=None,
            )
            causes.append(invalid("spec.drivers", shown, "field is immutable"))
    return causes


def _lasting(driver: Object) -> Object:
    return {key: value for key, value in driver.items() if key != "allocatable"}


def csi_driver(obj: Object) -> list[Cause]:
    """A new driver."""
    spec = obj.get("spec", {})
    causes: list[Cause] = []
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in _FS_GROUP:
        causes.append(unsupported("spec.fsGroupPolicy", policy, _FS_GROUP))
    causes += _token_requests("spec.tokenRequests", spec.get("tokenRequests", ()))
    for mode in spec.get("volumeLifecycleModes", ()):
        if mode not in _LIFECYCLES:
            causes.append(unsupported("spec.volumeLifecycleModes", mode, _LIFECYCLES))
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _MIN_PERIOD:
        why = f"must be greater than or equal to {_MIN_PERIOD} seconds"
        causes.append(invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, why))
    return causes


def _token_requests(at: str, found: list[Object] | tuple[()]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, request in enumerate(found):
        audience, seconds = request.get("audience", ""), request.get("expirationSeconds")
        if audience in seen:
            causes.append(duplicate(f"{at}[{index}].audience", audience))
            continue
        seen.add(audience)
        if seconds is not None and seconds < 600:
            why = "may not specify a duration less than 10 minutes"
            causes.append(invalid(f"{at}[{index}].expirationSeconds", seconds, why))
        if seconds is not None and seconds > 2**32:
            why = "may not specify a duration larger than 2^32 seconds"
            causes.append(invalid(f"{at}[{index}].expirationSeconds", seconds, why))
    return causes


def csi_driver_update(new: Object, old: Object) -> list[Cause]:
    """A changed driver: whether it attaches and how its volumes live stays."""
    causes = csi_driver(new)
    after, before = new["spec"], old["spec"]
    causes += immutable("spec.attachedRequired", after.get("attachRequired"), before.get("attachRequired"))
    modes = after.get("volumeLifecycleModes") or []
    if modes != (before.get("volumeLifecycleModes") or []):
        causes.append(invalid("spec.volumeLifecycleModes", modes or None, "field is immutable"))
    return causes
