"""What every scenario starts from, and what fraudsters have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from numpy.random import Generator

from producer.market import CATEGORIES, Market
from producer.model import Cardholder, Draft, Merchant, Place, one_of

INDEX: Final = {category.mcc: index for index, category in enumerate(CATEGORIES)}
"""Place of each category, by MCC, in tuples that have one value a category."""


@dataclass(frozen=True, slots=True)
class Theft:
    """A card that gets into wrong hands at a genuine purchase in person. Its holder goes on using it."""

    holder: Cardholder
    at_ms: int
    place: Place


class Scenario(Protocol):
    """One way to misuse a card; a frozen dataclass whose fields say how."""

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the fraudster's transactions, in order of time, all after the theft."""


@dataclass(frozen=True, slots=True)
class Hideout:
    """A device and the address that it shows."""

    device_id: str
    place: Place
    located: bool

    def buy(self, holder: Cardholder, merchant: Merchant, event_ms: int, amount_minor: int, *, approved: bool) -> Draft:
        """Return a purchase online from here."""
        latitude = self.place.latitude if self.located else None
        longitude = self.place.longitude if self.located else None
        where = (self.place.country, latitude, longitude)
        return Draft(event_ms, holder, amount_minor, merchant, self.device_id, *where, approved)


def hideout(
    holder: Cardholder, market: Market, device_id: str, rng: Generator, *, abroad_share: float, located_share: float
) -> Hideout:
    """Return where a fraudster hides: anywhere in the world, or behind an address in the holder's town."""
    place = one_of(rng, market.places) if rng.random() < abroad_share else holder.home
    return Hideout(device_id, place, rng.random() < located_share)
