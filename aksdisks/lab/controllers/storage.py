"""Pure answers about claims, volumes and attachments that controllers and agents share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from aksdisks.lab.client.interface import Object, own_copy

DISK_DRIVER, FILE_DRIVER = "disk.csi.azure.com", "file.csi.azure.com"
DRIVER_ON_NODES, DRIVER_CONTAINER = "csi-azuredisk-node", "azuredisk"
"""The DaemonSet of its pods on nodes, and the container in them that is the driver."""

SELECTED_NODE = "volume.kubernetes.io/selected-node"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
MIGRATED_TO = "pv.kubernetes.io/migrated-to"

_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"

# In-tree provisioners that upstream hands to the CSI driver (facts B: csi-translation-lib/plugins/azure_disk.go).
MIGRATED = {"kubernetes.io/azure-disk": DISK_DRIVER}


def annotations_of(obj: Object) -> Mapping[str, str]:
    """The annotations, empty where there are none."""
    return obj["metadata"].get("annotations") or {}


def claim_names(pod: Object) -> list[str]:
    """The claims that a pod mounts, in the order of its volumes; ephemeral volumes by the name of the claim made."""
    names = []
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            names.append(str(volume["persistentVolumeClaim"]["claimName"]))
        elif "ephemeral" in volume:
            names.append(f"{pod['metadata']['name']}-{volume['name']}")
    return names


def driver_and_handle(volume: Object) -> tuple[str, str] | None:
    """Driver and handle of an attachable volume, in-tree disks as their CSI translation; None for other kinds."""
    spec = volume["spec"]
    if "csi" in spec:
        return str(spec["csi"]["driver"]), str(spec["csi"]["volumeHandle"])
    if "azureDisk" in spec:
        return DISK_DRIVER, str(spec["azureDisk"]["diskURI"])
    return None


def unique_volume_name(volume: Object) -> str | None:
    """The name in a node's volumesInUse and volumesAttached (facts B: K csi_plugin.go, util.go)."""
    found = driver_and_handle(volume)
    if found is not None and annotations_of(volume).get(PROVISIONED_BY) in MIGRATED and not is_migrated(volume):
        return f"kubernetes.io/azure-disk/{found[1]}"
    return None if found is None else f"kubernetes.io/csi/{found[0]}^{found[1]}"


def is_migrated(volume: Object) -> bool:
    """An in-tree volume that the CSI driver serves; the cluster of 2019 had none."""
    return MIGRATED_TO in annotations_of(volume)


def handle_in(unique_name: str) -> str:
    """The volume's handle in its unique name."""
    return unique_name.partition("^")[2] or unique_name.removeprefix("kubernetes.io/azure-disk/")


def attachment_name(handle: str, driver: str, node: str) -> str:
    """The name of a VolumeAttachment (facts B: K pkg/volume/csi/csi_attacher.go getAttachmentName)."""
    return "csi-" + hashlib.sha256(f"{handle}{driver}{node}".encode()).hexdigest()


def attached_volume(attachment: Object) -> tuple[str]:
    """The volume that a VolumeAttachment is about: what attachments are filed under."""
    return (str(attachment["spec"]["source"].get("persistentVolumeName", "")),)


def claim_reference(claim: Object) -> dict[str, str]:
    """The claimRef of a volume that is for this very claim."""
    meta = claim["metadata"]
    parts = {name: meta[name] for name in ("namespace", "name", "uid", "resourceVersion")}
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1", **parts}


def reserved(volume: Object, claim: Object) -> Object | None:
    """The volume as it is for this claim, to be written; None where it is so (K pv_controller.go bindVolumeToClaim)."""
    before = volume["spec"].get("claimRef") or {}
    if before.get("uid") == claim["metadata"]["uid"]:
        return None
    changed = own_copy(volume)
    if not before:
        changed["metadata"].setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
    changed["spec"]["claimRef"] = claim_reference(claim)
    return changed


