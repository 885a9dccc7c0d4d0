"""Card-not-present leak: the card's data is sold, and for two weeks others shop online with it.

Scenario 3 of the Fraud Detection Handbook (Le Borgne et al.): for 14 days a third of the card's
transactions are fraudulent, at five times the amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import Market
from producer.model import DAY_MS, Draft, new_device, one_of
from producer.scenarios.theft import INDEX, Theft, hideout, seen_paying, usual_minor
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class CardNotPresentLeak:
    """Online, now and then, from one or a few strange devices, at any hour."""

    weight: ClassVar[int] = 4

    lasts_days: float = 14.0
    share: Knob = Knob(0.44, 0.22)
    """Part of the card's transactions that are fraudulent meanwhile: a third at medium difficulty."""
    least_purchases: int = 4
    most_purchases: int = 25
    """Even of a card that is used all day: whoever bought its data has only so much patience."""
    amount_factor: Knob = Knob(8.0, 2.0)
    """Against what the holder usually pays in such a shop: five times at medium difficulty."""
    mccs: tuple[str, ...] = ("5815", "5947", "5732", "5651", "5311", "5812", "5411")
    devices: Span = Span((1, 1), (1, 3))
    approved_share: Knob = Knob(0.85, 0.95)
    abroad_share: Knob = Knob(0.8, 0.2)
    """Devices with an address elsewhere; the others' is in the holder's town."""

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return a card whose data is copied as its holder pays."""
        return seen_paying(watch, rng, difficulty)

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the purchases of two weeks."""
        careful = theft.difficulty
        abroad_share = self.abroad_share.at(careful)
        devices = [new_device(rng) for _ in range(self.devices.count(rng, careful))]
        hidden = [hideout(theft, market, device, rng, abroad_share=abroad_share) for device in devices]
        drafts = []
        for after_days in sorted((rng.random(self._purchases(theft, rng)) * self.lasts_days).tolist()):
            mcc = one_of(rng, self.mccs)
            shop = one_of(rng, market.web_shops[INDEX[mcc]])
            amount = usual_minor(theft, mcc, self.amount_factor.at(careful), rng)
            at_ms = theft.at_ms + 1 + int(after_days * DAY_MS)
            approved = self.approved_share.happens(rng, careful)
            drafts.append(one_of(rng, hidden).buy(theft.holder, shop, at_ms, amount, approved=approved))
        return drafts

    def _purchases(self, theft: Theft, rng: Generator) -> int:
        share = self.share.at(theft.difficulty)
        genuine = theft.holder.purchases_per_day * self.lasts_days
        purchases = int(rng.poisson(genuine * share / (1 - share)))
        return min(self.most_purchases, max(self.least_purchases, purchases))
