"""A rollout to an image that cannot be pulled stops half-way, and what is added then is shared in proportion.

The steps and figures are those of upstream's e2e/apps/deployment.go, testProportionalScalingDeployment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

NAMESPACE = "/api/v1/namespaces/rollouts"
DEPLOYMENTS = "/apis/apps/v1/namespaces/rollouts/deployments"
SETS = "/apis/apps/v1/namespaces/rollouts/replicasets"
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}


@pytest.fixture
def wire(lab: LabState) -> Iterator[Wire]:
    wire = Wire(lab)
    assert wire("POST", "/api/v1/namespaces", {"metadata": {"name": "rollouts"}}).status == 201
    yield wire
    wire("DELETE", NAMESPACE)


def web(image: str, **spec: Any) -> dict[str, Any]:
    return {"spec": spec | {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}


def reached(wire: Wire, expected: dict[str, tuple[int, int, int]]) -> bool:
    """Whether the sets come to be as expected, by image: wanted, there, available; each change within 10 s."""
    shown: dict[str, tuple[int, int, int]] = {}
    for event in wire.lines(f"{SETS}?watch=1&timeoutSeconds=30"):
        item = event["object"]
        status = item.get("status", {})
        counts = item["spec"]["replicas"], status.get("replicas", 0), status.get("availableReplicas", 0)
        shown[item["spec"]["template"]["spec"]["containers"][0]["image"]] = counts
        if shown == expected:
            return True
    raise AssertionError(f"expected {expected}, found {shown}")


def test_an_image_that_cannot_be_pulled(wire: Wire) -> None:
    labels = {"app": "web"}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
    made = web("busybox", replicas=10, selector={"matchLabels": labels}, strategy=strategy)
    made["spec"]["template"]["metadata"] = {"labels": labels}
    assert wire("POST", DEPLOYMENTS, {"metadata": {"name": "web"}} | made).status == 201
    assert reached(wire, {"busybox": (10, 10, 10)})
    change: Callable[[Any], int] = lambda body: wire("PATCH", f"{DEPLOYMENTS}/web", body, STRATEGIC).status  # noqa: E731
    assert change(web("webserver:404")) == 200
    assert reached(wire, {"busybox": (8, 8, 8), "webserver:404": (5, 5, 0)})
    assert change({"spec": {"replicas": 30}}) == 200
    assert reached(wire, {"busybox": (20, 20, 20), "webserver:404": (13, 13, 0)})
