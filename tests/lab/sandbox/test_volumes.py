"""The directories behind disks: what takes long with them keeps nobody waiting."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.sandbox.volumes import Volumes

WITHIN = 20.0
"""Seconds, where something would otherwise be waited for without end."""


class Held:
    """Stands for a function of shutil that takes as long as a test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.entered, self.release = threading.Event(), threading.Event()
        self._real = getattr(shutil, name)
        monkeypatch.setattr(shutil, name, self)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.entered.set()
        assert self.release.wait(WITHIN)
        return self._real(*arguments, **options)


def written(volumes: Volumes, name: str, text: str) -> Path:
    path = volumes.disk(name)
    (path / "file").write_text(text)
    return path


def test_copying_a_disk_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        volumes = Volumes(tmp_path)
        written(volumes, "source", "bytes")
        written(volumes, "copy", "of before")
        held = Held(monkeypatch, "copytree")
        copying = asyncio.create_task(volumes.copy_disk("source", "copy"))
        await asyncio.to_thread(held.entered.wait, WITHIN)
        assert not copying.done()
        assert not (tmp_path / "volumes/copy").exists()  # only a whole one is there
        held.release.set()
        await asyncio.wait_for(copying, WITHIN)
        assert (tmp_path / "volumes/copy/file").read_text() == "bytes"
        (tmp_path / "volumes/copy/file").write_text("changed")
        await volumes.copy_disk("source", "copy", keep=True)
        assert (tmp_path / "volumes/copy/file").read_text() == "changed"
        volumes.close()

    asyncio.run(test())


@pytest.mark.parametrize("kind", ["disk", "pod"])
def test_what_is_removed_is_gone_at_once_and_removed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    volumes = Volumes(tmp_path)
    place = volumes.disk("data") if kind == "disk" else volumes.pod("data", "empty").parent
    (place / "file").write_text("old")
    held = Held(monkeypatch, "rmtree")
    (volumes.remove_disk if kind == "disk" else volumes.remove_pod)("data")
    assert held.entered.wait(WITHIN)
    again = volumes.disk("data") if kind == "disk" else volumes.pod("data", "empty")
    assert list(again.iterdir()) == []
    held.release.set()
    volumes.close()
    assert [entry.name for entry in place.parent.iterdir()] == ["data"]
