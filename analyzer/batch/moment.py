"""A card's window as it was before one record of the batch, for the core to judge by."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.batch.cards import NEVER, OtherCountry, OtherDevice
from analyzer.batch.columns import BoolArray, IntArray, country_name
from analyzer.batch.familiar import Familiar
from analyzer.batch.log import NOTHING
from analyzer.batch.past import Past
from analyzer.batch.rounds import Habits
from analyzer.batch.silences import Silences
from analyzer.batch.store import CardStore
from analyzer.core.model import RecentTransaction
from analyzer.core.window import CardWindow, Country, Device, Habit, Silence


@dataclass(eq=False)
class Moments:
    """Makes windows of what is known of n records of a batch; the store's counters are those of before the batch."""

    store: CardStore
    past: Past
    habit: Habits
    familiar: Familiar
    silences: Silences
    offsets: IntArray
    """(n,) of each record."""

    sighted: BoolArray
    """(n,)"""

    _recent: dict[int, RecentTransaction] = field(default_factory=dict)

    def window(self, row: int) -> CardWindow:
        """Return the window before a record; what was flagged is as the store has it now."""
        rows, cards = self.past.rows, self.store.cards
        card = int(rows.card[row])
        slot, start = int(rows.slots[card]), int(rows.starts[card])
        from_ms, until_ms = int(self.silences.before_from_ms[row]), int(self.silences.before_until_ms[row])
        return CardWindow(
            int(self.offsets[row - 1] if row > start else cards.applied_offset[slot]),
            int(cards.judged[slot]) + row - start,
            int(cards.flagged[slot]),
            int(cards.late[slot]),
            int(cards.duplicate[slot]),
            int(cards.sighted[slot]) + int(self.sighted[start:row].sum()),
            _habit(self.habit, row),
            self._countries(row, card, slot),
            self._devices(row, card, slot),
            self._remembered(row),
            None if until_ms == NEVER else Silence(from_ms, until_ms),
            self.store.flags.get(slot, ()),
        )

    def recent(self, entry: int) -> RecentTransaction:
        """Return what an entry of the log remembers."""
        found = self._recent.get(entry)
        if found is None:
            found = self._recent[entry] = self.store.recent(entry)
        return found

    def _remembered(self, row: int) -> tuple[RecentTransaction, ...]:
        log, found = self.store.log, []
        oldest_ms, entry = int(self.past.oldest_ms[row]), int(log.earlier[self.past.entries[row]])
        while entry != NOTHING and log.event_time_ms[entry] > oldest_ms:
            found.append(self.recent(entry))
            entry = int(log.earlier[entry])
        return tuple(reversed(found))

    def _countries(self, row: int, card: int, slot: int) -> tuple[Country, ...]:
        first = self.familiar.country
        if row <= first.known_from[card]:
            return ()
        of_first = OtherCountry(int(first.name[card]), int(first.since_ms[card]))
        known = (of_first, *self.familiar.countries.before(row, slot))
        return tuple(Country(country_name(code), since_ms) for code, since_ms in known)

    def _devices(self, row: int, card: int, slot: int) -> tuple[Device, ...]:
        first = self.familiar.device
        if row <= first.known_from[card]:
            return ()
        of_first = OtherDevice(first.name[card], int(first.since_ms[card]), *_habit_of(self.familiar.first_device, row))
        known = (of_first, *self.familiar.devices.before(row, slot))
        return tuple(Device(one.name.decode(), one.since_ms, Habit(one.count, one.mean, one.m2)) for one in known)


def _habit_of(habits: Habits, row: int) -> tuple[int, float, float]:
    return int(habits.count[row]), float(habits.mean[row]), float(habits.m2[row])


def _habit(habits: Habits, row: int) -> Habit:
    return Habit(*_habit_of(habits, row))
