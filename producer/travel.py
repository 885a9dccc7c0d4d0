"""Journeys of cardholders, and how soon a card can be somewhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from numpy.random import Generator

from producer.geography import distance_km
from producer.market import Market
from producer.model import DAY_MS, HOUR_MS, MINUTE_MS, Cardholder, Merchant, Place, one_of

IN_TOWN_KM: Final = 60.0
IN_TOWN_KMH: Final = 40.0
AIRLINER_KMH: Final = 750.0
"""Speed over the ground of a journey by air; no genuine card is ever faster."""
AIRPORTS_MS: Final = 90 * MINUTE_MS
"""To the gate, and out again at the other end."""

ACROSS_TOWN_MS: Final = 30 * MINUTE_MS
"""More than any way within a town takes."""


def travel_ms(km: float) -> int:
    """Return the least time that a card needs over `km`, door to door."""
    if km <= IN_TOWN_KM:
        return MINUTE_MS + int(km / IN_TOWN_KMH * HOUR_MS)
    return AIRPORTS_MS + int(km / AIRLINER_KMH * HOUR_MS)


@dataclass(frozen=True, slots=True)
class Trip:
    """A stay in another place; on the way there and back the card is nowhere."""

    place: Place
    depart_ms: int
    arrive_ms: int
    leave_ms: int
    back_ms: int


def plan_trip(home: Place, market: Market, day_ms: int, rng: Generator) -> Trip:
    """Return a trip that begins in the morning of the day from `day_ms`, for some days, anywhere else."""
    pick = int(rng.random() * (len(market.places) - 1))
    place = market.places[pick + (pick >= home.index)]
    way_ms = travel_ms(distance_km(home.latitude, home.longitude, place.latitude, place.longitude))
    depart_ms = day_ms + int(rng.uniform(5, 14) * HOUR_MS)
    arrive_ms = depart_ms + way_ms
    leave_ms = arrive_ms + int(rng.uniform(1.0, 9.0) * DAY_MS)
    return Trip(place, depart_ms, arrive_ms, leave_ms, leave_ms + way_ms)


class Whereabouts:
    """Where one card is: changes as its journeys begin and as it is used."""

    def __init__(self, holder: Cardholder) -> None:
        """Begin at home."""
        self.home = holder.home
        self._bases = (holder.home, holder.second_home or holder.home)
        self._apart = False
        self.trip: Trip | None = None
        self._used_ms = 0
        self._used_at: Merchant | None = None

    def begin_day(self, rng: Generator, away_share: float, apart_share: float) -> None:
        """Draw who uses a shared card today: the holder, the spouse, or each their own body of it."""
        self.home = self._bases[rng.random() < away_share]
        self._apart = rng.random() < apart_share

    def place(self, at_ms: int, rng: Generator) -> Place | None:
        """Return where a card is; None: on the way."""
        if self._apart:
            return one_of(rng, self._bases)
        return self._place(at_ms)

    def stays(self, place: Place, at_ms: int) -> bool:
        """Tell whether a card is still in that place."""
        return self._apart or self._place(at_ms) is place

    def _place(self, at_ms: int) -> Place | None:
        trip = self.trip
        if trip is None or at_ms < trip.depart_ms or at_ms >= trip.back_ms:
            return self.home
        return trip.place if trip.arrive_ms <= at_ms < trip.leave_ms else None

    def earliest_ms(self, merchant: Merchant, at_ms: int) -> int:
        """Return when the card can be at `merchant` after its last use: `at_ms`, or later."""
        last = self._used_at
        if last is None or self._apart:
            return at_ms
        if at_ms - self._used_ms > ACROSS_TOWN_MS and last.place is merchant.place:
            return at_ms
        way_ms = MINUTE_MS if last is merchant else travel_ms(_apart_km(last, merchant))
        return max(at_ms, self._used_ms + way_ms)

    def all_day(self, day_ms: int) -> Place | None:
        """Return where a card that nobody shares is all day from `day_ms`; None: not in one place."""
        trip, until_ms = self.trip, day_ms + DAY_MS
        if trip is None or trip.back_ms <= day_ms or until_ms <= trip.depart_ms:
            return self.home
        return trip.place if trip.arrive_ms <= day_ms and until_ms <= trip.leave_ms else None

    @property
    def last(self) -> tuple[Merchant | None, int]:
        """The merchant at whose terminal the card was last, and when."""
        return self._used_at, self._used_ms

    def used(self, merchant: Merchant | None, at_ms: int) -> None:
        """Remember that the card was at the merchant's terminal; None: it has not been at any."""
        self._used_at, self._used_ms = merchant, at_ms


def _apart_km(a: Merchant, b: Merchant) -> float:
    return distance_km(a.latitude or 0.0, a.longitude or 0.0, b.latitude or 0.0, b.longitude or 0.0)
