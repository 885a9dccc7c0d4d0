"""From facts to figures: who was caught, by which rule, how soon, and what it saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from score.core.card_precision import DAY_MS, card_precision
from score.core.facts import UNNAMED, Alert, Label
from score.core.percentile import percentile
from score.core.scores import ALL, Caught, Cell, Column, Day

SECOND_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one column is computed from; the order of the lists doesn't matter."""

    frauds: Sequence[Label]
    alerts: Sequence[Alert]
    shadows: Sequence[Alert]
    transactions: int
    last_ms: int
    """Event time of the last transaction whose truth is known."""
    waiting: int = 0


def figures(seen: Evidence, top_k: int) -> Column:
    """Return the figures of a column."""
    rules = _rules(seen.alerts)
    shadow_rules = tuple(rule for rule in _rules(seen.shadows) if rule not in rules)
    frauds: dict[str, list[Label]] = {ALL: list(seen.frauds)}
    for label in seen.frauds:
        frauds.setdefault(label.scenario or UNNAMED, []).append(label)
    cells = {}
    for rule, alerts in (*_by_rule(seen.alerts, rules), *_by_rule(seen.shadows, shadow_rules), (ALL, seen.alerts)):
        cells.update({(scenario, rule): cell for scenario, cell in _cells(frauds, alerts)})
    found, best = card_precision(seen.alerts, seen.frauds, seen.last_ms, top_k)
    return Column(
        transactions=seen.transactions,
        cells=cells,
        scenarios=tuple(sorted(frauds.keys() - {ALL})),
        rules=rules,
        shadow_rules=shadow_rules,
        top_k=top_k,
        card_precision=found,
        card_precision_best=best,
        waits_s=tuple(sorted(_waits_s(seen.frauds, {alert.transaction_id for alert in seen.alerts}))),
        days=tuple(_days(seen)),
        waiting=seen.waiting,
    )


def _rules(alerts: Sequence[Alert]) -> tuple[str, ...]:
    return tuple(sorted({rule for alert in alerts for rule in alert.rules}))


def _by_rule(alerts: Sequence[Alert], rules: Sequence[str]) -> Iterator[tuple[str, Sequence[Alert]]]:
    for rule in rules:
        yield rule, [alert for alert in alerts if rule in alert.rules]


def _cells(frauds: Mapping[str, Sequence[Label]], alerts: Sequence[Alert]) -> Iterator[tuple[str, Cell]]:
    """Yield the cell of each scenario for the alerts of one rule."""
    flagged = {alert.transaction_id for alert in alerts}
    right = {label.transaction_id for label in frauds[ALL] if label.transaction_id in flagged}
    right_cards = {label.card_id for label in frauds[ALL] if label.transaction_id in flagged}
    false_cards = {alert.card_id for alert in alerts} - right_cards
    for scenario, labels in frauds.items():
        yield scenario, _cell(labels, flagged, len(flagged) - len(right), len(false_cards))


def _cell(frauds: Sequence[Label], flagged: set[str], false: int, false_cards: int) -> Cell:
    right = [label for label in frauds if label.transaction_id in flagged]
    began_ms, caught_ms = _first(frauds), _first(right)
    waits_s = _between_s(began_ms, caught_ms)
    approved = [label for label in frauds if label.approved]
    saved = [
        label.amount_minor for label in approved if label.event_ms >= caught_ms.get(label.card_id, 1 + label.event_ms)
    ]
    caught_minor = sum(saved)
    return Cell(
        transactions=Caught(len(frauds), len(right), false),
        cards=Caught(len(began_ms), len(caught_ms), false_cards),
        detect_median_s=percentile(waits_s, 50),
        detect_p90_s=percentile(waits_s, 90),
        money_caught_minor=caught_minor,
        money_lost_minor=sum(label.amount_minor for label in approved) - caught_minor,
    )


def _waits_s(frauds: Sequence[Label], flagged: set[str]) -> list[float]:
    """Return the time from first fraud to first right alert of each caught card."""
    return _between_s(_first(frauds), _first([label for label in frauds if label.transaction_id in flagged]))


def _between_s(began_ms: Mapping[str, int], caught_ms: Mapping[str, int]) -> list[float]:
    return [(at_ms - began_ms[card]) / SECOND_MS for card, at_ms in caught_ms.items()]


def _days(seen: Evidence) -> Iterator[Day]:
    frauds = {label.transaction_id for label in seen.frauds}
    fraud = Counter(label.event_ms // DAY_MS for label in seen.frauds)
    alerts: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
    for alert in seen.alerts:
        alerts[alert.transaction_id in frauds][alert.event_ms // DAY_MS] += 1
    for day in sorted(fraud.keys() | alerts[True].keys() | alerts[False].keys()):
        yield Day(day, fraud[day], alerts[True][day], alerts[False][day])


def _first(labels: Sequence[Label]) -> dict[str, int]:
    """Return the event time of each card's first transaction."""
    first: dict[str, int] = {}
    for label in labels:
        known_ms = first.get(label.card_id)
        if known_ms is None or label.event_ms < known_ms:
            first[label.card_id] = label.event_ms
    return first
