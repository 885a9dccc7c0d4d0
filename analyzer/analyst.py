"""What is done with what was fetched, in any stage: read, judge, and say what must be told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

import structlog

from analyzer.metrics import StageMetrics
from analyzer.portion import Portion
from analyzer.ports import Batch, Incoming, Outgoing, States
from analyzer.stage_desk import Desk, R
from schemas.dead_letter import Origin, dead_letter_topic, error_headers
from schemas.errors import BadRecordError, UserError


@dataclass
class Analyst(Generic[R]):
    """Judges records in the order of their partitions."""

    desk: Desk[R]
    max_dead_letters_in_a_row: int
    dead_letters_in_a_row: int = 0

    @property
    def metrics(self) -> StageMetrics:
        """Where it counts."""
        return self.desk.metrics

    @property
    def states(self) -> States:
        """What it judges against."""
        return self.desk.states

    @property
    def most(self) -> int:
        """How many records it may be given at once."""
        return self.desk.most

    def analyse(self, *batches: Batch) -> list[Outgoing]:
        """Return what must be told of some batches; the states of their cards or terminals have moved on then.

        Raises:
            SchemaNeededError: a schema must be fetched first; nothing has changed.
            UserError: too many bad records in a row; no state has moved on.
        """
        portion = Portion(batches)
        with self.metrics.judge_seconds.time():
            reading = self.desk.read(portion)
            letters = self._dead_letters(portion, reading.bad)
            return letters + self.desk.judge(portion, reading)

    def _dead_letters(self, portion: Portion, bad: Mapping[int, BadRecordError]) -> list[Outgoing]:
        letters, row, previous = [], self.dead_letters_in_a_row, -1
        for at, error in bad.items():
            row = row + 1 if at == previous + 1 else 1
            previous = at
            letters.append(self._dead_letter(portion.record(at), error))
            if row >= self.max_dead_letters_in_a_row:
                raise UserError(
                    f"{row} records in a row were bad, the last because {error.reason}. Is the producer ahead of this"
                    " analyzer's schemas? Mend that, or raise ANALYZER_MAX_DEAD_LETTERS_IN_A_ROW."
                ) from None
        self.dead_letters_in_a_row = row if previous == len(portion) - 1 else 0
        return letters

    def _dead_letter(self, record: Incoming, error: BadRecordError) -> Outgoing:
        self.metrics.dead_letters.inc()
        origin = Origin(record.topic, record.partition, record.offset)
        structlog.get_logger().warning(
            "dead_letter", topic=origin.topic, partition=origin.partition, offset=origin.offset, reason=error.reason
        )
        headers = tuple(error_headers(record.headers, origin, "analyzer", error))
        topic = dead_letter_topic(record.topic)
        return Outgoing(topic, record.key, record.value, headers, timestamp_ms=record.timestamp_ms)
