"""The producer as a process: health, signals, pace, and a publisher that is emptied before it ends."""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from prometheus_client import REGISTRY

from producer import flow
from producer.batch import Batch
from producer.metrics import Metrics
from producer.pace import Pace, Schedule
from producer.publish import Publisher, kafka_client
from producer.settings import ProducerSettings
from schemas import logs, topics
from schemas.ops import serve_ops
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, load

LOOK_S: Final = 0.5
"""While nothing is due, the broker's answers are looked at so often."""
NOISY: Final = ("botocore", "uvicorn")
GARBAGE_AFTER: Final = 50_000
"""Objects made and not freed, after which Python looks for cycles among them. After its own 700 it would look many
times in each day of purchases, of which none is in a cycle."""

Due = tuple[int | None, tuple[str, bytes, bytes]]
"""Event time in ms of what waits for its time, None for what goes out at once; then topic, key and value."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is running."""

    publisher: Publisher
    registry: GlueRegistry
    stop: threading.Event

    def publish(self, records: Iterable[Due], schedule: Schedule, **about: Any) -> None:
        """Send the records when they are due, wait until all are acknowledged, and log how many were.

        Raises:
            UnavailableError: some weren't.
        """
        with self._told(about):
            pace = self._pace(schedule)
            for event_ms, record in records:
                if event_ms is not None:
                    pace.wait(event_ms)
                self.publisher.send(*record)

    def publish_batches(self, batches: Iterable[Batch], schedule: Schedule, **about: Any) -> None:
        """Do the same for batches, until a stop; raises as `publish`."""
        with self._told(about):
            flow.send(batches, self.publisher, self._pace(schedule), self.stop.is_set)

    def _pace(self, schedule: Schedule) -> Pace:
        return Pace(schedule, time.monotonic, _rest(self.stop, self.publisher))

    @contextmanager
    def _told(self, about: dict[str, Any]) -> Iterator[None]:
        """Log what is begun, and after the last acknowledgement what was done."""
        began_s, log, publisher = time.monotonic(), structlog.get_logger(), self.publisher
        log.info("started", **about)
        try:
            yield
        finally:
            try:
                publisher.flush()
            finally:
                log.info(
                    "done",
                    transactions=publisher.acknowledged[topics.TRANSACTIONS],
                    labels=publisher.acknowledged[topics.LABELS],
                    oracle=publisher.acknowledged[topics.ORACLE],
                    failed=publisher.failed,
                    seconds=round(time.monotonic() - began_s, 3),
                )


@contextmanager
def running(settings: ProducerSettings, *names: str) -> Iterator[Service]:
    """Answer /health and /metrics, wait for the broker and the topics, and stop on signals.

    Raises:
        UserError, UnavailableError: it can't begin.
    """
    gc.set_threshold(GARBAGE_AFTER)
    kafka, stop = load(KafkaSettings), threading.Event()
    logs.configure("producer", load(LogSettings))
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    publishers: list[Publisher] = []
    with serve_ops(settings.ops_host, settings.ops_port, lambda: _problem(publishers)) as port:
        structlog.get_logger().info("ops", host=settings.ops_host, port=port)
        topics.require(kafka, *names)
        registry = GlueRegistry.connect(load(RegistrySettings))
        publisher = Publisher(
            kafka_client(kafka, queue_messages=settings.queue_messages, message_timeout_s=settings.message_timeout_s),
            names,
            Metrics(REGISTRY),
            stopping=stop.is_set,
            drain_timeout_s=settings.drain_timeout_s,
            clock=time.monotonic,
        )
        publishers.append(publisher)
        _stop_on_signals(stop)
        yield Service(publisher, registry, stop)


def _problem(publishers: list[Publisher]) -> str | None:
    return publishers[0].problem if publishers else "waiting for Kafka or the schema registry"


def _rest(stop: threading.Event, publisher: Publisher) -> Callable[[float], None]:
    def rest(seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while not stop.is_set() and (left_s := until_s - time.monotonic()) > 0:
            publisher.serve()
            stop.wait(min(left_s, LOOK_S))

    return rest


def _stop_on_signals(stop: threading.Event) -> None:
    """End in order at the first SIGTERM or Ctrl-C, at once at the second."""

    def handler(_number: int, _frame: object) -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
