"""Compromised terminal: for four weeks a terminal charges cards that were used in its town.

Scenario 2 of the Fraud Detection Handbook (Le Borgne et al.), where every transaction at the terminal is a
fraud for 28 days. For the card it is a purchase or two in its own town; only the terminal shows a pattern.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from producer.difficulty import Knob, Span
from producer.market import Market
from producer.model import DAY_MS, MINUTE_MS, Draft, Merchant, in_person, one_of
from producer.scenarios.theft import INDEX, Theft, near_usual_minor
from producer.watch import Watch


@dataclass(frozen=True, slots=True)
class Misuse:
    """One terminal in wrong hands, for some weeks."""

    terminal: Merchant
    until_ms: int
    cards_a_day: float
    most_a_card: int
    difficulty: float
    charged: Counter[str] = field(default_factory=Counter)
    """How often each card was charged so far."""

    def today(self, watch: Watch, rng: Generator) -> list[Theft]:
        """Return the cards that are charged today; each is in town with its holder, who lives there."""
        place = self.terminal.place
        if place is None:
            return []
        seen = {draft.holder.card_id: draft for draft in watch.seen_in_town(place)}
        left = [draft for card, draft in seen.items() if self.charged[card] < self.most_a_card]
        picked = [left[i] for i in rng.permutation(len(left))[: rng.poisson(self.cards_a_day)].tolist()]
        self.charged.update(draft.holder.card_id for draft in picked)
        return [Theft(draft.holder, draft.event_ms, place, self.difficulty, self.terminal) for draft in picked]


@dataclass(frozen=True, slots=True)
class CompromisedTerminal:
    """In person at one terminal of the holder's town, a few cards a day, above their habit there."""

    weight: ClassVar[int] = 1

    lasts_days: float = 28.0
    cards_a_day: Knob = Knob(3.2, 1.6)
    """Mean; fewer where it would be more fraud than there is room for."""
    least_cards_a_day: float = 0.5
    mccs: tuple[str, ...] = ("5732", "5651", "5944")
    most_a_card: int = 2
    """Charges of one card."""
    after_min: tuple[float, float] = (4.0, 40.0)
    """Time from the holder's own purchase, so that the card is in town."""
    amount_factor: Span = Span((3.0, 4.6), (0.7, 1.0))
    """Against the median of what the holder pays in such a shop."""
    approved_share: Knob = Knob(0.95, 0.97)

    def find(self, watch: Watch, rng: Generator, difficulty: float) -> Misuse | None:
        """Return a terminal in a town where people live, if there is room for so much more fraud."""
        cards_a_day = min(self.cards_a_day.at(difficulty), watch.room_a_day)
        if cards_a_day < self.least_cards_a_day:
            return None
        town = one_of(rng, watch.market.homes)
        shop = one_of(rng, watch.market.shops[town.index][INDEX[one_of(rng, self.mccs)]])
        until_ms = watch.day_ms + int(self.lasts_days * DAY_MS)
        return Misuse(shop, until_ms, cards_a_day, self.most_a_card, difficulty)

    def play(self, theft: Theft, market: Market, rng: Generator) -> list[Draft]:
        """Return the charge of one card."""
        at_ms = theft.at_ms + int(rng.uniform(*self.after_min) * MINUTE_MS)
        shop = theft.terminal or one_of(rng, market.shops[theft.place.index][INDEX[one_of(rng, self.mccs)]])
        amount = near_usual_minor(theft, shop.mcc, self.amount_factor.draw(rng, theft.difficulty), rng)
        approved = self.approved_share.happens(rng, theft.difficulty)
        return [in_person(theft.holder, shop, at_ms, amount, approved=approved)]
