"""What events and endpoint slices may not say, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.kube.schema.resource import EVENTS_V1
from tests.lab.kube.strategies.refusals import of_change, of_new

POD = {"kind": "Pod", "name": "p", "namespace": "default"}
TOLD = {
    "metadata": {"name": "e"}, "eventTime": "2026-11-23T12:00:00.000000Z", "type": "Normal", "reason": "Started",
    "action": "Start", "reportingController": "a.b/c", "reportingInstance": "i", "regarding": POD,
}  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "obj", "problems"),
    [
        ("events", {"metadata": {"name": "a_b"}, "involvedObject": POD}, []),
        ("events", {"metadata": {"name": "e"}, "involvedObject": {**POD, "namespace": "other"}},
         ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']),
        ("events", {"metadata": {"name": "e"}, "involvedObject": POD, "eventTime": "2026-11-23T12:00:00.000000Z",
                    "reportingComponent": "c", "reportingInstance": "i", "action": "x" * 129},
         ['action: Invalid value: "": can have at most 128 characters', "reason: Required value"]),
        (EVENTS_V1, TOLD, []),
        (EVENTS_V1, {**TOLD, "type": "Loud", "deprecatedCount": 1, "series": {"count": 1}},
         ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value",
          'type: Invalid value: "": has invalid value: Loud', 'count: Invalid value: "": needs to be unset']),
        ("endpointslices", {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": [
            {"addresses": ["10.0.0.1"]}, {"addresses": []}], "ports": [{"port": 80}, {"port": 81, "protocol": "ICMP"}]},
         ["endpoints[1].addresses: Required value: must contain at least 1 address",
          'ports[1].name: Duplicate value: ""',
          'ports[1].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"']),
    ],
)  # fmt: skip
def test_new_objects(resource: str, obj: dict[str, Any], problems: list[str]) -> None:
    assert of_new(resource, obj) == problems


def test_only_an_event_s_series_goes_on() -> None:
    series = {"count": 2, "lastObservedTime": "2026-11-23T12:00:00.000000Z"}
    assert of_change(EVENTS_V1, TOLD, {"series": series}) == []
    assert of_change(EVENTS_V1, TOLD, {"reason": "Ended"}) == ['reason: Invalid value: "Ended": field is immutable'] * 2
