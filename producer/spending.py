"""Genuine spending: what cardholders buy, where, when, and how it sometimes looks suspicious.

Honest cardholders travel, shop at night, buy in bursts, buy a sofa, are declined and try five times, change
their phone, hide behind a foreign address, forget a card for weeks and share one with a spouse in another
town. A detector has to live with all of it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.market import CATEGORIES
from producer.model import (
    DAY_MS,
    HOUR_MS,
    SECOND_MS,
    Cardholder,
    Draft,
    Place,
    in_person,
    new_device,
    one_of,
)
from producer.population import Population
from producer.travel import Whereabouts, plan_trip

LEAST_MINOR: Final = 50
MOST_MINOR: Final = 800_000
"""No genuine purchase is below or above these."""
NIGHT_ENDS_H: Final = 6


@dataclass(frozen=True, slots=True)
class Habits:
    """How often everybody does what may look like fraud. Shares are of purchases."""

    burst_share: float = 0.014
    """Purchases that are the first of a burst."""
    burst_extra: tuple[int, int] = (1, 6)
    """How many follow, at least and at most; few are likelier."""
    burst_gap_s: tuple[float, float] = (30.0, 420.0)
    """Time between them."""
    large_share: float = 0.015
    """Purchases far above the habit."""
    large_factor: tuple[float, float] = (2.5, 8.0)
    """How far."""
    sofa_share: float = 0.01
    """Purchases at the dearest kinds of shop that are the largest of the year."""
    sofa_minor: tuple[int, int] = (80_000, 350_000)
    dear_median_minor: int = 10_000
    """Median of a category from which it is one of the dearest."""
    declined_share: float = 0.025
    retry_share: float = 0.8
    """Declined purchases that are tried again with the same amount."""
    retry_gap_s: tuple[float, float] = (12.0, 90.0)
    retry_approved_share: float = 0.7
    stubborn_share: float = 0.05
    """Declined purchases that can't succeed and are tried again all the same."""
    stubborn_retries: tuple[int, int] = (3, 5)
    foreign_address_share: float = 0.025
    """Online purchases through an address in another place."""
    unlocated_share: float = 0.3
    """Online purchases whose address has no known position."""
    new_device_share: float = 0.004
    """Online purchases with a device that replaces one of the cardholder's."""
    favourite_quarter_share: float = 0.6
    """Purchases in person in the quarter where the cardholder usually shops."""
    first_awake_days: tuple[int, int] = (2, 9)
    """How long a card that sleeps is in use at the beginning."""
    awake_days: tuple[int, int] = (4, 15)
    asleep_days: tuple[int, int] = (30, 55)
    away_share: float = 0.3
    """Days on which a shared card is used where the spouse lives."""
    apart_share: float = 0.05
    """Days on which both bodies of a shared card are used, wherever each is."""
    patience_ms: int = HOUR_MS
    """Longest that a purchase in person is put off until the card can be there; it is made online then."""


def amount_minor(holder: Cardholder, category: int, rng: Generator, *, factor: float = 1.0) -> int:
    """Return what the holder pays in a category (index), as usual times `factor`, in minor units."""
    usual = holder.log_amount_means[category] + holder.log_amount_sds[category] * rng.standard_normal()
    return min(MOST_MINOR, max(LEAST_MINOR, round(exp(usual + log(factor)))))


