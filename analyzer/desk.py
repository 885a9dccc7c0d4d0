"""What each stage does with what its records hold: judge it, count it, and say who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from analyzer.analyst import Incoming
from analyzer.core.detect import Duplicate, Judge, Judged, Late, Replayed
from analyzer.core.model import SECOND_MS, Transaction, Verdict
from analyzer.core.sighting import Sight, Sighting
from analyzer.core.terminal import Seen, TerminalJudge, TerminalWindow
from analyzer.core.window import CardWindow
from analyzer.metrics import Metrics, StageMetrics, TerminalMetrics
from analyzer.settle import Outgoing
from analyzer.terminal_wire import SightingReader, sighting_record
from analyzer.wire import TransactionReader, notification
from schemas.codec import Encoder
from schemas.topics import NOTIFICATIONS, SIGHTINGS


@dataclass(frozen=True, slots=True)
class Notifier:
    """Words a flagged transaction as the record that tells of it."""

    encoder: Encoder
    now: Callable[[], datetime]
    version: str

    def outgoing(self, flagged: Transaction | Sighting, verdict: Verdict) -> Outgoing:
        """Return its notification, to be written."""
        told = notification(flagged, verdict, self.now(), self.version)
        return Outgoing(NOTIFICATIONS, flagged.card_id.encode(), self.encoder.encode(told))


@dataclass(frozen=True, slots=True)
class CardDesk:
    """Judges transactions against their cards' windows."""

    reader: TransactionReader
    judge_: Judge
    sight: Sight
    notifier: Notifier
    sightings: Encoder
    metrics: Metrics

    def read(self, key: bytes | None, value: bytes | None) -> Transaction:
        """Return the transaction in a record."""
        return self.reader.read(key, value)

    def key(self, content: Transaction) -> str:
        """Return its card."""
        return content.card_id

    def judge(
        self, window: CardWindow, content: Transaction, record: Incoming
    ) -> tuple[CardWindow, tuple[Outgoing, ...]]:
        """Return the card's window, and a notification when the transaction is flagged, a sighting when it is one."""
        judged, outcome = self.judge_.judge(window, content, record.offset)
        after, sighting = self.sight.sight(window, judged, content, outcome)
        if not isinstance(outcome, Judged):
            _count_skipped(self.metrics, record, outcome)
            return after, ()
        self.metrics.judged.inc()
        told = []
        if outcome.verdict.flagged:
            _count_flagged(self.metrics, [outcome.verdict])
            told.append(self.notifier.outgoing(content, outcome.verdict))
        if sighting:
            self.metrics.sighted.inc()
            value = self.sightings.encode(sighting_record(sighting))
            told.append(Outgoing(SIGHTINGS, sighting.terminal.encode(), value))
        return after, tuple(told)


@dataclass(frozen=True, slots=True)
class TerminalDesk:
    """Judges sightings against their terminals' windows."""

    reader: SightingReader
    judge_: TerminalJudge
    notifier: Notifier
    metrics: TerminalMetrics

    def read(self, key: bytes | None, value: bytes | None) -> Sighting:
        """Return the sighting in a record."""
        return self.reader.read(key, value)

    def key(self, content: Sighting) -> str:
        """Return its terminal."""
        return content.terminal

    def judge(
        self, window: TerminalWindow, content: Sighting, record: Incoming
    ) -> tuple[TerminalWindow, tuple[Outgoing, ...]]:
        """Return the terminal's window, and a notification for each transaction that is flagged now."""
        after, outcome = self.judge_.judge(window, content, record.offset)
        if not isinstance(outcome, Seen):
            _count_skipped(self.metrics, record, outcome)
            return after, ()
        self.metrics.judged.inc()
        if outcome.forgotten:
            self.metrics.forgotten.inc(outcome.forgotten)
            structlog.get_logger().warning("too_many_sightings", terminal=content.terminal, kept=len(after.kept))
        _count_flagged(self.metrics, [one.verdict for one in outcome.flagged])
        return after, tuple(self.notifier.outgoing(one.sighting, one.verdict) for one in outcome.flagged)


def _count_flagged(metrics: StageMetrics, verdicts: Iterable[Verdict]) -> None:
    for verdict in verdicts:
        metrics.flagged.inc()
        for finding in verdict.findings:
            metrics.findings.labels(finding.rule).inc()


def _count_skipped(metrics: StageMetrics, record: Incoming, outcome: Late | Duplicate | Replayed) -> None:
    log = structlog.get_logger().bind(topic=record.topic, partition=record.partition, offset=record.offset)
    if isinstance(outcome, Late):
        metrics.late.inc()
        log.info("late", behind_s=outcome.behind_ms / SECOND_MS)
    elif isinstance(outcome, Duplicate):
        metrics.duplicates.inc()
        log.info("duplicate")
    else:
        metrics.replayed.inc()
