"""Card-not-present leak: the card's data is sold, and for two weeks others shop online with it.

Scenario 3 of the Fraud Detection Handbook (Le Borgne et al.): for 14 days a third of the card's
transactions are fraudulent, at five times the amount.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from producer.market import Market
from producer.model import DAY_MS, Draft, new_device, one_of
from producer.scenarios.theft import INDEX, Theft, hideout
from producer.spending import amount_minor


@dataclass(frozen=True, slots=True)
class CardNotPresentLeak:
    """Online, now and then, from one or two strange devices, at any hour."""

    lasts_days: float = 14.0
    share: float = 1 / 3
    """Part of the card's transactions that are fraudulent meanwhile."""
    least_purchases: int = 3
    amount_factor: float = 5.0
    """Against what the holder usually pays in such a shop."""
    mccs: tuple[str, ...] = ("5815", "5947", "5732", "5651", "5311", "5812", "5411")
    devices: int = 2
    approved_share: float = 0.9
    abroad_share: float = 0.5
    """Devices with an address elsewhere; the others' is in the holder's town."""
    located_share: float = 0.6

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the purchases of two weeks."""
        shares = {"abroad_share": self.abroad_share, "located_share": self.located_share}
        hidden = [hideout(theft.holder, market, new_device(rng), rng, **shares) for _ in range(self.devices)]
        genuine = theft.holder.purchases_per_day * self.lasts_days
        purchases = max(self.least_purchases, int(rng.poisson(genuine * self.share / (1 - self.share))))
        drafts = []
        for after_days in sorted((rng.random(purchases) * self.lasts_days).tolist()):
            category = INDEX[one_of(rng, self.mccs)]
            shop = one_of(rng, market.web_shops[category])
            amount = amount_minor(theft.holder, category, rng, factor=self.amount_factor)
            at_ms = theft.at_ms + 1 + int(after_days * DAY_MS)
            approved = rng.random() < self.approved_share
            drafts.append(one_of(rng, hidden).buy(theft.holder, shop, at_ms, amount, approved=approved))
        return drafts
