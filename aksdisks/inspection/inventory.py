"""Reads both sides at one moment: Kubernetes' objects, and the disks and machines of the node resource group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aksdisks.azure.compute import Azure
from aksdisks.inspection.chains import join
from aksdisks.inspection.diagnosis.reading import KINDS, NAMESPACED, OPTIONAL, inventory_of
from aksdisks.inspection.files import read_files
from aksdisks.kube.client import Cluster
from aksdisks.model import Inventory, known


def read_inventory(cluster: Cluster, azure: Azure, namespace: str | None, time_scale: float = 1.0) -> Inventory:
    """What a namespace, the cluster's nodes and its node resource group hold now; nothing is changed.

    `namespace` None, or empty, stands for all of them; `time_scale` is cluster seconds in a real one. Lists are read in
    pages, Azure's after all of Kubernetes': a disk that Azure has moved by then, Kubernetes has wanted to move before.
    What Azure does not tell is Unknown in the inventory, and so are snapshots and attributes classes that may not be
    read, or that the cluster does not serve; storage accounts and shares are asked for where a volume names one.
    NotReachable, NotAllowed or ApiError is raised where Kubernetes does not answer. The resource group's name is taken
    from a disk where there is one: in the nodes' providerID it is in lower case.
    """
    found: dict[str, Any] = {
        kind: cluster.list(kind, (namespace or "") if kind in NAMESPACED else "") for kind in KINDS
    } | {kind: cluster.readable(kind, namespace or "") for kind in OPTIONAL}
    inventory = inventory_of(found, namespace, time_scale)
    disks = azure.disks()
    inventory = replace(
        inventory,
        disks=disks,
        machines=azure.machines([node.name for node in inventory.nodes if not node.ready]),
        files=read_files(azure, [volume.share for volume in inventory.volumes if volume.share]),
        resource_group=next((disk.resource_group for disk in known(disks)), azure.resource_group),
    )
    return replace(inventory, chains=join(inventory))
