"""Multi-Attach events: which of them still stand, and the pods that they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aksdisks.inspection.diagnosis.words import heard
from aksdisks.model import Inventory, KubeEvent, Pod


def multi_attach_events(inventory: Inventory) -> tuple[KubeEvent, ...]:
    """The Multi-Attach events of pods that exist, in the order of the pods."""
    return tuple(event for pod in inventory.pods if (event := standing_refusal(pod, inventory.events)))


def named_pods(event: KubeEvent) -> tuple[str, ...]:
    """The pods that a Multi-Attach event says use the volume."""
    return pods_in(_groups(event))


def pods_in(groups: Mapping[str, str]) -> tuple[str, ...]:
    """The pods in what the table of words found; those of other namespaces are counted there, not named."""
    return tuple(groups["pods"].partition(" and ")[0].split(", ")) if "pods" in groups else ()


def _groups(event: KubeEvent) -> Mapping[str, str]:
    """What a Multi-Attach event names; nothing of any other message."""
    found = heard(event.message, "multi-attach-pods", "multi-attach-exclusive")
    return found[0].groups if found else {}


def standing_refusal(pod: Pod, events: Iterable[KubeEvent], volume: str = "") -> KubeEvent | None:
    """A pod's last Multi-Attach event, unless its volume was attached after it (a transient refusal).

    `volume` asks for that one's only; empty stands for any of the pod's.
    """
    own = [event for event in events if event.object_uid == pod.uid]
    attached = [event for event in own if event.reason == "SuccessfulAttachVolume"]
    standing = []
    for event in own:
        refused = _groups(event).get("volume", "") if event.reason == "FailedAttachVolume" else ""
        if refused and volume in ("", refused):
            since = [each.last for each in attached if f'"{refused}"' in each.message]
            if not (event.last and any(last and last >= event.last for last in since)):
                standing.append(event)
    return standing[-1] if standing else None