class Spending:
    """The spending of a whole population, a day after the other."""

    def __init__(self, population: Population, habits: Habits | None = None) -> None:
        """Begin with everybody at home."""
        self._market = population.market
        self._habits = habits or Habits()
        self._holders = population.cardholders
        self._where = [Whereabouts(holder) for holder in self._holders]
        self._devices = [list(holder.devices) for holder in self._holders]
        self._shared = [holder.index for holder in self._holders if holder.second_home]
        self._sleep = Sleep([holder.sleeps for holder in self._holders], self._habits)
        self._per_day = np.array([holder.purchases_per_day for holder in self._holders])
        self._trips_per_day = np.array([holder.trips_per_day for holder in self._holders])

    def day(self, day_ms: int, rng: Generator) -> list[Draft]:
        """Return the purchases begun in the day from `day_ms`, in no order; some end a little after it.

        Days are asked for one after the other: cards remember where they are.
        """
        for i in self._shared:
            self._where[i].begin_day(rng, self._habits.away_share, self._habits.apart_share)
        per_day = np.where(self._sleep.asleep(rng), 0.0, self._per_day)
        departures = rng.random(len(self._holders)) < self._trips_per_day
        for i in np.flatnonzero(departures).tolist():
            self._depart(self._where[i], day_ms, rng)
        drafts: list[Draft] = []
        for i, purchases in enumerate(rng.poisson(per_day).tolist()):
            holder = self._holders[i]
            for at_ms in sorted(_moment(holder, day_ms, rng) for _ in range(purchases)):
                drafts.extend(self._purchase(holder, at_ms, rng))
        return drafts

    def _depart(self, where: Whereabouts, day_ms: int, rng: Generator) -> None:
        if where.trip is None or where.trip.back_ms < day_ms:
            where.trip = plan_trip(where.home, self._market, day_ms, rng)

    def _purchase(self, holder: Cardholder, at_ms: int, rng: Generator) -> Iterator[Draft]:
        """Yield one purchase with its retries, or a burst of them."""
        habits = self._habits
        online = rng.random() < holder.online_share
        quarter = holder.quarter
        if rng.random() >= habits.favourite_quarter_share:
            quarter = int(rng.integers(len(self._market.shops[0][0])))
        extra = 0
        if rng.random() < habits.burst_share:
            least, most = habits.burst_extra
            extra = least + int((most + 1 - least) * rng.random() ** 2)
        for _ in range(1 + extra):
            first = self._online(holder, at_ms, rng) if online else self._in_person(holder, at_ms, quarter, rng)
            last_ms = first.event_ms
            for draft in self._with_retries(first, rng):
                yield draft
                last_ms = draft.event_ms
            at_ms = last_ms + int(rng.uniform(*habits.burst_gap_s) * SECOND_MS)

    def _in_person(self, holder: Cardholder, at_ms: int, quarter: int, rng: Generator) -> Draft:
        """Return a purchase where the card is, as soon as it can be there; else one online."""
        where = self._where[holder.index]
        place = where.place(at_ms, rng)
        if place is None:
            return self._online(holder, at_ms, rng)
        category = bisect(holder.present_odds, rng.random())
        shop = self._market.shops[place.index][category][quarter]
        then_ms = max(at_ms, where.earliest_ms(shop))
        if then_ms - at_ms > self._habits.patience_ms or not where.stays(place, then_ms):
            return self._online(holder, at_ms, rng)
        where.used(shop, then_ms)
        amount = self._amount_minor(holder, category, rng)
        return in_person(holder, shop, then_ms, amount, approved=self._approved(rng))

    def _online(self, holder: Cardholder, at_ms: int, rng: Generator) -> Draft:
        habits = self._habits
        category = bisect(holder.online_odds, rng.random())
        shop = one_of(rng, self._market.web_shops[category])
        place: Place = self._where[holder.index].place(at_ms, rng) or holder.home
        if rng.random() < habits.foreign_address_share:
            place = one_of(rng, self._market.places)
        located = rng.random() >= habits.unlocated_share
        return Draft(
            event_ms=at_ms,
            holder=holder,
            amount_minor=self._amount_minor(holder, category, rng),
            merchant=shop,
            device_id=self._device(holder, rng),
            country=place.country,
            latitude=place.latitude if located else None,
            longitude=place.longitude if located else None,
            approved=self._approved(rng),
        )

    def _device(self, holder: Cardholder, rng: Generator) -> str:
        devices = self._devices[holder.index]
        used = int(rng.random() ** 2 * len(devices))
        if rng.random() < self._habits.new_device_share:
            devices[used] = new_device(rng)
        return devices[used]

    def _amount_minor(self, holder: Cardholder, category: int, rng: Generator) -> int:
        habits = self._habits
        dear = CATEGORIES[category].median_minor >= habits.dear_median_minor
        if dear and rng.random() < habits.sofa_share:
            return int(rng.uniform(*habits.sofa_minor))
        factor = rng.uniform(*habits.large_factor) if rng.random() < habits.large_share else 1.0
        return amount_minor(holder, category, rng, factor=factor)

    def _approved(self, rng: Generator) -> bool:
        return rng.random() >= self._habits.declined_share

    def _with_retries(self, draft: Draft, rng: Generator) -> Iterator[Draft]:
        """Yield a purchase and, while it is declined and the cardholder doesn't give up, itself again."""
        habits = self._habits
        yield draft
        if draft.approved:
            return
        stubborn = int(rng.integers(habits.stubborn_retries[0], habits.stubborn_retries[1] + 1))
        left = stubborn if rng.random() < habits.stubborn_share else 0
        while left > 0 or (not left and not draft.approved and rng.random() < habits.retry_share):
            later_ms = draft.event_ms + int(rng.uniform(*habits.retry_gap_s) * SECOND_MS)
            if draft.card_present:
                self._where[draft.holder.index].used(draft.merchant, later_ms)
            approved = not left and rng.random() < habits.retry_approved_share
            draft = replace(draft, event_ms=later_ms, approved=approved)
            left = left - 1 or -1 if left else 0
            yield draft


class Sleep:
    """Which cards sleep; a day after the other."""

    def __init__(self, sleepers: Sequence[bool], habits: Habits) -> None:
        """Begin with all of them in use."""
        self._habits = habits
        self._sleepers = np.flatnonzero(sleepers)
        self._asleep = np.zeros(len(sleepers), dtype=bool)
        self._left_days: NDArray[np.int64] | None = None

    def asleep(self, rng: Generator) -> NDArray[np.bool_]:
        """Return which cards are left alone today: one value a card."""
        habits, who = self._habits, self._sleepers
        if self._left_days is None:
            self._left_days = rng.integers(*habits.first_awake_days, size=len(who), endpoint=True)
        turn = self._left_days == 0
        self._asleep[who[turn]] ^= True
        lasts = np.where(
            self._asleep[who],
            rng.integers(*habits.asleep_days, size=len(who), endpoint=True),
            rng.integers(*habits.awake_days, size=len(who), endpoint=True),
        )
        self._left_days = np.where(turn, lasts, self._left_days) - 1
        return self._asleep


def _moment(holder: Cardholder, day_ms: int, rng: Generator) -> int:
    """Return a time within the day from `day_ms`, at an hour that suits the holder at home."""
    if rng.random() < holder.night_share:
        local_h = rng.random() * NIGHT_ENDS_H
    else:
        awake_h = holder.peak_hour + holder.hour_sd * rng.standard_normal() - NIGHT_ENDS_H
        local_h = NIGHT_ENDS_H + awake_h % (24 - NIGHT_ENDS_H)
    hour = (local_h - holder.home.utc_offset_h) % 24
    return day_ms + int(hour * HOUR_MS) % DAY_MS
