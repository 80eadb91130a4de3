"""Runs a command confined: bubblewrap, or else unshare(1), around a read-only system and the directories given."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

UID = 65534
"""The user and group inside: nobody. For a lab run by root it is nobody outside too, since limits do not bind root."""

_TOOLS = "/usr/bin:/bin:/usr/sbin:/sbin"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime")
_RESERVED = ("/proc", "/dev", "/sys", "/.volumes")
_WIDEST = 1000
"""Entries of a system directory that is rebuilt, entry by entry, to hold a mount point that it does not have."""

_MEBIBYTE = 1 << 20
_LIMITS = {"core": 0, "cpu": 600, "fsize": 1024 * _MEBIBYTE, "as": 1024 * _MEBIBYTE, "nofile": 256}
"""Of each process: seconds of processor time, bytes of a file and of memory, open files."""
_PROCESSES = 64
_TMP = 64 * _MEBIBYTE


_LOOPBACK_UP = """
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
"""
"""A pod reaches itself on 127.0.0.1, and bubblewrap sees to it. `ip link set lo up` is not on every machine."""

Way = Literal["bwrap", "unshare"]


class SandboxError(Exception):
    """A command that cannot be confined as asked, or not at all on this machine; says why in one line."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory of the lab's, seen at `path`; with `sub_path`, of it only what stands there."""

    source: Path
    path: str
    read_only: bool = False
    sub_path: str = ""


