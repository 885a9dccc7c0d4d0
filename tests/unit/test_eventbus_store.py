"""The store: durable, one writer, honest about a bad file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from eventbus.store import StorageError, Store
from schemas.errors import UserError


def _add(arn: str) -> Callable[[sqlite3.Connection], int]:
    return lambda db: db.execute("INSERT INTO resource VALUES ('Bus', ?, '{}')", (arn,)).rowcount


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM resource").fetchone()[0])


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await asyncio.gather(*(store.write(_add(f"arn:{n}")) for n in range(100)))
    store.close()
    again = Store.open(tmp_path)
    assert await again.read(_count) == 100
    again.close()


async def test_a_bad_change_does_not_undo_its_neighbours(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    results = await asyncio.gather(
        store.write(_add("one")),
        store.write(_add("one")),
        store.write(_add("two")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [int, sqlite3.IntegrityError, int]
    assert await store.read(_count) == 2
    store.close()


async def test_a_full_disk_is_said_and_keeps_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await store.write(lambda db: db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}"))
    with pytest.raises(StorageError, match="disk"):
        await store.write(lambda db: db.execute("INSERT INTO resource VALUES ('Bus', 'big', ?)", ("x" * 100_000,)))
    assert await store.read(_count) == 0
    store.close()


def test_a_file_that_is_no_database_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "eventbus.db").write_bytes(b"no database" * 1000)
    with pytest.raises(UserError, match=r"eventbus\.db can't be read.*Move it away"):
        Store.open(tmp_path)


async def test_a_damaged_database_is_named_with_the_remedy(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for n in range(500):
        await store.write(_add(f"arn:{n}" + "x" * 200))
    store.close()
    file = tmp_path / "eventbus.db"
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 4096] = b"\xff" * 4096
    file.write_bytes(damaged)
    with pytest.raises(UserError, match="Move it away") as refused:
        Store.open(tmp_path)
    assert "\n" not in str(refused.value)


async def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.close()
    with sqlite3.connect(tmp_path / "eventbus.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="version 99"):
        Store.open(tmp_path)


async def test_two_buses_cannot_share_a_folder(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(UserError, match="another event bus uses"):
        Store.open(tmp_path)
    store.close()
    Store.open(tmp_path).close()
