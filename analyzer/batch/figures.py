"""The figures that screens look at: those of `analyzer.core.features`, of all records at once.

An earlier transaction of the card that a record could look back to makes a pair with it; what is counted in a window
is counted over pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.log import APPROVED, PLACED, PRESENT, RecentLog, has
from analyzer.batch.rounds import Habits
from analyzer.core.features import SHORT_MS
from analyzer.core.model import DAY_MS, HOUR_MS

MARGIN: Final = 1e-9
"""By how much sums of logarithms, in another order than the core's, may differ."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """p pairs of a record and a transaction that its card remembers before it, which is not newer."""

    row: IntArray
    """(p,) the record."""

    entry: IntArray
    """(p,) the other in the log; those of a row from the newest on."""

    age_ms: IntArray
    """(p,) how much older the other is."""


@dataclass(eq=False)
class Figures:
    """Of n records, each against what its card did before."""

    event_time_ms: IntArray
    amount_minor: IntArray
    ln_amount: FloatArray
    card_present: BoolArray
    approved: BoolArray
    has_place: BoolArray
    latitude: FloatArray
    longitude: FloatArray
    """(n,) degrees; nan where there is no place."""

    habit: Habits
    """(n,) the card's amounts before."""

    judged: IntArray
    """(n,) transactions of the card judged before."""

    country_age_ms: IntArray
    device_age_ms: IntArray
    """(n,) as in `Features`; -1 for None."""

    device_habit: Habits
    """(n,) the amounts with the device before, where the device has an age."""

    silence_from_ms: IntArray
    silence_until_ms: IntArray
    """(n,) the last silence, the one that the record itself ends included; -1 for none."""

    log: RecentLog
    pairs: Pairs

    def __len__(self) -> int:
        return len(self.event_time_ms)

    @cached_property
    def habit_sd(self) -> FloatArray:
        """(n,) standard deviation of the habit."""
        return self.habit.sd()

    @cached_property
    def day_count(self) -> IntArray:
        """(n,) transactions in the 24 hours that end with the record, itself included."""
        return 1 + self.count(self.within(DAY_MS))

    @cached_property
    def hour_count(self) -> IntArray:
        """(n,) the same of the hour."""
        return 1 + self.count(self.within(HOUR_MS))

    @cached_property
    def short_count(self) -> IntArray:
        """(n,) the same of the ten minutes."""
        return 1 + self.count(self.within(SHORT_MS))

    @cached_property
    def hour_declined(self) -> IntArray:
        """(n,) declined ones in the hour."""
        return ~self.approved + self.count(self.within(HOUR_MS) & ~self.pair_approved)

    @cached_property
    def pair_approved(self) -> BoolArray:
        """(p,) whether the earlier one was approved."""
        return has(self.log.bits[self.pairs.entry], APPROVED)

    @cached_property
    def pair_amount_minor(self) -> IntArray:
        """(p,) amount of the earlier one."""
        return self.log.amount_minor[self.pairs.entry]

    @cached_property
    def pair_ln_amount(self) -> FloatArray:
        """(p,) ln(amount + 1) of the earlier one, but for the last bits."""
        logarithms: FloatArray = np.log(self.pair_amount_minor + 1.0)
        return logarithms

    @cached_property
    def previous_present(self) -> IntArray:
        """(n,) the last one before it with the card at a terminal of known place, within a day; -1 for none."""
        pairs, found = self.pairs, np.full(len(self), -1, np.int64)
        at = np.flatnonzero(self.within(DAY_MS) & has(self.log.bits[pairs.entry], PRESENT | PLACED))[::-1]
        found[pairs.row[at]] = pairs.entry[at]  # of a row, the last that is assigned stays: its newest
        return found

    def within(self, span_ms: int) -> BoolArray:
        """Tell of each pair, (p,), whether the earlier one lies in the window that ends with the record."""
        return self.pairs.age_ms < span_ms

    def count(self, pairs: BoolArray) -> IntArray:
        """Return how many of these pairs each record has, (n,)."""
        return np.bincount(self.pairs.row[pairs], minlength=len(self))

    def total(self, pairs: BoolArray, values: NDArray[Any]) -> FloatArray:
        """Return the sum of a value over these pairs of each record, (n,)."""
        row, weights = self.pairs.row[pairs], values[pairs].astype(np.float64)
        return np.bincount(row, weights=weights, minlength=len(self)).astype(np.float64, copy=False)

    def mean_ln_amount(self, pairs: BoolArray) -> FloatArray:
        """Return the mean of ln(amount + 1) of each record and those in these pairs of it, (n,)."""
        total = self.ln_amount + self.total(pairs, self.pair_ln_amount)
        return np.divide(total, 1 + self.count(pairs))

    def above_habit(self, ln_amount: FloatArray, least_sd: float, limit_z: float) -> BoolArray:
        """Tell where a logarithm may lie more than `limit_z` standard deviations above the habit, (n,)."""
        return above(ln_amount, self.habit.mean, self.habit_sd, least_sd, limit_z)


def above(ln_amount: FloatArray, mean: FloatArray, sd: FloatArray, least_sd: float, limit_z: float) -> BoolArray:
    """Tell where the z-score of a logarithm may be above a limit; never False where the core's is."""
    return ~(ln_amount - mean + MARGIN <= limit_z * np.maximum(sd, least_sd))


def young(age_ms: IntArray, most_ms: float) -> BoolArray:
    """Tell where there is an age of at most `most_ms`."""
    return (age_ms >= 0) & (age_ms <= most_ms)
