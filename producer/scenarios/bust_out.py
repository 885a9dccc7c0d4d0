"""Bust-out: a card is used like any other until it is trusted, then for all that it is good for.

The ordinary part is ordinary spending and labelled so: until the bust nobody can tell the holder from an
honest one, not even the holder perhaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import CATEGORIES, Market
from producer.model import HOUR_MS, MINUTE_MS, Draft, in_person, one_of
from producer.scenarios.theft import INDEX, Hideout, Theft, at_the_till, mean_minor
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class BustOut:
    """After 20 to 50 ordinary purchases, a few far above the card's mean, by its holder and from home."""

    weight: ClassVar[int] = 5

    ordinary: tuple[int, int] = (20, 50)
    """Purchases that have to be behind the card, at least; since its last theft if there was one."""
    begins_min: tuple[float, float] = (5.0, 60.0)
    """Time from the last ordinary purchase in person to the first of the bust."""
    purchases: Span = Span((5, 9), (3, 4))
    lasts_h: Knob = Knob(6.0, 40.0)
    """Time from the first to the last, at most."""
    mean_factor: Span = Span((7.0, 12.0), (3.2, 5.0))
    """Against the card's mean: above 5 at medium difficulty."""
    mccs: tuple[str, ...] = ("5732", "5944", "4511", "7011", "5311")
    in_person_until_min: float = 60.0
    """Later the holder may be anywhere, and buys online."""
    approved_share: Knob = Knob(0.8, 0.95)

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return a card that is trusted by now."""
        draft = watch.seen_paying(rng, int(rng.integers(self.ordinary[0], self.ordinary[1] + 1)))
        return at_the_till(draft, difficulty) if draft else None

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the bust."""
        careful = theft.difficulty
        sofa = Hideout(theft.holder.devices[0], theft.place, located=True)
        begin_ms = theft.at_ms + int(rng.uniform(*self.begins_min) * MINUTE_MS)
        lasts_ms = self.lasts_h.at(careful) * HOUR_MS
        purchases = self.purchases.count(rng, careful)
        usual = mean_minor(theft.holder)
        drafts = []
        for after_ms in sorted(int(rng.random() * lasts_ms) for _ in range(purchases)):
            category = INDEX[one_of(rng, self.mccs)]
            amount = round(usual * self.mean_factor.draw(rng, careful))
            approved = self.approved_share.happens(rng, careful)
            at_ms = begin_ms + after_ms
            shops = market.shops[theft.place.index][category]
            if after_ms < self.in_person_until_min * MINUTE_MS and CATEGORIES[category].online < 1:
                drafts.append(in_person(theft.holder, one_of(rng, shops), at_ms, amount, approved=approved))
            else:
                shop = one_of(rng, market.web_shops[category])
                drafts.append(sofa.buy(theft.holder, shop, at_ms, amount, approved=approved))
        return drafts
