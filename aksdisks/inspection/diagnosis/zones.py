"""Whether nodes are where a volume's disk can be used: zones of both as the scheduler compares them; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aksdisks.inspection.diagnosis.case import Case, Saying
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.model import Node, Volume

_YOUNG = 30.0  # cluster seconds in which the scheduler says what it finds


def show(zone: str) -> str:
    """A zone for people."""
    return f"zone {zone}" if zone else "no zone"


def is_regional(zone: str) -> bool:
    """Whether a zone's label means none: empty, or the fault domain of a machine outside of zones (J1, k/k#67229)."""
    return not zone or zone.isdigit()


def admits(volume: Volume, node: Node) -> bool:
    """Whether the volume's node affinity admits the node; a volume that names no zone is admitted everywhere."""
    return not volume.zones or node.disk_zone in volume.zones or (bool(node.zone) and node.zone in volume.zones)


@dataclass(frozen=True, slots=True)
class Placing:
    """A pod without a node whose volume admits only some nodes: those inside and outside, and the scheduler's word."""

    volume: Volume
    inside: tuple[Node, ...]
    outside: tuple[Node, ...]
    told: Saying | None

    @property
    def refused(self) -> int:
        """How many nodes the scheduler refused for their zone, as far as it says."""
        return int(self.told.groups.get("nodes", "0")) if self.told else 0

    @property
    def rows(self) -> tuple[Evidence, ...]:
        """The zones of both."""
        zones = ", ".join(show(zone) for zone in self.volume.zones) or "any zone"
        row = Evidence("Kubernetes", f"PersistentVolume {self.volume.name}", f"its disk may be used in {zones}")
        said = (self.told.evidence,) if self.told else ()
        return (*said, row, *map(zone_row, (*self.inside[:3], *self.outside[:3])))


def zone_row(node: Node) -> Evidence:
    """The zone labels of a node."""
    return Evidence(
        "Kubernetes",
        f"Node {node.name}",
        f"topology.disk.csi.azure.com/zone={node.disk_zone!r}, topology.kubernetes.io/zone={node.zone!r}",
    )


def placing(case: Case) -> Placing | None:
    """The zones of a pod that has no node, where they can be why; None where they cannot."""
    pod, volume = case.pod, case.volume
    if case.kind != "Pod" or pod is None or pod.node or pod.deleting or volume is None or not volume.disk_id:
        return None
    told = case.says("volume-elsewhere")
    age = case.seen.age(pod.created)
    if told is None and (not volume.zones or any(row.says.startswith("FailedScheduling") for row in case.messages)):
        return None
    if told is None and age is not None and age < _YOUNG:
        return None
    nodes = case.seen.inventory.nodes
    inside = tuple(node for node in nodes if admits(volume, node))
    outside = tuple(node for node in nodes if not admits(volume, node))
    if told is None and (inside or not nodes):
        return None
    return Placing(volume, inside, outside, told)


def usable(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Those that take pods."""
    return tuple(node for node in nodes if node.ready and node.schedulable)
