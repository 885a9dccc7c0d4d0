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
    start = habits.of(rows.card)
    at = np.flatnonzero(counted)
    if not len(at):
        return start
    card = rows.card[at]
    after = _after_each(ln_amount[at], card, habits)
    last = np.cumsum(counted) - counted - 1  # of those counted, the last one before each record
    own = (last >= 0) & (card[last] == rows.card)
    return Habits(
        np.where(own, after.count[last], start.count),
        np.where(own, after.mean[last], start.mean),
        np.where(own, after.m2[last], start.m2),
    )


def _after_each(ln_amount: FloatArray, card: IntArray, habits: Habits) -> Habits:
    """Return the habit after each of m amounts, (m,), those of a card together, and leave the last in `habits`."""
    after = Habits.new(len(card))
    starts = np.flatnonzero(np.concatenate([[True], card[1:] != card[:-1]]))
    ends, at = np.append(starts[1:], len(card)), starts
    while len(at) >= LEAST_ROUND:
        cards = card[at]
        value, count, mean = ln_amount[at], habits.count[cards] + 1, habits.mean[cards]
        delta = value - mean
        mean = mean + delta / count
        m2 = habits.m2[cards] + delta * (value - mean)
        after.count[at], after.mean[at], after.m2[at] = count, mean, m2
        habits.count[cards], habits.mean[cards], habits.m2[cards] = count, mean, m2
        on = at + 1 < ends
        at, ends = at[on] + 1, ends[on]
    for begin, end in zip(at.tolist(), ends.tolist(), strict=True):
        _one_by_one(ln_amount[begin:end].tolist(), slice(begin, end), int(card[begin]), habits, after)
    return after


def _one_by_one(values: list[float], span: slice, card: int, habits: Habits, after: Habits) -> None:
    """Do so for the amounts of one card."""
    found = []
    count, mean, m2 = int(habits.count[card]), float(habits.mean[card]), float(habits.m2[card])
    for value in values:
        count += 1
        delta = value - mean
        mean += delta / count
        m2 += delta * (value - mean)
        found.append((count, mean, m2))
    after.count[span], after.mean[span], after.m2[span] = zip(*found, strict=True)
    habits.count[card], habits.mean[card], habits.m2[card] = count, mean, m2
