"""Running statistics of many cards at once, bit for bit those of `Habit.with_amount`.

Within a batch, the k-th record of each card is in round k. A round has at most one record of a card, so what stands
in order for the card is one operation for all cards; what is left of a few cards with many records goes one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.rows import Rows

LEAST_ROUND: Final = 24
"""Records from which a round pays."""


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """`Habit`s as arrays of one length."""

    count: IntArray
    mean: FloatArray
    m2: FloatArray

    @classmethod
    def new(cls, size: int) -> Habits:
        """Return that many of which nothing is known."""
        return cls(np.zeros(size, np.int64), np.zeros(size), np.zeros(size))

    def sd(self) -> FloatArray:
        """Return the sample standard deviations; 0 with fewer than two transactions."""
        return np.where(self.count > 1, np.sqrt(self.m2 / np.maximum(self.count - 1, 1)), 0.0)

    def of(self, at: IntArray) -> Habits:
        """Return those at some indices."""
        return Habits(self.count[at], self.mean[at], self.m2[at])


def learn(rows: Rows, habits: Habits, ln_amount: FloatArray, counted: BoolArray) -> Habits:
    """Return the habit of its card before each record, (n,), and leave in `habits`, (c,), that after the last.

    Args:
        rows: the records.
        habits: before the first, by card.
        ln_amount: (n,) of each record.
        counted: (n,) whether the record is counted in.
    """
    learning = _Learning(habits, ln_amount, counted, Habits.new(len(rows)))
    cards, done = np.arange(len(rows.slots)), 0
    while len(cards) >= LEAST_ROUND:
        learning.round(rows.starts[cards] + done, cards)
        done += 1
        cards = cards[rows.counts[cards] > done]
    for card, start, count in zip(
        cards.tolist(), rows.starts[cards].tolist(), rows.counts[cards].tolist(), strict=True
    ):
        learning.one_by_one(slice(start + done, start + count), card)
    return learning.before


@dataclass(frozen=True, slots=True, eq=False)
class _Learning:
    habits: Habits
    ln_amount: FloatArray
    counted: BoolArray
    before: Habits

    def round(self, at: IntArray, cards: IntArray) -> None:
        """Take in a record of each of some cards."""
        habits, before, known = self.habits, self.before, self.habits.of(cards)
        before.count[at], before.mean[at], before.m2[at] = known.count, known.mean, known.m2
        on = np.flatnonzero(self.counted[at])
        if len(on) < len(at):
            at, cards, known = at[on], cards[on], known.of(on)
        value, count = self.ln_amount[at], known.count + 1
        delta = value - known.mean
        mean = known.mean + delta / count
        habits.count[cards], habits.mean[cards], habits.m2[cards] = count, mean, known.m2 + delta * (value - mean)

    def one_by_one(self, span: slice, card: int) -> None:
        """Take in the records of one card in some rows."""
        habits, before, found = self.habits, self.before, []
        count, mean, m2 = int(habits.count[card]), float(habits.mean[card]), float(habits.m2[card])
        for value, on in zip(self.ln_amount[span].tolist(), self.counted[span].tolist(), strict=True):
            found.append((count, mean, m2))
            if on:
                count += 1
                delta = value - mean
                mean += delta / count
                m2 += delta * (value - mean)
        before.count[span], before.mean[span], before.m2[span] = zip(*found, strict=True)
        habits.count[card], habits.mean[card], habits.m2[card] = count, mean, m2
