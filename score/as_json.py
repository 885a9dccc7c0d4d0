"""Scores as JSON's values: the figures of the oracle at the top, those of the bank beside them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from score.core.scores import ALL, Caught, Cell, Column, Scores

Json = dict[str, Any]


def scores_json(scores: Scores) -> Json:
    """Return everything."""
    return {
        **column_json(scores.oracle),
        "bank": column_json(scores.bank),
        "clock_ms": scores.clock_ms,
        "unknown_labels": scores.unknown_labels,
        "unknown_alerts": scores.unknown_alerts,
    }


def column_json(column: Column) -> Json:
    """Return a column."""
    return {
        "transactions": column.transactions,
        "waiting": column.waiting,
        **_cell(column, ALL, ALL),
        "card_precision": {
            "k": column.top_k,
            "mean": column.card_precision,
            "best_possible": column.card_precision_best,
        },
        "by_scenario": {name: _scenario(column, name) for name in column.scenarios},
        "by_rule": {
            name: {**_cell(column, ALL, name), "shadow": name in column.shadow_rules}
            for name in (*column.rules, *column.shadow_rules)
        },
        "by_scenario_and_rule": {
            scenario: {rule: _cell(column, scenario, rule) for rule in (*column.rules, *column.shadow_rules)}
            for scenario in column.scenarios
        },
        "by_day": [asdict(day) for day in column.days],
        "waits_s": list(column.waits_s),
    }


def _scenario(column: Column, name: str) -> Json:
    cards = column.cells[name, ALL].cards
    return {
        "recall": cards.recall,
        "precision": cards.precision,
        "f1": cards.f1,
        **_cell(column, name, ALL),
    }


def _cell(column: Column, scenario: str, rule: str) -> Json:
    cell: Cell = column.cells[scenario, rule]
    money = cell.money_caught_minor + cell.money_lost_minor
    return {
        "by_transaction": _caught(cell.transactions),
        "by_card": _caught(cell.cards),
        "alerts": cell.alerts,
        "alerts_per_1000": column.per_1000(cell.alerts),
        "false_alarms": cell.transactions.false,
        "false_alarms_per_1000": column.per_1000(cell.transactions.false),
        "time_to_detect": {"median_s": cell.detect_median_s, "p90_s": cell.detect_p90_s},
        "money": {
            "caught_minor": cell.money_caught_minor,
            "lost_minor": cell.money_lost_minor,
            "caught_share": cell.money_caught_minor / money if money else None,
        },
    }


def _caught(caught: Caught) -> Json:
    return asdict(caught) | {"recall": caught.recall, "precision": caught.precision, "f1": caught.f1}
