"""Reads both sides at one moment: Kubernetes' objects, and the disks and machines of the node resource group."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from aksdisks.azure.compute import Azure
from aksdisks.inspection.chains import join
from aksdisks.inspection.slots import attached_disks
from aksdisks.kube.client import Cluster
from aksdisks.model import Inventory, known


def read_inventory(cluster: Cluster, azure: Azure, namespace: str | None, time_scale: float = 1.0) -> Inventory:
    """What a namespace, the cluster's nodes and its node resource group hold now; nothing is changed.

    `namespace` None, or empty, stands for all of them; `time_scale` is cluster seconds in a real one. Lists are read in
    pages, Azure's after all of Kubernetes': a disk that Azure has moved by then, Kubernetes has wanted to move before.
    What Azure does not tell is Unknown in the inventory; NotReachable, NotAllowed or ApiError is raised where
    Kubernetes does not answer. The resource group's name is taken from a disk where there is one: in the nodes'
    providerID it is in lower case.
    """
    where = namespace or ""
    claims = cluster.claims(where)
    volumes = tuple(volume for volume in cluster.volumes() if not where or volume.claim_namespace == where)
    names = {volume.name for volume in volumes}
    nodes, pods, attachments = cluster.nodes(), cluster.pods(where), cluster.attachments()
    events, classes = cluster.events(where), cluster.classes()
    disks = azure.disks()
    inventory = Inventory(
        taken=datetime.now(UTC),
        namespace=where or None,
        nodes=nodes,
        pods=tuple(sorted(pods, key=lambda pod: pod.key)),
        claims=tuple(sorted(claims, key=lambda claim: claim.key)),
        volumes=tuple(sorted(volumes, key=lambda volume: (volume.claim, volume.name))),
        attachments=tuple(entry for entry in attachments if entry.volume in names),
        attached=attached_disks(attachments),
        events=events,
        classes=classes,
        disks=disks,
        machines=azure.machines([node.name for node in nodes if not node.ready]),
        resource_group=next((disk.resource_group for disk in known(disks)), azure.resource_group),
        time_scale=time_scale,
    )
    return replace(inventory, chains=join(inventory))
