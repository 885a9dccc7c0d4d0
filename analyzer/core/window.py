"""A card's window: all that is remembered of a card, and how it takes one more transaction.

The state is a value: taking a transaction returns a new one. It is a function of the card's records
in their order in the topic alone, so a replay rebuilds it exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from math import log, sqrt
from typing import Final

from analyzer.core.model import DAY_MS, RecentTransaction, Transaction

LONGEST_WINDOW_MS: Final = DAY_MS
MAX_RECENT: Final = 500
"""Transactions kept of a card; at about 150 bytes each, its state stays far below a record's 1 MB.
A card with more in a day keeps its newest, and its longest window says 500 where it was more."""
MAX_SEEN: Final = 64
"""Countries, and devices, kept of a card: its newest."""


def ln_amount(amount_minor: int) -> float:
    """Return ln(amount + 1): amounts spread over orders of magnitude, their logarithm is bell-shaped."""
    return log(amount_minor + 1)


@dataclass(frozen=True, slots=True)
class Habit:
    """Running mean and variance of ln(amount + 1) over approved transactions (Welford's algorithm)."""

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0
    """Sum of squared deviations from the mean."""

    @property
    def sd(self) -> float:
        """Sample standard deviation; 0 with fewer than two transactions."""
        return sqrt(self.m2 / (self.count - 1)) if self.count > 1 else 0.0

    def with_amount(self, amount_minor: int) -> Habit:
        """Return the habit with one more amount."""
        value = ln_amount(amount_minor)
        count = self.count + 1
        delta = value - self.mean
        mean = self.mean + delta / count
        return Habit(count, mean, self.m2 + delta * (value - mean))


@dataclass(frozen=True, slots=True)
class CardWindow:
    """All that is remembered of one card."""

    applied_offset: int = -1
    """Offset of the last record that this state contains, in the card's partition."""

    judged: int = 0
    flagged: int = 0
    late: int = 0
    duplicate: int = 0
    sighted: int = 0
    """Of the judged ones, those that the terminal stage was told of."""

    habit: Habit = Habit()
    countries: tuple[str, ...] = ()
    """Countries of approved transactions, oldest first."""

    devices: tuple[str, ...] = ()
    """Devices of approved transactions, oldest first."""

    recent: tuple[RecentTransaction, ...] = ()
    """In event time; those of one time in order of arrival."""

    def newest_ms(self) -> int | None:
        """Return the newest event time judged, or None for a new card."""
        return self.recent[-1].event_time_ms if self.recent else None

    def contains(self, transaction_id: str) -> bool:
        """Tell whether the window holds that transaction already."""
        return any(known.transaction_id == transaction_id for known in self.recent)

    def until(self, event_time_ms: int) -> tuple[RecentTransaction, ...]:
        """Return the transactions of the longest window that ends at `event_time_ms`, that time included."""
        end = bisect_right(self.recent, event_time_ms, key=_time)
        start = bisect_right(self.recent, event_time_ms - LONGEST_WINDOW_MS, hi=end, key=_time)
        return self.recent[start:end]

    def with_transaction(
        self,
        transaction: Transaction,
        offset: int,
        *,
        flagged: bool,
        allowed_lateness_ms: int,
        max_recent: int = MAX_RECENT,
    ) -> CardWindow:
        """Return the window with a judged transaction in its place.

        What no transaction still in time can look back to is dropped.
        """
        at = bisect_right(self.recent, transaction.event_time_ms, key=_time)
        recent = (*self.recent[:at], transaction.recent(), *self.recent[at:])
        oldest_ms = recent[-1].event_time_ms - LONGEST_WINDOW_MS - allowed_lateness_ms
        return replace(
            self,
            applied_offset=offset,
            judged=self.judged + 1,
            flagged=self.flagged + flagged,
            habit=self.habit.with_amount(transaction.amount_minor) if transaction.approved else self.habit,
            countries=_seen(self.countries, transaction.country, learn=transaction.approved),
            devices=_seen(self.devices, transaction.device_id, learn=transaction.approved),
            recent=recent[bisect_right(recent, oldest_ms, key=_time) :][-max_recent:],
        )

    def with_late(self, offset: int) -> CardWindow:
        """Return the window with one more record counted as too late."""
        return replace(self, applied_offset=offset, late=self.late + 1)

    def with_duplicate(self, offset: int) -> CardWindow:
        """Return the window with one more record counted as a duplicate."""
        return replace(self, applied_offset=offset, duplicate=self.duplicate + 1)


def _time(transaction: RecentTransaction) -> int:
    return transaction.event_time_ms


def _seen(known: tuple[str, ...], value: str | None, *, learn: bool) -> tuple[str, ...]:
    # What was declined was only tried: it doesn't become familiar by that.
    return (*known, value)[-MAX_SEEN:] if learn and value is not None and value not in known else known
