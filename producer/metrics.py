"""What the producer tells Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from schemas.topics import LABELS, ORACLE, TRANSACTIONS


class Metrics:
    """Counters of records that the broker has acknowledged or not, and what still waits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register under `cardwatch_producer_`."""
        prefix = "cardwatch_producer_"
        transactions = Counter(f"{prefix}transactions", "Transactions that Kafka acknowledged", registry=registry)
        labels = Counter(f"{prefix}labels", "Labels that Kafka acknowledged", registry=registry)
        oracle = Counter(f"{prefix}oracle", "Truths told at once that Kafka acknowledged", registry=registry)
        self._acknowledged = {TRANSACTIONS: transactions, LABELS: labels, ORACLE: oracle}
        self.failures = Counter(f"{prefix}delivery_failures", "Records that were given up", registry=registry)
        self._queue = Gauge(f"{prefix}queue_messages", "Records not acknowledged so far", registry=registry)

    def acknowledged(self, topic: str, records: int) -> None:
        """Count records."""
        self._acknowledged[topic].inc(records)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Ask `length` whenever the queue's length is wanted."""
        self._queue.set_function(length)
