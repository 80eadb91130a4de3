"""Objects with very many parts are read in time that grows with their number, not with its square."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.schema import duplicates
from aksdisks.lab.kube.strategies.catalog import RESOURCES
from aksdisks.lab.kube.wire import negotiation
from aksdisks.lab.kube.write import patches
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.test_api import run

MANY = 10_000
WITHIN = 8.0
"""Seconds; each takes about one, and took more than a minute where every part was compared with every other."""


def pod(**container: Any) -> Object:
    return {"metadata": {"name": "wide"}, "spec": {"containers": [{"name": "c", "image": "i", **container}]}}


def service(kind: str, ports: list[Object]) -> Object:
    return {"metadata": {"name": "wide"}, "spec": {"type": kind, "ports": ports}}


OWNERS = [{"uid": f"u{number}"} for number in range(2 * MANY)]
MOUNTS = [{"name": "v", "mountPath": f"/m{number}"} for number in range(MANY)]
DEVICES = [{"name": "v", "devicePath": f"/d{number}"} for number in range(MANY)]
SPREAD = [{"topologyKey": f"k{n}", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"} for n in range(MANY)]


@pytest.mark.parametrize(
    ("resource", "obj", "code"),
    [
        ("configmaps", {"metadata": {"name": "wide", "ownerReferences": OWNERS}}, 422),
        ("pods", pod(ports=[{"containerPort": 1}] * MANY), 0),
        ("pods", pod(ports=[{"containerPort": 1, "hostPort": 1 + number} for number in range(MANY)]), 0),
        ("pods", {**pod(), "spec": {**pod()["spec"], "topologySpreadConstraints": SPREAD}}, 0),
        ("pods", pod(volumeMounts=MOUNTS, volumeDevices=DEVICES), 422),
        ("services", service("ClusterIP", [{"name": f"a{n}", "port": 1 + n} for n in range(MANY)]), 0),
        ("services", service("NodePort", [{"name": f"a{n}", "port": 1 + n} for n in range(2769)]), 500),
    ],
)
def test_no_part_is_compared_with_every_other(resource: str, obj: Object, code: int) -> None:
    async def test(api: KubeApi) -> None:
        begin = time.monotonic()
        try:
            await api.create(resource, obj, "n", warnings=[])
        except ApiError as error:
            assert error.code == code, error
        else:
            assert code == 0
        assert time.monotonic() - begin < WITHIN

    run(test)


def test_a_hundred_problems_of_reading_are_told() -> None:
    twice = ",".join(f'"k{number}":"v","k{number}":"v"' for number in range(MANY))
    unknown = ",".join(f'"u{number}":1' for number in range(MANY))
    body = f'{{"metadata":{{"name":"wide"}},"data":{{{twice}}},{unknown}}}'.encode()
    warnings: list[str] = []

    async def test(api: KubeApi) -> None:
        begin = time.monotonic()
        found = duplicates.in_json(body)
        await api.create(
            "configmaps", json.loads(body), "n", field_validation="Warn", duplicates=found, warnings=warnings
        )
        assert time.monotonic() - begin < WITHIN

    run(test)
    assert warnings == [f'duplicate field "data.k{number}"' for number in range(100)]


@pytest.mark.parametrize("content_type", ["application/json", "application/yaml"])
def test_what_is_nested_too_deep_to_be_kept_is_refused(content_type: str) -> None:
    body = b'{"data":' * 300 + b"{}" + b"}" * 300
    with pytest.raises(ApiError, match="exceeded max depth") as refused:
        negotiation.decode(body, content_type, "ConfigMap")
    assert refused.value.code == 400


@pytest.mark.parametrize("part", ["merged", "ordered", "plain", "removed"])
def test_a_strategic_merge_looks_its_entries_up(part: str) -> None:
    entries = [{"ip": f"10.0.{n // 250}.{n % 250}"} for n in range(MANY)]
    names = [f"example.com/f{n}" for n in range(MANY)]
    spec: Object = {"hostAliases": [{**entry, "hostnames": ["h"]} for entry in entries]}
    patch: Object = {
        "merged": {"spec": {"hostAliases": [{**entry, "hostnames": ["i"]} for entry in reversed(entries)]}},
        "ordered": {"spec": {"$setElementOrder/hostAliases": entries[::-1]}},
        "plain": {"metadata": {"finalizers": [f"{name}x" for name in names]}},
        "removed": {"metadata": {"$deleteFromPrimitiveList/finalizers": names}},
    }[part]
    current = {"metadata": {"name": "wide", "finalizers": names}, "spec": spec}
    begin = time.monotonic()
    changed = patches.apply(RESOURCES["pods"], current, patch, "strategic")
    assert time.monotonic() - begin < WITHIN
    aliases = changed["spec"]["hostAliases"]
    assert {part: (aliases[0], len(aliases), len(changed["metadata"]["finalizers"]))} == {
        part: {
            "merged": ({**entries[-1], "hostnames": ["i"]}, MANY, MANY),
            "ordered": ({**entries[-1], "hostnames": ["h"]}, MANY, MANY),
            "plain": ({**entries[0], "hostnames": ["h"]}, MANY, 2 * MANY),
            "removed": ({**entries[0], "hostnames": ["h"]}, MANY, 0),
        }[part]
    }
