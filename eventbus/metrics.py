"""Counters under the names that EventBridge gives them in CloudWatch. Latencies are milliseconds, as there.

Source: EventBridge user guide, "Monitoring Amazon EventBridge".
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from eventbus.arn import DEFAULT_BUS, parse

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_LATENCIES_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000, 600_000, 86_400_000)
_OF_BUS: Final = {
    "MatchedEvents": "Events that matched at least one rule",
    "PutEventsEntriesCount": "Entries that PutEvents was given",
    "PutEventsFailedEntriesCount": "Entries that PutEvents refused",
}
_OF_RULE: Final = {
    "TriggeredRules": "Events that the rule matched",
    "InvocationsCreated": "Deliveries that the rule made: one for each target",
    "Invocations": "Deliveries that came to their end, delivered or failed",
    "InvocationAttempts": "Attempts to deliver, first ones and retries",
    "SuccessfulInvocationAttempts": "Attempts that delivered",
    "RetryInvocationAttempts": "Attempts after a first one",
    "FailedInvocations": "Deliveries that failed for good",
    "ThrottledRules": "Times that a target's rate limit held deliveries back",
    "InvocationsSentToDlq": "Events sent to a dead-letter queue",
    "InvocationsFailedToBeSentToDlq": "Events that a dead-letter queue didn't take",
}
_LATENCIES: Final = {
    "IngestionToInvocationStartLatency": "From acceptance to the first attempt, in milliseconds",
    "IngestionToInvocationSuccessLatency": "From acceptance to delivery, in milliseconds",
}


class RuleMeter:
    """Counts for one rule."""

    def __init__(self, metrics: Metrics, bus: str, rule: str) -> None:
        """Find the rule's own series once: this is counted in for each event."""
        labels = {"EventBusName": bus, "RuleName": rule}
        self._count = {name: counter.labels(**labels) for name, counter in metrics.of_rule.items()}
        self._latency = {name: histogram.labels(**labels) for name, histogram in metrics.latencies.items()}

    def matched(self, targets: int) -> None:
        """Count an event that the rule matched."""
        self._count["TriggeredRules"].inc()
        self._count["InvocationsCreated"].inc(targets)

    def attempted(self, count: int, retries: int) -> None:
        """Count attempts to deliver."""
        self._count["InvocationAttempts"].inc(count)
        if retries:
            self._count["RetryInvocationAttempts"].inc(retries)

    def started(self, latency_ms: int) -> None:
        """Note a first attempt."""
        self._latency["IngestionToInvocationStartLatency"].observe(latency_ms)

    def delivered(self, latency_ms: int) -> None:
        """Count a delivery that succeeded."""
        self._count["SuccessfulInvocationAttempts"].inc()
        self._count["Invocations"].inc()
        self._latency["IngestionToInvocationSuccessLatency"].observe(latency_ms)

    def failed(self) -> None:
        """Count a delivery that failed for good."""
        self._count["FailedInvocations"].inc()
        self._count["Invocations"].inc()

    def throttled(self) -> None:
        """Count a wait for a rate limit."""
        self._count["ThrottledRules"].inc()

    def dead_lettered(self) -> None:
        """Count an event that a dead-letter queue took."""
        self._count["InvocationsSentToDlq"].inc()

    def burial_failed(self) -> None:
        """Count an event that a dead-letter queue didn't take."""
        self._count["InvocationsFailedToBeSentToDlq"].inc()


class Metrics:
    """All counters, in a registry of their own."""

    def __init__(self) -> None:
        """Make them, at nought."""
        self.registry = CollectorRegistry()
        by_rule = ("EventBusName", "RuleName")
        self.of_bus = {
            name: Counter(name, says, ("EventBusName",), registry=self.registry) for name, says in _OF_BUS.items()
        }
        self.of_rule = {name: Counter(name, says, by_rule, registry=self.registry) for name, says in _OF_RULE.items()}
        self.latencies = {
            name: Histogram(name, says, by_rule, buckets=_LATENCIES_MS, registry=self.registry)
            for name, says in _LATENCIES.items()
        }
        self._calls = Counter("PutEventsApproximateCallCount", "Calls of PutEvents", registry=self.registry)
        self._failed_calls = Counter(
            "PutEventsApproximateFailedCount", "Calls of PutEvents that failed as a whole", registry=self.registry
        )
        self._put_latency = Histogram(
            "PutEventsLatency",
            "Time of a PutEvents call, in milliseconds",
            buckets=_LATENCIES_MS,
            registry=self.registry,
        )
        self._put_size = Counter("PutEventsRequestSize", "Bytes of PutEvents requests", registry=self.registry)
        self._rules: dict[str, RuleMeter] = {}

    def rule(self, rule_arn: str) -> RuleMeter:
        """Return the counts of a rule."""
        found = self._rules.get(rule_arn)
        if found is None:
            found = self._rules[rule_arn] = RuleMeter(self, *names(rule_arn))
        return found

    def matched(self, bus_arn: str, count: int) -> None:
        """Count events of a bus that matched at least one rule."""
        self.of_bus["MatchedEvents"].labels(bus_name(bus_arn)).inc(count)

    def put_events(self, *, size: int, latency_ms: float) -> None:
        """Count a call of PutEvents that was answered."""
        self._calls.inc()
        self._put_size.inc(size)
        self._put_latency.observe(latency_ms)

    def put_events_failed(self) -> None:
        """Count a call of PutEvents that failed as a whole."""
        self._calls.inc()
        self._failed_calls.inc()

    def entries(self, bus: str, count: int, failed: int) -> None:
        """Count entries of PutEvents for the bus of that name."""
        self.of_bus["PutEventsEntriesCount"].labels(bus).inc(count)
        if failed:
            self.of_bus["PutEventsFailedEntriesCount"].labels(bus).inc(failed)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self.registry)


def bus_name(bus_arn: str) -> str:
    """Return the name in the ARN of a bus."""
    found = parse(bus_arn)
    return found.name if found else bus_arn


def names(rule_arn: str) -> tuple[str, str]:
    """Return the names of the bus and the rule in a rule's ARN."""
    found = parse(rule_arn)
    bus, _, rule = (found.name if found else rule_arn).rpartition("/")
    return bus or DEFAULT_BUS, rule
