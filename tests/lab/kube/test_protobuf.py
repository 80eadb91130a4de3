"""Bytes of Kubernetes' protobuf form become the object that JSON would show."""

from __future__ import annotations

import pytest

from aksdisks.lab.kube.strategies.catalog import KEPT, RESOURCES
from aksdisks.lab.kube.wire import protobuf


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(api_version: str, kind: str, message: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, api_version) + field(2, kind)) + field(2, message)


QUANTITY = field(1, "25Gi")
ENTRY = field(1, "storage") + field(2, QUANTITY)
CLAIM_SPEC = field(1, "ReadWriteOnce") + field(2, field(2, ENTRY)) + field(5, "")

ROWS = {
    "map": ("v1", "ConfigMap", field(2, field(1, "a") + field(2, "b")), {"data": {"a": "b"}}),
    "map-empty-value": ("v1", "ConfigMap", field(2, field(1, "a")), {"data": {"a": ""}}),
    "bytes": ("v1", "Secret", field(2, field(1, "a") + field(2, b"\xff")), {"data": {"a": "/w=="}}),
    "empty-struct-stays": ("v1", "Namespace", field(2, b""), {"spec": {}}),
    "empty-text-is-unset": ("v1", "Namespace", field(3, field(1, "")), {"status": {}}),
    "zero-time-is-unset": ("v1", "Namespace", field(1, field(1, "n") + field(8, b"")), {"metadata": {"name": "n"}}),
    "time": (
        "v1",
        "Namespace",
        field(1, field(8, field(1, 1547433600))),
        {"metadata": {"creationTimestamp": "2019-01-14T02:40:00Z"}},
    ),
    "micro-time": (
        "coordination.k8s.io/v1",
        "Lease",
        field(2, field(4, field(1, 1547433600) + field(2, 5000))),
        {"spec": {"renewTime": "2019-01-14T02:40:00.000005Z"}},
    ),
    "zero-of-a-pointer-stays": ("v1", "DeleteOptions", field(1, 0), {"gracePeriodSeconds": 0}),
    "options-under-any-group": ("apps/v1", "DeleteOptions", field(4, "Orphan"), {"propagationPolicy": "Orphan"}),
    "zero-of-a-number-is-unset": ("apps/v1", "Deployment", field(2, field(5, 0)), {"spec": {}}),
    "negative": ("apps/v1", "Deployment", field(2, field(1, -1)), {"spec": {"replicas": -1}}),
    "quantity-and-empty-class": (
        "v1",
        "PersistentVolumeClaim",
        field(2, CLAIM_SPEC),
        {
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "25Gi"}},
                "storageClassName": "",
            }
        },
    ),
    "int-or-string": (
        "apps/v1",
        "Deployment",
        field(2, field(4, field(2, field(1, field(1, 1) + field(3, "25%")) + field(2, field(1, 0) + field(2, 1))))),
        {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 1}}}},
    ),
    "int-or-string-of-zero": (
        "policy/v1",
        "PodDisruptionBudget",
        field(2, field(3, field(1, 0) + field(2, 0))),
        {"spec": {"maxUnavailable": 0}},
    ),
    "inline-struct": (
        "v1",
        "Pod",
        field(2, field(1, field(1, "v") + field(2, field(2, b"")))),
        {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
    ),
    "collision-count-of-zero": ("apps/v1", "StatefulSet", field(3, field(9, 0)), {"status": {"collisionCount": 0}}),
    "zero-that-go-always-writes": ("apps/v1", "StatefulSet", field(3, field(2, 0)), {"status": {"replicas": 0}}),
    "zero-of-the-same-name-elsewhere": ("apps/v1", "Deployment", field(3, field(2, 0)), {"status": {}}),
    "port-without-a-name": (
        "discovery.k8s.io/v1",
        "EndpointSlice",
        field(3, field(1, "") + field(3, 80)),
        {"ports": [{"name": "", "port": 80}]},
    ),
    "endpoint-that-is-not-ready": (
        "discovery.k8s.io/v1",
        "EndpointSlice",
        field(2, field(1, "10.0.0.1") + field(2, field(1, 0)) + field(8, field(1, field(1, "1")))) + field(4, "IPv4"),
        {
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": False}, "hints": {"forZones": [{"name": "1"}]}}
            ],
            "addressType": "IPv4",
        },
    ),
    "capacity": (
        "storage.k8s.io/v1",
        "CSIStorageCapacity",
        field(2, field(1, field(1, "zone") + field(2, "1"))) + field(3, "fast") + field(4, QUANTITY),
        {"nodeTopology": {"matchLabels": {"zone": "1"}}, "storageClassName": "fast", "capacity": "25Gi"},
    ),
    "newer-field": ("v1", "Namespace", field(99, "?") + field(2, b""), {"spec": {}}),
}


@pytest.mark.parametrize(("api_version", "kind", "message", "expected"), ROWS.values(), ids=list(ROWS))
def test_message(api_version: str, kind: str, message: bytes, expected: dict[str, object]) -> None:
    assert protobuf.decode(body(api_version, kind, message)) == {"apiVersion": api_version, "kind": kind, **expected}


AS_JSON_ONLY = {"customresourcedefinitions", "daemonsets"}
"""What no client of kubectl's sends as protobuf, and what is taken from none."""


@pytest.mark.parametrize("resource", sorted(KEPT.keys() - AS_JSON_ONLY))
def test_every_kind_that_is_served_is_read(resource: str) -> None:
    served = RESOURCES[resource]
    api_version = f"{served.group}/{served.version}" if served.group else served.version
    message = body(api_version, served.kind, field(1, field(1, "x")))
    assert protobuf.decode(message)["metadata"] == {"name": "x"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{}", "does not begin with the protobuf prefix"),
        (body("v1", "Gadget", b""), 'no kind "Gadget" is registered for version "v1"'),
        (body("v1", "Namespace", field(2, b"x" * 5)[:-3]), "ends early"),
        (body("v1", "Namespace", b"\x80"), "ends early"),
        (body("v1", "Namespace", varint(2 << 3 | 3)), "unknown protobuf wire type 3"),
        (body("v1", "Namespace", field(2, 7)), "is not protobuf"),
    ],
)
def test_what_is_malformed_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(protobuf.MalformedError, match=why):
        protobuf.decode(data)
