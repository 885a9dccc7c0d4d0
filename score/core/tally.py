"""Counts facts as they come, in any order and any number of times, and says at any moment what they come to.

Kept is what the figures need: all fraud, all that was flagged, and the labels of both. Every figure is a function of
the set of facts, so a stream that is read again, in another order or by another process gives the same scores.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from score.core.evidence import Evidence, figures
from score.core.facts import Alert, Fact, Happened, Kind, Label
from score.core.known import InMemory, Known
from score.core.scores import Scores

T = TypeVar("T")

TOP_K: Final = 10
"""Cards that an investigator can look at in a day, unless told otherwise."""


class Tally:
    """The facts so far."""

    def __init__(self, known: Known | None = None) -> None:
        """Start without facts; `known` remembers transactions and labels, unless given in memory."""
        self._known = InMemory() if known is None else known
        self._alerts: dict[Kind, dict[str, Alert]] = {Kind.ALERT: {}, Kind.SHADOW: {}}
        self._labels: dict[str, Label] = {}
        self._truth: dict[str, Label] = {}
        self._unseen: set[str] = set()
        """Ids of transactions that something was said of, and that haven't happened."""
        self._releases_ms, self._events_ms = array("q"), array("q")
        self.transactions = 0
        self.labels = 0
        self.clock_ms = 0
        """The virtual clock: the largest event time of a transaction."""

    @property
    def alerts(self) -> int:
        """How many transactions were flagged."""
        return len(self._alerts[Kind.ALERT])

    def take_all(self, facts: Iterable[Fact]) -> None:
        """Take facts in."""
        for fact in facts:
            self.take(fact)

    def take(self, fact: Fact) -> None:
        """Take a fact in; one that is known changes nothing."""
        if isinstance(fact, Happened):
            self._happened(fact)
        elif isinstance(fact, Label):
            self._labelled(fact)
        elif isinstance(fact, Alert):
            self._flagged(fact)
        else:
            self._truth.setdefault(fact.label.transaction_id, fact.label)
            self._see(fact.label.transaction_id)

    def _happened(self, fact: Happened) -> None:
        if self._known.happened(fact):
            self.transactions += 1
            self.clock_ms = max(self.clock_ms, fact.event_ms)
            self._unseen.discard(fact.transaction_id)

    def _labelled(self, label: Label) -> None:
        if not self._known.labelled(label):
            return
        self.labels += 1
        self._releases_ms.append(label.release_ms)
        self._events_ms.append(label.event_ms)
        self._see(label.transaction_id)
        if label.fraud or self._is_flagged(label.transaction_id):
            self._labels[label.transaction_id] = label

    def _is_flagged(self, transaction_id: str) -> bool:
        return transaction_id in self._alerts[Kind.ALERT] or transaction_id in self._alerts[Kind.SHADOW]

    def _flagged(self, alert: Alert) -> None:
        flagged, name = self._alerts[alert.kind], alert.transaction_id
        before = flagged.get(name)
        flagged[name] = alert if before is None else before.merged(alert)
        if before is None:
            self._see(name)
            label = self._known.label(name)
            if label is not None:
                self._labels[name] = label

    def _see(self, transaction_id: str) -> None:
        if not self._known.has(transaction_id):
            self._unseen.add(transaction_id)

    def scores(self, top_k: int = TOP_K) -> Scores:
        """Return what the facts come to; `top_k`: cards that can be looked at in a day."""
        return Scores(
            bank=figures(self._bank(), top_k),
            oracle=figures(self._oracle(), top_k),
            clock_ms=self.clock_ms,
            unknown_labels=len(self._unknown_labels()),
            unknown_alerts=len(self._unseen & self._alerts[Kind.ALERT].keys()),
        )

    def _oracle(self) -> Evidence:
        frauds = {name: label for name, label in self._labels.items() if label.fraud} | self._truth
        return Evidence(
            frauds=self._seen(frauds),
            alerts=self._seen(self._alerts[Kind.ALERT]),
            shadows=self._seen(self._alerts[Kind.SHADOW]),
            transactions=self.transactions,
            last_ms=self.clock_ms,
        )

    def _bank(self) -> Evidence:
        times_ms = zip(self._releases_ms, self._events_ms, strict=True)
        events_ms = array("q", (event_ms for release_ms, event_ms in times_ms if release_ms <= self.clock_ms))
        unknown = sum(label.release_ms <= self.clock_ms for label in self._unknown_labels())
        told = {name: label for name, label in self._labels.items() if label.release_ms <= self.clock_ms}
        alerts = self._seen(self._alerts[Kind.ALERT])
        judged = [alert for alert in alerts if alert.transaction_id in told]
        return Evidence(
            frauds=[label for label in self._seen(told) if label.fraud],
            alerts=judged,
            shadows=[each for each in self._seen(self._alerts[Kind.SHADOW]) if each.transaction_id in told],
            transactions=len(events_ms) - unknown,
            last_ms=min(self.clock_ms, max(events_ms, default=0)),
            waiting=len(alerts) - len(judged),
        )

    def _seen(self, facts: Mapping[str, T]) -> list[T]:
        return [fact for name, fact in facts.items() if name not in self._unseen]

    def _unknown_labels(self) -> list[Label]:
        return [label for name in self._unseen if (label := self._known.label(name)) is not None]
