"""What is done with one record, in any stage: decode, judge, and say what must be written about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import structlog

from analyzer.metrics import StageMetrics
from analyzer.settle import Outgoing, Result, Update
from analyzer.states import States
from analyzer.window_codec import W
from schemas.dead_letter import Header, Origin, dead_letter_topic, error_headers
from schemas.errors import BadRecordError, UserError

T = TypeVar("T")
"""What a record holds."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None
    """Of the record itself, wall clock since 1970."""


class Desk(Protocol[T, W]):
    """What a stage does with a record that can be read: `CardDesk` and `TerminalDesk`."""

    @property
    def metrics(self) -> StageMetrics:
        """Where it counts."""

    def read(self, key: bytes | None, value: bytes | None) -> T:
        """Return what a record holds; raises BadRecordError when it can't be read."""

    def key(self, content: T) -> str:
        """Return whose window it belongs to."""

    def judge(self, window: W, content: T, record: Incoming) -> tuple[W, tuple[Outgoing, ...]]:
        """Return the window after the record (the same one: it was replayed), and what must be told; count it."""


@dataclass
class Analyst(Generic[T, W]):
    """Judges records in the order of their partitions."""

    desk: Desk[T, W]
    states: States[W]
    now: Callable[[], datetime]
    max_dead_letters_in_a_row: int
    dead_letters_in_a_row: int = 0

    @property
    def metrics(self) -> StageMetrics:
        """Where it counts."""
        return self.desk.metrics

    def analyse(self, record: Incoming, done: Callable[[], object]) -> Result[W]:
        """Return what must be written about `record`; the window it belongs to moves on at once.

        Raises:
            SchemaNeededError: its schema must be fetched first; nothing has changed.
            UserError: too many bad records in a row.
        """
        with self.metrics.judge_seconds.time():
            try:
                content = self.desk.read(record.key, record.value)
            except BadRecordError as error:
                return self._dead_letter(record, error, done)
            self.dead_letters_in_a_row = 0
            key = self.desk.key(content)
            before = self.states.window(record.partition, key)
            after, outgoing = self.desk.judge(before, content, record)
            if after is before:
                return Result(done)
            self.states.judged(record.partition, key, after)
            return Result(done, outgoing, Update(record.partition, key, after))

    def _dead_letter(self, record: Incoming, error: BadRecordError, done: Callable[[], object]) -> Result[W]:
        self.metrics.dead_letters.inc()
        self.dead_letters_in_a_row += 1
        origin = Origin(record.topic, record.partition, record.offset)
        structlog.get_logger().warning(
            "dead_letter", topic=origin.topic, partition=origin.partition, offset=origin.offset, reason=error.reason
        )
        if self.dead_letters_in_a_row >= self.max_dead_letters_in_a_row:
            raise UserError(
                f"{self.dead_letters_in_a_row} records in a row were bad, the last because {error.reason}. Is the"
                " producer ahead of this analyzer's schemas? Mend that, or raise ANALYZER_MAX_DEAD_LETTERS_IN_A_ROW."
            ) from None
        headers = error_headers(record.headers, origin, "analyzer", error)
        letter = Outgoing(
            dead_letter_topic(record.topic),
            record.key,
            record.value,
            tuple(headers),
            timestamp_ms=record.timestamp_ms,
        )
        return Result(done, (letter,))
