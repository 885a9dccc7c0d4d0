"""What every scenario starts from, and what fraudsters have in common."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import ClassVar, Final, Protocol

from numpy.random import Generator

from producer.difficulty import MEDIUM
from producer.market import CATEGORIES, Market
from producer.model import Cardholder, Draft, Merchant, Place, one_of
from producer.spending import amount_minor
from producer.watch import Watch

INDEX: Final = {category.mcc: index for index, category in enumerate(CATEGORIES)}
"""Place of each category, by MCC, in tuples that have one value a category."""


@dataclass(frozen=True, slots=True)
class Theft:
    """A card that gets into wrong hands. Its holder goes on using it, or goes on leaving it alone."""

    holder: Cardholder
    at_ms: int
    place: Place
    """Where the card is then."""
    difficulty: float = MEDIUM
    """How careful the thief is, 0 to 1."""
    terminal: Merchant | None = None
    """The terminal that is misused; None: none is."""


class Campaign(Protocol):
    """A theft of many cards, some each day."""

    @property
    def until_ms(self) -> int:
        """When it is over."""

    @property
    def cards_a_day(self) -> float:
        """How many are misused, on average."""

    def today(self, watch: Watch, rng: Generator) -> list[Theft]:
        """Return the cards that are misused today."""


class Scenario(Protocol):
    """One way to misuse a card; a frozen dataclass whose fields say how."""

    weight: ClassVar[int]
    """How often it is begun in a round of all scenarios."""

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | Campaign | None:
        """Return what is begun today: one card, or a campaign; None: there is no chance just now."""

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the fraudster's transactions, in order of time, all after the theft."""


def seen_paying(watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
    """Return a card whose holder pays in person today: most scenarios begin there."""
    draft = watch.seen_paying(rng)
    return at_the_till(draft, difficulty) if draft else None


def at_the_till(draft: Draft, difficulty: float) -> Theft:
    """Return the theft of a card at its genuine purchase in person."""
    return Theft(draft.holder, draft.event_ms, draft.merchant.place or draft.holder.home, difficulty)


def mean_minor(holder: Cardholder) -> float:
    """Return the mean of what the holder pays, over all categories, in minor units."""
    odds = ((holder.present_odds, 1 - holder.online_share), (holder.online_odds, holder.online_share))
    means = [exp(mean + sd * sd / 2) for mean, sd in zip(holder.log_amount_means, holder.log_amount_sds, strict=True)]
    return sum(
        share * (end - begin) * mean
        for cumulative, share in odds
        for begin, end, mean in zip((0.0, *cumulative), cumulative, means, strict=False)
    )


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


LOCATED_SHARE: Final = 0.6
"""Fraudsters whose address has a known position."""


def hideout(theft: Theft, market: Market, device_id: str, rng: Generator, *, abroad_share: float) -> Hideout:
    """Return where a fraudster hides: anywhere in the world, or behind an address in the holder's town."""
    place = one_of(rng, market.places) if rng.random() < abroad_share else theft.holder.home
    return Hideout(device_id, place, rng.random() < LOCATED_SHARE)


def near_usual_minor(theft: Theft, mcc: str, factor: float, rng: Generator) -> int:
    """Return the median of what the holder pays in such a shop times `factor`, give or take a quarter."""
    return round(exp(theft.holder.log_amount_means[INDEX[mcc]] + 0.25 * rng.standard_normal()) * factor)


def usual_minor(theft: Theft, mcc: str, factor: float, rng: Generator) -> int:
    """Return what the holder pays in such a shop times `factor`, in minor units."""
    return amount_minor(theft.holder, INDEX[mcc], rng, factor=factor)
