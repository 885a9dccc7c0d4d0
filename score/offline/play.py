"""One stream through the analyzer's core into the tally: what the services do, without a broker between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analyzer.core.chain import Chain, Judges, Taken, Told
from analyzer.core.detect import Duplicate, Judged, Late
from analyzer.wire import checked
from schemas.errors import BadRecordError
from score.core.facts import Alert, Happened, Kind, Label, Oracle
from score.core.known import InOrder
from score.core.scores import Scores
from score.core.tally import Tally
from score.offline.ranking import Ranked, Ranking, suspicion

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


class Play:
    """A stream that is being judged."""

    def __init__(self, judges: Judges) -> None:
        """Judge by these."""
        self._chain = Chain(judges)
        self._known = InOrder()
        self._tally = Tally(self._known)
        self._ranked = Ranked()
        self._places: dict[str, int] = {}
        """In the ranking, of transactions that may be flagged later."""
        self.late = self.duplicate = self.refused = 0
        self.refusal = ""

    def take_all(self, stream: Iterable[Labelled]) -> None:
        """Judge a stream, or a part of it."""
        for record, label in stream:
            self.take(record, label)

    def take(self, record: dict[str, Any], label: Label | None) -> None:
        """Judge one transaction."""
        try:
            transaction = checked(record)
        except BadRecordError as error:
            self.refused += 1
            self.refusal = self.refusal or f"{record.get('transactionId')}: {error.reason}"
            return
        taken = self._chain.take(transaction)
        if isinstance(taken.outcome, Duplicate):
            self.duplicate += 1
            return
        self.late += isinstance(taken.outcome, Late)
        self._tally.take(Happened(transaction.transaction_id, transaction.event_time_ms))
        if label is not None:
            self._rank(taken, label)
        for told in taken.told:
            self._told(told)
        if label is not None:
            self._tally.take(label)
            if label.fraud:
                self._tally.take(Oracle(label))

    def _rank(self, taken: Taken, label: Label) -> None:
        outcome = taken.outcome
        score = outcome.verdict.score if isinstance(outcome, Judged) else 0.0
        place = self._ranked.take(suspicion(score, taken.above_habit_z), label)
        if taken.sighted:
            self._known.remember(label)
            self._places[label.transaction_id] = place

    def _told(self, told: Told) -> None:
        of, verdict = told.of, told.verdict
        rules = tuple(sorted({finding.rule for finding in verdict.findings}))
        kind = Kind.SHADOW if told.shadow else Kind.ALERT
        self._tally.take(Alert(of.transaction_id, of.card_id, of.event_time_ms, verdict.score, rules, kind))
        label = self._known.label(of.transaction_id)
        if label is not None and not told.shadow:
            self._ranked.raised(self._places[of.transaction_id], verdict.score, label)

    def result(self, top_k: int) -> Played:
        """Return what came of it so far."""
        return Played(
            self._tally.scores(top_k), self._ranked.figures(), self.late, self.duplicate, self.refused, self.refusal
        )
