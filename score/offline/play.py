"""One stream through the analyzer's core into the tally: what the services do, without a broker between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from analyzer.core.detect import Duplicate, Judge, Judged, Late, counting_shadow
from analyzer.core.model import Transaction, Verdict
from analyzer.core.window import CardWindow
from analyzer.wire import checked
from schemas.errors import BadRecordError
from score.core.facts import Alert, Happened, Kind, Label, Oracle
from score.core.known import InOrder
from score.core.scores import Scores
from score.core.tally import Tally
from score.offline.ranking import Ranked, Ranking

Labelled = tuple[dict[str, Any], Label | None]
"""The fields of a transaction, as in transaction.avsc with times in ms, and its label if it has one."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a stream."""

    scores: Scores
    ranking: Ranking
    late: int
    duplicate: int
    refused: int
    """Records that can't be transactions."""
    refusal: str
    """Why the first of them can't; empty without any."""


@dataclass
class Play:
    """A stream that is being judged."""

    judge: Judge
    late: int = 0
    duplicate: int = 0
    refused: int = 0
    refusal: str = ""
    _tally: Tally = field(default_factory=lambda: Tally(InOrder()))
    _ranked: Ranked = field(default_factory=Ranked)
    _windows: dict[str, CardWindow] = field(default_factory=dict)
    _offset: int = 0

    def take_all(self, stream: Iterable[Labelled]) -> None:
        """Judge a stream, or a part of it."""
        for record, label in stream:
            self.take(record, label)

    def take(self, record: dict[str, Any], label: Label | None) -> None:
        """Judge one transaction."""
        self._offset += 1
        try:
            transaction = checked(record)
        except BadRecordError as error:
            self.refused += 1
            self.refusal = self.refusal or f"{record.get('transactionId')}: {error.reason}"
            return
        card_id = transaction.card_id
        before = self._windows.get(card_id) or CardWindow()
        self._windows[card_id], outcome = self.judge.judge(before, transaction, self._offset)
        if isinstance(outcome, Duplicate):
            self.duplicate += 1
            return
        self._tally.take(Happened(transaction.transaction_id, transaction.event_time_ms))
        if isinstance(outcome, Judged):
            self._judged(transaction, outcome.verdict, label)
        elif isinstance(outcome, Late):
            self.late += 1
        if label is not None:
            self._tally.take(label)
            if label.fraud:
                self._tally.take(Oracle(label))

    def _judged(self, transaction: Transaction, verdict: Verdict, label: Label | None) -> None:
        if label is not None:
            self._ranked.take(verdict.score, label)
        if verdict.flagged:
            self._tally.take(_alert(transaction, verdict, Kind.ALERT))
        if verdict.shadow and verdict.shadow_flagged:
            self._tally.take(_alert(transaction, counting_shadow(verdict), Kind.SHADOW))

    def result(self, top_k: int) -> Played:
        """Return what came of it so far."""
        return Played(
            self._tally.scores(top_k), self._ranked.figures(), self.late, self.duplicate, self.refused, self.refusal
        )


def _alert(transaction: Transaction, verdict: Verdict, kind: Kind) -> Alert:
    names = tuple(sorted({finding.rule for finding in verdict.findings}))
    return Alert(transaction.transaction_id, transaction.card_id, transaction.event_time_ms, verdict.score, names, kind)
