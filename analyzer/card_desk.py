"""What the card stage does with a batch of transactions: read it by columns, judge it, count it, say who is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.batch.columns import Columns
from analyzer.batch.decode import ColumnReader
from analyzer.batch.judge import BatchJudge
from analyzer.batch.outcome import BatchOutcome, Kind
from analyzer.card_states import CardStates, unreadable
from analyzer.core.chain import told_of_card
from analyzer.core.detect import NOTHING_FOUND, Duplicate, Judged, Late, Replayed
from analyzer.core.model import Transaction
from analyzer.core.sighting import sighting
from analyzer.desk import Notifier, count_skipped, count_told
from analyzer.metrics import Metrics
from analyzer.ports import Batch, Outgoing
from analyzer.stage import CARDS
from analyzer.terminal_wire import sighting_record
from analyzer.wire import TransactionReader
from schemas.codec import Encoder
from schemas.errors import BadRecordError
from schemas.topics import SIGHTINGS

MOST: Final = 2_000
"""Records at once; 5 to 10 us each."""


@dataclass(frozen=True, slots=True, eq=False)
class Transactions:
    """What a batch holds."""

    columns: Columns
    """Of the records that can be read."""

    at: Sequence[int]
    """The index of each of them in the batch."""

    bad: Mapping[int, BadRecordError]
    read: Callable[[int], Transaction]
    """Returns one of them as the core takes it, by its place in the columns."""


@dataclass(frozen=True, slots=True)
class CardDesk:
    """Judges transactions against their cards' states."""

    columns: ColumnReader
    reader: TransactionReader
    """Reads what the columns leave to it, and what is asked for in full."""

    judge_: BatchJudge
    notifier: Notifier
    sightings: Encoder
    states: CardStates
    metrics: Metrics
    most: int = MOST

    def read(self, batch: Batch) -> Transactions:
        """Read all of a batch."""
        columns = self.columns.read(batch.keys, batch.values, batch.offsets)
        read: dict[int, Transaction] = {}
        bad: dict[int, BadRecordError] = {}
        for at in np.flatnonzero(columns.odd).tolist():
            try:
                read[at] = self.reader.read(batch.keys[at], batch.values[at])
            except BadRecordError as error:
                bad[at] = error
        good = [at for at in range(len(batch)) if at not in bad]
        if bad:
            columns = self.columns.read(
                [batch.keys[at] for at in good], [batch.values[at] for at in good], [batch.offsets[at] for at in good]
            )

        def transaction(place: int) -> Transaction:
            index = good[place]
            if index not in read:
                read[index] = self.reader.read(batch.keys[index], batch.values[index])
            return read[index]

        return Transactions(columns, good, bad, transaction)

    def judge(self, batch: Batch, reading: Transactions) -> list[Outgoing]:
        """Judge the records that could be read, in order."""
        store = self.states.store(batch.partition)
        try:
            outcome = self.judge_.judge(store, reading.columns, reading.read)
        except BadRecordError as error:
            raise unreadable(error, CARDS.changelog) from error
        self._count(batch, reading, outcome)
        told = defaultdict[int, list[Outgoing]](list)
        self._notifications(reading, outcome, told)
        self._sightings(reading, outcome, told)
        return [one for place in sorted(told) for one in told[place]]

    def _notifications(self, reading: Transactions, outcome: BatchOutcome, told: dict[int, list[Outgoing]]) -> None:
        for place, verdict in outcome.verdicts.items():
            tells = told_of_card(reading.read(place), Judged(verdict))
            count_told(self.metrics, tells, verdict.shadow)
            told[place] += [self.notifier.outgoing(one) for one in tells]

    def _sightings(self, reading: Transactions, outcome: BatchOutcome, told: dict[int, list[Outgoing]]) -> None:
        sighted = np.flatnonzero(outcome.sighted).tolist()
        self.metrics.sighted.inc(len(sighted))
        for place in sighted:
            told[place].append(self._sighting(reading, outcome, place))

    def _sighting(self, reading: Transactions, outcome: BatchOutcome, place: int) -> Outgoing:
        columns, z = reading.columns, float(outcome.amount_z[place])
        verdict = outcome.verdicts.get(place, NOTHING_FOUND)
        if columns.odd[place]:
            seen = sighting(reading.read(place), z, verdict)
            return Outgoing(SIGHTINGS, seen.terminal.encode(), self.sightings.encode(sighting_record(seen)))
        body = columns.sighting(place, z, verdict.score, flagged=verdict.flagged)
        return Outgoing(SIGHTINGS, columns.terminal(place), self.sightings.header + body)

    def _count(self, batch: Batch, reading: Transactions, outcome: BatchOutcome) -> None:
        judged = outcome.kind == Kind.JUDGED
        self.metrics.judged.inc(int(judged.sum()))
        for place in np.flatnonzero(~judged).tolist():
            count_skipped(self.metrics, batch.record(reading.at[place]), _skipped(outcome, place))


def _skipped(outcome: BatchOutcome, place: int) -> Late | Duplicate | Replayed:
    if outcome.kind[place] == Kind.LATE:
        return Late(outcome.behind_ms[place])
    return Duplicate() if outcome.kind[place] == Kind.DUPLICATE else Replayed()
