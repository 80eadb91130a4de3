"""The lab's records in one SQLite file: each turn of the event loop that changed something ends in one commit.

Write-ahead log with `synchronous=NORMAL`: a commit is in the hands of the operating system before anyone is answered,
so that nothing answered is lost however the process ends, kill -9 included. It is not forced to the disk each time
(some 10 times slower): after a power cut the file is sound, but its last moments may be missing.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from aksdisks.lab.errors import LabError
from aksdisks.lab.persistence.records import Content, Records

NAME = "lab.sqlite"
SIDES = ("", "-wal", "-shm")
"""What SQLite writes beside a file of that name."""

_APPLICATION = 0x616B7364
"""`aksd`, so that no other program's file is taken for the lab's (PRAGMA application_id)."""

_VERSION = 1
"""The form of the records; a lab opens older ones, never newer ones."""

_TABLE = "CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (kind, key))"
_PUT = "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET content = excluded.content"
_REMOVE = "DELETE FROM records WHERE kind = ? AND key = ?"


def peek(path: Path, kind: str, key: str) -> bytes | None:
    """One record of a database that a lab may be using, None where there is none. Raises `LabError`."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT content FROM records WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    except sqlite3.Error as error:
        raise LabError(f"{path}: expected a lab's database, found: {error}") from error
    return None if row is None else bytes(row[0])


class Database(Records):
    """Records that outlive the process. Not for several threads, nor for two labs: the state directory is locked."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises `LabError` where it is damaged, of a newer version, or not to be written."""
        self.path = path
        self._pending: dict[tuple[str, str], Content | None] = {}
        self._begun = self._closed = False
        self._afterwards: list[Callable[[], None]] = []
        self._group = asyncio.Event()
        self._error: LabError | None = None
        self._broken = asyncio.Event()
        try:
            self._connection = self._open()
        except sqlite3.Error as error:
            raise self._refusal(error) from error

    def _open(self) -> sqlite3.Connection:
        if not self.path.exists():
            # What belonged to a file that is gone must not be read into the new one.
            for side in SIDES[1:]:
                self.path.with_name(self.path.name + side).unlink(missing_ok=True)
        with suppress(OSError):  # SQLite itself then says what is wrong
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and application != _APPLICATION:
            raise LabError(f"{self.path}: expected a lab's database, found another program's")
        if version > _VERSION:
            raise LabError(
                f"{self.path}: expected a database of version {_VERSION} at most, found version {version}: a newer "
                "aksdisks wrote it"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # Takes the right to write at once, so that a file that cannot be written to is told before anything is served.
        connection.execute("BEGIN IMMEDIATE")
        if not tables:
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute(_TABLE)
        connection.execute("COMMIT")
        (kept,) = connection.execute("SELECT EXISTS (SELECT 1 FROM records)").fetchone()
        self.fresh = not kept

    def read(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """See `Records`. Raises `LabError` for a damaged file."""
        try:
            rows = self._connection.execute("SELECT key, content FROM records WHERE kind = ?", (kind,)).fetchall()
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        return iter(rows)

    def kinds(self, prefix: str) -> tuple[str, ...]:
        """See `Records`."""
        try:
            rows = self._connection.execute("SELECT DISTINCT kind FROM records").fetchall()
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        return tuple(kind for (kind,) in rows if kind.startswith(prefix))

    def damaged(self, reason: str) -> LabError:
        """See `Records`."""
        return LabError(
            f"{self.path}: expected a lab's database, found a damaged one ({reason}); `aksdisks lab reset` starts over"
        )

    def put(self, kind: str, key: str, content: Content) -> None:
        """See `Records`."""
        self._note(kind, key, content)

    def remove(self, kind: str, key: str) -> None:
        """See `Records`."""
        self._note(kind, key, None)

    def _note(self, kind: str, key: str, content: Content | None) -> None:
        if self._closed:
            return
        if not self._pending and self._begun:
            # Before whatever the change wakes: tasks that are told of it run after the commit.
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending[kind, key] = content

    def begin(self) -> None:
        """See `Records`. Raises `LabError`."""
        self._begun = True
        self._flush()
        if self._error is not None:
            raise self._error

    def after(self, act: Callable[[], None]) -> None:
        """See `Records`."""
        if self._pending:
            self._afterwards.append(act)
        else:
            act()

    async def settled(self) -> None:
        """See `Records`."""
        if self._pending:
            await self._group.wait()
        if self._error is not None:
            raise self._error

    async def failed(self) -> None:
        """See `Records`."""
        await self._broken.wait()
        assert self._error is not None
        raise self._error

    def close(self) -> None:
        """See `Records`."""
        if self._begun:
            self._flush()
        self._closed = True
        with suppress(sqlite3.Error):
            self._connection.close()

    def _flush(self) -> None:
        """Commit what is pending, all or nothing; after a failure nothing is written any more."""
        pending, self._pending = self._pending, {}
        group, self._group = self._group, asyncio.Event()
        afterwards, self._afterwards = self._afterwards, []
        if pending and self._error is None:
            try:
                self._commit(pending)
            except sqlite3.Error as error:
                self._error = self._refusal(error)
                self._broken.set()
        group.set()
        if self._error is None:
            for act in afterwards:
                act()

    def _commit(self, pending: dict[tuple[str, str], Content | None]) -> None:
        puts = [
            (kind, key, content() if callable(content) else content)
            for (kind, key), content in pending.items()
            if content is not None
        ]
        removes = [where for where, content in pending.items() if content is None]
        connection = self._connection
        connection.execute("BEGIN")
        try:
            connection.executemany(_PUT, puts)
            connection.executemany(_REMOVE, removes)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _refusal(self, error: sqlite3.Error) -> LabError:
        reason = " ".join(str(error).split())
        if isinstance(error, sqlite3.OperationalError):
            return LabError(f"{self.path}: expected a database that can be read and written, found: {reason}")
        return self.damaged(reason)
