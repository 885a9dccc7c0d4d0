"""A dormant card wakes: nobody has used it for a month, so nobody looks at its statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import Market
from producer.model import DAY_MS, HOUR_MS, Draft, in_person, new_device, one_of
from producer.scenarios.theft import INDEX, Theft, hideout, usual_minor
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class DormantCard:
    """A burst after at least 30 days of silence: the card itself in its town, or its data online."""

    weight: ClassVar[int] = 5

    silence_days: float = 30.0
    begins_h: tuple[float, float] = (8.0, 20.0)
    """When in the day it begins."""
    purchases: Span = Span((6, 10), (2, 4))
    lasts_h: Knob = Knob(1.5, 10.0)
    """Time from the first to the last, at most."""
    amount_factor: Span = Span((3.0, 6.0), (0.7, 1.3))
    """Against what the holder usually pays in such a shop."""
    mccs: tuple[str, ...] = ("5732", "5651", "5311", "5947", "5411", "5812")
    online_share: Knob = Knob(0.5, 0.5)
    abroad_share: Knob = Knob(0.9, 0.2)
    approved_share: Knob = Knob(0.8, 0.95)

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return a card that sleeps."""
        holder = watch.asleep(rng, int(self.silence_days * DAY_MS))
        return Theft(holder, watch.day_ms, holder.home, difficulty) if holder else None

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the burst."""
        careful = theft.difficulty
        hidden = None
        if self.online_share.happens(rng, careful):
            hidden = hideout(theft, market, new_device(rng), rng, abroad_share=self.abroad_share.at(careful))
        begin_ms = theft.at_ms + int(rng.uniform(*self.begins_h) * HOUR_MS)
        lasts_ms = self.lasts_h.at(careful) * HOUR_MS
        purchases = self.purchases.count(rng, careful)
        drafts = []
        for at_ms in sorted(begin_ms + int(rng.random() * lasts_ms) for _ in range(purchases)):
            mcc = one_of(rng, self.mccs)
            amount = usual_minor(theft, mcc, self.amount_factor.draw(rng, careful), rng)
            approved = self.approved_share.happens(rng, careful)
            if hidden:
                shop = one_of(rng, market.web_shops[INDEX[mcc]])
                drafts.append(hidden.buy(theft.holder, shop, at_ms, amount, approved=approved))
            else:
                shop = one_of(rng, market.shops[theft.place.index][INDEX[mcc]])
                drafts.append(in_person(theft.holder, shop, at_ms, amount, approved=approved))
        return drafts
