"""What a claim's status says of changes under way: expansion, and a change of its VolumeAttributesClass; pure."""

from __future__ import annotations

from aksdisks.model import Claim, Condition
from aksdisks.quantities import parse_quantity

RESIZE_ERRORS = ("ControllerResizeError", "NodeResizeError")
"""Conditions of a claim whose expansion failed (kubernetes staging/src/k8s.io/api/core/v1/types.go)."""


def condition(claim: Claim, *types: str) -> Condition | None:
    """The claim's first condition of one of these types that is True."""
    return next((each for each in claim.conditions if each.type in types and each.status == "True"), None)


def is_expanding(claim: Claim) -> bool:
    """Whether the claim was asked to grow and has not grown yet, as far as its status says."""
    if claim.phase != "Bound":
        return False
    under_way = condition(claim, "Resizing", "FileSystemResizePending", *RESIZE_ERRORS)
    return bool(under_way or claim.resize_status or wants_more(claim))


def wants_more(claim: Claim) -> bool:
    """Whether it asks for more than it has; False where one of both is not known."""
    if claim.requested == claim.capacity or not (claim.capacity and claim.requested):
        return False
    try:
        return parse_quantity(claim.requested) > parse_quantity(claim.capacity)
    except ValueError:
        return False


def is_modifying(claim: Claim) -> bool:
    """Whether its disk is to be changed to a VolumeAttributesClass, be it that nothing has begun, or that it failed.

    Of a claim that names no class any more the status stays as it was (external-resizer pkg/modifycontroller), and of
    one without a disk the class is part of what is made.
    """
    if claim.phase != "Bound" or not claim.attributes_class:
        return False
    under_way = claim.modify_status or condition(claim, "ModifyingVolume", "ModifyVolumeError")
    return bool(under_way) or claim.attributes_class != claim.current_attributes_class
