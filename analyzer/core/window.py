"""A card's window: all that is remembered of a card, and how it takes one more transaction.

The state is a value: taking a transaction returns a new one. It is a function of the card's records
in their order in the topic alone, so a replay rebuilds it exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import log, sqrt
from operator import attrgetter
from typing import Final, NamedTuple

from analyzer.core.model import DAY_MS, RecentTransaction

LONGEST_WINDOW_MS: Final = DAY_MS
MAX_RECENT: Final = 500
"""Transactions kept of a card; at about 150 bytes each, its state stays far below a record's 1 MB.
A card with more in a day keeps its newest, and its longest window says 500 where it was more."""
MAX_SEEN: Final = 64
"""Countries, and devices, kept of a card: its newest."""
MAX_FLAGS: Final = 8
"""Flagged transactions kept of a card: its newest."""
QUIET_MS: Final = 7 * DAY_MS
"""Time without a transaction from which it is remembered as a silence."""
TIME: Final = attrgetter("event_time_ms")
"""What transactions are in the order of."""


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

    def without(self, part: Habit) -> Habit:
        """Return the habit of the amounts that are not in `part`, which is a part of it."""
        count = self.count - part.count
        if count <= 0:
            return Habit()
        mean = (self.count * self.mean - part.count * part.mean) / count
        apart = (part.mean - mean) ** 2 * part.count * count / self.count
        return Habit(count, mean, max(0.0, self.m2 - part.m2 - apart))


class Country(NamedTuple):
    """A country that the card was used in."""

    name: str
    since_ms: int
    """Event time of the first approved transaction there; 0: not known any more, long ago."""


class Device(NamedTuple):
    """A device that the card was used with."""

    name: str
    since_ms: int
    """Event time of the first approved transaction with it; 0: not known any more, long ago."""

    habit: Habit
    """The approved amounts with it."""


class Silence(NamedTuple):
    """The last long time without any transaction of the card."""

    from_ms: int
    until_ms: int


class Flag(NamedTuple):
    """What is remembered of a flagged transaction."""

    transaction_id: str
    event_time_ms: int
    device_id: str | None
    country: str


class CardWindow(NamedTuple):
    """All that is remembered of one card. A tuple, as what it holds: one is made for every transaction."""

    applied_offset: int = -1
    """Offset of the last record that this state contains, in the card's partition."""

    judged: int = 0
    flagged: int = 0
    late: int = 0
    duplicate: int = 0
    sighted: int = 0
    """Of the judged ones, those that the terminal stage was told of."""

    habit: Habit = Habit()
    countries: tuple[Country, ...] = ()
    """Countries of approved transactions, oldest first."""

    devices: tuple[Device, ...] = ()
    """Devices of approved transactions, oldest first."""

    recent: tuple[RecentTransaction, ...] = ()
    """In event time; those of one time in order of arrival."""

    silence: Silence | None = None
    flags: tuple[Flag, ...] = ()
    """Transactions that were flagged on their own, in order of arrival."""

    def newest_ms(self) -> int | None:
        """Return the newest event time judged, or None for a new card."""
        return self.recent[-1].event_time_ms if self.recent else None

    def contains(self, transaction_id: str) -> bool:
        """Tell whether the window holds that transaction already."""
        for known in self.recent:  # noqa: SIM110 - a loop is twice as fast as any(), and it runs for every record
            if known.transaction_id == transaction_id:
                return True
        return False

    def until(self, event_time_ms: int) -> tuple[RecentTransaction, ...]:
        """Return the transactions of the longest window that ends at `event_time_ms`, that time included."""
        return self.recent[self._after(event_time_ms - LONGEST_WINDOW_MS) : self._after(event_time_ms)]

    def _after(self, event_time_ms: int) -> int:
        """Return how many of the recent transactions are not newer than `event_time_ms`."""
        recent = self.recent
        if not recent or recent[-1].event_time_ms <= event_time_ms:
            return len(recent)
        return bisect_right(recent, event_time_ms, key=TIME)

    def with_transaction(
        self,
        seen: RecentTransaction,
        device_id: str | None,
        offset: int,
        *,
        flagged: bool,
        on_its_own: bool,
        allowed_lateness_ms: int,
        max_recent: int = MAX_RECENT,
    ) -> CardWindow:
        """Return the window with a judged transaction in its place.

        What no transaction still in time can look back to is dropped. What was flagged is remembered if it was
        so on its own, not for being like something else that was.
        """
        at = self._after(seen.event_time_ms)
        recent = (*self.recent, seen) if at == len(self.recent) else (*self.recent[:at], seen, *self.recent[at:])
        oldest_ms = recent[-1].event_time_ms - LONGEST_WINDOW_MS - allowed_lateness_ms
        if recent[0].event_time_ms <= oldest_ms:
            recent = recent[bisect_right(recent, oldest_ms, key=TIME) :]
        learn = seen.approved  # what was declined was only tried: it doesn't become familiar by that
        return CardWindow(
            offset,
            self.judged + 1,
            self.flagged + flagged,
            self.late,
            self.duplicate,
            self.sighted,
            self.habit.with_amount(seen.amount_minor) if learn else self.habit,
            _with_country(self.countries, seen) if learn else self.countries,
            _with_device(self.devices, device_id, seen) if learn and device_id is not None else self.devices,
            recent[-max_recent:],
            self._silence(seen.event_time_ms),
            self.flags_with(seen, device_id) if on_its_own else self.flags,
        )

    def flags_with(self, seen: RecentTransaction, device_id: str | None) -> tuple[Flag, ...]:
        """Return the flags with one more."""
        return (*self.flags, _flag(seen, device_id))[-MAX_FLAGS:]

    def _silence(self, event_time_ms: int) -> Silence | None:
        newest_ms = self.newest_ms()
        if newest_ms is not None and event_time_ms - newest_ms >= QUIET_MS:
            return Silence(newest_ms, event_time_ms)
        return self.silence

    def with_late(self, offset: int) -> CardWindow:
        """Return the window with one more record counted as too late."""
        return self._replace(applied_offset=offset, late=self.late + 1)

    def with_duplicate(self, offset: int) -> CardWindow:
        """Return the window with one more record counted as a duplicate."""
        return self._replace(applied_offset=offset, duplicate=self.duplicate + 1)


def _with_country(known: tuple[Country, ...], seen: RecentTransaction) -> tuple[Country, ...]:
    for one in known:
        if one.name == seen.country:
            return known
    return (*known, Country(seen.country, seen.event_time_ms))[-MAX_SEEN:]


def _with_device(known: tuple[Device, ...], device_id: str, seen: RecentTransaction) -> tuple[Device, ...]:
    for at, one in enumerate(known):
        if one.name == device_id:
            used = Device(device_id, one.since_ms, one.habit.with_amount(seen.amount_minor))
            return (*known[:at], used, *known[at + 1 :])
    return (*known, Device(device_id, seen.event_time_ms, Habit().with_amount(seen.amount_minor)))[-MAX_SEEN:]


def _flag(seen: RecentTransaction, device_id: str | None) -> Flag:
    return Flag(seen.transaction_id, seen.event_time_ms, device_id, seen.country)
