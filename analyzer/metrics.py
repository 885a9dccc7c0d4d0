"""What the analyzer counts, for `/metrics`. Counters are of this process; the durable ones are in the states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

FloatArray = NDArray[np.floating[Any]]

_FAST = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_SLOW = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Durations(Collector):
    """A histogram that takes many observations at once: one by one they cost as much as judging does."""

    def __init__(self, name: str, help_: str, buckets: Sequence[float]) -> None:
        """Count into `buckets`, upper bounds in seconds, ascending, and one without bound."""
        self._name, self._help, self._bounds = name, help_, np.array(buckets)
        self._counts = np.zeros(len(buckets) + 1, dtype=np.int64)
        self._sum = 0.0

    def observe(self, seconds: FloatArray) -> None:
        """Count n durations."""
        self._counts += np.bincount(np.searchsorted(self._bounds, seconds), minlength=len(self._counts))
        self._sum += float(seconds.sum())

    def collect(self) -> Iterable[Metric]:
        """Return what is counted, as Prometheus takes it."""
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        buckets = list(zip(names, map(float, np.cumsum(self._counts)), strict=True))
        yield HistogramMetricFamily(self._name, self._help, buckets=buckets, sum_value=self._sum)


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
        self.judge_seconds = self.histogram("judge_seconds", "Time to decode and judge a batch", _FAST)
        self.settle_seconds = self.histogram("settle_seconds", "Time until a checkpoint is in Kafka", _SLOW)
        self.states = self.counter("states", "States written at checkpoints")
        self.state_bytes = self.counter("state_bytes", "Bytes of these states")
        self.latency_seconds = Durations(
            f"{self.prefix}_latency_seconds",
            "From the record's own timestamp until what it has to tell is in Kafka",
            _SLOW,
        )
        registry.register(self.latency_seconds)

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
