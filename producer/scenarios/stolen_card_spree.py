"""Stolen-card spree: spend as much as possible before the card is blocked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import Market
from producer.model import MINUTE_MS, Draft, in_person, one_of
from producer.scenarios.theft import INDEX, Theft, seen_paying, usual_minor
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class StolenCardSpree:
    """In person, in the town of the theft, at many merchants within an hour, above the card's habit."""

    weight: ClassVar[int] = 4

    begins_min: Span = Span((10.0, 60.0), (10.0, 120.0))
    """Time from the theft to the first purchase."""
    purchases: Span = Span((7, 12), (4, 7))
    lasts_min: Knob = Knob(35.0, 80.0)
    """Time from the first to the last, at most."""
    mccs: tuple[str, ...] = ("5732", "5944", "5311", "5651", "5947", "5541", "5411")
    amount_factor: Span = Span((1.5, 6.0), (0.6, 1.4))
    """Against what the holder usually pays in such a shop."""
    approved_share: Knob = Knob(0.75, 0.95)

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return a card that is stolen after its holder paid."""
        return seen_paying(watch, rng, difficulty)

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the purchases."""
        careful = theft.difficulty
        lasts_ms = self.lasts_min.at(careful) * MINUTE_MS
        begin_ms = theft.at_ms + int(self.begins_min.draw(rng, careful) * MINUTE_MS)
        purchases = self.purchases.count(rng, careful)
        drafts = []
        for at_ms in sorted(begin_ms + int(rng.random() * lasts_ms) for _ in range(purchases)):
            mcc = one_of(rng, self.mccs)
            shop = one_of(rng, market.shops[theft.place.index][INDEX[mcc]])
            amount = usual_minor(theft, mcc, self.amount_factor.draw(rng, careful), rng)
            approved = self.approved_share.happens(rng, careful)
            drafts.append(in_person(theft.holder, shop, at_ms, amount, approved=approved))
        return drafts
