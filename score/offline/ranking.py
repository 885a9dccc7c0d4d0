"""How well the scores of all verdicts rank fraud before the rest: AUC, average precision, Card Precision@k."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzer.core.model import Transaction
from analyzer.core.rules.amount_outlier import z_score
from analyzer.core.window import Habit
from score.core.card_precision import DAY_MS, of_days
from score.core.facts import Label

HANDBOOK_K: Final = 100
"""Cards a day in the Fraud Detection Handbook's own figures."""
LEAST_HISTORY: Final = 5
"""Approved transactions without which a card has no habit to rank by."""
LEAST_SD: Final = 0.5
"""Standard deviation of ln(amount) taken for a card that always spends the same."""
_NO_HABIT: Final = Habit()


def suspicion(score: float, above_habit_z: float | None) -> float:
    """Return what a transaction is ranked by: its verdict's score, and below all findings, its amount.

    Args:
        score: the verdict's; 0: no rule found anything.
        above_habit_z: standard deviations of ln(amount) above the card's habit; None: it has no habit.

    Returns:
        The score where it is above 0; else a figure from -1 to 0 that grows with the amount.
    """
    if score > 0:
        return score
    return -1.0 / (1.0 + max(0.0, above_habit_z or 0.0))


@dataclass(frozen=True, slots=True)
class Habits:
    """What each card usually spends, as the analyzer's core has it: it ranks what no rule finds."""

    _of: dict[str, Habit] = field(default_factory=dict)

    def above(self, transaction: Transaction) -> float | None:
        """Return how many standard deviations ln(amount) lies above the card's habit; None without a habit."""
        habit = self._of.get(transaction.card_id)
        if habit is None or habit.count < LEAST_HISTORY:
            return None
        return z_score(habit, transaction.amount_minor, LEAST_SD)

    def learn(self, transaction: Transaction) -> None:
        """Let a transaction that was judged and approved be part of its card's habit."""
        card = transaction.card_id
        self._of[card] = self._of.get(card, _NO_HABIT).with_amount(transaction.amount_minor)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Figures of the ranking, None without fraud or without anything genuine."""

    auc: float | None
    """Area under the ROC curve: the chance that fraud has a higher score than a genuine transaction."""
    average_precision: float | None
    card_precision_at_100: float | None
    card_precision_at_100_best: float | None
    """The most that any ranking could have reached."""


@dataclass
class Ranked:
    """Scores as they come; 9 bytes a transaction, and a figure for each card and day."""

    _scores: array[float] = field(default_factory=lambda: array("d"))
    _fraud: bytearray = field(default_factory=bytearray)
    _by_day: defaultdict[int, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    _frauds: list[Label] = field(default_factory=list)
    _last_ms: int = 0

    def take(self, score: float, label: Label) -> int:
        """Take in a labelled transaction's score; return its place, to raise it."""
        self._scores.append(score)
        self._fraud.append(label.fraud)
        day = self._by_day[label.event_ms // DAY_MS]
        if score >= day.get(label.card_id, -1.0):
            day[label.card_id] = score
        if label.fraud:
            self._frauds.append(label)
        self._last_ms = max(self._last_ms, label.event_ms)
        return len(self._scores) - 1

    def raised(self, place: int, score: float, label: Label) -> None:
        """Let a transaction have a higher score than it had first."""
        self._scores[place] = max(score, self._scores[place])
        day = self._by_day[label.event_ms // DAY_MS]
        day[label.card_id] = max(score, day.get(label.card_id, -1.0))

    def figures(self) -> Ranking:
        """Return the figures of what was taken in."""
        scores, fraud = np.array(self._scores, dtype=np.float64), np.array(self._fraud, dtype=np.bool_)
        found, best = of_days(self._by_day, self._frauds, self._last_ms, HANDBOOK_K)
        return Ranking(auc(scores, fraud), average_precision(scores, fraud), found, best)


def auc(scores: npt.NDArray[np.float64], fraud: npt.NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve, ties counting half (Mann-Whitney's U); both arrays of shape (n,)."""
    positives = int(fraud.sum())
    negatives = len(fraud) - positives
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    u = float(ranks[place][fraud].sum()) - positives * (positives + 1) / 2
    return u / (positives * negatives)


def average_precision(scores: npt.NDArray[np.float64], fraud: npt.NDArray[np.bool_]) -> float | None:
    """Return the mean precision over the steps in recall, equal scores being one step; both arrays of shape (n,)."""
    positives = int(fraud.sum())
    if not positives:
        return None
    values, place = np.unique(-scores, return_inverse=True)
    right = np.bincount(place, weights=fraud, minlength=len(values))
    flagged = np.cumsum(np.bincount(place, minlength=len(values)))
    return float((np.cumsum(right) / flagged * right).sum() / positives)
