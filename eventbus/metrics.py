"""Counters under the names that EventBridge gives them in CloudWatch. Latencies are milliseconds, as there.

Counting is adding to an integer: it is done for each event. The Prometheus client makes series of the integers
when it is asked for them. Source of the names: EventBridge user guide, "Monitoring Amazon EventBridge".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from eventbus.arn import DEFAULT_BUS, parse

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_LIMITS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000, 600_000, 86_400_000)
_BUS_LABELS: Final = ("EventBusName",)
_RULE_LABELS: Final = ("EventBusName", "RuleName")


@dataclass(slots=True)
class Latencies:
    """How many took how long."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_LIMITS_MS) + 1))
    total_ms: float = 0.0

    def add(self, latency_ms: float) -> None:
        """Count one."""
        self.counts[bisect_left(_LIMITS_MS, latency_ms)] += 1
        self.total_ms += latency_ms

    def buckets(self) -> list[tuple[str, float]]:
        """Return the counts up to each limit, as Prometheus has them."""
        limits = [*(f"{limit:.1f}" for limit in _LIMITS_MS), "+Inf"]
        return list(zip(limits, map(float, accumulate(self.counts)), strict=True))


@dataclass(slots=True)
class RuleMeter:
    """Counts of one rule since the start."""

    triggered: int = 0
    created: int = 0
    attempts: int = 0
    retries: int = 0
    delivered: int = 0
    failed: int = 0
    throttled: int = 0
    dead_lettered: int = 0
    not_dead_lettered: int = 0
    start: Latencies = field(default_factory=Latencies)
    success: Latencies = field(default_factory=Latencies)

    @property
    def ended(self) -> int:
        """Deliveries that came to their end."""
        return self.delivered + self.failed


@dataclass(slots=True)
class BusMeter:
    """Counts of one bus since the start."""

    matched: int = 0
    entries: int = 0
    failed_entries: int = 0


@dataclass(slots=True)
class PutMeter:
    """Counts of PutEvents since the start."""

    calls: int = 0
    failed_calls: int = 0
    bytes: int = 0
    latency: Latencies = field(default_factory=Latencies)


_OF_RULE: Final = {
    "TriggeredRules": ("triggered", "Events that the rule matched"),
    "InvocationsCreated": ("created", "Deliveries that the rule made: one for each of its targets"),
    "Invocations": ("ended", "Deliveries that came to their end, delivered or failed"),
    "InvocationAttempts": ("attempts", "Attempts to deliver: first ones and retries"),
    "SuccessfulInvocationAttempts": ("delivered", "Attempts that delivered"),
    "RetryInvocationAttempts": ("retries", "Attempts after a first one"),
    "FailedInvocations": ("failed", "Deliveries that failed for good"),
    "ThrottledRules": ("throttled", "Times that a target's rate limit held deliveries back"),
    "InvocationsSentToDlq": ("dead_lettered", "Events sent to a dead-letter queue"),
    "InvocationsFailedToBeSentToDlq": ("not_dead_lettered", "Events that a dead-letter queue didn't take"),
}
_LATENCY_OF_RULE: Final = {
    "IngestionToInvocationStartLatency": ("start", "From acceptance to the first attempt, in milliseconds"),
    "IngestionToInvocationSuccessLatency": ("success", "From acceptance to delivery, in milliseconds"),
}
_OF_BUS: Final = {
    "MatchedEvents": ("matched", "Events that matched at least one rule"),
    "PutEventsEntriesCount": ("entries", "Entries that PutEvents was given"),
    "PutEventsFailedEntriesCount": ("failed_entries", "Entries that PutEvents refused"),
}
_OF_PUT: Final = {
    "PutEventsApproximateCallCount": ("calls", "Calls of PutEvents"),
    "PutEventsApproximateFailedCount": ("failed_calls", "Calls of PutEvents that failed as a whole"),
    "PutEventsRequestSize": ("bytes", "Bytes of the entries of PutEvents"),
}


class Metrics(Collector):
    """All counts, in a registry of their own."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.put = PutMeter()
        self._rules: dict[tuple[str, ...], RuleMeter] = {}
        self._buses: dict[tuple[str, ...], BusMeter] = {}
        self._rule_of: dict[str, RuleMeter] = {}
        self._bus_of: dict[str, BusMeter] = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def rule(self, rule_arn: str) -> RuleMeter:
        """Return the counts of a rule; those of its name in other accounts and regions are the same."""
        found = self._rule_of.get(rule_arn)
        if found is None:
            found = self._rule_of[rule_arn] = self._rules.setdefault(names(rule_arn), RuleMeter())
        return found

    def bus(self, bus_arn: str) -> BusMeter:
        """Return the counts of a bus that is there: names that callers make up would grow without end."""
        found = self._bus_of.get(bus_arn)
        if found is None:
            found = self._bus_of[bus_arn] = self._buses.setdefault((bus_name(bus_arn),), BusMeter())
        return found

    def forget_rule(self, rule_arn: str) -> None:
        """Drop the counts of a rule that is gone, unless one of the same name has a part in them."""
        meter = self._rule_of.pop(rule_arn, None)
        if meter and not any(each is meter for each in self._rule_of.values()):
            self._rules.pop(names(rule_arn), None)

    def forget_bus(self, bus_arn: str) -> None:
        """Drop the counts of a bus that is gone, as those of a rule."""
        meter = self._bus_of.pop(bus_arn, None)
        if meter and not any(each is meter for each in self._bus_of.values()):
            self._buses.pop((bus_name(bus_arn),), None)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self.registry)

    def collect(self) -> Iterable[Metric]:
        """Return all of it as the Prometheus client has it; the event loop may go on counting meanwhile."""
        rules, buses = list(self._rules.items()), list(self._buses.items())
        for name, (attribute, says) in _OF_RULE.items():
            yield _counter(name, says, _RULE_LABELS, [(key, getattr(meter, attribute)) for key, meter in rules])
        for name, (attribute, says) in _OF_BUS.items():
            yield _counter(name, says, _BUS_LABELS, [(key, getattr(meter, attribute)) for key, meter in buses])
        for name, (attribute, says) in _OF_PUT.items():
            yield _counter(name, says, (), [((), getattr(self.put, attribute))])
        for name, (attribute, says) in _LATENCY_OF_RULE.items():
            yield _histogram(name, says, _RULE_LABELS, [(key, getattr(meter, attribute)) for key, meter in rules])
        yield _histogram("PutEventsLatency", "Time of a PutEvents call, in milliseconds", (), [((), self.put.latency)])


def _counter(name: str, says: str, labels: Sequence[str], series: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = CounterMetricFamily(name, says, labels=labels)
    for key, value in series:
        family.add_metric(key, value)
    return family


def _histogram(
    name: str, says: str, labels: Sequence[str], series: Iterable[tuple[Sequence[str], Latencies]]
) -> Metric:
    family = HistogramMetricFamily(name, says, labels=labels)
    for key, latencies in series:
        family.add_metric(key, latencies.buckets(), latencies.total_ms)
    return family


def bus_name(bus_arn: str) -> str:
    """Return the name in the ARN of a bus."""
    found = parse(bus_arn)
    return found.name if found else bus_arn


def names(rule_arn: str) -> tuple[str, str]:
    """Return the names of the bus and the rule in a rule's ARN."""
    found = parse(rule_arn)
    bus, _, rule = (found.name if found else rule_arn).rpartition("/")
    return bus or DEFAULT_BUS, rule
