"""What the score tells Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from score.core.scores import ALL, Cell, Scores

_OF = ("column", "scenario", "rule")


class Metrics:
    """Gauges of the last scores; a figure that doesn't exist yet isn't there."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register under `cardwatch_score_`."""

        def gauge(name: str, meaning: str, labels: tuple[str, ...]) -> Gauge:
            return Gauge(f"cardwatch_score_{name}", meaning, labels, registry=registry)

        self._shares = {
            name: gauge(name, f"{name.title()} of the flagged, by transaction or by card", (*_OF, "by"))
            for name in ("precision", "recall")
        }
        self._alerts = gauge("alerts", "Transactions flagged whose truth is known", _OF)
        self._false = gauge("false_alarms", "Of these, genuine ones", _OF)
        self._caught = gauge("money_caught_minor", "Approved fraud from a card's first right alert on", _OF)
        self._lost = gauge("money_lost_minor", "Approved fraud before it", _OF)
        self._wait = gauge("detect_median_seconds", "From a card's first fraud to its first right alert", _OF)
        self._transactions = gauge("transactions", "Transactions whose truth is known", ("column",))
        self._card_precision = gauge("card_precision_at_k", "Card Precision@k a day", ("column",))
        self._unknown = gauge("unknown", "Labels and alerts of transactions that never happened", ("what",))
        self._unreadable = gauge("unreadable", "Records that could not be read", ())
        self.caught_up = gauge("caught_up", "1 once all topics were read to their ends", ())

    def show(self, scores: Scores, unreadable: int) -> None:
        """Set every gauge."""
        for name, column in (("bank", scores.bank), ("oracle", scores.oracle)):
            self._transactions.labels(name).set(column.transactions)
            _set(self._card_precision.labels(name).set, column.card_precision)
            for (scenario, rule), cell in column.cells.items():
                if ALL in {scenario, rule}:
                    self._cell((name, scenario, rule), cell)
        self._unknown.labels("labels").set(scores.unknown_labels)
        self._unknown.labels("alerts").set(scores.unknown_alerts)
        self._unreadable.set(unreadable)

    def _cell(self, of: tuple[str, str, str], cell: Cell) -> None:
        for by, caught in (("transaction", cell.transactions), ("card", cell.cards)):
            _set(self._shares["precision"].labels(*of, by).set, caught.precision)
            _set(self._shares["recall"].labels(*of, by).set, caught.recall)
        self._alerts.labels(*of).set(cell.alerts)
        self._false.labels(*of).set(cell.transactions.false)
        self._caught.labels(*of).set(cell.money_caught_minor)
        self._lost.labels(*of).set(cell.money_lost_minor)
        _set(self._wait.labels(*of).set, cell.detect_median_s)


def _set(gauge: Callable[[float], None], value: float | None) -> None:
    if value is not None:
        gauge(value)
