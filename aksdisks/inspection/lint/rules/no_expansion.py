"""The disks of a class cannot be made larger.

What it is
    A StorageClass for Azure disks without `allowVolumeExpansion: true`. A class that does not say it does not allow it.

Why it hurts
    A claim that has filled up cannot grow: the API server refuses to change its size. What is left is a new claim, and
    copying the data while the program stands still.

Instead
    `allowVolumeExpansion: true`. It can be set on a class that exists, and then holds for the claims that it made, too.
    Azure disks grow while they are mounted, and never shrink.

Not meant
    Classes of other drivers.

Opposed by
    No check that we know of.

Links
    https://kubernetes.io/docs/concepts/storage/storage-classes/#allow-volume-expansion
    https://learn.microsoft.com/azure/aks/azure-disk-csi#resize-a-persistent-volume-without-downtime
    https://github.com/Azure/AKS/issues/1477
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.lint.classes import class_of
from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.world import World


def _judge(_world: World, manifest: Manifest) -> Iterator[Hit]:
    said = manifest.raw.get("allowVolumeExpansion")
    if said is True or not class_of(manifest).value.makes_disks:
        return
    says = "does not say allowVolumeExpansion" if said is None else "says allowVolumeExpansion: false"
    yield Hit(
        because=f"the class {says}, so its claims cannot grow",
        place=("allowVolumeExpansion",),
        edits=(Edit(("allowVolumeExpansion",), True),),
    )


RULE = Rule(id="no-expansion", level="warning", judge=_judge, kinds=("StorageClass",), page=__doc__)
