"""What the card stage does with transactions: read it by columns, judge it, count it, say who is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from analyzer.batch.columns import Columns, IntArray
from analyzer.batch.decode import ColumnReader
from analyzer.batch.judge import BatchJudge, card_ids_of
from analyzer.batch.merge import all_odd
from analyzer.batch.outcome import BatchOutcome, Kind
from analyzer.card_states import CardStates, unreadable
from analyzer.core.chain import Told, told_of_card
from analyzer.core.detect import NOTHING_FOUND, Judged
from analyzer.core.model import Transaction
from analyzer.core.sighting import sighting
from analyzer.desk import Notifier, count_duplicates, count_late, count_told
from analyzer.metrics import Metrics
from analyzer.portion import Portion
from analyzer.ports import Outgoing
from analyzer.stage import CARDS
from analyzer.terminal_wire import sighting_record
from analyzer.wire import TransactionReader
from schemas.codec import Encoder
from schemas.errors import BadRecordError
from schemas.topics import SIGHTINGS

MOST: Final = 2_000
"""Records at once; 5 to 10 us each."""

FEW: Final = 6
"""Records that are read and judged one by one, since they are so few: arrays take some 1.5 ms for one as for forty."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Transactions:
    """What records of some partitions hold."""

    columns: Columns
    """Of the records that can be read."""

    at: Sequence[int]
    """The index of each of them in the portion."""

    bad: Mapping[int, BadRecordError]
    read: Callable[[int], Transaction]
    """Returns one of them as the core takes it, by its place in the columns."""


@dataclass(frozen=True, slots=True)
class CardDesk:
    """Judges transactions against their cards' states."""

    columns: ColumnReader
    reader: TransactionReader
    """Reads what the columns leave to it."""

    judge_: BatchJudge
    notifier: Notifier
    sightings: Encoder
    states: CardStates
    metrics: Metrics
    most: int = MOST
    few: int = FEW

    def read(self, portion: Portion) -> Transactions:
        """Read all of a portion."""
        keys, values, offsets = portion.keys, portion.values, portion.offsets
        columns = whole = self._columns(keys, values, offsets)
        read: dict[int, Transaction] = {}
        bad: dict[int, BadRecordError] = {}
        for at in np.flatnonzero(columns.odd).tolist():
            try:
                read[at] = self.reader.read(keys[at], values[at])
            except BadRecordError as error:
                bad[at] = error
        good = [at for at in range(len(portion)) if at not in bad]
        if bad:
            columns = self._columns(_at(good, keys), _at(good, values), _at(good, offsets))

        def transaction(place: int) -> Transaction:
            index = good[place]
            if index not in read:
                read[index] = whole.transaction(index)
            return read[index]

        return Transactions(columns, good, bad, transaction)

    def _columns(self, keys: Sequence[bytes | None], values: Sequence[bytes | None], offsets: Sequence[int]) -> Columns:
        return self.columns.read(keys, values, offsets) if len(keys) > self.few else all_odd(offsets)

    def judge(self, portion: Portion, reading: Transactions) -> list[Outgoing]:
        """Judge the records that could be read, each partition's in order."""
        try:
            slots = self._slots(portion, reading)
        except BadRecordError as error:
            raise unreadable(error, CARDS.changelog) from error
        outcome = self.judge_.judge(self.states.store, slots, reading.columns, reading.read)
        self._count(portion, reading, outcome)
        told = defaultdict[int, list[Outgoing]](list)
        self._notifications(reading, outcome, told)
        self._sightings(reading, outcome, told)
        return [one for place in sorted(told) for one in told[place]]

    def _slots(self, portion: Portion, reading: Transactions) -> IntArray:
        card_ids = card_ids_of(reading.columns, reading.read)
        ends = np.searchsorted(reading.at, portion.ends).tolist()
        bounds = zip(portion.batches, [0, *ends], ends, strict=False)
        spans = [(one.partition, card_ids[begin:end]) for one, begin, end in bounds]
        self.states.warm(spans)
        return np.concatenate([self.states.slots(partition, some) for partition, some in spans])

    def _notifications(self, reading: Transactions, outcome: BatchOutcome, told: dict[int, list[Outgoing]]) -> None:
        places, tells = list[int](), list[Told]()
        for place, verdict in outcome.verdicts.items():
            ones = told_of_card(reading.read(place), Judged(verdict))
            places += [place] * len(ones)
            tells += ones
        count_told(self.metrics, tells, self.judge_.judge_.shadow)
        for place, outgoing in zip(places, self.notifier.outgoing(tells), strict=True):
            told[place].append(outgoing)

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

    def _count(self, portion: Portion, reading: Transactions, outcome: BatchOutcome) -> None:
        of_kind = [np.flatnonzero(outcome.kind == kind).tolist() for kind in Kind]
        late, twice = ([portion.record(reading.at[at]) for at in of_kind[kind]] for kind in (Kind.LATE, Kind.DUPLICATE))
        self.metrics.judged.inc(len(of_kind[Kind.JUDGED]))
        count_late(self.metrics, late, outcome.behind_ms.values())
        count_duplicates(self.metrics, twice)
        self.metrics.replayed.inc(len(of_kind[Kind.REPLAYED]))


def _at(places: Sequence[int], column: Sequence[T]) -> Sequence[T]:
    return [column[at] for at in places]
