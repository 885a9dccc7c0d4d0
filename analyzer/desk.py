"""What each stage does with what its records hold: judge it, count it, and say who is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from prometheus_client import Counter as Metric

from analyzer.core.chain import Told, told_of_terminal
from analyzer.core.detect import Duplicate, Late, Replayed
from analyzer.core.model import SECOND_MS
from analyzer.core.sighting import Sighting
from analyzer.core.terminal import Seen, TerminalJudge, TerminalWindow
from analyzer.metrics import StageMetrics, TerminalMetrics
from analyzer.notification_codec import moment, notification_body
from analyzer.ports import Incoming, Outgoing
from analyzer.terminal_wire import SightingReader
from schemas.codec import Encoder
from schemas.topics import NOTIFICATIONS, SHADOW

MOST_LOGGED: Final = 10
"""Records whose partition and offset a line of the log names; a line takes as long as judging eight of them."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """Words flagged transactions as the records that tell of them."""

    notifications: Encoder
    shadow: Encoder
    """The same schema, registered under its own topic."""

    now: Callable[[], datetime]
    version: str

    def outgoing(self, told: Sequence[Told]) -> list[Outgoing]:
        """Return the notification of each, to be written where it alerts somebody or, in the shadow, nobody."""
        if not told:
            return []
        detected = moment(self.now())  # of all of them: they are judged in one step
        return [self._outgoing(one, detected) for one in told]

    def _outgoing(self, told: Told, detected: bytes) -> Outgoing:
        body = notification_body(told.of, told.verdict, detected, self.version)
        topic, encoder = (SHADOW, self.shadow) if told.shadow else (NOTIFICATIONS, self.notifications)
        return Outgoing(topic, told.of.card_id.encode(), encoder.header + body)


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
            count_skipped(self.metrics, record, outcome)
            return after, ()
        self.metrics.judged.inc()
        if outcome.forgotten:
            self.metrics.forgotten.inc(outcome.forgotten)
            structlog.get_logger().warning("too_many_sightings", terminal=content.terminal, kept=len(after.kept))
        told = told_of_terminal(self.judge_, outcome)
        count_told(self.metrics, told)
        return after, tuple(self.notifier.outgoing(told))


def count_told(metrics: StageMetrics, told: Sequence[Told], on_trial: Collection[str] | None = None) -> None:
    """Count what is told; `on_trial`: the rules in the shadow where others are told along with them, else all are."""
    alerts, shadow = [one for one in told if not one.shadow], [one for one in told if one.shadow]
    metrics.flagged.inc(len(alerts))
    _count_findings(metrics.findings, alerts)
    _count_findings(metrics.shadow_findings, shadow, on_trial)


def _count_findings(metric: Metric, told: Iterable[Told], of: Collection[str] | None = None) -> None:
    rules = Counter(finding.rule for one in told for finding in one.verdict.findings)
    for rule, times in rules.items():
        if of is None or rule in of:
            metric.labels(rule).inc(times)


def count_skipped(metrics: StageMetrics, record: Incoming, outcome: Late | Duplicate | Replayed) -> None:
    """Count a record that changes nothing else, and log it unless it was only read again."""
    log = structlog.get_logger().bind(topic=record.topic, partition=record.partition, offset=record.offset)
    if isinstance(outcome, Late):
        metrics.late.inc()
        log.info("late", behind_s=outcome.behind_ms / SECOND_MS)
    elif isinstance(outcome, Duplicate):
        metrics.duplicates.inc()
        log.info("duplicate")
    else:
        metrics.replayed.inc()


def count_late(metrics: StageMetrics, records: Sequence[Incoming], behind_ms: Iterable[int]) -> None:
    """Count records that are late, and log them in one line."""
    if records:
        metrics.late.inc(len(records))
        _log(records).info("late", records=len(records), most_behind_s=max(behind_ms) / SECOND_MS)


def count_duplicates(metrics: StageMetrics, records: Sequence[Incoming]) -> None:
    """Count records of transactions that were there already, and log them in one line."""
    if records:
        metrics.duplicates.inc(len(records))
        _log(records).info("duplicate", records=len(records))


def _log(records: Sequence[Incoming]) -> structlog.stdlib.BoundLogger:
    places = [f"{one.partition}/{one.offset}" for one in records[:MOST_LOGGED]]
    log: structlog.stdlib.BoundLogger = structlog.get_logger().bind(topic=records[0].topic, first=places)
    return log
