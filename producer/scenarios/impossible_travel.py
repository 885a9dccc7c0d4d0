"""Impossible travel: a copy of the card is used far away, minutes after its holder used it."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from producer.geography import distance_km
from producer.market import Market
from producer.model import MINUTE_MS, Draft, Place, in_person, one_of
from producer.scenarios.theft import INDEX, Theft
from producer.spending import amount_minor


@dataclass(frozen=True, slots=True)
class ImpossibleTravel:
    """In person, so far away so soon that the card would have had to fly at more than 1,000 km/h."""

    begins_min: tuple[float, float] = (8.0, 55.0)
    """Time from the holder's purchase to the first one with the copy."""
    least_km: float = 1_100.0
    purchases: tuple[int, int] = (1, 4)
    """How many, at least and at most."""
    gap_min: tuple[float, float] = (4.0, 45.0)
    mccs: tuple[str, ...] = ("5411", "5541", "5311", "5651", "5732", "5944")
    amount_factor: tuple[float, float] = (0.8, 3.0)
    """Against what the holder usually pays in such a shop."""
    approved_share: float = 0.9

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the purchases with the copy."""
        place = self._far_away(theft.place, market, rng)
        at_ms = theft.at_ms + int(rng.uniform(*self.begins_min) * MINUTE_MS)
        drafts = []
        for _ in range(int(rng.integers(self.purchases[0], self.purchases[1] + 1))):
            category = INDEX[one_of(rng, self.mccs)]
            shop = one_of(rng, market.shops[place.index][category])
            amount = amount_minor(theft.holder, category, rng, factor=rng.uniform(*self.amount_factor))
            approved = rng.random() < self.approved_share
            drafts.append(in_person(theft.holder, shop, at_ms, amount, approved=approved))
            at_ms += int(rng.uniform(*self.gap_min) * MINUTE_MS)
        return drafts

    def _far_away(self, here: Place, market: Market, rng: Generator) -> Place:
        def km(place: Place) -> float:
            return distance_km(here.latitude, here.longitude, place.latitude, place.longitude)

        far = [place for place in market.places if km(place) >= self.least_km]
        return one_of(rng, far or [max(market.places, key=km)])
