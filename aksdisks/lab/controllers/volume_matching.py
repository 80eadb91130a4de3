"""Pure choice of a volume for a claim: what upstream's volume index and its checks would say."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.storage import attributes_class, class_name, refers_to, volume_admits, volume_mode
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.selectors import label_selector_matches


def requested_bytes(claim: Object) -> float:
    """What the claim asks for, in bytes."""
    return float(parse((claim["spec"].get("resources") or {}).get("requests", {}).get("storage", "0")))


def capacity_bytes(volume: Object) -> float:
    """What the volume offers, in bytes."""
    return float(parse((volume["spec"].get("capacity") or {}).get("storage", "0")))


def why_not(volume: Object, claim: Object) -> str | None:
    """Why this very volume cannot serve the claim, in upstream's words; None when it can.

    Source: K pkg/controller/volume/persistentvolume/pv_controller.go checkVolumeSatisfyClaim.
    """
    if volume["metadata"].get("deletionTimestamp"):
        return f'the volume is marked for deletion "{volume["metadata"]["name"]}"'
    if capacity_bytes(volume) < requested_bytes(claim):
        return "requested PV is too small"
    if class_name(volume) != class_name(claim):
        return "storageClassName does not match"
    if attributes_class(volume) != attributes_class(claim):
        return "volumeAttributesClassName does not match"
    if volume_mode(volume) != volume_mode(claim):
        return "incompatible volumeMode"
    if not _offers(volume, claim):
        return "incompatible accessMode"
    return None


def best_match(
    volumes: Iterable[Object], claim: Object, *, node: Object | None = None, reserved_only: bool = False
) -> Object | None:
    """The volume that names this claim, else the smallest free one that serves it; None when there is none.

    `node`: only volumes that it may use; `reserved_only`: leave free ones to the scheduler (WaitForFirstConsumer).
    Without a node, volumes with more access modes than asked for are looked at only when none with fewer does.
    Source: K component-helpers/storage/volume FindMatchingVolume; K persistentvolume/index.go findByClaim.
    """
    able = [volume for volume in volumes if _can_serve(volume, claim) and _offers(volume, claim)]
    if node is not None:
        return _best([volume for volume in able if volume_admits(volume, node)], claim, reserved_only=reserved_only)
    counts = sorted({len(_modes(volume)) for volume in able})
    alike = ([volume for volume in able if len(_modes(volume)) == count] for count in counts)
    found = (_best(group, claim, reserved_only=reserved_only) for group in alike)
    return next((volume for volume in found if volume is not None), None)


def _best(volumes: list[Object], claim: Object, *, reserved_only: bool) -> Object | None:
    """A volume made for the claim need not be of its class, nor have the labels that it selects."""
    for volume in volumes:
        if volume["spec"].get("claimRef") and refers_to(volume, claim):
            return volume
    selector = claim["spec"].get("selector")
    free = [
        volume
        for volume in volumes
        if not reserved_only
        and not volume["spec"].get("claimRef")
        and (volume.get("status") or {}).get("phase") == "Available"
        and class_name(volume) == class_name(claim)
        and (not selector or label_selector_matches(selector, volume["metadata"].get("labels") or {}))
    ]
    return min(free, key=capacity_bytes, default=None)


def _can_serve(volume: Object, claim: Object) -> bool:
    """It can serve the claim at all: large enough, of its mode and attributes, and not about to go."""
    going = "deletionTimestamp" in volume["metadata"]
    enough = capacity_bytes(volume) >= requested_bytes(claim)
    alike = volume_mode(volume) == volume_mode(claim) and attributes_class(volume) == attributes_class(claim)
    return enough and not going and alike


def _offers(volume: Object, claim: Object) -> bool:
    return set(claim["spec"].get("accessModes") or ()) <= _modes(volume)


def _modes(volume: Object) -> set[str]:
    return set(volume["spec"].get("accessModes") or ())
