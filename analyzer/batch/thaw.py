"""Cold states put into the arrays of a store, many at once: what `CardStore.put` does with the window of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from analyzer.batch.cards import Cards, OtherCountry, OtherDevice
from analyzer.batch.columns import BoolArray, IntArray
from analyzer.batch.log import Fresh, RecentLog
from analyzer.batch.unpack import Items, Unpacked
from analyzer.core.window import Flag

T = TypeVar("T")
_COUNTRY: Final = ("country", "country_since_ms")
_DEVICE: Final = ("device", "device_since_ms", "device_count", "device_mean", "device_m2")
"""Arrays of the first one; each has the order of what holds another one."""


def thaw(
    found: Unpacked,
    slots: IntArray,
    *,
    cards: Cards,
    log: RecentLog,
    countries: dict[int, tuple[OtherCountry, ...]],
    devices: dict[int, tuple[OtherDevice, ...]],
    flags: dict[int, tuple[Flag, ...]],
) -> None:
    """Put the plain ones of n states into their slots, (n,), which hold what new cards do."""
    plain = found.plain
    for name, values in found.numbers.items():
        getattr(cards, name)[slots[plain]] = values[plain]
    _names(_plain(found.countries, slots, plain), cards, _COUNTRY, countries, OtherCountry)
    _names(_plain(found.devices, slots, plain), cards, _DEVICE, devices, OtherDevice)
    for at, columns in _plain(found.recent, slots, plain):
        fresh = Fresh(*columns)
        entries = log.add(fresh)
        log.earlier[entries] = cards.newest[at]
        cards.newest[at], cards.newest_ms[at] = entries, fresh.event_time_ms
        cards.remembered[at] += 1
    for at, columns in _plain(found.flags, slots, plain):
        _append(flags, at, map(_flag, *(column.tolist() for column in columns)))


def _flag(transaction: bytes, event_time_ms: int, device: bytes | None, country: bytes) -> Flag:
    return Flag(transaction.decode(), event_time_ms, None if device is None else device.decode(), country.decode())


def _plain(several: list[Items], slots: IntArray, plain: BoolArray) -> list[tuple[IntArray, list[Any]]]:
    """Return the slots of the plain ones among the cards that have such an item, and its columns."""
    keeps = [plain[one.card] for one in several]
    return [
        (slots[one.card[keep]], [column[keep] for column in one.columns])
        for one, keep in zip(several, keeps, strict=True)
    ]


def _names(
    several: list[tuple[IntArray, list[Any]]],
    cards: Cards,
    firsts: Sequence[str],
    others: dict[int, tuple[Any, ...]],
    other: Callable[..., Any],
) -> None:
    for number, (at, columns) in enumerate(several):
        if not number:
            for name, column in zip(firsts, columns, strict=True):
                getattr(cards, name)[at] = column
            continue
        cards.others[at] = np.maximum(cards.others[at], number)
        _append(others, at, map(other, *(column.tolist() for column in columns)))


def _append(held: dict[int, tuple[T, ...]], at: IntArray, items: Iterable[T]) -> None:
    for slot, item in zip(at.tolist(), items, strict=True):
        held[slot] = (*held.get(slot, ()), item)
