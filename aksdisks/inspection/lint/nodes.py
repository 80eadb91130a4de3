"""Where disks can go in a cluster: the places that nodes have left for them, and the zones that they are bound to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aksdisks.inspection.diagnosis.zones import is_regional
from aksdisks.inspection.slots import attached_disks, node_slots
from aksdisks.model import Attachment, Node, Volume
from aksdisks.model.ownership import NodeSlots


@dataclass(frozen=True, slots=True)
class DiskNodes:
    """The nodes of a cluster as disks see them.

    `slots` by node, as Kubernetes counts them; `bound` is how many disks can be attached in one zone only, by that
    zone; `takers` are by zone the nodes to which any pod can go: ready, not cordoned, without a taint that keeps pods
    off; `zones` are those in which nodes stand.
    """

    nodes: tuple[Node, ...]
    slots: Mapping[str, NodeSlots]
    bound: Mapping[str, int]
    takers: Mapping[str, tuple[str, ...]]
    zones: frozenset[str]

    @classmethod
    def of(cls, nodes: tuple[Node, ...], attachments: Iterable[Attachment], volumes: Iterable[Volume]) -> DiskNodes:
        """Of what was read of a cluster."""
        slots = node_slots(nodes, attached_disks(attachments), ())  # Azure is not asked
        zones = (set(volume.zones) for volume in volumes if volume.disk_id)
        bound = Counter(zone for each in zones if len(each) == 1 for zone in each if not is_regional(zone))
        return cls(
            nodes=nodes,
            slots={each.node: each for each in slots},
            bound=dict(sorted(bound.items())),
            takers={zone: tuple(node.name for node in nodes if _takes(node, zone)) for zone in bound},
            zones=frozenset(node.zone for node in nodes if not is_regional(node.zone)),
        )


def _takes(node: Node, zone: str) -> bool:
    kept_off = any(taint.effect != "PreferNoSchedule" for taint in node.taints)
    return zone in (node.disk_zone, node.zone) and node.ready and node.schedulable and not kept_off
