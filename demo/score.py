"""How good the verdicts were: flagged transactions against the labels. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ALL: Final = "all fraud"


@dataclass(frozen=True, slots=True)
class Truth:
    """What the label of a transaction says."""

    card_id: str
    scenario: str | None
    """None: genuine."""


@dataclass(frozen=True, slots=True)
class Caught:
    """How many of one kind (transactions, or cards) there were, and how many were flagged."""

    fraud: int
    flagged: int
    false: int
    """Flagged, and genuine."""

    @property
    def recall(self) -> float | None:
        """Flagged fraud among fraud; None without fraud."""
        return self.flagged / self.fraud if self.fraud else None

    @property
    def precision(self) -> float | None:
        """Flagged fraud among all that is flagged; None when nothing is."""
        return self.flagged / (self.flagged + self.false) if self.flagged + self.false else None


@dataclass(frozen=True, slots=True)
class ScenarioScore:
    """Of one scenario, or of all together.

    False alarms belong to no scenario, so the precision of one is what it would be if it were the only fraud.
    """

    scenario: str
    transactions: Caught
    cards: Caught


def score(labels: Mapping[str, Truth], flagged: Collection[str]) -> list[ScenarioScore]:
    """Return all fraud together, then each scenario by name.

    Args:
        labels: by transaction id; genuine ones may be left out unless they were flagged.
        flagged: transaction ids.
    """
    scenarios = sorted({truth.scenario for truth in labels.values() if truth.scenario})
    return [
        _of(ALL, labels, flagged, scenarios),
        *(_of(scenario, labels, flagged, [scenario]) for scenario in scenarios),
    ]


def _of(name: str, labels: Mapping[str, Truth], flagged: Collection[str], scenarios: Collection[str]) -> ScenarioScore:
    fraud = {each: truth.card_id for each, truth in labels.items() if truth.scenario in scenarios}
    false = {each: labels[each].card_id for each in flagged if each in labels and labels[each].scenario is None}
    caught = {each: card for each, card in fraud.items() if each in flagged}
    victims = {truth.card_id for truth in labels.values() if truth.scenario}
    return ScenarioScore(
        scenario=name,
        transactions=Caught(len(fraud), len(caught), len(false)),
        cards=Caught(len(set(fraud.values())), len(set(caught.values())), len(set(false.values()) - victims)),
    )


def percentile(values: Iterable[float], percent: float) -> float | None:
    """Return the smallest value that at least `percent` per cent do not exceed; None without values."""
    ordered: Sequence[float] = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
