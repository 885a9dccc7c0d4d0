"""Sends records to Kafka: the only file of the producer that knows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producer.metrics import Metrics
from schemas.errors import UnavailableError
from schemas.kafka import client_set_up
from schemas.settings import KafkaSettings

Delivered = Callable[[KafkaError | None, Message], None]
Failed = Callable[[KafkaError], None]

SILENCE_S: Final = 5.0
"""Records wait and none is acknowledged for so long: the broker counts as away."""
LOGGED_FAILURES: Final = 10
"""Failed deliveries that are logged one by one; all are counted."""


class Client(Protocol):
    """What is needed of confluent_kafka.Producer."""

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Delivered) -> None:
        """Queue a record; BufferError when the queue is full."""

    def poll(self, timeout: float) -> int:
        """Serve callbacks for so many seconds at most."""

    def flush(self, timeout: float) -> int:
        """Wait for the queue so many seconds at most; return how many records are left in it."""

    def __len__(self) -> int:
        """Return how many records are not acknowledged."""


def kafka_client(kafka: KafkaSettings, *, queue_messages: int, message_timeout_s: float) -> Callable[[Failed], Client]:
    """Return what opens an idempotent producer whose own errors go to a callback."""
    config: dict[str, Any] = {
        **kafka.librdkafka(),
        "client.id": "cardwatch-producer",
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",  # the partition of a key that Java clients choose too
        "compression.type": "lz4",
        "linger.ms": 5,
        "message.timeout.ms": round(message_timeout_s * 1_000),
        "queue.buffering.max.messages": queue_messages,
        "log_level": 0,  # what matters is told by callbacks and logged in one shape
    }

    def open_client(failed: Failed) -> Client:
        with client_set_up():
            return Producer({**config, "error_cb": failed})

    return open_client


class Publisher:
    """Queues records, counts what becomes of them, and waits while the broker is slow."""

    def __init__(
        self,
        open_client: Callable[[Failed], Client],
        metrics: Metrics,
        *,
        stopping: Callable[[], bool],
        drain_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        """Open the client.

        Args:
            open_client: takes the callback for errors of the client itself.
            metrics: what is counted for others to see.
            stopping: whether the process was asked to end.
            drain_timeout_s: how long records may then still take, in seconds.
            clock: seconds that only grow.
        """
        self.acknowledged: Counter[str] = Counter()
        self.failed = 0
        self.problem: str | None = None
        """Why records don't get through just now; None: they do."""
        self._metrics = metrics
        self._stopping = stopping
        self._drain_timeout_s = drain_timeout_s
        self._clock = clock
        self._heard_s = clock()
        self._give_up_s: float | None = None
        self._reason = ""
        self._fatal = False
        self._log = structlog.get_logger()
        self._client = open_client(self._client_failed)
        metrics.watch_queue(self._client.__len__)

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Queue a record, waiting for room.

        Raises:
            UnavailableError: the client can't go on, or there is no room in time after a stop.
        """
        if not len(self._client):
            self._heard_s = self._clock()
        while True:
            if self._fatal:
                raise UnavailableError(f"the Kafka client can't go on: {self._reason}; {self._state()}")
            try:
                self._client.produce(topic, value, key, on_delivery=self._delivered)
            except BufferError:
                self.serve(0.1)
                if self._out_of_time():
                    raise UnavailableError(f"no room for the last records: {self._state()}") from None
            except KafkaException as error:
                raise UnavailableError(f"the Kafka client refuses records: {error}; {self._state()}") from None
            else:
                break
        self.serve()

    def serve(self, timeout_s: float = 0.0) -> None:
        """Take notice of what was delivered and what wasn't."""
        self._client.poll(timeout_s)
        if self.problem is None and len(self._client) and self._clock() - self._heard_s > SILENCE_S:
            self.problem = f"the broker has acknowledged nothing for {SILENCE_S:g} s"
            self._log.warning("broker away", waiting=len(self._client), reason=self._reason or self.problem)

    def flush(self) -> None:
        """Wait until every record is acknowledged or has failed.

        Raises:
            UnavailableError: some weren't acknowledged.
        """
        while self._client.flush(0.2) and not self._out_of_time():
            self.serve()
        left = len(self._client)
        self._metrics.failures.inc(left)
        self.failed += left
        if self.failed:
            raise UnavailableError(f"{self.failed} records were not acknowledged by Kafka: {self._state()}")

    def _out_of_time(self) -> bool:
        if self._give_up_s is None and (self._fatal or self._stopping()):
            self._give_up_s = self._clock() + self._drain_timeout_s
        return self._give_up_s is not None and self._clock() > self._give_up_s

    def _state(self) -> str:
        waiting = f"{len(self._client)} still wait, {self.failed} failed"
        return f"{waiting} ({self._reason}). Is the broker well?" if self._reason else f"{waiting}. Is the broker well?"

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        topic = message.topic() or ""
        if error is None:
            self.acknowledged[topic] += 1
            self._metrics.acknowledged(topic)
            self._heard_s = self._clock()
            if self.problem is not None:
                self.problem = None
                self._log.info("broker back", waiting=len(self._client))
            return
        self.failed += 1
        self._reason = error.str()
        self._metrics.failures.inc()
        if self.failed <= LOGGED_FAILURES:
            key = (message.key() or b"").decode(errors="replace")
            self._log.error("delivery failed", topic=topic, key=key, reason=self._reason)

    def _client_failed(self, error: KafkaError) -> None:
        self._reason = error.str()
        self._fatal = self._fatal or error.fatal()
        self._log.debug("kafka client", reason=self._reason, fatal=error.fatal())


class FakeClient:
    """A client in memory, for tests: it acknowledges when it is polled, unless it is away."""

    def __init__(self, *, room: int = 1_000_000) -> None:
        """Hold `room` records at most."""
        self.room = room
        self.away = False
        self.refuse: KafkaError | None = None
        """Why records fail that are answered from now on; None: they don't."""
        self.sent: list[tuple[str, bytes, bytes]] = []
        self._waiting: list[tuple[Message, Delivered]] = []
        self.fail: Failed = lambda _: None

    def open(self, failed: Failed) -> FakeClient:
        """Stand in for `kafka_client(...)`."""
        self.fail = failed
        return self

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Delivered) -> None:
        """Record it, or say that there is no room."""
        if len(self._waiting) >= self.room:
            raise BufferError
        self.sent.append((topic, key, value))
        self._waiting.append((Message(topic=topic, key=key), on_delivery))

    def poll(self, timeout: float) -> int:  # noqa: ARG002 - the client's signature
        """Answer everything, unless away."""
        answered, self._waiting = ([], self._waiting) if self.away else (self._waiting, [])
        for message, on_delivery in answered:
            on_delivery(self.refuse, message)
        return len(answered)

    def flush(self, timeout: float) -> int:
        """Answer everything, unless away, and return what is left."""
        self.poll(timeout)
        return len(self)

    def __len__(self) -> int:
        """Return how many records are not answered."""
        return len(self._waiting)