@dataclass(frozen=True, slots=True)
class Confined:
    """What a confined command sees: mounts, a read-only directory whose files stand in /etc, host name, variables."""

    hostname: str
    mounts: Sequence[Mount]
    settings: Path
    environment: Mapping[str, str]
    directory: str = "/"


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of building the root: a directory bound, a tmpfs of `size` bytes, a link, an empty directory."""

    kind: Literal["read-only", "writable", "tmpfs", "link", "directory"]
    target: str
    source: str = ""
    size: int = _MEBIBYTE
    mode: str = "0755"


class Sandbox:
    """What this machine has to confine with; found out once, when it is first needed."""

    def __init__(self, hidden: Sequence[Path] = (), ways: Sequence[Way] = ("bwrap", "unshare")) -> None:
        """`hidden`: directories of which nothing may show even where they stand in the system; `ways`: to be tried."""
        self._ways = ways
        self._hidden = [str(path.resolve()) for path in (*hidden, Path.home())]
        self._probing = asyncio.Lock()
        self._way: Way | None = None

    async def command(self, confined: Confined, command: Sequence[str], *, terminal: bool = False) -> list[str]:
        """The arguments of the process to start, with no environment of its own. Raises `SandboxError`."""
        async with self._probing:
            if self._way is None:
                self._way = await self._probe()
        return self._arguments(self._way, confined, command, terminal)

    async def _probe(self) -> Way:
        """The first way in which a command runs. Raises `SandboxError`."""
        found = []
        for way in self._ways:
            try:
                arguments = self._arguments(way, Confined("probe", (), Path("/var/empty"), {}), ["true"], False)
            except SandboxError as error:
                found.append(str(error))
                continue
            process = await asyncio.create_subprocess_exec(
                *arguments, env={}, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            _, said = await process.communicate()
            if process.returncode == 0:
                return way
            found.append(f"{way}: {' '.join(said.decode(errors='replace').split())[:200] or process.returncode}")
        raise SandboxError(
            "this machine cannot confine a command: expected bubblewrap (bwrap) or user namespaces, found "
            + ("; ".join(found) or "neither")
        )

    def _arguments(self, way: str, confined: Confined, command: Sequence[str], terminal: bool) -> list[str]:
        steps = list(_with_parents(self._steps(confined)))
        inner = self._inner(confined, command, terminal)
        return self._bwrap(confined, steps, inner) if way == "bwrap" else self._unshare(confined, steps, inner)

    def _steps(self, confined: Confined) -> Iterator[_Step]:
        for directory in _SYSTEM:
            if Path(directory).is_symlink():
                yield _Step("link", directory, str(Path(directory).readlink()))
            elif Path(directory).is_dir():
                yield _Step("read-only", directory, directory)
        for hidden in self._hidden:
            if any(hidden.startswith(f"{directory}/") for directory in _SYSTEM):
                yield _Step("tmpfs", hidden)
        for setting in _SETTINGS:
            if Path(setting).exists():
                yield _Step("read-only", setting, str(Path(setting).resolve()))
        if confined.settings.is_dir():
            for file in sorted(confined.settings.iterdir()):
                yield _Step("read-only", f"/etc/{file.name}", str(file))
        yield _Step("tmpfs", "/tmp", size=_TMP, mode="1777")
        paths = [_mount_point(mount.path) for mount in confined.mounts]
        for parent in sorted({parent for path in paths for parent in _without(path)}):
            yield from _opened(parent)
        for index, (mount, path) in enumerate(zip(confined.mounts, paths, strict=True)):
            # Within another volume the way to the mount point would be that volume's to choose, by a symbolic link.
            if any(path.startswith(f"{other}/") for other in paths):
                raise SandboxError(f"mount path {mount.path}: expected one outside the other volumes")
            kind: Literal["read-only", "writable"] = "read-only" if mount.read_only else "writable"
            if mount.sub_path:
                # Followed inside only: what a volume holds is not trusted.
                yield _Step(kind, f"/.volumes/{index}", str(mount.source))
                yield _Step("link", path, f"/.volumes/{index}/{mount.sub_path}")
            else:
                yield _Step(kind, path, str(mount.source))

    def _inner(self, confined: Confined, command: Sequence[str], terminal: bool) -> list[str]:
        """The limits, the user and the terminal, which are only set once inside."""
        limits = [f"--{name}={value}" for name, value in {**_LIMITS, "nproc": self._processes}.items()]
        inner = [_tool("prlimit"), *limits, "--"]
        if _is_root():
            user = [f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
            inner += [_tool("setpriv"), *user, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
        variables = [f"{name}={value}" for name, value in confined.environment.items()]
        inner += [_tool("env"), "-i", "-C", confined.directory, "--", *variables]
        return [*inner, *([_tool("setsid"), "--ctty"] if terminal else []), *command]

    @cached_property
    def _processes(self) -> int:
        """How many the user may have: counted for each user namespace since Linux 5.14, for all together before."""
        numbers = re.findall(r"\d+", platform.release())
        if tuple(map(int, numbers[:2])) >= (5, 14):
            return _PROCESSES
        mine = [entry for entry in Path("/proc").glob("[0-9]*") if _owner(entry) == os.getuid()]
        return _PROCESSES + 4 * len(mine)

    def _bwrap(self, confined: Confined, steps: Sequence[_Step], inner: Sequence[str]) -> list[str]:
        arguments = [_tool("bwrap", os.environ.get("PATH", _TOOLS)), "--die-with-parent"]
        arguments += ["--unshare-pid", "--unshare-net", "--unshare-ipc"]
        arguments += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", confined.hostname, "--clearenv"]
        if _is_root():
            # Root drops itself once inside (`_inner`): a user namespace of root's would still count as root's.
            arguments += ["--cap-drop", "ALL"]
            for needed in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
                arguments += ["--cap-add", needed]
        else:
            arguments += ["--unshare-user", "--uid", str(UID), "--gid", str(UID)]
        for step in steps:
            match step.kind:
                case "directory":
                    arguments += ["--perms", "0755", "--dir", step.target]
                case "tmpfs":
                    arguments += ["--size", str(step.size), "--perms", step.mode, "--tmpfs", step.target]
                case "link":
                    arguments += ["--symlink", step.source, step.target]
                case "read-only" | "writable":
                    arguments += ["--bind" if step.kind == "writable" else "--ro-bind", step.source, step.target]
        return [*arguments, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/", "--", *inner]

    def _unshare(self, confined: Confined, steps: Sequence[_Step], inner: Sequence[str]) -> list[str]:
        """The same by util-linux: a shell builds the root in a tmpfs, turns to it and lets go of the old one."""
        outer = [_tool("setpriv"), "--pdeathsig", "KILL", "--", _tool("unshare"), "--fork", "--kill-child", "--pid"]
        outer += ["--mount", "--net", "--ipc", "--uts", "--cgroup"]
        if not _is_root():
            outer += ["--user", "--map-root-user"]
        q = shlex.quote
        lines = [
            "set -e",
            "before=$(umask)",
            "umask 022",
            f"PATH={_TOOLS}",
            f"hostname {q(confined.hostname)}",
            f"{q(sys.executable)} -ISc {q(_LOOPBACK_UP)}",
            "mount --make-rprivate /",
        ]
        lines += ["mount -t tmpfs -o nosuid,nodev,size=4m,mode=755 root /mnt", "cd /mnt", "mkdir -p .old proc dev etc"]
        for step in steps:
            target = q(f"/mnt{step.target}")
            match step.kind:
                case "directory":
                    lines.append(f"mkdir -p {target}")
                case "tmpfs":
                    options = f"nosuid,nodev,size={step.size},mode={step.mode}"
                    lines += [f"mkdir -p {target}", f"mount -t tmpfs -o {options} tmpfs {target}"]
                case "link":
                    lines.append(f"ln -s {q(step.source)} {target}")
                case "read-only" | "writable":
                    access = "ro" if step.kind == "read-only" else "rw"
                    make = f"mkdir -p {target}" if Path(step.source).is_dir() else f": >{target}"
                    lines += [make, f"mount --rbind {q(step.source)} {target}"]
                    lines.append(f"mount -o remount,bind,nosuid,nodev,{access} {target}")
        for device in ("null", "zero", "full", "random", "urandom", "tty"):
            lines += [f": >dev/{device}", f"mount --bind /dev/{device} dev/{device}"]
        for name, place in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
            lines.append(f"ln -s /proc/self/fd{place} dev/{name}")
        lines += ["mkdir dev/shm", f"mount -t tmpfs -o nosuid,nodev,size={_TMP},mode=1777 tmpfs dev/shm"]
        lines += ["mount -t proc -o nosuid,nodev,noexec proc proc", "pivot_root . .old", "cd /"]
        lines += ["umount -l /.old", "rmdir /.old", "mount -o remount,bind,nosuid,nodev,ro /", "umask $before"]
        dropped = [] if _is_root() else [_tool("setpriv"), "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        # Not exec: the first process of a PID namespace would not be reached by its own terminal's signals. What the
        # shell itself would say of a command that a signal ended is not the command's, and goes nowhere.
        lines.append('exec 3>&2 2>/dev/null; (exec "$@" 2>&3 3>&-); exit $?')
        return [*outer, "--", _tool("sh"), "-c", "\n".join(lines), "sh", *dropped, *inner]


def _mount_point(path: str) -> str:
    """The path as the mount lies in the end: absolute, without `..`, behind the system's own symbolic links."""
    normal = os.path.normpath(f"/{path.lstrip('/')}")
    top = "/" + normal.split("/")[1]
    if normal == "/" or top in _RESERVED:
        raise SandboxError(f"mount path {path}: expected one outside /, {', '.join(_RESERVED[:3])}")
    if top in _SYSTEM and Path(top).is_symlink():
        normal = os.path.normpath(f"/{Path(top).readlink()}{normal.removeprefix(top)}")
    return normal


