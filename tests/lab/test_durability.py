"""Nothing answered is lost: labs are stopped, and killed at random moments, and come back as they were."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.server.process import LabState
from tests.lab.writers import ConfigMaps, Disks, Secrets, Shares, azure, kubernetes
from tests.programs import needs

StartLab = Callable[..., LabState]


def kill(state: LabState) -> None:
    os.kill(state.pid, signal.SIGKILL)
    os.waitpid(state.pid, 0)


@needs("kubectl")
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_what_was_answered_before_a_kill_is_there_after_it(start_lab: StartLab, tmp_path: Path, kills: int) -> None:
    chance = random.Random(20261123)
    known: tuple[dict[str, Any], ...] = ({}, {}, {}, {})
    state = start_lab()
    answered, starts, version = 0, [], 0
    for _ in range(kills):
        environment = os.environ | state.environment() | {"KUBECACHEDIR": str(tmp_path / "cache")}
        maps = ConfigMaps(state, chance.randrange(2**32), known[0])
        disks = Disks(state, chance.randrange(2**32), known[2])
        shares = Shares(state, known[3])
        writers = (maps, Secrets(environment, known[1]), disks, shares)
        for writer in writers:
            writer.start()
        time.sleep(chance.uniform(0.05, 1.0))  # the random moment itself
        kill(state)
        for writer in writers:
            writer.join(timeout=30)
        began = time.perf_counter()
        state = start_lab()
        starts.append(time.perf_counter() - began)
        check(state, maps, writers[1], disks)
        shares.check(Shares.read(azure(state), state))
        version = max(version, maps.version)
        answered += sum(writer.answered for writer in writers)
    print(
        f"{kills} kills, {answered} answered writes, all there; starts {min(starts):.2f} to {max(starts):.2f} s; "
        f"resourceVersion {version}"
    )
    assert answered > 10 * kills


def check(state: LabState, maps: ConfigMaps, secrets: Secrets, disks: Disks) -> None:
    """Hold a restarted lab against what its clients were told."""
    lab, cloud = kubernetes(state), azure(state)
    found, version = ConfigMaps.read(lab)
    maps.check(found)
    assert version >= maps.version
    body = lab("GET", "/api/v1/namespaces/default/secrets?fieldSelector=type%3DOpaque").body
    secrets.check({item["metadata"]["name"]: decoded(item["data"]["value"]) for item in body["items"]})
    for operation in disks.operations:
        settle(cloud, operation)
    disks.check(Disks.read(cloud, state))


def decoded(text: str) -> str:
    import base64

    return base64.b64decode(text).decode()


def settle(cloud: Any, operation: str) -> None:
    deadline = time.monotonic() + 10
    while (status := cloud("GET", operation).body["status"]) == "InProgress":
        assert time.monotonic() < deadline, operation
    assert status == "Succeeded", operation
