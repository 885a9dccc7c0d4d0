"""Impossible travel: a copy of the card is used far away, minutes after its holder used it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.geography import distance_km
from producer.market import Market
from producer.model import HOUR_MS, MINUTE_MS, Draft, Place, in_person, one_of
from producer.scenarios.theft import INDEX, Theft, seen_paying, usual_minor
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class ImpossibleTravel:
    """In person, so far away so soon that the card would have had to fly faster than any airliner."""

    weight: ClassVar[int] = 6

    speed_kmh: Span = Span((3_000, 9_000), (700, 1_000))
    """How fast the card would have had to fly to the first purchase with the copy."""
    least_km: Knob = Knob(1_100, 600)
    purchases: Span = Span((2, 5), (1, 2))
    gap_min: Span = Span((3.0, 30.0), (5.0, 60.0))
    mccs: tuple[str, ...] = ("5411", "5541", "5311", "5651", "5732", "5944")
    amount_factor: Span = Span((1.0, 5.0), (0.6, 1.2))
    """Against what the holder usually pays in such a shop."""
    approved_share: Knob = Knob(0.85, 0.95)

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return a card that is copied as its holder pays."""
        return seen_paying(watch, rng, difficulty)

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the purchases with the copy."""
        careful = theft.difficulty
        place = _far_away(theft.place, self.least_km.at(careful), market, rng)
        hours = _km(theft.place, place) / self.speed_kmh.draw(rng, careful)
        at_ms = theft.at_ms + int(hours * HOUR_MS) + MINUTE_MS
        drafts = []
        for _ in range(self.purchases.count(rng, careful)):
            mcc = one_of(rng, self.mccs)
            shop = one_of(rng, market.shops[place.index][INDEX[mcc]])
            amount = usual_minor(theft, mcc, self.amount_factor.draw(rng, careful), rng)
            approved = self.approved_share.happens(rng, careful)
            drafts.append(in_person(theft.holder, shop, at_ms, amount, approved=approved))
            at_ms += int(self.gap_min.draw(rng, careful) * MINUTE_MS)
        return drafts


def _far_away(here: Place, least_km: float, market: Market, rng: Generator) -> Place:
    far = [place for place in market.places if _km(here, place) >= least_km]
    return one_of(rng, far or [max(market.places, key=lambda place: _km(here, place))])


def _km(a: Place, b: Place) -> float:
    return distance_km(a.latitude, a.longitude, b.latitude, b.longitude)
