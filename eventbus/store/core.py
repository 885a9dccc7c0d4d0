"""The database file: opened, checked, written by one thread with group commit, read by another.

A change is a function of the connection. Changes that are waiting when the writer comes round share one
transaction, so the cost of durability is shared by all of them. A change that is answered has left the process:
`kill -9` can't take it. Only with `flush` does it wait for the disk itself, so that a power cut can't either.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self, TypeVar

from schemas.errors import CardwatchError, UserError

SCHEMA: Final = Path(__file__).with_name("schema.sql")
VERSION: Final = 1
"""Of the tables; another one in a file is refused."""
_GROUP: Final = 512
"""Most changes in one transaction."""

T = TypeVar("T")


class StorageError(CardwatchError):
    """The disk is full or fails: nothing of the change was kept."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    change: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]


class Store:
    """Use `open`; then `write` and `read` from the event loop that was running."""

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection, lock: IO[str]) -> None:
        """Take the connections over."""
        self._writer, self._reader, self._lock = writer, reader, lock
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        self._thread.start()

    @classmethod
    def open(cls, folder: Path, *, flush: bool = False) -> Self:
        """Open the database in `folder`, which is made if need be.

        Raises:
            UserError: the folder can't be used, another bus uses it, or the file is no database of this bus.
        """
        file = folder / "eventbus.db"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (folder / "lock").open("a")
        except OSError as error:
            raise UserError(
                f"can't keep data in {folder}: {error.strerror}. Choose another folder with --data"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            writer = _opened(file, flush=flush)
            return cls(writer, _connect(file), lock)
        except BlockingIOError:
            lock.close()
            raise UserError(f"another event bus uses {folder}: stop it, or choose another folder with --data") from None
        except sqlite3.Error as error:
            lock.close()
            remedy = "Move it away to start empty, or put a copy of it back"
            reason = " ".join(str(error).split())
            raise UserError(f"{file} can't be read as the bus's database: {reason}. {remedy}") from None
        except UserError:
            lock.close()
            raise

    def write(self, change: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Make a change, with others that wait; the future has its result once it is on disk.

        Raises:
            StorageError: from the future: the disk is full or fails.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StorageError("the bus's database is closed"))
        else:
            self._waiting.put(_Waiting(change, future))
        return future

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query beside the writer; it sees what was committed before it began.

        Raises:
            StorageError: the disk fails.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reading, query, self._reader)
        except sqlite3.Error as error:
            raise StorageError(f"the bus's database can't be read: {error}") from error

    def close(self) -> None:
        """Write what waits, then close the file."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()
        self._reading.shutdown()
        self._reader.close()
        self._writer.close()
        self._lock.close()

    def _write_all(self) -> None:
        open_ = True
        while open_:
            group = [self._waiting.get()]
            while len(group) < _GROUP and group[-1] is not None:
                try:
                    group.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            open_ = group[-1] is not None
            self._commit([each for each in group if each is not None])

    def _commit(self, group: Sequence[_Waiting]) -> None:
        if not group:
            return
        try:
            results: list[tuple[_Waiting, Any]] = list(zip(group, self._transaction(group), strict=True))
        except Exception as error:  # noqa: BLE001 - each caller gets its own answer below
            if len(group) > 1:  # one bad change must not undo its neighbours
                for each in group:
                    self._commit([each])
                return
            results = [(group[0], _explained(error))]
        loop = group[0].future.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, results)

    def _transaction(self, group: Sequence[_Waiting]) -> list[Any]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            results = [each.change(self._writer) for each in group]
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return results


def _answer(results: Sequence[tuple[_Waiting, Any]]) -> None:
    for waiting, result in results:
        if waiting.future.done():  # its caller was cancelled
            continue
        if isinstance(result, BaseException):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)


def _explained(error: Exception) -> Exception:
    if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.IntegrityError | sqlite3.ProgrammingError
    ):
        return StorageError(f"the bus's database can't be written: {error}. Is the disk full?")
    return error


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


def _opened(file: Path, *, flush: bool) -> sqlite3.Connection:
    connection = _connect(file)
    os.chmod(file, 0o600)  # noqa: PTH101 - it holds the secrets of connections
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise UserError(f"{file} is on a file system without what SQLite needs: choose another folder with --data")
    connection.execute(f"PRAGMA synchronous = {'FULL' if flush else 'NORMAL'}")
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        connection.executescript(f"BEGIN; {SCHEMA.read_text()} PRAGMA user_version = {VERSION}; COMMIT;")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise UserError(f"{file} has tables of version {version}, this bus needs {VERSION}: choose another --data")
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(problem)
    return connection
