"""Which countries and devices a card knows before each of its records, since when, and what was bought with them.

Most records are of their card's first country and first device: those are arrays. The others are few, and are looked
up one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.cards import Cards, OtherCountry, OtherDevice
from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.rounds import Habits, learn
from analyzer.batch.rows import Rows

NO_AGE: Final = -1
"""In place of the age of what is the card's first or isn't known at all."""

Known: TypeAlias = tuple[Any, IntArray]
"""Names and times since of the first of c cards."""

K = TypeVar("K", OtherCountry, OtherDevice)


class Uses(NamedTuple):
    """What n records have to do with countries and devices."""

    event_time_ms: IntArray
    ln_amount: FloatArray
    approved: BoolArray
    country: Any
    """(n,) uint16."""

    device: Any
    """(n,) of bytes or None."""

    used: BoolArray
    """(n,) whether there is a device."""


@dataclass(frozen=True, slots=True)
class Firsts:
    """The first country, or device, of c cards."""

    name: NDArray[Any]
    """(c,) after the batch; what stands for none where there is none."""

    since_ms: IntArray
    """(c,)"""

    known_from: IntArray
    """(c,) the row after which it is known; -1: from before; n: never."""


@dataclass(frozen=True, slots=True)
class Others(Generic[K]):
    """Countries, or devices, beside the first, as they change within the batch."""

    known: dict[int, tuple[K, ...]]
    """By slot; those of the store, which move on."""

    age_ms: IntArray
    """(n,) `NO_AGE` for the first, and before there is a first."""

    changed: dict[int, list[tuple[int, tuple[K, ...]]]] = field(default_factory=dict)
    """By slot, the rows that changed them, and what was known before each."""

    def before(self, row: int, slot: int) -> tuple[K, ...]:
        """Return what the card knew before a row."""
        for changing, known in self.changed.get(slot, ()):
            if changing >= row:
                return known
        return self.known.get(slot, ())

    def change(self, row: int, slot: int, known: tuple[K, ...], now: tuple[K, ...]) -> None:
        """Let the card know something else after a row."""
        self.changed.setdefault(slot, []).append((row, known))
        self.known[slot] = now


@dataclass(frozen=True, slots=True, eq=False)
class Familiar:
    """What n records found known, and what c cards know after them."""

    country: Firsts
    countries: Others[OtherCountry]
    device: Firsts
    devices: Others[OtherDevice]
    first_device: Habits
    """(n,) before each record, what was bought with the card's first device."""

    first_device_after: Habits
    """(c,)"""

    device_before: Habits
    """(n,) what was bought before with the record's device, where that has an age."""


def meet(
    rows: Rows,
    uses: Uses,
    cards: Cards,
    countries: dict[int, tuple[OtherCountry, ...]],
    devices: dict[int, tuple[OtherDevice, ...]],
) -> Familiar:
    """Return what is familiar; `countries` and `devices`, by slot, move on, and `cards` stay as they are."""
    slots = rows.slots
    countries_known = cards.country[slots], cards.country_since_ms[slots]
    devices_known = cards.device[slots], cards.device_since_ms[slots]
    first_country = _firsts(rows, uses, uses.approved, countries_known, uses.country)
    first_device = _firsts(rows, uses, uses.approved & uses.used, devices_known, uses.device)
    at = np.arange(len(rows))
    strange = (at > first_country.known_from[rows.card]) & (uses.country != first_country.name[rows.card])
    of_countries = Others(countries, np.full(len(rows), NO_AGE, np.int64))
    _meet_countries(np.flatnonzero(strange), rows, uses, of_countries)
    after = first_device.known_from[rows.card]
    same = uses.used & (uses.device == first_device.name[rows.card])
    of_devices = Others(devices, np.full(len(rows), NO_AGE, np.int64))
    nothing = Habits.new(len(rows))
    _meet_devices(np.flatnonzero(uses.used & ~same & (at > after)), rows, uses, of_devices, nothing)
    habits = Habits(cards.device_count[slots].astype(np.int64), cards.device_mean[slots], cards.device_m2[slots])
    before = learn(rows, habits, uses.ln_amount, uses.approved & same & (at >= after))
    return Familiar(first_country, of_countries, first_device, of_devices, before, habits, nothing)


def _firsts(rows: Rows, uses: Uses, learning: BoolArray, known: Known, names: Any) -> Firsts:
    """Give each card that has no first one the first that it learns."""
    name, since_ms = known
    missing = since_ms < 0
    known_from = np.where(missing, len(rows), -1)
    learns = np.flatnonzero(learning & missing[rows.card])
    cards, index = np.unique(rows.card[learns], return_index=True)
    first = learns[index]
    name[cards], since_ms[cards], known_from[cards] = names[first], uses.event_time_ms[first], first
    return Firsts(name, since_ms, known_from)


def _each(at: IntArray, rows: Rows, uses: Uses, *columns: NDArray[Any]) -> Any:
    slots = rows.slots[rows.card[at]]
    columns = (at, slots, uses.event_time_ms[at], uses.approved[at], *(one[at] for one in columns))
    return zip(*(one.tolist() for one in columns), strict=True)


def _meet_countries(at: IntArray, rows: Rows, uses: Uses, others: Others[OtherCountry]) -> None:
    ages = []
    for row, slot, at_ms, approved, code in _each(at, rows, uses, uses.country):
        known = others.known.get(slot, ())
        for one in known:
            if one.code == code:
                ages.append(max(0, at_ms - one.since_ms))
                break
        else:
            ages.append(0)
            if approved:
                others.change(row, slot, known, (*known, OtherCountry(code, at_ms)))
    others.age_ms[at] = ages


def _meet_devices(at: IntArray, rows: Rows, uses: Uses, others: Others[OtherDevice], before: Habits) -> None:
    ages, found = [], []
    for row, slot, at_ms, approved, name, value in _each(at, rows, uses, uses.device, uses.ln_amount):
        known, place = others.known.get(slot, ()), 0
        for one in known:
            if one.name == name:
                break
            place += 1
        else:
            one = OtherDevice(name, at_ms, 0, 0.0, 0.0)
        ages.append(max(0, at_ms - one.since_ms))
        found.append(one[2:])
        if approved:
            others.change(row, slot, known, (*known[:place], _used(one, value), *known[place + 1 :]))
    if found:
        others.age_ms[at] = ages
        before.count[at], before.mean[at], before.m2[at] = zip(*found, strict=True)


def _used(one: OtherDevice, ln_amount: float) -> OtherDevice:
    """Return a device with one more amount, as `Habit.with_amount` counts it."""
    count = one.uses + 1
    delta = ln_amount - one.mean
    mean = one.mean + delta / count
    return OtherDevice(one.name, one.since_ms, count, mean, one.m2 + delta * (ln_amount - mean))
