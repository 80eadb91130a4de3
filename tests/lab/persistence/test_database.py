"""Records in a database: what is durable when, and what a failure leaves."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from aksdisks.lab.errors import LabError
from aksdisks.lab.persistence.database import Database, peek
from aksdisks.lab.persistence.records import Records


def stored(path: Path) -> list[tuple[str, str, bytes]]:
    """What another process finds that opens the file now, as after a kill."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
        return other.execute("SELECT * FROM records ORDER BY kind, key").fetchall()


def told(path: Path, story: Callable[[Database], Awaitable[None]]) -> None:
    async def whole() -> None:
        database = Database(path)
        try:
            database.begin()
            await story(database)
        finally:
            database.close()

    asyncio.run(whole())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.sqlite"


def test_settled_means_that_another_process_would_find_it(path: Path) -> None:
    async def story(database: Database) -> None:
        database.put("k", "a", b"1")
        database.put("k", "b", lambda: b"2")
        assert stored(path) == []
        await database.settled()
        assert stored(path) == [("k", "a", b"1"), ("k", "b", b"2")]
        database.remove("k", "a")
        database.put("k", "b", b"3")
        database.put("k", "b", b"4")
        await database.settled()
        assert stored(path) == [("k", "b", b"4")]

    told(path, story)


def test_what_one_turn_changes_is_one_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    commit = Database._commit
    monkeypatch.setattr(
        Database, "_commit", lambda self, pending: (commits.append(len(pending)), commit(self, pending))
    )

    async def story(database: Database) -> None:
        async def write(number: int) -> None:
            database.put("k", str(number), b"")
            database.put("counter", "", str(number).encode())
            await database.settled()

        await asyncio.gather(*(write(number) for number in range(10)))
        assert commits == [11]

    told(path, story)


def test_nothing_is_kept_of_a_start_that_does_not_get_far(path: Path) -> None:
    database = Database(path)
    database.put("k", "a", b"1")
    database.close()
    again = Database(path)
    assert (again.fresh, list(again.read("k"))) == (True, [])
    again.close()


def test_after_waits_for_what_was_put_before(path: Path) -> None:
    async def story(database: Database) -> None:
        seen: list[list[tuple[str, str, bytes]]] = []
        database.put("k", "a", b"1")
        database.after(lambda: seen.append(stored(path)))
        assert seen == []
        await database.settled()
        assert seen == [[("k", "a", b"1")]]
        database.after(lambda: seen.append([]))
        assert seen[-1] == []

    told(path, story)


def test_a_commit_that_fails_keeps_nothing_of_it_and_tells_everybody(path: Path) -> None:
    async def story(database: Database) -> None:
        database.put("k", "a", b"1")
        await database.settled()
        database._connection.execute("PRAGMA max_page_count = 8")
        acted: list[str] = []
        database.put("k", "b", b"2")
        database.put("k", "c", b"x" * 100_000)
        database.after(lambda: acted.append("after"))
        with pytest.raises(LabError, match=r"expected a database that can be read and written, found: .*is full"):
            await database.settled()
        with pytest.raises(LabError, match=r"is full"):
            await database.failed()
        database.put("k", "d", b"")
        with pytest.raises(LabError, match=r"is full"):
            await database.settled()
        assert (stored(path), acted) == ([("k", "a", b"1")], [])

    told(path, story)


def test_who_waits_and_goes_away_takes_nobody_along(path: Path) -> None:
    async def story(database: Database) -> None:
        database.put("k", "a", b"1")
        first, second = (asyncio.create_task(database.settled()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert stored(path) == [("k", "a", b"1")]

    told(path, story)


def test_values_that_are_remembered_are_made_once(path: Path) -> None:
    for made in ("first", "second"):
        database = Database(path)
        assert database.remembered("k", "name", lambda made=made: {"is": made}) == {"is": "first"}  # type: ignore[misc]
        assert Records().remembered("k", "name", lambda made=made: made) == made  # type: ignore[misc]

        async def begin(database: Database = database) -> None:
            database.begin()

        asyncio.run(begin())
        database.close()


def test_peeking_does_not_disturb(path: Path) -> None:
    assert peek(path, "k", "a") is None

    async def story(database: Database) -> None:
        database.put("k", "a", b"1")
        await database.settled()
        assert (peek(path, "k", "a"), peek(path, "k", "b")) == (b"1", None)
        database.put("k", "a", b"2")
        await database.settled()

    told(path, story)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(LabError, match="expected a lab's database, found: file"):
        peek(path, "k", "a")
