"""What everybody means to buy in a day, drawn at once for all of them: one array a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.habits import Habits
from producer.market import CATEGORIES, PLACES, WEB_SHOPS
from producer.model import DAY_MS, HOUR_MS, SECOND_MS, Cardholder

LEAST_MINOR: Final = 50
MOST_MINOR: Final = 800_000
"""No genuine purchase is below or above these."""
NIGHT_ENDS_H: Final = 6
DEVICES: Final = 1 << 48

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Intent(NamedTuple):
    """A purchase that somebody means to make in person or online, with what it would be either way."""

    holder: int
    at_ms: int
    gap_ms: int
    """Time after the same holder's intent before it; 0: not part of a burst, `at_ms` counts."""
    online: bool
    approved: bool
    shop_category: int
    quarter: int
    """Of a home town; other places may have fewer."""
    shop_minor: int
    web_category: int
    web_shop: int
    web_minor: int
    device: int
    """Which of the holder's."""
    new_device: int
    """Number of the device that takes that one's place; -1: none does."""
    foreign_place: int
    """Where the address seems to be; -1: where the holder is."""
    located: bool


@dataclass(frozen=True, slots=True)
class Intents:
    """Many intents: the same fields, an array (n,) each."""

    holder: Ints
    at_ms: Ints
    gap_ms: Ints
    online: Bools
    approved: Bools
    shop_category: Ints
    quarter: Ints
    shop_minor: Ints
    web_category: Ints
    web_shop: Ints
    web_minor: Ints
    device: Ints
    new_device: Ints
    foreign_place: Ints
    located: Bools

    def at(self, rows: Ints | Bools) -> Intents:
        """Return those of some rows."""
        return Intents(*(getattr(self, name)[rows] for name in Intent._fields))

    def each(self) -> list[Intent]:
        """Return them one by one."""
        columns = (getattr(self, name).tolist() for name in Intent._fields)
        return list(map(Intent._make, zip(*columns, strict=True)))


class Intentions:
    """Draws what a population means to buy; what is usual for each cardholder is a row of each array."""

    def __init__(self, holders: Sequence[Cardholder], quarters: int, habits: Habits) -> None:
        """Take the holders' traits apart; their towns have so many quarters."""
        self._quarters = quarters
        self._habits = habits
        self._dear = np.array([c.median_minor >= habits.dear_median_minor for c in CATEGORIES])
        self._night_share = np.array([h.night_share for h in holders])
        self._peak_hour = np.array([h.peak_hour for h in holders])
        self._hour_sd = np.array([h.hour_sd for h in holders])
        self._offset_h = np.array([h.home.utc_offset_h for h in holders])
        self._online_share = np.array([h.online_share for h in holders])
        self._present_odds = np.array([h.present_odds for h in holders])
        self._online_odds = np.array([h.online_odds for h in holders])
        self._log_means = np.array([h.log_amount_means for h in holders])
        self._log_sds = np.array([h.log_amount_sds for h in holders])
        self._quarter = np.array([h.quarter for h in holders])
        self._devices = np.array([len(h.devices) for h in holders])

    def day(self, day_ms: int, purchases: Ints, rng: Generator) -> Intents:
        """Return the intents of the day from `day_ms`: by holder, then by time, bursts together.

        Args:
            day_ms: beginning of the day.
            purchases: how many each holder begins.
            rng: for this day alone.
        """
        habits = self._habits
        who = np.repeat(np.arange(len(purchases)), purchases)
        at_ms = day_ms + self._time_of_day_ms(who, rng)
        at_ms = at_ms[np.lexsort((at_ms, who))]
        online = rng.random(len(who)) < self._online_share[who]
        quarter = self._quarter_of(who, rng)
        least, most = habits.burst_extra
        extra = least + ((most + 1 - least) * rng.random(len(who)) ** 3).astype(np.int64)
        rows = 1 + np.where(rng.random(len(who)) < habits.burst_share, extra, 0)
        again = np.repeat(np.arange(len(who)), rows)
        follows = np.append(False, again[1:] == again[:-1])[: len(again)]
        return Intents(
            who[again],
            at_ms[again],
            np.where(follows, (rng.uniform(*habits.burst_gap_s, len(again)) * SECOND_MS).astype(np.int64), 0),
            online[again],
            rng.random(len(again)) >= habits.declined_share,
            *self._shop(who[again], quarter[again], rng),
            *self._web_shop(who[again], rng),
            *self._hideout(who[again], rng),
        )

    def _time_of_day_ms(self, who: Ints, rng: Generator) -> Ints:
        """Draw times that suit each holder at home."""
        count = len(who)
        awake_h = self._peak_hour[who] + self._hour_sd[who] * rng.standard_normal(count) - NIGHT_ENDS_H
        night = rng.random(count) < self._night_share[who]
        local_h = np.where(night, rng.random(count) * NIGHT_ENDS_H, NIGHT_ENDS_H + awake_h % (24 - NIGHT_ENDS_H))
        time_ms: Ints = ((local_h - self._offset_h[who]) % 24 * HOUR_MS).astype(np.int64) % DAY_MS
        return time_ms

    def _quarter_of(self, who: Ints, rng: Generator) -> Ints:
        stray = rng.random(len(who)) >= self._habits.favourite_quarter_share
        return np.where(stray, rng.integers(self._quarters, size=len(who)), self._quarter[who])

    def _shop(self, who: Ints, quarter: Ints, rng: Generator) -> tuple[Ints, Ints, Ints]:
        category = (self._present_odds[who] <= rng.random((len(who), 1))).sum(axis=1)
        return category, quarter, self._minor(who, category, rng)

    def _web_shop(self, who: Ints, rng: Generator) -> tuple[Ints, Ints, Ints]:
        category = (self._online_odds[who] <= rng.random((len(who), 1))).sum(axis=1)
        return category, rng.integers(WEB_SHOPS, size=len(who)), self._minor(who, category, rng)

    def _minor(self, who: Ints, category: Ints, rng: Generator) -> Ints:
        habits, count = self._habits, len(who)
        usual = self._log_means[who, category] + self._log_sds[who, category] * rng.standard_normal(count)
        factor = np.where(rng.random(count) < habits.large_share, rng.uniform(*habits.large_factor, count), 1.0)
        amount: Floats = np.clip(np.rint(np.exp(usual) * factor), LEAST_MINOR, MOST_MINOR)
        sofa = self._dear[category] & (rng.random(count) < habits.sofa_share)
        return np.where(sofa, rng.integers(*habits.sofa_minor, size=count), amount.astype(np.int64))

    def _hideout(self, who: Ints, rng: Generator) -> tuple[NDArray[Any], ...]:
        """Draw device, new device, place of the address, and whether its position is known."""
        habits, count = self._habits, len(who)
        device = (rng.random(count) ** 2 * self._devices[who]).astype(np.int64)
        new = np.where(rng.random(count) < habits.new_device_share, rng.integers(DEVICES, size=count), -1)
        foreign = np.where(rng.random(count) < habits.foreign_address_share, rng.integers(PLACES, size=count), -1)
        return device, new, foreign, rng.random(count) >= habits.unlocated_share
