"""Card Precision@k a day, as the Fraud Detection Handbook (Le Borgne et al., chapter 4) defines it.

An investigator can look at k cards a day. Each day the cards are ranked by the highest score of their transactions that
day; the precision of the day is the share, among the first k, of the cards that are compromised that day; cards found
so are blocked and drop out of the days that follow. The figure is the mean over days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from score.core.facts import Alert, Label

DAY_MS: Final = 86_400_000


def card_precision(
    alerts: Iterable[Alert], frauds: Sequence[Label], last_ms: int, top_k: int
) -> tuple[float | None, float | None]:
    """Return Card Precision@k and the most that any ranking could have reached on the same days.

    Cards without an alert have no score and aren't ranked, and places that stay empty count as wrong. Days are those
    from the first fraud's to that of `last_ms`, UTC; (None, None) without fraud.
    """
    ranked: dict[int, dict[str, float]] = defaultdict(dict)
    for alert in alerts:
        day = ranked[alert.event_ms // DAY_MS]
        day[alert.card_id] = max(alert.score, day.get(alert.card_id, 0.0))
    return of_days(ranked, frauds, last_ms, top_k)


def of_days(
    ranked: Mapping[int, Mapping[str, float]], frauds: Sequence[Label], last_ms: int, top_k: int
) -> tuple[float | None, float | None]:
    """Return both figures for the highest score of each card, by day since 1970 and card; arguments as above."""
    if not frauds:
        return None, None
    compromised: dict[int, set[str]] = defaultdict(set)
    for label in frauds:
        compromised[label.event_ms // DAY_MS].add(label.card_id)
    days = range(min(compromised), max(last_ms // DAY_MS, *compromised) + 1)
    found: set[str] = set()
    right = possible = 0
    for day in days:
        left = compromised.get(day, set()) - found
        cards = sorted((-score, card) for card, score in ranked.get(day, {}).items() if card not in found)
        hits = {card for _, card in cards[:top_k]} & left
        right += len(hits)
        possible += min(top_k, len(left))
        found |= hits
    return right / (top_k * len(days)), possible / (top_k * len(days))
