"""Card testing: many small authorisations to see whether the card works, then one that pays."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from producer.market import Market
from producer.model import HOUR_MS, MINUTE_MS, SECOND_MS, Draft, new_device, one_of
from producer.scenarios.theft import INDEX, Theft, hideout


@dataclass(frozen=True, slots=True)
class CardTesting:
    """From a new device, at shops of digital goods and gifts, many of them declined."""

    begins_h: tuple[float, float] = (0.5, 36.0)
    """Time from the theft to the first test."""
    tests: tuple[int, int] = (6, 11)
    """How many, at least and at most."""
    test_gap_s: tuple[float, float] = (15.0, 100.0)
    """Time between tests: more than 5 within 10 minutes."""
    test_minor: tuple[int, int] = (100, 2_400)
    test_mccs: tuple[str, ...] = ("5815", "5947")
    test_approved_share: float = 0.6
    large_after_min: tuple[float, float] = (3.0, 40.0)
    """Time from the last test to the purchase that pays."""
    large_minor: tuple[int, int] = (50_100, 140_000)
    large_mccs: tuple[str, ...] = ("5732", "5944", "5947")
    large_approved_share: float = 0.8
    abroad_share: float = 0.55
    """Fraudsters with an address elsewhere; the others' is in the holder's town."""
    located_share: float = 0.6

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the tests and the large purchase."""
        shares = {"abroad_share": self.abroad_share, "located_share": self.located_share}
        hidden = hideout(theft.holder, market, new_device(rng), rng, **shares)
        at_ms = theft.at_ms + int(rng.uniform(*self.begins_h) * HOUR_MS)
        drafts = []
        for _ in range(int(rng.integers(self.tests[0], self.tests[1] + 1))):
            shop = one_of(rng, market.web_shops[INDEX[one_of(rng, self.test_mccs)]])
            amount = int(rng.integers(self.test_minor[0], self.test_minor[1] + 1))
            approved = rng.random() < self.test_approved_share
            drafts.append(hidden.buy(theft.holder, shop, at_ms, amount, approved=approved))
            at_ms += int(rng.uniform(*self.test_gap_s) * SECOND_MS)
        at_ms += int(rng.uniform(*self.large_after_min) * MINUTE_MS)
        shop = one_of(rng, market.web_shops[INDEX[one_of(rng, self.large_mccs)]])
        amount = int(rng.integers(self.large_minor[0], self.large_minor[1] + 1))
        approved = rng.random() < self.large_approved_share
        return [*drafts, hidden.buy(theft.holder, shop, at_ms, amount, approved=approved)]
