"""The storage classes that AKS makes in every cluster, for manifests that name them and do not bring them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from aksdisks.inspection.lint.reading import Manifest
from aksdisks.model import StorageClass, decode
from aksdisks.model.decoding import listed, texts

# Name and SKU of those for disks, https://learn.microsoft.com/azure/aks/concepts-storage#storage-classes. Where the
# nodes stand in several zones, and since 1.29, AKS makes ZRS of LRS: it has `LRS` here where that is not certain.
_DISKS = {
    "default": "StandardSSD_LRS",
    "managed": "StandardSSD_LRS",
    "managed-csi": "StandardSSD_LRS",
    "managed-premium": "Premium_LRS",
    "managed-csi-premium": "Premium_LRS",
    "managed-csi-premium-v2": "PremiumV2_LRS",
}
_FILES = ("azurefile", "azurefile-premium", "azurefile-csi", "azurefile-csi-premium")
DISK_ZONE = "topology.disk.csi.azure.com/zone"
ZONES = (DISK_ZONE, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
"""The labels that say in which zone a node stands; the disk driver's own is empty where it stands in none."""
DEFAULT = "default"
"""The class of claims that name none, unless the cluster has another default."""


@dataclass(frozen=True, slots=True)
class Class:
    """A storage class; `manifest` is None for those that AKS makes and nobody has read."""

    value: StorageClass
    manifest: Manifest | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.value.name

    @property
    def zonal(self) -> bool:
        """Whether its disks stand in one zone, from which they cannot be attached to a machine in another."""
        return self.value.makes_disks and not self.value.sku.upper().endswith("_ZRS")

    @property
    def allowed_zones(self) -> tuple[str, ...]:
        """The zones to which its allowedTopologies keep it; empty where they do not."""
        topologies = listed(self.manifest.raw, "allowedTopologies") if self.manifest else []
        rules = [rule for topology in topologies for rule in listed(topology, "matchLabelExpressions")]
        return tuple(zone for rule in rules if rule.get("key") in ZONES for zone in texts(rule, "values"))


@cache
def built_in(name: str) -> Class | None:
    """The class of this name that AKS makes, None where it makes none."""
    if name in _DISKS:
        return _made(name, "disk.csi.azure.com", "WaitForFirstConsumer", {"skuname": _DISKS[name]})
    return _made(name, "file.csi.azure.com", "Immediate", {}) if name in _FILES else None


def class_of(manifest: Manifest) -> Class:
    """A StorageClass that was read."""
    return Class(decode("StorageClass", manifest.raw), manifest)


def _made(name: str, provisioner: str, binding: str, parameters: dict[str, str]) -> Class:
    raw = {"metadata": {"name": name}, "provisioner": provisioner, "parameters": parameters, "reclaimPolicy": "Delete",
           "allowVolumeExpansion": True, "volumeBindingMode": binding}  # fmt: skip
    return Class(decode("StorageClass", raw))
