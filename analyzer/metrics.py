"""What the analyzer counts, for `/metrics`. Counters are of this process; the durable ones are in the card states."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

_PREFIX = "cardwatch_analyzer"
_FAST = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)
_SLOW = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The counters and histograms, registered once."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Register them in `registry`."""

        def counter(name: str, help_: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(f"{_PREFIX}_{name}", help_, labels, registry=registry)

        self.judged = counter("judged", "Transactions judged")
        self.flagged = counter("flagged", "Transactions flagged")
        self.findings = counter("findings", "Findings in flagged transactions, by detection rule", ("rule",))
        self.shadow_findings = counter(
            "shadow_findings",
            "Findings of rules in the shadow where they would be flagged, by detection rule",
            ("rule",),
        )
        self.late = counter("late", "Records skipped because they came later than the allowed lateness")
        self.duplicates = counter("duplicates", "Records skipped because their transaction was already counted")
        self.replayed = counter("replayed", "Records read again that their card's state contains already")
        self.dead_letters = counter("dead_letters", "Records sent to the dead-letter topic")
        self.judge_seconds = Histogram(
            f"{_PREFIX}_judge_seconds", "Time to decode and judge a record", buckets=_FAST, registry=registry
        )
        self.settle_seconds = Histogram(
            f"{_PREFIX}_settle_seconds", "Time until a batch's results are in Kafka", buckets=_SLOW, registry=registry
        )
        self.latency_seconds = Histogram(
            f"{_PREFIX}_latency_seconds",
            "From the record's own timestamp until its results are in Kafka",
            buckets=_SLOW,
            registry=registry,
        )
