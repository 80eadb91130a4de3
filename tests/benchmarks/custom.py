"""What a custom resource costs against a ConfigMap of the same size: creating, single GETs, lists of 500, over TLS.

Both kinds are in one lab and are asked by turns, so that a machine that is slower for a while counts for both.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from aksdisks.lab.server import process
from tests.benchmarks import api
from tests.benchmarks.api import Load

SECONDS, TURNS = 1.0, 7
_GROUP = "bench.example.com"
_NOTES = f"/apis/{_GROUP}/v1/namespaces/{{}}/notes"
_SPEC = {
    "type": "object",
    "properties": {
        "key": {"type": "string", "maxLength": 200},
        "copies": {"type": "integer", "minimum": 1, "default": 1},
        "places": {"type": "array", "items": {"type": "string"}},
    },
}
_STATUS = {"type": "object", "properties": {"phase": {"type": "string"}}}
DEFINITION = {
    "metadata": {"name": f"notes.{_GROUP}"},
    "spec": {
        "group": _GROUP,
        "scope": "Namespaced",
        "names": {"plural": "notes", "kind": "Note"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC, "status": _STATUS}}},
            }
        ],
    },
}
NOTE = json.dumps(
    {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "Note",
        "metadata": {"name": "NAME"},
        "spec": {"key": "v" * 40, "copies": 2, "places": ["a", "b"]},
    }
)


def loads() -> Iterator[tuple[Load, Load]]:
    """The same of a built-in kind and of a custom one."""
    for built_in in api.LOADS:
        path = built_in.path
        for name in ("made", "listed"):
            path = path.replace(f"/api/v1/namespaces/{name}/configmaps", _NOTES.format(name))
        body = NOTE if built_in.body else ""
        name = built_in.name.replace("api", "custom")
        yield built_in, Load(name, built_in.method, path, body, built_in.connections, 1.0, built_in.fresh)


def measure(seconds: float = SECONDS) -> Iterator[tuple[Load, float, float]]:
    """Each custom load, and the seconds of one request of it and of the built-in kind's."""
    with tempfile.TemporaryDirectory() as folder:
        state = process.start(Path(folder), speed=1.0, parent=os.getpid())
        try:
            token = yaml.safe_load(Path(state.kubeconfig).read_text())["users"][0]["user"]["token"]
            asyncio.run(_prepare(state, token))
            for pair in loads():
                times: tuple[list[float], list[float]] = ([], [])
                for turn in range(TURNS):
                    for load, found in zip(pair, times, strict=True):
                        load = replace(load, body=load.body.replace("NAME", f"turn-{turn}-NAME"))
                        answered = api.per_second(load, state.kube_url, state.ca_bundle, token, seconds)
                        found.append(1 / answered)
                yield pair[1], statistics.median(times[1]), statistics.median(times[0])
        finally:
            process.stop(state.state_dir)


async def _prepare(state: process.LabState, token: str) -> None:
    await api.prepare(state, token)
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.once(state, token, definitions, DEFINITION)
    # As many as there are ConfigMaps.
    for number in range(api.LISTED):
        note = json.loads(NOTE) | {"metadata": {"name": f"number-{number}"}}
        await api.once(state, token, _NOTES.format("listed"), note)