def refers_to(volume: Object, claim: Object) -> bool:
    """The volume's claimRef names this very claim; a claimRef without uid (made by hand) does too."""
    ref = volume["spec"].get("claimRef")
    meta = claim["metadata"]
    if not ref or ref.get("name") != meta["name"] or ref.get("namespace") != meta["namespace"]:
        return False
    return not ref.get("uid") or ref["uid"] == meta["uid"]


def reserved_for(volume: Object) -> tuple[str]:
    """The key of the claim that the volume is for, the empty text when it is free: what volumes are filed under."""
    ref = volume["spec"].get("claimRef")
    return (f"{ref.get('namespace')}/{ref.get('name')}" if ref else "",)


def volume_mode(obj: Object) -> str:
    """Filesystem or Block, of a claim or a volume."""
    return obj["spec"].get("volumeMode") or "Filesystem"


def class_name(obj: Object) -> str:
    """The StorageClass that a claim or volume names, the old annotation first; empty for none."""
    old = annotations_of(obj).get(_BETA_CLASS)
    return str(old if old is not None else obj["spec"].get("storageClassName") or "")


def attributes_class(obj: Object) -> str:
    """The VolumeAttributesClass that a claim asks for, or that a volume has; empty for none."""
    return str(obj["spec"].get("volumeAttributesClassName") or "")


def has_class(claim: Object) -> bool:
    """The claim says which class it is of; an empty name says: of none."""
    return claim["spec"].get("storageClassName") is not None or _BETA_CLASS in annotations_of(claim)


def default_class(classes: Iterable[Object]) -> Object | None:
    """The class of claims that name none: the newest that is marked so, ties by name.

    Source: K pkg/volume/util/storageclass.go GetDefaultClass.
    """
    marked = [found for found in classes if any(annotations_of(found).get(key) == "true" for key in _DEFAULT_CLASS)]
    marked.sort(key=lambda found: str(found["metadata"]["name"]))
    return max(marked, key=lambda found: str(found["metadata"]["creationTimestamp"]), default=None)


def waits_for_consumer(storage_class: Object | None) -> bool:
    """The class binds claims only when a pod needs them."""
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def matches_terms(terms: list[dict[str, Any]], labels: Mapping[str, str], name: str) -> bool:
    """A node with these labels and name meets one of the node selector terms; a term without content meets nothing."""
    return any(_matches_term(term, labels, name) for term in terms)


def _matches_term(term: dict[str, Any], labels: Mapping[str, str], name: str) -> bool:
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    return all(_matches(rule, labels) for rule in expressions) and all(
        _matches(rule, {"metadata.name": name}) for rule in fields
    )


def _matches(rule: dict[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = rule["key"], rule["operator"], rule.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    try:
        number, limit = int(labels[key]), int(values[0])
    except (KeyError, ValueError, IndexError):
        return False
    return number > limit if operator == "Gt" else number < limit


def volume_admits(volume: Object, node: Object) -> bool:
    """The volume's node affinity admits the node."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    if not required:
        return True
    meta = node["metadata"]
    return matches_terms(required.get("nodeSelectorTerms") or [], meta.get("labels") or {}, meta["name"])


def pod_is_over(pod: Object) -> bool:
    """The pod no longer counts for attaching: finished, or being deleted with no container running.

    Facts D: K pkg/volume/util/util.go IsPodTerminated.
    """
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    if not pod["metadata"].get("deletionTimestamp"):
        return False
    states = [entry.get("state") or {} for entry in status.get("containerStatuses") or ()]
    return all("terminated" in state or "waiting" in state for state in states)


def node_is_ready(node: Object) -> bool:
    """Its Ready condition, where it has one, is True."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return all(entry["status"] == "True" for entry in conditions if entry["type"] == "Ready")


def has_taint(node: Object, key: str) -> bool:
    """One of its taints has that key, whatever its effect."""
    return any(taint["key"] == key for taint in node["spec"].get("taints") or ())
