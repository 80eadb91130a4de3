"""Multi-Attach events: which of them still stand, and the pods that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aksdisks.model import Inventory, KubeEvent, Pod

MULTI_ATTACH = re.compile(
    r'Multi-Attach error for volume "(?P<volume>[^"]+)" Volume is already '
    r"(?:used by (?:pod\(s\) (?P<pods>.+)|\d+ pod\(s\) in different namespaces)|(?P<exclusive>exclusively attached))"
)
"""facts: kubernetes pkg/controller/volume/attachdetach/reconciler/reconciler.go."""


def multi_attach_events(inventory: Inventory) -> tuple[KubeEvent, ...]:
    """The Multi-Attach events of pods that exist, in the order of the pods."""
    return tuple(event for pod in inventory.pods if (event := standing_refusal(pod, inventory.events)))


def named_pods(event: KubeEvent) -> tuple[str, ...]:
    """The pods that a Multi-Attach event says use the volume."""
    match = MULTI_ATTACH.search(event.message)
    return tuple(match["pods"].partition(" and ")[0].split(", ")) if match and match["pods"] else ()


def standing_refusal(pod: Pod, events: Iterable[KubeEvent], volume: str = "") -> KubeEvent | None:
    """A pod's last Multi-Attach event, unless its volume was attached after it (a transient refusal).

    `volume` asks for that one's only; empty stands for any of the pod's.
    """
    own = [event for event in events if event.object_uid == pod.uid]
    attached = [event for event in own if event.reason == "SuccessfulAttachVolume"]
    standing = []
    for event in own:
        match = MULTI_ATTACH.search(event.message) if event.reason == "FailedAttachVolume" else None
        if match and volume in ("", match["volume"]):
            since = [each.last for each in attached if f'"{match["volume"]}"' in each.message]
            if not (event.last and any(last and last >= event.last for last in since)):
                standing.append(event)
    return standing[-1] if standing else None
