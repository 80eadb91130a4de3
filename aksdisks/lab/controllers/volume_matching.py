"""Pure choice of a volume for a claim: what upstream's volume index and its checks would say."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.controllers.storage import class_name, refers_to, volume_admits, volume_mode
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse
from aksdisks.lab.kube.selectors import label_selector_matches


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
    if capacity_bytes(volume) < requested_bytes(claim):
        return "requested PV is too small"
    if class_name(volume) != class_name(claim):
        return "storageClassName does not match"
    if volume_mode(volume) != volume_mode(claim):
        return "incompatible volumeMode"
    if not set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ()):
        return "incompatible accessMode"
    return None


def best_match(
    volumes: Iterable[Object], claim: Object, *, node: Object | None = None, reserved_only: bool = False
) -> Object | None:
    """The volume that names this claim, else the smallest free one that serves it; None when there is none.

    `node`: only volumes that it may use; `reserved_only`: leave free ones to the scheduler (WaitForFirstConsumer).
    Source: K component-helpers/storage/volume FindMatchingVolume.
    """
    candidates = []
    for volume in volumes:
        if volume["metadata"].get("deletionTimestamp") or why_not(volume, claim) is not None:
            continue
        if node is not None and not volume_admits(volume, node):
            continue
        if volume["spec"].get("claimRef"):
            if refers_to(volume, claim):
                return volume
            continue
        selector = claim["spec"].get("selector")
        free = (volume.get("status") or {}).get("phase") == "Available"
        labels = volume["metadata"].get("labels") or {}
        if free and not reserved_only and (not selector or label_selector_matches(selector, labels)):
            candidates.append(volume)
    return min(candidates, key=capacity_bytes, default=None)
