"""Named sizes of a run, and the plan that they make with a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from producer.difficulty import MEDIUM
from producer.model import DAY_MS


@dataclass(frozen=True, slots=True)
class Preset:
    """How many people spend how much, and how much of it is fraud."""

    cards: int
    purchases_per_card_day: float
    """Mean; retries and bursts make a tenth more transactions of it."""
    fraud_share: float
    """Part of all transactions, by count."""
    warm_up_days: int
    """Days without fraud at the beginning, for habits to be learnt."""


PRESETS: Final = {
    "real": Preset(cards=1_000, purchases_per_card_day=1.9, fraud_share=0.0017, warm_up_days=5),
    "handbook": Preset(cards=1_000, purchases_per_card_day=1.75, fraud_share=0.008, warm_up_days=5),
    "workshop": Preset(cards=450, purchases_per_card_day=0.9, fraud_share=0.03, warm_up_days=10),
}
"""Shares: the ULB data set, the Fraud Detection Handbook's simulator, and enough to see something at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides what is generated: equal plans give equal records."""

    seed: int
    start_ms: int
    name: str
    preset: Preset
    difficulty: float = MEDIUM
    """How careful fraudsters are: 0 is loud, 1 stays near the card's habit."""

    @property
    def fraud_from_ms(self) -> int:
        """When the first card may be stolen."""
        return self.start_ms + self.preset.warm_up_days * DAY_MS


def make_plan(seed: int, start_ms: int, preset: str, cards: int | None = None, difficulty: float = MEDIUM) -> Plan:
    """Return the plan of a named preset, with another number of cards if given.

    Raises:
        ValueError: the difficulty isn't one of 0 to 1.
    """
    if not 0 <= difficulty <= 1:
        raise ValueError(f"difficulty {difficulty:g} must lie between 0 (loud) and 1 (careful)")
    chosen = PRESETS[preset]
    return Plan(seed, start_ms, preset, chosen if cards is None else replace(chosen, cards=cards), difficulty)
