"""How often everybody does what may look like fraud, and which cards sleep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.model import HOUR_MS


@dataclass(frozen=True, slots=True)
class Habits:
    """How often everybody does what may look like fraud. Shares are of purchases."""

    burst_share: float = 0.01
    """Purchases that are the first of a burst."""
    burst_extra: tuple[int, int] = (1, 6)
    """How many follow, at least and at most; few are likelier."""
    burst_gap_s: tuple[float, float] = (30.0, 420.0)
    """Time between them."""
    large_share: float = 0.015
    """Purchases far above the habit."""
    large_factor: tuple[float, float] = (2.5, 8.0)
    """How far."""
    sofa_share: float = 0.01
    """Purchases at the dearest kinds of shop that are the largest of the year."""
    sofa_minor: tuple[int, int] = (80_000, 350_000)
    dear_median_minor: int = 10_000
    """Median of a category from which it is one of the dearest."""
    declined_share: float = 0.025
    retry_share: float = 0.8
    """Declined purchases that are tried again with the same amount."""
    retry_gap_s: tuple[float, float] = (12.0, 90.0)
    retry_approved_share: float = 0.7
    stubborn_share: float = 0.05
    """Declined purchases that can't succeed and are tried again all the same."""
    stubborn_retries: tuple[int, int] = (3, 5)
    foreign_address_share: float = 0.025
    """Online purchases through an address in another place."""
    unlocated_share: float = 0.3
    """Online purchases whose address has no known position."""
    new_device_share: float = 0.004
    """Online purchases with a device that replaces one of the cardholder's."""
    favourite_quarter_share: float = 0.6
    """Purchases in person in the quarter where the cardholder usually shops."""
    first_awake_days: tuple[int, int] = (2, 9)
    """How long a card that sleeps is in use at the beginning."""
    awake_days: tuple[int, int] = (4, 15)
    asleep_days: tuple[int, int] = (30, 55)
    away_share: float = 0.3
    """Days on which a shared card is used where the spouse lives."""
    apart_share: float = 0.05
    """Days on which both bodies of a shared card are used, wherever each is."""
    patience_ms: int = HOUR_MS
    """Longest that a purchase in person is put off until the card can be there; it is made online then."""


class Sleep:
    """Which cards sleep; a day after the other."""

    def __init__(self, sleepers: Sequence[bool], habits: Habits) -> None:
        """Begin with all of them in use."""
        self._habits = habits
        self._sleepers = np.flatnonzero(sleepers)
        self._asleep = np.zeros(len(sleepers), dtype=bool)
        self._left_days: NDArray[np.int64] | None = None

    def asleep(self, rng: Generator) -> NDArray[np.bool_]:
        """Return which cards are left alone today: one value a card."""
        habits, who = self._habits, self._sleepers
        if self._left_days is None:
            self._left_days = rng.integers(*habits.first_awake_days, size=len(who), endpoint=True)
        turn = self._left_days == 0
        self._asleep[who[turn]] ^= True
        lasts = np.where(
            self._asleep[who],
            rng.integers(*habits.asleep_days, size=len(who), endpoint=True),
            rng.integers(*habits.awake_days, size=len(who), endpoint=True),
        )
        self._left_days = np.where(turn, lasts, self._left_days) - 1
        return self._asleep
