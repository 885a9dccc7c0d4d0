"""What the detection rules look at: figures of a transaction against its card's window.

Windows are sliding and in event time: that of span s for a transaction at t holds what happened in
(t - s, t], the transaction itself included and last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final, Generic, TypeVar

from analyzer.core.model import HOUR_MS, MINUTE_MS, SECOND_MS, RecentTransaction, Transaction
from analyzer.core.window import TIME, CardWindow, Country, Device, Flag, Habit, Silence

SHORT_MS: Final = 10 * MINUTE_MS
_T = TypeVar("_T")


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
    def purchases(self) -> int:
        """How many, a declined one that is tried again counted once: same merchant, same amount."""
        return len({(one.merchant_id, one.amount_minor) for one in self.transactions})

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

    def last(self, span_ms: int) -> Span:
        """Return its last part: the window of that span which ends where it ends."""
        after_ms = self.transactions[-1].event_time_ms - span_ms
        return Span(self.transactions[bisect_right(self.transactions, after_ms, key=TIME) :])


class lazy(Generic[_T]):  # noqa: N801 - used as a decorator, as `property` is
    """A property that is computed when a rule first asks for it (`functools.cached_property` locks in Python 3.11)."""

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        """Remember how."""
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, owner: Any, _: type[Any]) -> _T:
        """Return the value, which from then on stands in its place."""
        value = owner.__dict__[self._name] = self._compute(owner)
        return value


@dataclass(eq=False)
class Features:
    """A transaction against what its card did before; each figure is computed when the first rule asks for it.

    It lasts as long as one judgement, and is not frozen only since that would take three times as long to make.
    """

    window: CardWindow
    """All that is remembered of the card before this transaction."""

    now: RecentTransaction
    """The transaction itself."""

    device_id: str | None
    """The device it was made with."""

    @property
    def habit(self) -> Habit:
        """The card's amounts before this transaction."""
        return self.window.habit

    @property
    def judged(self) -> int:
        """Transactions of the card judged before this one."""
        return self.window.judged

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Flagged transactions of the card that are remembered."""
        return self.window.flags

    @property
    def silence(self) -> Silence | None:
        """The card's last long silence before this one."""
        return self.window.silence

    @property
    def newest_ms(self) -> int | None:
        """The newest event time of the card before this one; None for a new card."""
        return self.window.newest_ms()

    @lazy
    def before(self) -> tuple[RecentTransaction, ...]:
        """The card's transactions of the day before this one."""
        return self.window.until(self.now.event_time_ms)

    @property
    def day_count(self) -> int:
        """How many transactions in the 24 hours that end with it; cheaper than `day`."""
        return len(self.before) + 1

    @lazy
    def day(self) -> Span:
        """The 24 hours that end with it."""
        return Span((*self.before, self.now))

    @lazy
    def hour(self) -> Span:
        """The hour that ends with it."""
        return self.day.last(HOUR_MS)

    @lazy
    def ten_minutes(self) -> Span:
        """The ten minutes that end with it."""
        return self.hour.last(SHORT_MS)

    @property
    def previous(self) -> RecentTransaction | None:
        """The card's last transaction before this one, within a day."""
        return self.before[-1] if self.before else None

    @property
    def previous_present(self) -> RecentTransaction | None:
        """The last one before it with the card at a terminal of known place, within a day."""
        for one in reversed(self.before):
            if one.card_present and one.place:
                return one
        return None

    @lazy
    def country(self) -> Country | None:
        """What is known of the country, or None when the card was never used there."""
        return next((one for one in self.window.countries if one.name == self.now.country), None)

    @lazy
    def device(self) -> Device | None:
        """What is known of the device, or None when the card was never used with it, or none was used now."""
        return next((one for one in self.window.devices if one.name == self.device_id), None)

    @property
    def new_country(self) -> bool:
        """Whether the card was never used in this country, and was used before."""
        return bool(self.window.countries) and self.country is None

    @property
    def new_device(self) -> bool:
        """Whether the card was never used with this device, and was used with another before."""
        return bool(self.window.devices) and self.device_id is not None and self.device is None

    @lazy
    def country_age_ms(self) -> int | None:
        """How long the card has been used in this country; None for the first country of the card."""
        known = self.window.countries
        if not known or known[0].name == self.now.country:
            return None
        return max(0, self.now.event_time_ms - self.country.since_ms) if self.country else 0

    @lazy
    def device_age_ms(self) -> int | None:
        """How long the card has been used with this device; None for its first device, and for none."""
        known = self.window.devices
        if not known or self.device_id is None or known[0].name == self.device_id:
            return None
        return max(0, self.now.event_time_ms - self.device.since_ms) if self.device else 0

    @property
    def seconds_since_previous(self) -> float | None:
        """Time since the card's last transaction."""
        if self.previous is None:
            return None
        return (self.now.event_time_ms - self.previous.event_time_ms) / SECOND_MS

    @property
    def km_since_previous(self) -> float | None:
        """Distance from the card's last transaction; None when either place is unknown."""
        here = self.now.place
        if self.previous is None or self.previous.place is None or here is None:
            return None
        return self.previous.place.km_to(here)


def features(window: CardWindow, transaction: Transaction) -> Features:
    """Return the figures of `transaction`, which the window doesn't hold yet."""
    return Features(window, transaction.recent(), transaction.device_id)
