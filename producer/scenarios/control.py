"""The control: one purchase online above 220 EUR. It proves the plumbing, no more.

Scenario 1 of the Fraud Detection Handbook (Le Borgne et al.): every transaction above 220 is a fraud. Here
genuine purchases go above it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import Market
from producer.model import HOUR_MS, Draft, new_device, one_of
from producer.scenarios.theft import INDEX, Theft, hideout, seen_paying
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class Control:
    """Online with stolen data, mostly from a strange device."""

    weight: ClassVar[int] = 4

    least_minor: int = 22_001
    most_minor: Knob = Knob(250_000, 80_000)
    begins_h: Span = Span((1.0, 48.0), (1.0, 48.0))
    """Time from the theft to the purchase."""
    mccs: tuple[str, ...] = ("5732", "5944", "4511", "5651", "5311")
    strange_device_share: Knob = Knob(1.0, 0.9)
    """The others hide behind a device of the holder's."""
    approved_share: Knob = Knob(0.85, 0.95)
    abroad_share: Knob = Knob(1.0, 0.75)

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Theft | None:
        """Return a card whose data is copied as its holder pays."""
        return seen_paying(watch, rng, difficulty)

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the one purchase."""
        careful = theft.difficulty
        strange = self.strange_device_share.happens(rng, careful)
        device = new_device(rng) if strange else theft.holder.devices[0]
        hidden = hideout(theft, market, device, rng, abroad_share=self.abroad_share.at(careful))
        at_ms = theft.at_ms + int(self.begins_h.draw(rng, careful) * HOUR_MS)
        shop = one_of(rng, market.web_shops[INDEX[one_of(rng, self.mccs)]])
        amount = int(self.least_minor * exp(rng.random() * log(self.most_minor.at(careful) / self.least_minor)))
        approved = self.approved_share.happens(rng, careful)
        return [hidden.buy(theft.holder, shop, at_ms, amount, approved=approved)]
