"""What the detection rules look at: figures of a transaction against its card's window.

Windows are sliding and in event time: that of span s for a transaction at t holds what happened in
(t - s, t], the transaction itself included and last.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

from analyzer.core.model import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, RecentTransaction, Transaction
from analyzer.core.window import CardWindow, Habit

SHORT_MS: Final = 10 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Span:
    """The transactions of one sliding window."""

    transactions: tuple[RecentTransaction, ...]
    """In event time, never empty; the last is the one that is judged."""

    @property
    def count(self) -> int:
        """How many."""
        return len(self.transactions)

    @property
    def seconds(self) -> float:
        """From the first to the last."""
        return (self.transactions[-1].event_time_ms - self.transactions[0].event_time_ms) / SECOND_MS

    @property
    def sum_minor(self) -> int:
        """Sum of the amounts."""
        return sum(one.amount_minor for one in self.transactions)

    @property
    def mean_minor(self) -> float:
        """Mean of the amounts."""
        return self.sum_minor / self.count

    @property
    def sd_minor(self) -> float:
        """Sample standard deviation of the amounts; 0 for one transaction."""
        if self.count == 1:
            return 0.0
        mean = self.mean_minor
        return sqrt(sum((one.amount_minor - mean) ** 2 for one in self.transactions) / (self.count - 1))

    @property
    def declined(self) -> int:
        """How many the issuer declined."""
        return sum(not one.approved for one in self.transactions)

    @property
    def merchants(self) -> int:
        """How many different merchants."""
        return len({one.merchant_id for one in self.transactions})

    @property
    def countries(self) -> int:
        """How many different countries."""
        return len({one.country for one in self.transactions})

    @property
    def categories(self) -> int:
        """How many different merchant categories."""
        return len({one.merchant_category for one in self.transactions})


@dataclass(frozen=True, slots=True)
class Features:
    """A transaction against what its card did before."""

    ten_minutes: Span
    hour: Span
    day: Span

    previous: RecentTransaction | None
    """The card's last transaction before this one, within a day."""

    previous_present: RecentTransaction | None
    """The last one before it with the card at a terminal of known place, within a day."""

    habit: Habit
    """The card's amounts before this transaction."""

    judged: int
    """Transactions of the card judged before this one."""

    new_country: bool
    """Whether the card was never used in this country, and was used before."""

    new_device: bool
    """Whether the card was never used with this device, and was used with another before."""

    @property
    def seconds_since_previous(self) -> float | None:
        """Time since the card's last transaction."""
        if self.previous is None:
            return None
        return (self.day.transactions[-1].event_time_ms - self.previous.event_time_ms) / SECOND_MS

    @property
    def km_since_previous(self) -> float | None:
        """Distance from the card's last transaction; None when either place is unknown."""
        here = self.day.transactions[-1].place
        if self.previous is None or self.previous.place is None or here is None:
            return None
        return self.previous.place.km_to(here)


def features(window: CardWindow, transaction: Transaction) -> Features:
    """Return the figures of `transaction`, which the window doesn't hold yet."""
    before = window.until(transaction.event_time_ms)
    day = (*before, transaction.recent())
    return Features(
        ten_minutes=_span(day, SHORT_MS),
        hour=_span(day, HOUR_MS),
        day=_span(day, DAY_MS),
        previous=before[-1] if before else None,
        previous_present=next((one for one in reversed(before) if one.card_present and one.place), None),
        habit=window.habit,
        judged=window.judged,
        new_country=bool(window.countries) and transaction.country not in window.countries,
        new_device=bool(window.devices)
        and transaction.device_id is not None
        and transaction.device_id not in window.devices,
    )


def _span(day: tuple[RecentTransaction, ...], span_ms: int) -> Span:
    start_ms = day[-1].event_time_ms - span_ms
    return Span(tuple(one for one in day if one.event_time_ms > start_ms))
