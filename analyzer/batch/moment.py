"""What the core judges a record of the batch by: its figures, and its card's window as it was before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analyzer.batch.cards import NEVER, OtherCountry, OtherDevice
from analyzer.batch.columns import BoolArray, country_name
from analyzer.batch.familiar import NO_AGE, Familiar
from analyzer.batch.log import NOTHING, PLACED, PRESENT
from analyzer.batch.past import Past
from analyzer.batch.rounds import Habits
from analyzer.batch.silences import Silences
from analyzer.batch.store import CardStore
from analyzer.batch.work import Work, counts
from analyzer.core.features import Features, Span, lazy
from analyzer.core.model import HOUR_MS, RecentTransaction, Transaction
from analyzer.core.window import LONGEST_WINDOW_MS, CardWindow, Country, Device, Flag, Habit, Silence


@dataclass(eq=False)
class Moments:
    """Makes windows of what is known of n records of a batch; the store's counters are those of before the batch."""

    work: Work
    past: Past
    habit: Habits
    familiar: Familiar
    silences: Silences
    sighted: BoolArray
    """(n,)"""

    @property
    def store(self) -> CardStore:
        """The states."""
        return self.work.store

    def features(self, row: int, transaction: Transaction) -> Features:
        """Return the figures of a record against its card's window before it; the window is made when it is asked for.

        What the batch knows of the record anyway need not be computed again.
        """
        return _Seen(self, row, transaction)

    def habit_before(self, row: int) -> Habit:
        """Return the card's habit before a record."""
        return _habit(self.habit, row)

    def judged_before(self, row: int) -> int:
        """Return how many transactions of the card were judged before a record."""
        rows = self.past.rows
        card = rows.card[row]
        return int(self.store.cards.judged[rows.slots[card]]) + row - int(rows.starts[card])

    def flags(self, row: int) -> tuple[Flag, ...]:
        """Return what is remembered of flagged transactions of the card now."""
        rows = self.past.rows
        return self.store.flags.get(int(rows.slots[rows.card[row]]), ())

    def silence_before(self, row: int) -> Silence | None:
        """Return the card's last silence before a record."""
        until_ms = int(self.silences.before_until_ms[row])
        return None if until_ms == NEVER else Silence(int(self.silences.before_from_ms[row]), until_ms)

    def newest_ms(self, row: int) -> int | None:
        """Return the card's newest event time before a record."""
        entry = self.store.log.earlier[self.past.entries[row]]
        return None if entry == NOTHING else int(self.store.log.event_time_ms[entry])

    def window(self, row: int) -> CardWindow:
        """Return the window before a record; what was flagged is as the store has it now."""
        rows, cards = self.past.rows, self.store.cards
        card = int(rows.card[row])
        slot, start = int(rows.slots[card]), int(rows.starts[card])
        offsets = self.work.columns.offsets[rows.at[start : row + 1]].tolist()
        skipped = self.work.skipped_before(slot, offsets[-1])
        late, duplicate = counts(skipped)
        applied = [int(cards.applied_offset[slot]), *offsets[-2:-1], *(one.offset for one in skipped[-1:])]
        return CardWindow(
            max(applied),
            self.judged_before(row),
            int(cards.flagged[slot]),
            int(cards.late[slot]) + late,
            int(cards.duplicate[slot]) + duplicate,
            int(cards.sighted[slot]) + int(self.sighted[start:row].sum()),
            self.habit_before(row),
            self.countries(row),
            self.devices(row),
            self.remembered(row, int(self.past.oldest_ms[row])),
            self.silence_before(row),
            self.flags(row),
        )

    def remembered(self, row: int, after_ms: int) -> tuple[RecentTransaction, ...]:
        """Return what the card remembers before a record that is newer than `after_ms`."""
        return tuple([self.store.recent(entry) for entry in reversed(list(self._entries(row, after_ms)))])

    def count(self, row: int, after_ms: int) -> int:
        """Return how much that is."""
        return sum(1 for _ in self._entries(row, after_ms))

    def previous_present(self, row: int, after_ms: int) -> RecentTransaction | None:
        """Return the newest of these with the card at a terminal of known place."""
        bits = self.store.log.bits
        placed = (one for one in self._entries(row, after_ms) if int(bits[one]) & PRESENT and int(bits[one]) & PLACED)
        entry = next(placed, NOTHING)
        return None if entry == NOTHING else self.store.recent(entry)

    def _entries(self, row: int, after_ms: int) -> Iterator[int]:
        """Yield the entries of what the card remembers before a record, the newest first."""
        log = self.store.log
        after_ms = max(after_ms, int(self.past.oldest_ms[row]))
        entry = log.earlier.item(self.past.entries.item(row))
        while entry != NOTHING and log.event_time_ms.item(entry) > after_ms:
            yield entry
            entry = log.earlier.item(entry)

    def countries(self, row: int) -> tuple[Country, ...]:
        """Return the card's countries before a record."""
        first, card = self.familiar.country, self.past.rows.card[row]
        if row <= first.known_from[card]:
            return ()
        of_first = OtherCountry(int(first.name[card]), int(first.since_ms[card]))
        known = (of_first, *self.familiar.countries.before(row, int(self.past.rows.slots[card])))
        return tuple(Country(country_name(code), since_ms) for code, since_ms in known)

    def devices(self, row: int) -> tuple[Device, ...]:
        """Return the card's devices before a record."""
        first, card = self.familiar.device, self.past.rows.card[row]
        if row <= first.known_from[card]:
            return ()
        of_first = OtherDevice(first.name[card], int(first.since_ms[card]), *_habit_of(self.familiar.first_device, row))
        known = (of_first, *self.familiar.devices.before(row, int(self.past.rows.slots[card])))
        return tuple(Device(one.name.decode(), one.since_ms, Habit(one.uses, one.mean, one.m2)) for one in known)


