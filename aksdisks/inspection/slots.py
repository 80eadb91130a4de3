"""How many more disks each node takes, by Kubernetes' count of its disks and by Azure's; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from aksdisks.model import DISK_DRIVERS, Attachment, Machine, Node, Unknown
from aksdisks.model.ownership import NodeSlots


def attached_disks(attachments: Iterable[Attachment]) -> dict[str, int]:
    """How many disks Kubernetes has attached, or is attaching, to each node; volumes of other drivers take no slot."""
    return dict(Counter(each.node for each in attachments if each.driver in DISK_DRIVERS))


def node_slots(
    nodes: Iterable[Node], attached: Mapping[str, int] | None, machines: Iterable[Machine] | Unknown
) -> tuple[NodeSlots, ...]:
    """How many more disks each node takes by both counts, each None where that side does not say.

    `attached` is `attached_disks`; None: they could not be read. Azure also counts what others put on the machine,
    Kubernetes what is on its way (facts J7). Less than 0 where a machine holds more than the driver would attach.
    """
    held = {} if isinstance(machines, Unknown) else {each.node: len(each.data_disks) for each in machines}

    def left(limit: int | None, taken: int | None) -> int | None:
        return None if limit is None or taken is None else limit - taken

    return tuple(
        NodeSlots(
            node=node.name,
            limit=node.disk_slots,
            by_kubernetes=left(node.disk_slots, None if attached is None else attached.get(node.name, 0)),
            by_azure=left(node.disk_slots, held.get(node.name)),
        )
        for node in nodes
    )


def free_slots(nodes: Iterable[Node], attached: Mapping[str, int], machines: Iterable[Machine]) -> dict[str, int]:
    """How many more disks each node takes by the smaller of both counts; never below 0.

    A node of which the driver says nothing is left out.
    """
    counted = node_slots(nodes, attached, machines)
    return {each.node: max(0, each.free) for each in counted if each.free is not None}
