"""Windows of the core and what the arrays hold of them: what fits there, and both ways between them."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.batch.cards import NEVER, Cards, OtherCountry, OtherDevice
from analyzer.batch.columns import country_code, country_name
from analyzer.batch.log import APPROVED, PLACED, PRESENT, Fresh, objects
from analyzer.core.model import RecentTransaction
from analyzer.core.window import CardWindow, Country, Device, Habit, Silence
from analyzer.recent_codec import RecentCodec

MOST_REMEMBERED: Final = 48
MOST_NAMES: Final = 32
"""Transactions, and countries or devices, of a card that is kept in arrays."""
LARGEST: Final = 2**31 - 1
"""What a counter can hold."""

_LARGEST_LONG: Final = 2**61


def fits(window: CardWindow) -> bool:
    """Tell whether the arrays can hold a window."""
    counts = (window.judged, window.flagged, window.late, window.duplicate, window.sighted, window.habit.count)
    since = [*(one.since_ms for one in window.countries), *(one.since_ms for one in window.devices)]
    return (
        len(window.recent) <= MOST_REMEMBERED
        and max(len(window.countries), len(window.devices)) <= MOST_NAMES
        and all(0 <= count <= LARGEST for count in (*counts, *(one.habit.count for one in window.devices)))
        and all(one.name.isascii() and len(one.name) == len("DE") for one in window.countries)
        and all(ms > NEVER for ms in (*since, *(window.silence or ()), *(one.event_time_ms for one in window.recent)))
        and all(ms > NEVER for ms in (one.event_time_ms for one in window.flags))
        and -1 <= window.applied_offset < _LARGEST_LONG
    )


def entries_of(recent: tuple[RecentTransaction, ...], codec: RecentCodec) -> Fresh:
    """Return what becomes entries of remembered transactions."""
    places = [one.place for one in recent]
    bits = [one.approved * APPROVED + one.card_present * PRESENT + (one.place is not None) * PLACED for one in recent]
    return Fresh(
        np.array([one.event_time_ms for one in recent], np.int64),
        np.array([one.amount_minor for one in recent], np.int64),
        np.array([place.latitude if place else 0.0 for place in places]),
        np.array([place.longitude if place else 0.0 for place in places]),
        np.array(bits, np.uint8),
        np.array([hash(one.transaction_id.encode()) for one in recent], np.int64),
        objects([codec.encode(one) for one in recent]),
    )


def other_countries(window: CardWindow) -> tuple[OtherCountry, ...]:
    """Return a window's countries, the first one too."""
    return tuple(OtherCountry(country_code(one.name), one.since_ms) for one in window.countries)


def other_devices(window: CardWindow) -> tuple[OtherDevice, ...]:
    """Return a window's devices, the first one too."""
    return tuple(
        OtherDevice(one.name.encode(), one.since_ms, one.habit.count, one.habit.mean, one.habit.m2)
        for one in window.devices
    )


def countries_at(cards: Cards, slot: int, others: tuple[OtherCountry, ...]) -> tuple[Country, ...]:
    """Return a card's countries."""
    code = int(cards.country[slot])
    if not code:
        return ()
    known = ((code, int(cards.country_since_ms[slot])), *others)
    return tuple(Country(country_name(each), since_ms) for each, since_ms in known)


def devices_at(cards: Cards, slot: int, others: tuple[OtherDevice, ...]) -> tuple[Device, ...]:
    """Return a card's devices."""
    name = cards.device[slot]
    if name is None:
        return ()
    bought = (int(cards.device_count[slot]), float(cards.device_mean[slot]), float(cards.device_m2[slot]))
    known = (OtherDevice(name, int(cards.device_since_ms[slot]), *bought), *others)
    return tuple(Device(one.name.decode(), one.since_ms, Habit(one.uses, one.mean, one.m2)) for one in known)


def habit_at(cards: Cards, slot: int) -> Habit:
    """Return a card's habit."""
    return Habit(int(cards.count[slot]), float(cards.mean[slot]), float(cards.m2[slot]))


def silence_at(cards: Cards, slot: int) -> Silence | None:
    """Return a card's last silence."""
    until_ms = int(cards.silence_until_ms[slot])
    return None if until_ms == NEVER else Silence(int(cards.silence_from_ms[slot]), until_ms)
