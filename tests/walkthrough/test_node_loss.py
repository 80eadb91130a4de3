"""What runbook 06 compares of a lost machine, where other workloads of the run were on it as well."""

from __future__ import annotations

from typing import Any

from aksdisks.inspection.node_loss import NodeLoss
from aksdisks.model import Unknown
from aksdisks.views.look import Look
from aksdisks.walkthrough.node_loss import Loss
from tests.world import claim, disk, machine, pod, volume, world

SET, OTHER = "disk-stateful-set-2", "disk-deploy-1"


def loss(uids: dict[str, str]) -> Loss:
    nobody: Any = None
    made = Loss(nobody, nobody, nobody, nobody)
    made._seen = NodeLoss("aks-0", "out-of-service", uids, {})
    return made


def test_the_disk_of_a_deployment_on_the_lost_machine_is_not_counted() -> None:
    """Its replicas share a claim: those that were made anew elsewhere would count, too."""
    held = disk("data"), disk("shared")
    pods = (
        pod(SET, 0, claim="data"),
        pod(OTHER, 0, claim="shared"),
        pod("disk-deploy-2", 1, claim="shared"),
    )
    parts: dict[str, Any] = {
        "pods": pods,
        "claims": (claim("data"), claim("shared")),
        "volumes": (volume("data"), volume("shared")),
        "disks": held,
        "machines": (machine(0, *held), machine(1)),
    }
    made = loss({SET: f"uid-{SET}"})
    assert made.held(Look(world(**parts), bool)) == {SET}
    off = Unknown("azure is off")
    assert made.held(Look(world(**parts | {"machines": off}), bool)) is off
