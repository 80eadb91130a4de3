"""Classes that claims name, as frozen values: StorageClass and VolumeAttributesClass."""

# `at` and the like make a new field at each call, as `field` itself does.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aksdisks.model.decoding import at, find, mapping, read
from aksdisks.model.kubernetes import DISK_DRIVERS, Named
from aksdisks.model.shares import FILE_DRIVERS

_DEFAULT = tuple(f"storageclass.{beta}kubernetes.io/is-default-class" for beta in ("", "beta."))


def sku_of(parameters: Mapping[str, str]) -> str:
    """The SKU that a class's parameters name; the case of their names does not count."""
    lower = {key.lower(): value for key, value in parameters.items()}
    return str(find(lower, "skuname storageaccounttype", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClass(Named):
    """A StorageClass; `sku` is its parameter skuname or storageaccounttype, whatever the key's case.

    `is_default`: claims that name no class get it.
    """

    provisioner: str = at("provisioner")
    sku: str = read(lambda raw: sku_of(mapping(raw, "parameters")), "")
    reclaim_policy: str = at("reclaimPolicy", "Delete")
    binding_mode: str = at("volumeBindingMode", "Immediate")
    is_default: bool = read(lambda raw: "true" in map(mapping(raw, "metadata.annotations").get, _DEFAULT), False)

    @property
    def makes_disks(self) -> bool:
        """True for classes of the disk driver, today's or 2019's."""
        return self.provisioner in DISK_DRIVERS

    @property
    def makes_shares(self) -> bool:
        """True for classes of the driver of Azure Files, today's or 2019's."""
        return self.provisioner in FILE_DRIVERS


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeAttributesClass(Named):
    """A VolumeAttributesClass (Kubernetes 1.34 and later): what a claim that names it has its disk changed to.

    `parameters` of the disk driver's are DiskIOPSReadWrite, DiskMBpsReadWrite and skuName, whatever the key's case
    (facts H).
    """

    driver: str = at("driverName")
    parameters: Mapping[str, str] = at("parameters", {})

    @property
    def sku(self) -> str:
        """The SKU that a disk is changed to; empty where it keeps its own."""
        return sku_of(self.parameters)
