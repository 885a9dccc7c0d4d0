"""Card testing: many small authorisations to see whether the card works, then one that pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import Market
from producer.model import HOUR_MS, MINUTE_MS, SECOND_MS, Draft, new_device, one_of
from producer.scenarios.theft import INDEX, Theft, hideout, seen_paying
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class CardTesting:
    """From a new device, at shops of digital goods and gifts, many of them declined."""

    weight: ClassVar[int] = 4

    begins_h: Span = Span((0.5, 36.0), (0.5, 36.0))
    """Time from the theft to the first test."""
    tests: Span = Span((8, 15), (4, 7))
    test_gap_s: Span = Span((9.0, 55.0), (25.0, 175.0))
    """Time between tests: at medium difficulty more than 5 within 10 minutes."""
    test_minor: Span = Span((100, 2_400), (100, 2_400))
    test_mccs: tuple[str, ...] = ("5815", "5947")
    test_approved_share: Knob = Knob(0.4, 0.8)
    large_after_min: Span = Span((1.0, 20.0), (5.0, 60.0))
    """Time from the last test to the purchase that pays."""
    large_minor: Span = Span((70_000, 220_000), (30_200, 60_000))
    """At medium difficulty above 500 EUR."""
    large_mccs: tuple[str, ...] = ("5732", "5944", "5947")
    large_approved_share: Knob = Knob(0.75, 0.85)
    abroad_share: Knob = Knob(0.9, 0.2)
    """Fraudsters with an address elsewhere; the others' is in the holder's town."""

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return a card whose data is copied as its holder pays."""
        return seen_paying(watch, rng, difficulty)

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the tests and the large purchase."""
        careful = theft.difficulty
        hidden = hideout(theft, market, new_device(rng), rng, abroad_share=self.abroad_share.at(careful))
        at_ms = theft.at_ms + int(self.begins_h.draw(rng, careful) * HOUR_MS)
        drafts = []
        for _ in range(self.tests.count(rng, careful)):
            shop = one_of(rng, market.web_shops[INDEX[one_of(rng, self.test_mccs)]])
            amount = self.test_minor.count(rng, careful)
            approved = self.test_approved_share.happens(rng, careful)
            drafts.append(hidden.buy(theft.holder, shop, at_ms, amount, approved=approved))
            at_ms += int(self.test_gap_s.draw(rng, careful) * SECOND_MS)
        at_ms += int(self.large_after_min.draw(rng, careful) * MINUTE_MS)
        shop = one_of(rng, market.web_shops[INDEX[one_of(rng, self.large_mccs)]])
        amount = self.large_minor.count(rng, careful)
        approved = self.large_approved_share.happens(rng, careful)
        return [*drafts, hidden.buy(theft.holder, shop, at_ms, amount, approved=approved)]
