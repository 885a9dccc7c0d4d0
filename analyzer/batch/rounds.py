"""Running statistics of many cards at once, bit for bit those of `Habit.with_amount`.

Within a batch, the k-th record of each card is in round k. A round has at most one record of a card, so what stands
in order for the card is one operation for all cards; what is left of a few cards with many records goes one by one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.rows import Rows

LEAST_ROUND: Final = 24
"""Records from which a round pays."""


class Habits(NamedTuple):
    """`Habit`s as arrays of one length."""

    count: IntArray
    mean: FloatArray
    m2: FloatArray

    def sd(self) -> FloatArray:
        """Return the sample standard deviations; 0 with fewer than two transactions."""
        return np.where(self.count > 1, np.sqrt(self.m2 / np.maximum(self.count - 1, 1)), 0.0)


def learn(rows: Rows, habits: Habits, ln_amount: FloatArray, counted: BoolArray) -> Habits:
    """Return the habit of its card before each record, (n,), and leave in `habits`, (c,), that after the last.

    Args:
        rows: the records.
        habits: before the first, by card.
        ln_amount: (n,) of each record.
        counted: (n,) whether the record is counted in.
    """
    before = Habits(np.empty(len(rows), np.int64), np.empty(len(rows)), np.empty(len(rows)))
    cards, done = np.arange(len(rows.slots)), 0
    while len(cards) >= LEAST_ROUND or (done == 0 and len(cards)):
        _round(rows.starts[cards] + done, cards, habits, before, ln_amount, counted)
        done += 1
        cards = cards[rows.counts[cards] > done]
    for card, start, count in zip(cards.tolist(), rows.starts[cards].tolist(), rows.counts[cards].tolist(), strict=True):
        _one_by_one(slice(start + done, start + count), card, habits, before, ln_amount, counted)
    return before


def _round(at: IntArray, cards: IntArray, habits: Habits, before: Habits, ln: FloatArray, counted: BoolArray) -> None:
    count, mean, m2 = habits.count[cards], habits.mean[cards], habits.m2[cards]
    before.count[at], before.mean[at], before.m2[at] = count, mean, m2
    on = np.flatnonzero(counted[at])
    if len(on) < len(at):
        at, cards, count, mean, m2 = at[on], cards[on], count[on], mean[on], m2[on]
    value, count = ln[at], count + 1
    delta = value - mean
    mean = mean + delta / count
    habits.count[cards], habits.mean[cards], habits.m2[cards] = count, mean, m2 + delta * (value - mean)


def _one_by_one(
    span: slice, card: int, habits: Habits, before: Habits, ln_amount: FloatArray, counted: BoolArray
) -> None:
    count, mean, m2 = int(habits.count[card]), float(habits.mean[card]), float(habits.m2[card])
    counts, means, m2s = [], [], []
    for value, on in zip(ln_amount[span].tolist(), counted[span].tolist(), strict=True):
        counts.append(count)
        means.append(mean)
        m2s.append(m2)
        if on:
            count += 1
            delta = value - mean
            mean += delta / count
            m2 += delta * (value - mean)
    before.count[span], before.mean[span], before.m2[span] = counts, means, m2s
    habits.count[card], habits.mean[card], habits.m2[card] = count, mean, m2
