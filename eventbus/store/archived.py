"""SQL for what archives keep. `forget` and `remove` are for the writer's connection; the rest only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

_PAGE: Final = (
    "SELECT time_ms, seq, body FROM archived WHERE archive_arn = :arn AND time_ms = :after_ms AND seq > :after_seq"
    " UNION ALL"
    " SELECT time_ms, seq, body FROM archived WHERE archive_arn = :arn AND time_ms > :after_ms AND time_ms < :until_ms"
    " ORDER BY time_ms, seq LIMIT :most"
)
_SIZE: Final = "SELECT count(*), coalesce(sum(length(CAST(body AS BLOB))), 0) FROM archived WHERE archive_arn = ?"
_STALE: Final = "SELECT seq FROM archived INDEXED BY archived_by_time WHERE archive_arn = ? AND kept_ms < ? LIMIT ?"
_FORGET: Final = "DELETE FROM archived WHERE seq IN (SELECT seq FROM archived WHERE archive_arn = ? LIMIT ?)"

Row = tuple[int, int, str]
"""time_ms, seq, body."""


def page(
    db: sqlite3.Connection, archive_arn: str, after: tuple[int, int], *, until_ms: int, most: int, most_bytes: int
) -> list[Row]:
    """Return events by time: those behind `after` (time_ms, seq) and before `until_ms`, which is no earlier.

    No more come once there are `most`, or `most_bytes` of them; one always comes when there is any.
    """
    values = {"arn": archive_arn, "after_ms": after[0], "after_seq": after[1], "until_ms": until_ms, "most": most}
    found: list[Row] = []
    size = 0
    for row in db.execute(_PAGE, values):
        found.append(row)
        size += len(row[2])
        if size >= most_bytes:
            break
    return found


def size(db: sqlite3.Connection, archive_arn: str) -> tuple[int, int]:
    """Return how many events an archive holds, and their bytes."""
    events, size_bytes = db.execute(_SIZE, (archive_arn,)).fetchone()
    return int(events), int(size_bytes)


def holders(db: sqlite3.Connection) -> list[str]:
    """Return the ARNs under which events are kept."""
    return [arn for (arn,) in db.execute("SELECT DISTINCT archive_arn FROM archived")]


def stale(db: sqlite3.Connection, archive_arn: str, before_ms: int, most: int) -> list[int]:
    """Return the numbers of some events that were archived before `before_ms`."""
    return [seq for (seq,) in db.execute(_STALE, (archive_arn, before_ms, most))]


def remove(db: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Delete these events."""
    db.executemany("DELETE FROM archived WHERE seq = ?", [(seq,) for seq in seqs])


def forget(db: sqlite3.Connection, archive_arn: str, most: int) -> int:
    """Delete up to `most` events of an archive; return how many that were."""
    return db.execute(_FORGET, (archive_arn, most)).rowcount
