"""What is done with one record: decode, judge, and say what must be written about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from analyzer.core.detect import Duplicate, Judge, Judged, Late, Outcome, counting_shadow
from analyzer.core.model import SECOND_MS, Transaction
from analyzer.metrics import Metrics
from analyzer.settle import Outgoing, Result, Update
from analyzer.states import CardStates
from analyzer.wire import TransactionReader, notification
from schemas.codec import Encoder
from schemas.dead_letter import Header, Origin, dead_letter_topic, error_headers
from schemas.errors import BadRecordError, UserError
from schemas.topics import NOTIFICATIONS, SHADOW


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


@dataclass
class Analyst:
    """Judges records in the order of their partitions."""

    reader: TransactionReader
    states: CardStates
    judge: Judge
    notifications: Encoder
    shadow: Encoder
    metrics: Metrics
    now: Callable[[], datetime]
    version: str
    max_dead_letters_in_a_row: int
    dead_letters_in_a_row: int = 0

    def analyse(self, record: Incoming, done: Callable[[], object]) -> Result:
        """Return what must be written about `record`; its card's window moves on at once.

        Raises:
            SchemaNeededError: its schema must be fetched first; nothing has changed.
            UserError: too many bad records in a row.
        """
        with self.metrics.judge_seconds.time():
            try:
                transaction = self.reader.read(record.key, record.value)
            except BadRecordError as error:
                return self._dead_letter(record, error, done)
            self.dead_letters_in_a_row = 0
            before = self.states.window(record.partition, transaction.card_id)
            after, outcome = self.judge.judge(before, transaction, record.offset)
            self._count(record, outcome)
            if after is before:
                return Result(done)
            self.states.judged(record.partition, transaction.card_id, after)
            update = Update(record.partition, transaction.card_id, after)
            return Result(done, self._notifications(transaction, outcome), update)

    def _notifications(self, transaction: Transaction, outcome: Outcome) -> tuple[Outgoing, ...]:
        if not isinstance(outcome, Judged):
            return ()
        verdict, key, told = outcome.verdict, transaction.card_id.encode(), []
        if verdict.flagged:
            record = notification(transaction, verdict, self.now(), self.version)
            told.append(Outgoing(NOTIFICATIONS, key, self.notifications.encode(record)))
        if verdict.shadow and verdict.shadow_flagged:
            record = notification(transaction, counting_shadow(verdict), self.now(), self.version)
            told.append(Outgoing(SHADOW, key, self.shadow.encode(record)))
        return tuple(told)

    def _count(self, record: Incoming, outcome: Outcome) -> None:
        log = structlog.get_logger()
        if isinstance(outcome, Judged):
            self.metrics.judged.inc()
            if outcome.verdict.flagged:
                self.metrics.flagged.inc()
                for finding in outcome.verdict.findings:
                    self.metrics.findings.labels(finding.rule).inc()
            if outcome.verdict.shadow_flagged:
                for finding in outcome.verdict.shadow:
                    self.metrics.shadow_findings.labels(finding.rule).inc()
        elif isinstance(outcome, Late):
            self.metrics.late.inc()
            log.info("late", partition=record.partition, offset=record.offset, behind_s=outcome.behind_ms / SECOND_MS)
        elif isinstance(outcome, Duplicate):
            self.metrics.duplicates.inc()
            log.info("duplicate", partition=record.partition, offset=record.offset)
        else:
            self.metrics.replayed.inc()

    def _dead_letter(self, record: Incoming, error: BadRecordError, done: Callable[[], object]) -> Result:
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
