"""Both ways of confining a command show it the same world; what cannot be confined is said in one line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from aksdisks.lab.sandbox.command import Wanted, start
from aksdisks.lab.sandbox.confine import PATH, UID, Confined, Mount, Sandbox, SandboxError, Way
from tests.programs import ALLOW, require


def _run(way: Way, confined: Confined, command: Sequence[str]) -> tuple[int, str]:
    require(way)

    async def run() -> tuple[int, str]:
        try:
            arguments = await Sandbox(ways=[way]).command(confined, command)
        except SandboxError as error:
            if "cannot confine" in str(error):
                pytest.skip(f"{error}: {ALLOW}")
            raise
        running = await start(arguments, Wanted(stdout=True, stderr=True))
        said = b"".join([data async for _, data in running.outputs()])
        code = await running.wait()
        running.kill()
        return code, said.decode()

    return asyncio.run(asyncio.wait_for(run(), 60))


@pytest.fixture
def confined(tmp_path: Path) -> Confined:
    volume, settings = tmp_path / "volume", tmp_path / "settings"
    for directory in (volume, settings):
        directory.mkdir()
        if os.geteuid() == 0:
            os.chown(directory, UID, UID)
    (volume / "inside").mkdir()
    (volume / "out").symlink_to(tmp_path)
    (settings / "hostname").write_text("pod\n")
    (settings / "hostname").chmod(0o644)
    mounts = [
        Mount(volume, "/data"),
        Mount(volume, "/lib/seen", read_only=True),
        Mount(volume, "/part", sub_path="inside"),
        Mount(volume, "/escape", sub_path="out"),
    ]
    return Confined("pod", mounts, settings, {"PATH": PATH, "ONLY": "this"}, "/data")


@pytest.mark.parametrize("way", ["bwrap", "unshare"])
@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("hostname; cat /etc/hostname; pwd", 0, "pod\npod\n/data\n"),
        ("env | grep -v -e PATH -e PWD", 0, "ONLY=this\n"),
        ("echo x > new && cat /lib/seen/new /data/new", 0, "x\nx\n"),
        ("touch /lib/seen/new 2>/dev/null", 1, ""),
        ("ls -d /part/. /escape/. 2>/dev/null", 2, "/part/.\n"),
        ("ls /home /root /work /etc/shadow /sys 2>/dev/null", 2, ""),
        ("touch /usr/x /x /etc/x 2>/dev/null", 1, ""),
        ("grep Cap /proc/self/status | grep -vc 0000000000000000", 1, "0\n"),
        ("test $(ls /proc | grep -c '^[0-9]') -lt 6", 0, ""),
        ("ulimit -n; ulimit -c", 0, "256\n0\n"),
        ("sh -c 'kill -TERM $$'; echo $?", 0, "Terminated\n143\n"),
        ("kill -9 $$", 137, ""),
    ],
)
def test_both_ways(confined: Confined, way: Way, script: str, code: int, said: str) -> None:
    found = _run(way, confined, ["sh", "-c", script])
    assert found == (code, said)


@pytest.mark.parametrize("way", ["bwrap", "unshare"])
@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["/"], "mount path /: expected one outside /, /proc, /dev, /sys"),
        (["/proc/self"], "mount path /proc/self: expected one outside"),
        (["/a/../dev/x"], "mount path /a/../dev/x: expected one outside"),
        (["/data", "/data/x/y"], "mount path /data/x/y: expected one outside the other volumes"),
        (["/bin/own"], "mount path in /usr/bin: expected one elsewhere"),
    ],
)
def test_mount_paths_that_are_refused(tmp_path: Path, way: Way, paths: list[str], message: str) -> None:
    confined = Confined("pod", [Mount(tmp_path, path) for path in paths], tmp_path, {})
    with pytest.raises(SandboxError, match=message):
        _run(way, confined, ["true"])


def test_a_machine_that_has_neither() -> None:
    with pytest.raises(SandboxError, match=r"expected bubblewrap \(bwrap\) or user namespaces, found neither"):
        asyncio.run(Sandbox(ways=()).command(Confined("pod", (), Path("/none"), {}), ["true"]))
