"""Judging a whole batch: the same states and verdicts as the core, which judges only what a screen points at.

A card's records of the batch that are ordinary (in order, none repeated, not too many) are judged in arrays, together
with those of all such cards. Any other is only counted, or judged by the core, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.batch.aside import LATEST_MS, sort_out
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


@dataclass(frozen=True, slots=True)
class BatchJudge:
    """Judges batches as `judge` and `sight` judge one record after the other."""

    judge_: Judge
    sight: Sight | None
    """None: nothing is sighted."""

    def judge(
        self, store: CardStore, slots: IntArray, columns: Columns, read: Callable[[int], Transaction]
    ) -> BatchOutcome:
        """Judge a batch, and let the store's states move on.

        Args:
            store: states of the cards.
            slots: (n,) the slot in it of each record's card, in the partition that the record came from.
            columns: the batch, each partition's records in order; odd records that can't be read are not in it.
            read: returns the record at an index, through the scalar reader.
        """
        work = Work.of(store, columns, read)
        new = np.flatnonzero(columns.offsets > store.cards.applied_offset[slots])
        if not len(new):
            return work.outcome
        rows = by_card(new, slots[new])
        ordinary = self._ordinary(rows, work)
        sorted_ = sort_out(rows.of(ordinary), work, self.judge_.allowed_lateness_ms)
        past, again = self._linked(sorted_.together, work)
        if past:
            Together(self.judge_, self.sight, work, past).judge()
        for slot in again:
            work.skips.pop(slot, None)
            sorted_.later.pop(slot, None)
        work.skip()
        for slot, at in sorted_.later.items():
            self._alone(work, slot, at)
        for card in np.flatnonzero(~ordinary | np.isin(rows.slots, again)).tolist():
            begin = rows.starts[card]
            self._alone(work, int(rows.slots[card]), rows.at[begin : begin + rows.counts[card]])
        return work.outcome

    def _linked(self, rows: Rows, work: Work) -> tuple[Past | None, list[int]]:
        """Put those cards' records into the log that can be judged together; return the other cards' slots too."""
        others: list[int] = []
        while len(rows):
            past = linked(rows, work, self.judge_.allowed_lateness_ms)
            again = repeated(past, work.store.log)
            if not again.any():
                return past, others
            work.store.log.free(past.entries)
            others += rows.slots[again].tolist()
            rows = rows.of(~again)
        return None, others

    def _ordinary(self, rows: Rows, work: Work) -> BoolArray:
        """Tell of which cards, (c,), no record is odd, and all are few enough."""
        cards, slots = work.store.cards, rows.slots
        most = min(MOST_TOGETHER, self.judge_.max_recent)
        return ~(
            np.logical_or.reduceat(work.columns.odd[rows.at], rows.starts)
            | cards.apart[slots]
            | (cards.newest_ms[slots] >= LATEST_MS)
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


def card_ids_of(columns: Columns, read: Callable[[int], Transaction]) -> list[bytes]:
    """Return the card of each record, also of the odd ones."""
    card_ids = list(columns.card_ids)
    for place in np.flatnonzero(columns.odd).tolist():
        card_ids[place] = read(place).card_id.encode()
    return card_ids
