"""What the notifier counts and times, for Prometheus."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from notifier.deliver import Watch
from notifier.envelope import Record
from schemas.errors import BadRecordError

_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics(Watch):
    """The figures, and since when the sink has been failing. Safe for threads."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        """Register the figures; `clock` counts seconds."""
        self._clock = clock
        self._log = structlog.get_logger("notifier.deliver")
        self._lock = threading.Lock()
        self._failing_since: float | None = None
        self.records = Counter("cardwatch_notifier_records", "records read", registry=registry)
        self.entries_put = Counter("cardwatch_notifier_entries_put", "entries the sink accepted", registry=registry)
        self.retries = Counter("cardwatch_notifier_retries", "entries put again", registry=registry)
        self.dead_letters = Counter("cardwatch_notifier_dead_letters", "records given up", registry=registry)
        self.in_flight = Gauge("cardwatch_notifier_in_flight", "calls to the sink under way", registry=registry)
        self.put_seconds = Histogram(
            "cardwatch_notifier_put_seconds", "time of a call to the sink", buckets=_BUCKETS, registry=registry
        )

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count and time a call while the body runs."""
        with self.in_flight.track_inprogress(), self.put_seconds.time():
            yield

    def answered(self, accepted: int) -> None:
        """The sink works."""
        self.entries_put.inc(accepted)
        with self._lock:
            self._failing_since = None

    def retried(self, entries: int, reason: str) -> None:
        """The sink fails, for now."""
        self.retries.inc(entries)
        with self._lock:
            self._failing_since = self._clock() if self._failing_since is None else self._failing_since
        self._log.warning("put again later", entries=entries, reason=reason)

    def dead_letter(self, record: Record, error: BadRecordError) -> None:
        """A record was given up."""
        self.dead_letters.inc()
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        self._log.warning("dead letter", **place, reason=error.reason)

    def failing_s(self) -> float:
        """Return for how long the sink has been failing, in s; 0 when it isn't."""
        with self._lock:
            return 0.0 if self._failing_since is None else self._clock() - self._failing_since
