"""SQL for events and their deliveries. What is called with the writer's connection says so; the rest only reads.

Rows that are written are tuples in the order of the columns named in the statement: they are made by the
thousand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_ROWS: Final = 50
"""Rows that one statement writes. SQLite hands the interpreter back for each statement, and the writer then waits
for the event loop to let go of it again: row by row, that would take longer than the disk."""
_KEEP_LANE: Final = "INSERT OR IGNORE INTO lane (id, rule_arn, target_id) VALUES {rows}"
_KEEP_EVENT: Final = "INSERT INTO event (seq, id, bus_arn, accepted_ms, hops, deliveries, body) VALUES {rows}"
_KEEP_DELIVERY: Final = "INSERT INTO delivery (event_seq, lane, due_ms) VALUES {rows}"
_KEEP_ARCHIVED: Final = "INSERT INTO archived (archive_arn, time_ms, kept_ms, body) VALUES {rows}"
_SETTLE: Final = (
    "UPDATE delivery SET state = new.column1, attempts = new.column2, due_ms = new.column3, settled_ms = new.column4,"
    " error_code = new.column5, error_message = new.column6, exhausted = new.column7 FROM (VALUES {rows}) AS new"
    " WHERE delivery.event_seq = new.column8 AND delivery.lane = new.column9"
)
_TALLY: Final = (
    "UPDATE lane SET delivered = ?, dead_lettered = ?, given_up = ?, removed = ?, retried = ?,"
    " error_ms = ?, error_code = ?, error_message = ? WHERE id = ?"
)
_OPEN: Final = "SELECT event_seq, due_ms FROM delivery WHERE lane = ? AND state < 2 ORDER BY due_ms, event_seq LIMIT ?"
_LOAD: Final = (
    "SELECT d.event_seq, d.state, d.attempts, d.due_ms, d.error_code, d.error_message, d.exhausted,"
    " e.id, e.bus_arn, e.body, e.accepted_ms, e.hops"
    " FROM delivery d JOIN event e ON e.seq = d.event_seq WHERE d.event_seq = ? AND d.lane = ?"
)
_SIZES: Final = "SELECT max(seq), sum(length(CAST(body AS BLOB))) FROM event GROUP BY seq / 8 ORDER BY seq / 8"
_RECENT: Final = 10_000
"""Events among which unmatched ones are looked for."""
_BODY: Final = 9
"""Place of the body in a row of these."""
_SETTLED_EVENTS: Final = (
    "DELETE FROM event WHERE seq {which}"
    " AND NOT EXISTS (SELECT 1 FROM delivery WHERE event_seq = event.seq AND state < 2)"
)
_ORPHANS: Final = (
    "DELETE FROM delivery WHERE event_seq {which} AND NOT EXISTS (SELECT 1 FROM event WHERE seq = delivery.event_seq)"
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What one acceptance adds."""

    lanes: list[tuple[int, str, str]] = field(default_factory=list)
    """id, rule_arn, target_id of lanes that may not be in the table yet."""
    events: list[tuple[Any, ...]] = field(default_factory=list)
    """seq, id, bus_arn, accepted_ms, hops, deliveries, body."""
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    """event_seq, lane, due_ms."""
    archived: list[tuple[str, int, int, str]] = field(default_factory=list)
    """archive_arn, time_ms, kept_ms, body: what `Archives.rows` gives."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a start needs to know."""

    event_seq: int
    """Highest number of an event, 0 when there is none."""
    oldest_seq: int
    """Lowest number of an event."""
    lanes: list[Mapping[str, Any]]
    """Rows of the table `lane`, with `pending`: how many of its deliveries are open."""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    """Highest number and bytes of events that follow one another, a few at a time."""


@dataclass(frozen=True, slots=True)
class Page:
    """Open deliveries of a lane that were read."""

    rows: list[tuple[Any, ...]]
    """Of those that were loaded, as `_LOAD` selects them."""
    next_ms: int | None
    """When the first that was not loaded is due; None when all were."""


def opened(db: sqlite3.Connection) -> Opened:
    """Return what a start needs to know."""
    oldest, newest = bounds(db)
    return Opened(newest, oldest, lanes(db), db.execute(_SIZES).fetchall())


def lanes(db: sqlite3.Connection) -> list[Mapping[str, Any]]:
    """Return the rows of the table `lane`, each with its `pending`."""
    pending = dict(db.execute("SELECT lane, count(*) FROM delivery WHERE state < 2 GROUP BY lane"))
    return [{**row, "pending": pending.get(row["id"], 0)} for row in dicts(db, "SELECT * FROM lane")]


