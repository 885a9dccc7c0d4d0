"""What the analyzer counts, for `/metrics`. Counters are of this process; the durable ones are in the states."""

from __future__ import annotations

from typing import ClassVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

_FAST = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)
_SLOW = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class StageMetrics:
    """The counters and histograms that each stage has, registered once."""

    prefix: ClassVar[str]

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Register them in `registry`."""
        self._registry = registry
        self.judged = self.counter("judged", "Records judged")
        self.flagged = self.counter("flagged", "Transactions flagged")
        self.findings = self.counter("findings", "Findings in flagged transactions, by detection rule", ("rule",))
        self.shadow_findings = self.counter(
            "shadow_findings",
            "Findings of rules in the shadow where they would be flagged, by detection rule",
            ("rule",),
        )
        self.late = self.counter("late", "Records skipped because they came later than the allowed lateness")
        self.duplicates = self.counter("duplicates", "Records skipped because their transaction was already counted")
        self.replayed = self.counter("replayed", "Records read again that the state contains already")
        self.dead_letters = self.counter("dead_letters", "Records sent to the dead-letter topic")
        self.judge_seconds = self.histogram("judge_seconds", "Time to decode and judge a record", _FAST)
        self.settle_seconds = self.histogram("settle_seconds", "Time until a batch's results are in Kafka", _SLOW)
        self.latency_seconds = self.histogram(
            "latency_seconds", "From the record's own timestamp until its results are in Kafka", _SLOW
        )

    def counter(self, name: str, help_: str, labels: tuple[str, ...] = ()) -> Counter:
        """Register a counter of the stage."""
        return Counter(f"{self.prefix}_{name}", help_, labels, registry=self._registry)

    def histogram(self, name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
        """Register a histogram of the stage."""
        return Histogram(f"{self.prefix}_{name}", help_, buckets=buckets, registry=self._registry)


class Metrics(StageMetrics):
    """Those of the card stage; its records are transactions."""

    prefix = "cardwatch_analyzer"

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Register them in `registry`."""
        super().__init__(registry)
        self.sighted = self.counter("sighted", "Transactions that the terminal stage is told of")


class TerminalMetrics(StageMetrics):
    """Those of the terminal stage; its records are sightings."""

    prefix = "cardwatch_analyzer_terminals"

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Register them in `registry`."""
        super().__init__(registry)
        self.forgotten = self.counter("forgotten", "Sightings dropped early, since a terminal had too many")