class _Seen(Features):
    """Figures of a record of the batch."""

    def __init__(self, moments: Moments, row: int, transaction: Transaction) -> None:
        """Know the record at a row."""
        self._moments, self._row = moments, row
        self.now, self.device_id = transaction.recent(), transaction.device_id

    @lazy
    def window(self) -> CardWindow:
        """All that is remembered of the card before."""
        return self._moments.window(self._row)

    @lazy
    def habit(self) -> Habit:
        """The card's amounts before."""
        return self._moments.habit_before(self._row)

    @lazy
    def judged(self) -> int:
        """Transactions of the card judged before."""
        return self._moments.judged_before(self._row)

    @lazy
    def flags(self) -> tuple[Flag, ...]:
        """Flagged transactions of the card that are remembered."""
        return self._moments.flags(self._row)

    @lazy
    def silence(self) -> Silence | None:
        """The card's last long silence before."""
        return self._moments.silence_before(self._row)

    @lazy
    def newest_ms(self) -> int | None:
        """The newest event time of the card before."""
        return self._moments.newest_ms(self._row)

    @lazy
    def country(self) -> Country | None:
        """What is known of the country."""
        return next((one for one in self._moments.countries(self._row) if one.name == self.now.country), None)

    @lazy
    def device(self) -> Device | None:
        """What is known of the device."""
        return next((one for one in self._moments.devices(self._row) if one.name == self.device_id), None)

    @lazy
    def before(self) -> tuple[RecentTransaction, ...]:
        """The card's transactions of the day before."""
        return self._moments.remembered(self._row, self.now.event_time_ms - LONGEST_WINDOW_MS)

    @lazy
    def day_count(self) -> int:
        """How many transactions in the 24 hours that end with it; none is made for that."""
        return self._moments.count(self._row, self.now.event_time_ms - LONGEST_WINDOW_MS) + 1

    @property
    def previous_present(self) -> RecentTransaction | None:
        """The last one before it with the card at a terminal of known place, within a day."""
        return self._moments.previous_present(self._row, self.now.event_time_ms - LONGEST_WINDOW_MS)

    @lazy
    def hour(self) -> Span:
        """The hour that ends with it; the day is not put together for that."""
        return Span((*self._moments.remembered(self._row, self.now.event_time_ms - HOUR_MS), self.now))

    @lazy
    def country_age_ms(self) -> int | None:
        """How long the card has been used in this country."""
        return _age(self._moments.familiar.countries.age_ms[self._row])

    @lazy
    def device_age_ms(self) -> int | None:
        """How long the card has been used with this device."""
        return _age(self._moments.familiar.devices.age_ms[self._row])


def _age(age_ms: np.int64) -> int | None:
    return None if age_ms == NO_AGE else int(age_ms)


def _habit_of(habits: Habits, row: int) -> tuple[int, float, float]:
    return int(habits.count[row]), float(habits.mean[row]), float(habits.m2[row])


def _habit(habits: Habits, row: int) -> Habit:
    return Habit(*_habit_of(habits, row))