def keep(db: sqlite3.Connection, accepted: Accepted) -> None:
    """Add what was accepted. For the writer."""
    _write(db, _KEEP_LANE, accepted.lanes)
    _write(db, _KEEP_EVENT, accepted.events)
    _write(db, _KEEP_DELIVERY, accepted.deliveries)
    _write(db, _KEEP_ARCHIVED, accepted.archived)


def _write(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement with all the rows, many at a time."""
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        marks = f"({', '.join('?' * len(part[0]))})"
        db.execute(statement.format(rows=", ".join([marks] * len(part))), [value for row in part for value in row])


def settle(db: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], tallies: Iterable[tuple[Any, ...]]) -> None:
    """Write what became of deliveries, and their lanes' counts. For the writer.

    Args:
        db: the writer's connection.
        rows: state, attempts, due_ms, settled_ms, error_code, error_message, exhausted, event_seq, lane.
        tallies: delivered, dead_lettered, given_up, removed, retried, error_ms, error_code, error_message, lane.
    """
    _write(db, _SETTLE, rows)
    db.executemany(_TALLY, tallies)


def load(db: sqlite3.Connection, lane: int, *, known: Collection[int], now_ms: int, most: int, most_bytes: int) -> Page:
    """Return open deliveries of a lane that are due, the earliest first, without those `known`.

    When all that are open fit into `most` and `most_bytes`, those that are due later come as well.
    """
    asked = len(known) + most + 1
    listed = db.execute(_OPEN, (lane, asked)).fetchall()
    fresh = [(seq, due_ms) for seq, due_ms in listed if seq not in known]
    whole = len(listed) < asked and len(fresh) <= most
    rows: list[tuple[Any, ...]] = []
    size = 0
    for seq, due_ms in fresh:
        if len(rows) == most or size >= most_bytes or (due_ms > now_ms and not whole):
            return Page(rows, due_ms)
        row = db.execute(_LOAD, (seq, lane)).fetchone()
        size += len(row[_BODY])
        rows.append(row)
    return Page(rows, None if len(listed) < asked else listed[-1][1])


def sweep(db: sqlite3.Connection, after: int, until: int, most: int) -> int:
    """Delete events numbered above `after` up to `until` that have no open delivery; return how far it came."""
    last = db.execute(
        "SELECT max(seq) FROM (SELECT seq FROM event WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?)",
        (after, until, most),
    ).fetchone()[0]
    if last is None:
        return until
    for statement in (_SETTLED_EVENTS, _ORPHANS):
        db.execute(statement.format(which="BETWEEN ? AND ?"), (after + 1, last))
    return int(last)


def sweep_these(db: sqlite3.Connection, seqs: Sequence[int]) -> None:
    """Delete those of the events that have no open delivery any more."""
    for statement in (_SETTLED_EVENTS, _ORPHANS):
        db.executemany(statement.format(which="= ?"), [(seq,) for seq in seqs])


def find(db: sqlite3.Connection, event_id: str, above: int, until: int) -> list[Mapping[str, Any]]:
    """Return the events of that id numbered above `above` up to `until`, the latest first.

    Each has its `made`: its deliveries, with the ARN of the rule and the id of the target.
    """
    query = "SELECT * FROM event WHERE seq > ? AND seq <= ? AND id = ? ORDER BY seq DESC"
    made = (
        "SELECT d.*, lane.rule_arn, lane.target_id FROM delivery d JOIN lane ON lane.id = d.lane"
        " WHERE d.event_seq = ? ORDER BY d.lane"
    )
    return [{**event, "made": dicts(db, made, event["seq"])} for event in dicts(db, query, above, until, event_id)]


def forget_lanes(db: sqlite3.Connection, numbers: Collection[int]) -> frozenset[int]:
    """Delete the rows of those lanes that have no delivery; return the numbers of the others. For the writer."""
    used = frozenset(lane for (lane,) in db.execute("SELECT DISTINCT lane FROM delivery")).intersection(numbers)
    db.executemany("DELETE FROM lane WHERE id = ?", [(number,) for number in numbers if number not in used])
    return used


def bounds(db: sqlite3.Connection) -> tuple[int, int]:
    """Return the lowest and the highest number of an event, nought when there is none."""
    lowest, highest = db.execute("SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM event").fetchone()
    return int(lowest), int(highest)


def unmatched(db: sqlite3.Connection, most: int) -> list[Mapping[str, Any]]:
    """Return the latest events that went to no target, the latest first."""
    recent = "seq > (SELECT max(seq) FROM event) - ?"  # a long backlog isn't searched to its end
    query = f"SELECT * FROM event WHERE {recent} AND deliveries = 0 ORDER BY seq DESC LIMIT ?"  # noqa: S608 - from above
    return dicts(db, query, _RECENT, most)


def dicts(db: sqlite3.Connection, query: str, *values: Any) -> list[Mapping[str, Any]]:
    """Return the rows of a query by the names of their columns."""
    cursor = db.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
