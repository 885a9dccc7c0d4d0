"""Judging a whole batch: the same states and verdicts as the core, which judges only what a screen points at.

A card whose records of the batch are ordinary (in order, none repeated, not too many) is judged in arrays, together
with all such cards. Any other is judged by the core, one record after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.batch.columns import BoolArray, Columns, IntArray
from analyzer.batch.outcome import BatchOutcome
from analyzer.batch.past import Past, linked, repeated
from analyzer.batch.rows import Rows, by_card
from analyzer.batch.store import CardStore
from analyzer.batch.together import Together
from analyzer.batch.work import Work
from analyzer.core.detect import Judge
from analyzer.core.model import Transaction
from analyzer.core.sighting import Sight
from analyzer.core.window import MAX_SEEN

MOST_TOGETHER: Final = 64
"""Transactions that a card may look back to, those of the batch included, to be judged in arrays."""


_NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class BatchJudge:
    """Judges batches as `judge` and `sight` judge one record after the other."""

    judge_: Judge
    sight: Sight | None
    """None: nothing is sighted."""

    def judge(self, store: CardStore, columns: Columns, read: Callable[[int], Transaction]) -> BatchOutcome:
        """Judge a batch, and let the store's states move on.

        Args:
            store: states of the partition that the batch is of.
            columns: the batch; odd records that can't be read are not in it.
            read: returns the record at an index, through the scalar reader.
        """
        work = Work(store, columns, read, BatchOutcome.of(len(columns)))
        slots = _slots(work)
        new = np.flatnonzero(columns.offsets > store.cards.applied_offset[slots])
        rows = by_card(new, slots[new])
        past = self._linked(rows, work)
        if past:
            Together(self.judge_, self.sight, work, past).judge()
        for card in _others(rows, past).tolist():
            begin = rows.starts[card]
            self._alone(work, int(rows.slots[card]), rows.at[begin : begin + rows.counts[card]])
        return work.outcome

    def _linked(self, rows: Rows, work: Work) -> Past | None:
        """Put those cards' records into the log that can be judged together."""
        kept = rows.of(self._ordinary(rows, work)) if len(rows) else rows
        while len(kept):
            past = linked(kept, work.columns, work.store, self.judge_.allowed_lateness_ms)
            again = repeated(past, work.store.log)
            if not again.any():
                return past
            work.store.log.free(past.entries)
            kept = kept.of(~again)
        return None

    def _ordinary(self, rows: Rows, work: Work) -> BoolArray:
        """Tell of which cards, (c,), all records are in order and few enough."""
        columns, cards, slots, at = work.columns, work.store.cards, rows.slots, rows.at
        time = columns.event_time_ms[at]
        strange = columns.odd[at] | (time < rows.shifted(time, cards.newest_ms[slots]))
        most = min(MOST_TOGETHER, self.judge_.max_recent)
        return ~(
            np.logical_or.reduceat(strange, rows.starts)
            | cards.apart[slots]
            | (cards.remembered[slots] + rows.counts > most)
            | (cards.others[slots] + 1 + rows.counts > MAX_SEEN)
        )

    def _alone(self, work: Work, slot: int, at: IntArray) -> None:
        """Judge the records `at` of one card, one after the other."""
        window = work.store.window(slot)
        for place, offset in zip(at.tolist(), work.columns.offsets[at].tolist(), strict=True):
            transaction, before = work.read(place), window
            window, what = self.judge_.judge(before, transaction, offset)
            sighting = None
            if self.sight is not None:
                window, sighting = self.sight.sight(before, window, transaction, what)
            work.outcome.note(place, what, sighting)
        work.store.put(slot, window)


def _others(rows: Rows, past: Past | None) -> IntArray:
    """Return which cards are not judged together."""
    if past is None:
        return np.arange(len(rows.slots))
    return np.flatnonzero(~np.isin(rows.slots, past.rows.slots)) if len(past.rows.slots) < len(rows.slots) else _NONE


def _slots(work: Work) -> IntArray:
    card_ids = list(work.columns.card_ids)
    for place in np.flatnonzero(work.columns.odd).tolist():
        card_ids[place] = work.read(place).card_id.encode()
    return work.store.slots(card_ids)
