"""Account takeover: somebody logs in as the holder, from elsewhere, while the holder sleeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import Market
from producer.model import DAY_MS, HOUR_MS, Draft, new_device, one_of
from producer.scenarios.theft import INDEX, Theft, hideout, mean_minor, seen_paying
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class AccountTakeover:
    """Online, from a new device with a foreign address, at night, above the card's habit."""

    weight: ClassVar[int] = 6

    begins_days: Span = Span((1.0, 4.0), (1.0, 4.0))
    """Whole days from the theft to the night."""
    night_share: Knob = Knob(1.0, 0.4)
    """Takeovers that wait for the night; the others come at any hour."""
    night_local_h: tuple[float, float] = (0.0, 4.0)
    """When they begin, by the sun where the holder lives."""
    purchases: Span = Span((5, 8), (2, 4))
    lasts_h: Knob = Knob(1.5, 6.0)
    """Time from the first to the last, at most."""
    mean_factor: Span = Span((3.5, 7.0), (1.0, 1.8))
    """Against the card's mean: above 2.2 at medium difficulty."""
    mccs: tuple[str, ...] = ("5732", "5651", "5311", "4511", "5944", "5947")
    approved_share: Knob = Knob(0.8, 0.95)
    abroad_share: Knob = Knob(1.0, 0.5)

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return the card of somebody who is robbed of a password."""
        return seen_paying(watch, rng, difficulty)

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the purchases."""
        careful = theft.difficulty
        hidden = hideout(theft, market, new_device(rng), rng, abroad_share=self.abroad_share.at(careful))
        begin_ms = self._begins_ms(theft, rng)
        lasts_ms = self.lasts_h.at(careful) * HOUR_MS
        purchases = self.purchases.count(rng, careful)
        usual = mean_minor(theft.holder)
        drafts = []
        for at_ms in sorted(begin_ms + int(rng.random() * lasts_ms) for _ in range(purchases)):
            shop = one_of(rng, market.web_shops[INDEX[one_of(rng, self.mccs)]])
            amount = round(usual * self.mean_factor.draw(rng, careful))
            approved = self.approved_share.happens(rng, careful)
            drafts.append(hidden.buy(theft.holder, shop, at_ms, amount, approved=approved))
        return drafts

    def _begins_ms(self, theft: Theft, rng: Generator) -> int:
        at_ms = theft.at_ms + int(self.begins_days.draw(rng, theft.difficulty) * DAY_MS)
        if not self.night_share.happens(rng, theft.difficulty):
            return at_ms
        local_h = rng.uniform(*self.night_local_h)
        day_ms = at_ms - at_ms % DAY_MS
        return day_ms + int((local_h - theft.holder.home.utc_offset_h) * HOUR_MS) + DAY_MS
