"""What was read, in a file: facts and positions change together or not at all, so that a crash repeats nothing."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from schemas.errors import UserError
from score.core.facts import Alert, Fact, Happened, Kind, Label, Oracle
from score.core.tally import Tally

SCHEMA: Final = Path(__file__).with_name("state.sql")
VERSION: Final = 1
"""Of the tables; another one in a file is refused."""
_LABEL: Final = "id, card, event_ms, amount_minor, approved, scenario, release_ms"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition was read."""

    next: int
    """The offset that comes next."""
    unreadable: int = 0
    """Records before it that could not be read."""


class State:
    """The file, and the memory of transactions and labels that a tally needs (`score.core.known.Known`)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open connection."""
        self._db = connection
        self._loading = False

    @classmethod
    @contextmanager
    def open(cls, file: Path) -> Iterator[Self]:
        """Open the file to go on with it, alone; it is made if need be.

        Raises:
            UserError: it can't be used, or another score uses it.
        """
        with _explained(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.with_name(f"{file.name}.lock").open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise UserError(
                        f"another score keeps its state in {file}: stop it, or set SCORE_STATE to another file"
                    ) from None
                with closing(_made(file)) as connection:
                    yield cls(connection)

    @classmethod
    @contextmanager
    def look(cls, file: Path) -> Iterator[Self]:
        """Open the file to read it, also while a score writes it.

        Raises:
            UserError: there is none, or it is none of the score's.
        """
        if not file.is_file():
            raise UserError(f"there is no state in {file}: run `python -m score run`, or set SCORE_STATE to its file")
        with _explained(file), closing(_connected(file)) as connection:
            _check(file, connection)
            yield cls(connection)

    def tally(self) -> Tally:
        """Return a tally that knows every fact in the file, and remembers what comes here."""
        tally = Tally(self)
        self._loading = True
        tally.take_all(self._facts())
        self._loading = False
        return tally

    def take(self, tally: Tally, facts: Iterable[Fact], positions: Mapping[tuple[str, int], Position]) -> None:
        """Take new facts in, and keep them together with how far the topics were read."""
        self._db.execute("BEGIN IMMEDIATE")
        for fact in facts:
            self._keep(fact)
            tally.take(fact)
        rows = [(topic, number, at.next, at.unreadable) for (topic, number), at in positions.items()]
        self._db.executemany("INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def positions(self) -> dict[tuple[str, int], Position]:
        """Return how far each partition was read, by topic and number."""
        rows = self._db.execute("SELECT topic, partition, next, unreadable FROM position")
        return {(topic, number): Position(after, bad) for topic, number, after, bad in rows}

    def belongs_to(self, cluster: str) -> None:
        """Remember the cluster the first time, and hold to it.

        Raises:
            UserError: what was read is of another cluster.
        """
        known = self._db.execute("SELECT id FROM cluster").fetchone()
        if known is None:
            self._db.execute("INSERT INTO cluster VALUES (?)", (cluster,))
        elif known[0] != cluster:
            raise UserError(
                f"the score's state is of Kafka cluster {known[0]}, and this is {cluster}:"
                " delete the file that SCORE_STATE names, or set it to another"
            )

    def happened(self, fact: Happened) -> bool:
        """Remember a transaction; return whether it is new."""
        if self._loading:
            return True
        row = fact.transaction_id, fact.event_ms
        return self._db.execute("INSERT OR IGNORE INTO happened VALUES (?, ?)", row).rowcount == 1

    def labelled(self, label: Label) -> bool:
        """Remember a label; return whether its transaction had none."""
        return self._loading or self._keep_label(label, at_once=False)

    def has(self, transaction_id: str) -> bool:
        """Say whether the transaction has happened."""
        return self._db.execute("SELECT 1 FROM happened WHERE id = ?", (transaction_id,)).fetchone() is not None

    def label(self, transaction_id: str) -> Label | None:
        """Return the transaction's label, if it has come."""
        query = f"SELECT {_LABEL} FROM label WHERE at_once = 0 AND id = ?"  # noqa: S608 - a constant of this module
        row = self._db.execute(query, (transaction_id,)).fetchone()
        return None if row is None else _label(row)

    def _keep(self, fact: Fact) -> None:
        if isinstance(fact, Alert):
            rules = json.dumps(fact.rules)
            row = (fact.transaction_id, fact.kind.value, rules, fact.score, fact.card_id, fact.event_ms)
            self._db.execute("INSERT OR IGNORE INTO alert VALUES (?, ?, ?, ?, ?, ?)", row)
        elif isinstance(fact, Oracle):
            self._keep_label(fact.label, at_once=True)

    def _keep_label(self, label: Label, *, at_once: bool) -> bool:
        what = (label.card_id, label.event_ms, label.amount_minor, label.approved, label.scenario, label.release_ms)
        row = (label.transaction_id, at_once, *what)
        return self._db.execute("INSERT OR IGNORE INTO label VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row).rowcount == 1

    def _facts(self) -> Iterator[Fact]:
        """Yield what is kept; alerts come before labels, so that no label is looked up."""
        for row in self._db.execute("SELECT id, event_ms FROM happened"):
            yield Happened(*row)
        for name, kind, rules, score, card, event_ms in self._db.execute(
            "SELECT id, kind, rules, score, card, event_ms FROM alert"
        ):
            yield Alert(name, card, event_ms, score, tuple(json.loads(rules)), Kind(kind))
        for row in self._db.execute(f"SELECT {_LABEL} FROM label WHERE at_once = 0"):  # noqa: S608 - a constant
            yield _label(row)
        for row in self._db.execute(f"SELECT {_LABEL} FROM label WHERE at_once = 1"):  # noqa: S608 - a constant
            yield Oracle(_label(row))


def _label(row: tuple[str, str, int, int, int, str | None, int]) -> Label:
    name, card, event_ms, amount_minor, approved, scenario, release_ms = row
    return Label(name, card, event_ms, amount_minor, bool(approved), scenario, release_ms)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"can't keep the score's state in {file}: {error.strerror}. Set SCORE_STATE") from None
    except sqlite3.Error as error:
        raise UserError(
            f"{file} can't be used as the score's state: {error}. Delete it to start anew, or set SCORE_STATE"
        ) from None


def _made(file: Path) -> sqlite3.Connection:
    connection = _connected(file)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        connection.executescript(f"BEGIN; {SCHEMA.read_text()} PRAGMA user_version = {VERSION}; COMMIT;")
    _check(file, connection)
    return connection


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, cached_statements=64)
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


def _check(file: Path, connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise UserError(f"{file} has tables of version {version}, not {VERSION}: delete it, or set SCORE_STATE")
