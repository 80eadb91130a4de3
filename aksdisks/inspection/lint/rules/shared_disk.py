"""A claim asks the disk driver for a file system that several nodes have at once.

What it is
    A claim, or a set's template of claims, of a class for Azure disks, with ReadWriteMany or ReadOnlyMany among its
    access modes, also beside ReadWriteOnce. As a block device too, where the class says no `maxShares` above 1.

Why it hurts
    The driver is asked for each of the modes, and refuses to make the disk: `mountVolume is not supported for access
    mode: MULTI_NODE_MULTI_WRITER`, or `MULTI_NODE_READER_ONLY`. The claim stays Pending, and so do its pods: a file
    system on a disk is mounted by one machine.

Instead
    ReadWriteOnce, where one node at a time is enough. A class of Azure Files, such as `azurefile-csi`, where pods on
    several nodes share files. A block device of a class with `maxShares`, where the program itself keeps its writers
    apart, as clustered databases do.

Not meant
    Claims that name a volume, which is made already, and claims that are bound. Classes of Azure Files. Block devices
    of a class with `maxShares` of 2 or more. It is a warning where the claim names no class, and no cluster says which
    is its default: AKS's makes disks.

Opposed by
    No check that we know of.

Links
    https://learn.microsoft.com/azure/aks/azure-csi-disk-storage-provision
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/2122
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import count
from aksdisks.inspection.lint.world import Claim, World
from aksdisks.model.decoding import find, mapping

_MANY = ("ReadWriteMany", "ReadOnlyMany")
_ONE = "ReadWriteOnce"
_FILES = "azurefile-csi"


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    for claim in world.claims_of(manifest):
        modes = [mode for mode in claim.access_modes if mode in _MANY]
        if not modes or not _is_to_be_made(claim) or _shares_blocks(claim):
            continue
        block = find(claim.raw, "spec.volumeMode") == "Block"
        what = "a disk of maxShares 1" if block else "a file system on a disk"
        named = f"claims {claim.name} ask" if claim.path else "it asks"
        yield Hit(
            because=f"{named} for {' and '.join(modes)}, and class {claim.class_name} makes disks: the driver refuses "
            f"it, because {what} is for one node",
            place=(*claim.path, "spec", "accessModes"),
            edits=() if block and _ONE not in claim.access_modes else (_edit(claim),),
            patchable=False,
            level=None if "storageClassName" in mapping(claim.raw, "spec") or world.is_live else "warning",
        )


def _is_to_be_made(claim: Claim) -> bool:
    """Whether the disk driver is to make the claim's disk, as far as that is known."""
    made = find(claim.raw, "spec.volumeName") or find(claim.raw, "status.phase") == "Bound"
    return claim.storage_class is not None and claim.storage_class.value.makes_disks and not made


def _shares_blocks(claim: Claim) -> bool:
    """Whether it asks for a block device of a disk that several machines may have."""
    known = claim.storage_class.manifest if claim.storage_class else None
    parameters = {key.lower(): value for key, value in mapping(known.raw if known else {}, "parameters").items()}
    return find(claim.raw, "spec.volumeMode") == "Block" and (count(parameters.get("maxshares")) or 1) > 1


def _edit(claim: Claim) -> Edit:
    """What it most likely means: one node where that is among the modes, else files that are shared."""
    if _ONE in claim.access_modes:
        return Edit((*claim.path, "spec", "accessModes"), [_ONE])
    return Edit((*claim.path, "spec", "storageClassName"), _FILES)


RULE = Rule(id="shared-disk", level="error", judge=_judge, kinds=("PersistentVolumeClaim", "StatefulSet"), page=__doc__)
