"""The directories behind disks and pods: made when a pod first looks, removed with the disk or the pod."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from aksdisks.lab.sandbox.confine import UID

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,199}")
_FILE = re.compile(r"(?!\.\.?$)[A-Za-z0-9._-]{1,250}")
_NEW = "~"
"""At the end of a file that is being written; no key of a ConfigMap has it."""
_COPYING, _GONE = "~~copying", "~~gone"
"""At the end of directories that are no disk's yet, or no more: of no disk's own, which has one such sign in front."""
_LONGEST = 180


class Volumes:
    """What stands under a state directory's `volumes` (one directory a disk) and `pods` (one a pod's uid).

    Everything in them but their own names is written by confined commands and not trusted: nothing here follows a
    symbolic link that stands in them.
    """

    def __init__(self, directory: Path) -> None:
        """`directory`: the lab's state directory; nothing is made before it is needed."""
        self._disks = directory / "volumes"
        self._pods = directory / "pods"
        # One thread, so that what is copied and removed is so in the order in which it was asked for.
        self._removals = 0
        self._worker = ThreadPoolExecutor(1, "volumes")

    def close(self) -> None:
        """Wait for what is being copied or removed; the rest of what was to be removed goes with the next `keep`."""
        self._worker.shutdown(cancel_futures=True)

    def disk(self, name: str) -> Path:
        """The directory of a disk, by `directory_name`."""
        return _made(self._disks, name)

    def used(self, name: str) -> int:
        """How many bytes are in a disk's files, without following links."""
        found = os.walk(self._disks / name) if _NAME.fullmatch(name) else ()
        return sum(Path(directory, file).lstat().st_size for directory, _, files in found for file in files)

    def remove_disk(self, name: str) -> None:
        """The disk is gone, and so are its bytes: at once from their place, soon from the machine."""
        self._remove(self._disks, name)

    async def copy_disk(self, source: str, copy: str, *, keep: bool = False) -> None:
        """The bytes of a disk as they are now, for another one; what is no file, directory or link is left out.

        `keep`: a copy that is there is whole, as every one that is there is, and stays.
        """
        await asyncio.wrap_future(self._worker.submit(self._copy, source, copy, keep))

    def _copy(self, source: str, copy: str, keep: bool) -> None:
        if keep and (self._disks / copy).is_dir():
            return
        _removed(self._disks, copy)
        name = f"{copy[:_LONGEST]}{_COPYING}"
        _removed(self._disks, name)
        growing = _made(self._disks, name)
        if (self._disks / source).is_dir():
            with suppress(shutil.Error):
                shutil.copytree(self._disks / source, growing, symlinks=True, dirs_exist_ok=True)
            for directory, below, files in os.walk(growing):
                for entry in (*below, *files):
                    _give(Path(directory, entry))
        growing.rename(self._disks / copy)

    def _remove(self, root: Path, name: str) -> None:
        if not _NAME.fullmatch(name) or not (root / name).is_dir():
            return
        self._removals += 1
        gone = f"{self._removals}{_GONE}"
        (root / name).rename(root / gone)
        self._worker.submit(_removed, root, gone)

    def pod(self, uid: str, part: str) -> Path:
        """A directory that lives as long as the pod, such as an emptyDir volume's."""
        return _made(_made(self._pods, uid, mine=False), part)

    def files(self, uid: str, part: str, content: Mapping[str, bytes], *, executable: bool = False) -> Path:
        """A directory of a pod's with these files alone, to be mounted read-only; names that are paths are left out."""
        directory = self.pod(uid, part)
        mode = 0o700 if executable else 0o600
        wanted = {name: data for name, data in content.items() if _FILE.fullmatch(name)}
        for name, data in wanted.items():
            file, new = directory / name, directory / f"{name}{_NEW}"
            if file.is_file() and file.read_bytes() == data:
                continue
            with suppress(FileNotFoundError):
                new.unlink()
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                stream.write(data)
            _give(new)
            new.replace(file)
        for file in directory.iterdir():
            if file.name not in wanted and not file.name.endswith(_NEW):
                file.unlink()
        return directory

    def remove_pod(self, uid: str) -> None:
        """The pod is gone, and so is what lived only as long: at once from its place, soon from the machine."""
        self._remove(self._pods, uid)

    def keep(self, disks: Collection[str], pods: Collection[str]) -> None:
        """Remove what belongs to no disk (`directory_name`) and no pod (uid) any more."""
        for root, known in ((self._disks, disks), (self._pods, pods)):
            for entry in root.iterdir() if root.is_dir() else ():
                if entry.name not in known:
                    _removed(root, entry.name)


def directory_name(group: str, name: str, node_group: str) -> str:
    """A disk's directory: its name, lower-cased as Azure compares it, behind that of a group other than the nodes'."""
    own = name.lower()
    if group.lower() == node_group.lower():
        return own
    # A directory's name has no parentheses, and no name of Azure's a tilde.
    return f"{group.lower().replace('(', '~l').replace(')', '~r')}~{own}"


def _made(root: Path, name: str, *, mine: bool = True) -> Path:
    if not _NAME.fullmatch(name):
        raise ValueError(f"directory {name!r}: expected letters, digits, dots, hyphens and underscores")
    path = root / name
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        if mine:
            _give(path)
    return path


def _give(path: Path) -> None:
    """What confined commands use belongs to their user; without root that is who runs the lab."""
    if os.geteuid() == 0:
        os.chown(path, UID, UID, follow_symlinks=False)


def _removed(root: Path, name: str) -> None:
    """Remove a tree without following links; a directory that its owner closed to himself is opened first."""

    if not _NAME.fullmatch(name):
        return
    shutil.rmtree(root / name, ignore_errors=True)
    if (root / name).exists():
        # Its owner closed a directory to himself. What is a link is not asked: `walk` and `rmtree` do not follow any.
        (root / name).chmod(0o700)
        for directory, below, _ in os.walk(root / name):
            for entry in below:
                path = Path(directory, entry)
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(root / name, ignore_errors=True)
