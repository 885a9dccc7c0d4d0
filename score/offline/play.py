"""One stream through the analyzer's core into the tally: what the services do, without a broker between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analyzer.batch.chain import BatchChain
from analyzer.batch.store import CardStore
from analyzer.core.chain import Judges, Taken, Told
from analyzer.core.detect import Duplicate, Judged, Late
from analyzer.core.model import Transaction
from analyzer.wire import StateCodec, checked
from schemas.codec import Decoder, Encoder
from schemas.errors import BadRecordError
from schemas.registry import FakeRegistry
from score.core.facts import Alert, Happened, Kind, Label, Oracle
from score.core.known import InOrder
from score.core.scores import Scores
from score.core.tally import Tally
from score.offline.ranking import Habits, Ranked, Ranking, suspicion

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
        self._chain = BatchChain(judges, CardStore(_codec()))
        self._known = InOrder()
        self._tally = Tally(self._known)
        self._ranked, self._habits = Ranked(), Habits()
        self._places: dict[str, int] = {}
        """In the ranking, of transactions that may be flagged later."""
        self.late = self.duplicate = self.refused = 0
        self.refusal = ""

    def take(self, batch: Iterable[Labelled]) -> None:
        """Judge the next of the stream: so many together as are given."""
        transactions: list[Transaction] = []
        labels: list[Label | None] = []
        for record, label in batch:
            try:
                transactions.append(checked(record))
            except BadRecordError as error:
                self.refused += 1
                self.refusal = self.refusal or f"{record.get('transactionId')}: {error.reason}"
            else:
                labels.append(label)
        for one in zip(transactions, self._chain.take(transactions), labels, strict=True):
            self._taken(*one)

    def _taken(self, transaction: Transaction, taken: Taken, label: Label | None) -> None:
        if isinstance(taken.outcome, Duplicate):
            self.duplicate += 1
            return
        self.late += isinstance(taken.outcome, Late)
        self._tally.take(Happened(transaction.transaction_id, transaction.event_time_ms))
        if label is not None:
            self._rank(transaction, taken, label)
        if transaction.approved and isinstance(taken.outcome, Judged):
            self._habits.learn(transaction)
        for told in taken.told:
            self._told(told)
        if label is not None:
            self._tally.take(label)
            if label.fraud:
                self._tally.take(Oracle(label))

    def _rank(self, transaction: Transaction, taken: Taken, label: Label) -> None:
        outcome = taken.outcome
        score = outcome.verdict.score if isinstance(outcome, Judged) else 0.0
        place = self._ranked.take(suspicion(score, None if score else self._habits.above(transaction)), label)
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


def _codec() -> StateCodec:
    """Return a codec of states that nobody ever writes or reads."""
    registry = FakeRegistry()
    encoder = Encoder.registered("card_state", "card_state", registry)
    return StateCodec(encoder, Decoder(registry, reader="card_state", logical_types=False))
