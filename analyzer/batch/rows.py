"""The records of a batch by card: every other part of the batch path works on these rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.columns import BoolArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n records of c cards: those of a card stand together, in the order of their offsets."""

    at: IntArray
    """(n,) index in the batch."""

    card: IntArray
    """(n,) number of the card, 0 to c - 1."""

    slots: IntArray
    """(c,) the cards' slots in the store."""

    starts: IntArray
    """(c,) row of each card's first record."""

    counts: IntArray
    """(c,) records of each card, at least 1."""

    def __len__(self) -> int:
        return len(self.at)

    @property
    def lasts(self) -> IntArray:
        """(c,) row of each card's last record."""
        return self.starts + self.counts - 1

    @property
    def rank(self) -> IntArray:
        """(n,) how many records of its card come before each."""
        return np.arange(len(self.at)) - self.starts[self.card]

    def of(self, cards: BoolArray) -> Rows:
        """Return the rows of those cards, (c,), alone."""
        if cards.all():
            return self
        return self.only(cards[self.card])

    def only(self, kept: BoolArray) -> Rows:
        """Return those rows, (n,), alone."""
        return by_card(self.at[kept], self.slots[self.card[kept]])

    def shifted(self, values: IntArray, first: NDArray[np.signedinteger[Any]]) -> IntArray:
        """Return what `values`, (n,), are at each card's record before; `first`, (c,), at its first."""
        before = np.empty_like(values)
        before[1:] = values[:-1]
        before[self.starts] = first
        return before


def by_card(at: IntArray, slots: IntArray) -> Rows:
    """Return the records `at`, in the order of their offsets, by card.

    Args:
        at: (n,) index of each in the batch.
        slots: (n,) slot of its card.
    """
    order = np.argsort(slots, kind="stable")
    at, slots = at[order], slots[order]
    new = np.ones(len(at), np.bool_)
    new[1:] = slots[1:] != slots[:-1]
    starts = np.flatnonzero(new)
    counts = np.diff(starts, append=len(at))
    return Rows(at, np.cumsum(new) - 1, slots[starts], starts, counts)
