"""Health checks that fail, which a lab that answers at all does not show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.lab.kube.wire.health import Health

EMPTY: Any = SimpleNamespace(resource_version=0)


@pytest.mark.parametrize(
    ("name", "excluded", "status", "line"),
    [
        ("", [], 500, "[-]etcd failed: reason withheld\n"),
        ("", ["etcd"], 500, "[+]etcd excluded: ok\n"),
        ("", ["etcd", "etcd-readiness"], 200, "ok"),
        ("etcd", [], 500, "internal server error: not there yet\n"),
    ],
)
def test_a_check_that_fails_is_told_without_its_reason(name: str, excluded: list[str], status: int, line: str) -> None:
    answer = Health(EMPTY).answer("readyz", name, {}, excluded)
    assert answer is not None and answer.text is not None
    assert (answer.status, line in answer.text) == (status, True)
