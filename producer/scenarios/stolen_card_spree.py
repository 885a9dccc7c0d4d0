"""Stolen-card spree: spend as much as possible before the card is blocked."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from producer.market import Market
from producer.model import MINUTE_MS, Draft, in_person, one_of
from producer.scenarios.theft import INDEX, Theft
from producer.spending import amount_minor


@dataclass(frozen=True, slots=True)
class StolenCardSpree:
    """In person, in the town of the theft, at many merchants within an hour, above the card's habit."""

    begins_min: tuple[float, float] = (10.0, 90.0)
    """Time from the theft to the first purchase."""
    purchases: tuple[int, int] = (6, 13)
    """How many, at least and at most."""
    lasts_min: float = 58.0
    """Time from the first to the last, at most."""
    mccs: tuple[str, ...] = ("5732", "5944", "5311", "5651", "5947", "5541", "5411")
    amount_factor: tuple[float, float] = (1.0, 5.0)
    """Against what the holder usually pays in such a shop."""
    approved_share: float = 0.85

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the purchases."""
        purchases = int(rng.integers(self.purchases[0], self.purchases[1] + 1))
        begin_ms = theft.at_ms + int(rng.uniform(*self.begins_min) * MINUTE_MS)
        times_ms = sorted(begin_ms + int(rng.random() * self.lasts_min * MINUTE_MS) for _ in range(purchases))
        drafts = []
        for at_ms in times_ms:
            category = INDEX[one_of(rng, self.mccs)]
            shop = one_of(rng, market.shops[theft.place.index][category])
            amount = amount_minor(theft.holder, category, rng, factor=rng.uniform(*self.amount_factor))
            approved = rng.random() < self.approved_share
            drafts.append(in_person(theft.holder, shop, at_ms, amount, approved=approved))
        return drafts
