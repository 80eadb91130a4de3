"""How many more disks each node takes, by Kubernetes' count of its disks and by Azure's; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from aksdisks.model import DISK_DRIVERS, Attachment, Machine, Node


def attached_disks(attachments: Iterable[Attachment]) -> dict[str, int]:
    """How many disks Kubernetes has attached, or is attaching, to each node; volumes of other drivers take no slot."""
    return dict(Counter(each.node for each in attachments if each.driver in DISK_DRIVERS))


def free_slots(nodes: Iterable[Node], attached: Mapping[str, int], machines: Iterable[Machine]) -> dict[str, int]:
    """How many more disks each node takes: its driver's limit less the larger of both counts; never below 0.

    `attached` is `attached_disks`. Azure also counts what others put on the machine, Kubernetes what is on its way
    (facts J7). A node of which the driver says nothing is left out.
    """
    held = {machine.node: len(machine.data_disks) for machine in machines}
    return {
        node.name: max(0, node.disk_slots - max(attached.get(node.name, 0), held.get(node.name, 0)))
        for node in nodes
        if node.disk_slots is not None
    }
