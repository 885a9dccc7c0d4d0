"""What detection is worth: the values that everything here is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ALL: Final = "all"
"""Stands for every scenario, and for every rule together."""


@dataclass(frozen=True, slots=True)
class Caught:
    """How much fraud of one kind (transactions, or cards) there was, how much was caught, and the false alarms.

    A card is compromised if it has a fraudulent transaction, and caught if one of these was flagged. A flagged card
    that isn't caught is a false alarm, also when it is a victim's: what was flagged was genuine.
    """

    fraud: int
    caught: int
    false: int

    @property
    def recall(self) -> float | None:
        """Caught among fraud; None without fraud."""
        return self.caught / self.fraud if self.fraud else None

    @property
    def precision(self) -> float | None:
        """Caught among all that was flagged; None when nothing was."""
        return self.caught / (self.caught + self.false) if self.caught + self.false else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None without fraud and alarms."""
        both = 2 * self.caught + self.false + (self.fraud - self.caught)
        return 2 * self.caught / both if both else None


@dataclass(frozen=True, slots=True)
class Cell:
    """Figures of one scenario and one rule, or of all of either.

    False alarms belong to no scenario, so the precision of one is what it would be if it were the only fraud.
    """

    transactions: Caught
    cards: Caught
    detect_median_s: float | None
    """From a caught card's first fraud to its first right alert, in event time."""
    detect_p90_s: float | None
    money_caught_minor: int
    """Approved fraud of a card from its first right alert on: this one is stopped at authorisation."""
    money_lost_minor: int
    """Approved fraud before it, or of a card that isn't caught. Declined fraud costs nothing."""

    @property
    def alerts(self) -> int:
        """Transactions flagged."""
        return self.transactions.caught + self.transactions.false


@dataclass(frozen=True, slots=True)
class Day:
    """One day of event time, UTC."""

    day: int
    """Days since 1970."""
    fraud: int
    """Fraudulent transactions."""
    right: int
    """Of these, flagged."""
    false: int
    """Flagged, and genuine."""


@dataclass(frozen=True, slots=True)
class Column:
    """All figures, for one way of knowing the truth."""

    transactions: int
    """Whose truth is known."""
    cells: Mapping[tuple[str, str], Cell]
    """By scenario and rule; `ALL` stands for either."""
    scenarios: tuple[str, ...]
    rules: tuple[str, ...]
    """That have flagged something; those on trial are not among them."""
    shadow_rules: tuple[str, ...]
    """On trial: their cells say what they alone would have flagged."""
    top_k: int
    card_precision: float | None
    """Card Precision@k a day, of the Fraud Detection Handbook."""
    card_precision_best: float | None
    """The most that any ranking could have reached on these days."""
    waits_s: tuple[float, ...] = ()
    """From first fraud to first right alert of each caught card, ascending."""
    days: tuple[Day, ...] = ()
    """Those with fraud or alerts, in order."""
    waiting: int = 0
    """Alerts whose truth isn't known yet; they count neither as right nor as false."""

    @property
    def overall(self) -> Cell:
        """All scenarios, all rules."""
        return self.cells[ALL, ALL]

    def per_1000(self, count: int) -> float | None:
        """Return `count` for each 1,000 transactions."""
        return 1000 * count / self.transactions if self.transactions else None


@dataclass(frozen=True, slots=True)
class Scores:
    """What is known of detection."""

    bank: Column
    """Over the transactions whose labels have been released: what a bank can know now."""
    oracle: Column
    """Over all transactions, with the truth at once."""
    clock_ms: int
    """The virtual clock: the largest event time of a transaction."""
    unknown_labels: int = 0
    """Labels for transactions that never happened; they count nowhere."""
    unknown_alerts: int = 0
    """Alerts for transactions that never happened; they count nowhere."""
