"""Objects about disks that the article has not: a claim of another size or class of attributes, and such a class."""

from __future__ import annotations

from copy import deepcopy

from aksdisks.manifests import Manifest

DRIVER = "disk.csi.azure.com"


def changed_claim(claim: Manifest, *, size: str = "", attributes_class: str = "") -> Manifest:
    """The same claim with another size (a Kubernetes quantity), or another VolumeAttributesClass; empty: as it is."""
    made = deepcopy(claim)
    if size:
        made["spec"]["resources"] = {"requests": {"storage": size}}
    if attributes_class:
        made["spec"]["volumeAttributesClassName"] = attributes_class
    return made


def attributes_class(name: str, sku: str) -> Manifest:
    """A VolumeAttributesClass of the disk driver that asks for a SKU (CSI deploy/example/modifyvolume)."""
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": name}}
    return {**kind, "driverName": DRIVER, "parameters": {"skuName": sku}}