def _with_parents(steps: Iterable[_Step]) -> Iterator[_Step]:
    """Each step after the directories above it: whoever builds the root may be another than who looks around in it."""
    known = {"/"}
    for step in steps:
        for parent in reversed(PurePosixPath(step.target).parents):
            if str(parent) not in known:
                yield _Step("directory", str(parent))
        known |= {step.target, *map(str, PurePosixPath(step.target).parents)}
        yield step


def _without(path: str) -> Iterator[Path]:
    """The system directory in which a mount point is missing."""
    if any(path.startswith(f"{directory}/") for directory in _SYSTEM) and not Path(path).exists():
        parent = next(parent for parent in Path(path).parents if parent.is_dir())
        if parent.resolve() != parent:
            raise SandboxError(f"mount path {path}: expected no symbolic link on the way, found {parent}")
        yield parent


def _opened(parent: Path) -> Iterator[_Step]:
    """Rebuild a system directory in a tmpfs, entry by entry: nothing can be made in a read-only one."""
    entries = sorted(parent.iterdir())
    if len(entries) > _WIDEST:
        raise SandboxError(f"mount path in {parent}: expected one elsewhere, this is the system's own")
    yield _Step("tmpfs", str(parent))
    for entry in entries:
        if entry.is_symlink():
            yield _Step("link", str(entry), str(entry.readlink()))
        else:
            yield _Step("read-only", str(entry), str(entry))


def find(command: str) -> bool:
    """Whether the read-only system has a command of that name; one with a slash is not looked for."""
    return "/" in command or shutil.which(command, path=PATH) is not None


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _tool(name: str, path: str = _TOOLS) -> str:
    """Where a program is. Those that run inside can only be the system's; bubblewrap is where its user has it."""
    found = shutil.which(name, path=path)
    if found is None:
        raise SandboxError(f"no {name}")
    return found


def _is_root() -> bool:
    return os.geteuid() == 0


def _owner(entry: Path) -> int:
    try:
        return entry.stat().st_uid
    except OSError:
        return -1
