"""Named sizes of a run, and the plan that they make with a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from producer.model import DAY_MS


@dataclass(frozen=True, slots=True)
class Preset:
    """How many people spend how much, and how much of it is fraud."""

    cards: int
    purchases_per_card_day: float
    """Mean; retries and bursts make a tenth more transactions of it."""
    fraud_share: float
    """Part of all transactions, by count."""
    days: int
    """Length of a usual run in event time."""

    @property
    def warm_up_days(self) -> int:
        """Days without fraud at the beginning, for habits to be learnt."""
        return max(1, round(0.15 * self.days))


PRESETS: Final = {
    "real": Preset(cards=1_000, purchases_per_card_day=1.9, fraud_share=0.0017, days=30),
    "handbook": Preset(cards=1_000, purchases_per_card_day=1.75, fraud_share=0.008, days=30),
    "workshop": Preset(cards=450, purchases_per_card_day=1.9, fraud_share=0.03, days=21),
}
"""Shares: the ULB data set, the Fraud Detection Handbook's simulator, and enough to see something at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides what is generated: equal plans give equal records."""

    seed: int
    start_ms: int
    name: str
    preset: Preset
    difficulty: float = 0.5
    """How careful fraudsters are: 0 loud, 1 near the card's habit."""

    @property
    def fraud_from_ms(self) -> int:
        """When the first card may be stolen."""
        return self.start_ms + self.preset.warm_up_days * DAY_MS


def make_plan(seed: int, start_ms: int, preset: str, cards: int | None = None, difficulty: float = 0.5) -> Plan:
    """Return the plan of a named preset, with another number of cards if given."""
    chosen = PRESETS[preset]
    return Plan(seed, start_ms, preset, chosen if cards is None else replace(chosen, cards=cards), difficulty)
