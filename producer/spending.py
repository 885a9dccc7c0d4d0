"""Genuine spending: what cardholders buy, where, when, and how it sometimes looks suspicious.

Honest cardholders travel, shop at night, buy in bursts, buy a sofa, are declined and try five times, change
their phone, hide behind a foreign address, forget a card for weeks and share one with a spouse in another
town. A detector has to live with all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp
from typing import Final

import numpy as np
from numpy.random import Generator

from producer.habits import Habits, Sleep
from producer.intents import LEAST_MINOR, MOST_MINOR, Bools, Intent, Intentions, Intents, Ints
from producer.model import SECOND_MS, Cardholder, Draft, device_id
from producer.plain import Objects, PlainDays
from producer.population import Population
from producer.travel import Whereabouts, plan_trip

NOWHERE: Final = (None, None)


def amount_minor(holder: Cardholder, category: int, rng: Generator, *, factor: float = 1.0) -> int:
    """Return what the holder pays in a category (index), as usual times `factor`, in minor units."""
    usual = holder.log_amount_means[category] + holder.log_amount_sds[category] * rng.standard_normal()
    return min(MOST_MINOR, max(LEAST_MINOR, round(exp(usual) * factor)))


class Spending:
    """The spending of a whole population, a day after the other."""

    def __init__(self, population: Population, habits: Habits | None = None) -> None:
        """Begin with everybody at home."""
        self._market = population.market
        self._habits = habits or Habits()
        self._holders = holders = population.cardholders
        self._intentions = Intentions(holders, population.market.quarters, self._habits)
        self._sleep = Sleep([holder.sleeps for holder in holders], self._habits)
        self._where = [Whereabouts(holder) for holder in holders]
        self._devices = _table([holder.devices for holder in holders])
        self._plain = PlainDays(population.market, holders, self._devices)
        self._shared = [holder.index for holder in holders if holder.second_home]
        self._home = np.array([holder.home.index for holder in holders])
        self._away: set[int] = set()
        """Who is on a trip, or was until lately."""
        self._per_day = np.array([holder.purchases_per_day for holder in holders])
        self._trips_per_day = np.array([holder.trips_per_day for holder in holders])

    def day(self, day_ms: int, rng: Generator) -> list[Draft]:
        """Return the purchases begun in the day from `day_ms`, in no order; some end a little after it.

        Days are asked for one after the other: cards remember where they are.
        """
        for i in self._shared:
            self._where[i].begin_day(rng, self._habits.away_share, self._habits.apart_share)
        departures = rng.random(len(self._holders)) < self._trips_per_day
        for i in np.flatnonzero(departures).tolist():
            self._depart(self._where[i], day_ms, rng)
            self._away.add(i)
        purchases = rng.poisson(np.where(self._sleep.asleep(rng), 0.0, self._per_day))
        intents = self._intentions.day(day_ms, purchases, rng)
        plain, drafts = self._plain.day(intents, *self._bases(day_ms))
        done, played = 0, list[Draft]()
        for before, others in _by_holder(intents, np.flatnonzero(~plain)):
            played += drafts[done:before]
            played += self._played(others, rng)
            done = before
        return played + drafts[done:]

    def _bases(self, day_ms: int) -> tuple[Ints, Bools]:
        """Return the index of the place where each card is, and which may be in several today: (cards,)."""
        base, restless = self._home.copy(), np.zeros(len(self._holders), bool)
        restless[self._shared] = True
        for i in tuple(self._away):
            place = self._where[i].all_day(day_ms)
            if place is None:
                restless[i] = True
            elif place is self._where[i].home:
                self._away.discard(i)
            else:
                base[i] = place.index
        return base, restless

    def _played(self, intents: Sequence[Intent], rng: Generator) -> list[Draft]:
        """Return what comes of a card's intents of a day, one after the other."""
        holder = intents[0].holder
        where = self._where[holder]
        where.used(*self._plain.last(holder))
        drafts: list[Draft] = []
        last_ms = 0
        for intent in intents:
            draft = self._purchase(intent, last_ms + intent.gap_ms if intent.gap_ms else intent.at_ms, rng)
            drafts.append(draft)
            if not draft.approved:
                drafts += self._retries(draft, rng)
            last_ms = drafts[-1].event_ms
        self._plain.remember(holder, *where.last)
        return drafts

    def _depart(self, where: Whereabouts, day_ms: int, rng: Generator) -> None:
        if where.trip is None or where.trip.back_ms < day_ms:
            where.trip = plan_trip(where.home, self._market, day_ms, rng)

    def _purchase(self, intent: Intent, at_ms: int, rng: Generator) -> Draft:
        """Return a purchase where the card is, as soon as it can be there; else one online."""
        if intent.online:
            return self._online(intent, at_ms, rng)
        where = self._where[intent.holder]
        place = where.place(at_ms, rng)
        if place is None:
            return self._online(intent, at_ms, rng)
        shops = self._market.shops[place.index][intent.shop_category]
        shop = shops[intent.quarter % len(shops)]
        then_ms = where.earliest_ms(shop, at_ms)
        if then_ms > at_ms and (then_ms - at_ms > self._habits.patience_ms or not where.stays(place, then_ms)):
            return self._online(intent, at_ms, rng)
        where.used(shop, then_ms)
        holder = self._holders[intent.holder]
        return Draft(
            then_ms,
            holder,
            intent.shop_minor,
            shop,
            None,
            place.country,
            shop.latitude,
            shop.longitude,
            intent.approved,
        )

    def _online(self, intent: Intent, at_ms: int, rng: Generator) -> Draft:
        holder = self._holders[intent.holder]
        if intent.foreign_place >= 0:
            place = self._market.places[intent.foreign_place]
        else:
            place = self._where[intent.holder].place(at_ms, rng) or holder.home
        devices = self._devices[intent.holder]
        if intent.new_device >= 0:
            devices[intent.device] = device_id(intent.new_device)
        device: str = devices[intent.device]
        latitude, longitude = (place.latitude, place.longitude) if intent.located else NOWHERE
        return Draft(
            at_ms,
            holder,
            intent.web_minor,
            self._market.web_shops[intent.web_category][intent.web_shop],
            device,
            place.country,
            latitude,
            longitude,
            intent.approved,
        )

    def _retries(self, draft: Draft, rng: Generator) -> list[Draft]:
        """Return a declined purchase again, until it is approved or the cardholder gives up."""
        habits = self._habits
        retries: list[Draft] = []
        stubborn = 0
        if rng.random() < habits.stubborn_share:
            stubborn = int(rng.integers(*habits.stubborn_retries, endpoint=True))
        while len(retries) < stubborn or (not stubborn and not draft.approved and rng.random() < habits.retry_share):
            later_ms = draft.event_ms + int(rng.uniform(*habits.retry_gap_s) * SECOND_MS)
            if draft.card_present:
                self._where[draft.holder.index].used(draft.merchant, later_ms)
            approved = not stubborn and bool(rng.random() < habits.retry_approved_share)
            draft = draft._replace(event_ms=later_ms, approved=approved)
            retries.append(draft)
        return retries


def _by_holder(intents: Intents, rows: Ints) -> Iterator[tuple[int, list[Intent]]]:
    """Yield the intents of some rows holder by holder, each with how many of the other rows stand before them."""
    who = intents.holder[rows]
    firsts = np.flatnonzero(np.append(True, who[1:] != who[:-1])[: len(who)])
    afters = np.append(firsts[1:], len(rows))[: len(firsts)]
    chosen = intents.at(rows).each()
    for first, after, row in zip(firsts.tolist(), afters.tolist(), rows[firsts].tolist(), strict=True):
        yield row - first, chosen[first:after]


def _table(rows: Sequence[Sequence[str]]) -> Objects:
    """Return rows of different lengths as (rows, longest), filled up with None."""
    longest = max(map(len, rows))
    return np.array([[*row, *[None] * (longest - len(row))] for row in rows], object)
