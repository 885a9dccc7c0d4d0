"""Sends records to Kafka: the only file of the producer that knows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producer.metrics import Metrics
from schemas.errors import UnavailableError
from schemas.kafka import client_set_up
from schemas.settings import KafkaSettings

Undelivered = Callable[[KafkaError, Message], None]
Failed = Callable[[KafkaError], None]

SILENCE_S: Final = 5.0
"""Records wait and none is acknowledged for so long: the broker counts as away."""
LOGGED_FAILURES: Final = 10
"""Failed deliveries that are logged one by one; all are counted."""


class Client(Protocol):
    """What is needed of confluent_kafka.Producer."""

    def produce(self, topic: str, value: bytes, key: bytes) -> None:
        """Queue a record; BufferError when the queue is full."""

    def poll(self, timeout: float) -> int:
        """Serve callbacks for so many seconds at most."""

    def flush(self, timeout: float) -> int:
        """Wait for the queue so many seconds at most; return how many records are left in it."""

    def __len__(self) -> int:
        """Return how many records are neither acknowledged nor told of as failed."""


Opener = Callable[[Failed, Undelivered], Client]
"""Takes the callback for errors of the client itself, and the one for each record that isn't delivered."""


def kafka_client(kafka: KafkaSettings, *, queue_messages: int, message_timeout_s: float) -> Opener:
    """Return what opens an idempotent producer."""
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
        "delivery.report.only.error": True,  # a call of Python for each record costs more than all of librdkafka
        "log_level": 0,  # what matters is told by callbacks and logged in one shape
    }

    def open_client(failed: Failed, undelivered: Undelivered) -> Client:
        with client_set_up():
            return Producer({**config, "error_cb": failed, "on_delivery": undelivered})

    return open_client


@dataclass(slots=True)
class Lane:
    """A topic's own client: what is neither waiting nor failed of what was queued was acknowledged."""

    topic: str
    client: Client
    queued: int = 0
    failed: int = 0

    @property
    def acknowledged(self) -> int:
        """How many records are; events of the client that wait to be served may hide some for a moment."""
        return self.queued - self.failed - len(self.client)


class Publisher:
    """Queues records, counts what becomes of them, and waits while the broker is slow."""

    def __init__(
        self,
        open_client: Opener,
        topics: Iterable[str],
        metrics: Metrics,
        *,
        stopping: Callable[[], bool],
        drain_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        """Open a client for each topic.

        Args:
            open_client: called with what is to be called back.
            topics: where records will go.
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
        self._lanes = {topic: self._lane(topic, open_client) for topic in topics}
        metrics.watch_queue(self._waiting)

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Queue a record, waiting for room; raises as `send_all`."""
        self.send_all(topic, (key,), (value,))

    def send_all(self, topic: str, keys: Iterable[bytes], values: Iterable[bytes]) -> None:
        """Queue records in order, waiting for room: some hundreds at once cost least.

        Raises:
            UnavailableError: the client can't go on, or there is no room in time after a stop.
        """
        lane = self._lanes[topic]
        if not self._waiting():
            self._heard_s = self._clock()
        self._check()
        produce = lane.client.produce
        try:
            for key, value in zip(keys, values, strict=True):
                try:
                    produce(topic, value, key)
                except BufferError:
                    self._wait_for_room(lane, key, value)
                lane.queued += 1
        except KafkaException as error:
            raise UnavailableError(f"the Kafka client refuses records: {error}; {self._state()}") from None
        self.serve()

    def serve(self, full: Lane | None = None) -> None:
        """Take notice of what was delivered and what wasn't; wait a moment for room in a full lane."""
        for lane in self._lanes.values():
            lane.client.poll(0.1 if lane is full else 0.0)
        self._count()
        waiting = self._waiting()
        if self.problem is None and waiting and self._clock() - self._heard_s > SILENCE_S:
            self.problem = f"the broker has acknowledged nothing for {SILENCE_S:g} s"
            self._log.warning("broker away", waiting=waiting, reason=self._reason or self.problem)

    def flush(self) -> None:
        """Wait until every record is acknowledged or has failed.

        Raises:
            UnavailableError: some weren't acknowledged.
        """
        for lane in self._lanes.values():
            while lane.client.flush(0.2) and not self._out_of_time():
                self.serve()
        self._count()
        left = self._waiting()
        self._metrics.failures.inc(left)
        self.failed += left
        if self.failed:
            raise UnavailableError(f"{self.failed} records were not acknowledged by Kafka: {self._state()}")

    def _lane(self, topic: str, open_client: Opener) -> Lane:
        def undelivered(error: KafkaError, message: Message) -> None:
            lane.failed += 1
            self._undelivered(topic, error, message)

        lane = Lane(topic, open_client(self._client_failed, undelivered))
        return lane

    def _wait_for_room(self, lane: Lane, key: bytes, value: bytes) -> None:
        while True:
            self.serve(lane)
            self._check()
            try:
                lane.client.produce(lane.topic, value, key)
            except BufferError:
                if self._out_of_time():
                    raise UnavailableError(f"no room for the last records: {self._state()}") from None
            else:
                return

    def _check(self) -> None:
        if self._fatal:
            raise UnavailableError(f"the Kafka client can't go on: {self._reason}; {self._state()}")

    def _count(self) -> None:
        heard = False
        for topic, lane in self._lanes.items():
            more = lane.acknowledged - self.acknowledged[topic]
            if more > 0:
                heard = True
                self.acknowledged[topic] += more
                self._metrics.acknowledged(topic, more)
        if heard:
            self._heard_s = self._clock()
            if self.problem is not None:
                self.problem = None
                self._log.info("broker back", waiting=self._waiting())

    def _waiting(self) -> int:
        return sum(len(lane.client) for lane in self._lanes.values())

    def _out_of_time(self) -> bool:
        if self._give_up_s is None and (self._fatal or self._stopping()):
            self._give_up_s = self._clock() + self._drain_timeout_s
        return self._give_up_s is not None and self._clock() > self._give_up_s

    def _state(self) -> str:
        waiting = f"{self._waiting()} still wait, {self.failed} failed"
        return f"{waiting} ({self._reason}). Is the broker well?" if self._reason else f"{waiting}. Is the broker well?"

    def _undelivered(self, topic: str, error: KafkaError, message: Message) -> None:
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


class FakeKafka:
    """Clients in memory, for tests: they acknowledge when they are polled, unless they are away."""

    def __init__(self, *, room: int = 1_000_000) -> None:
        """Let each client hold `room` records at most."""
        self.room = room
        self.away = False
        self.refuse: KafkaError | None = None
        """Why records fail that are answered from now on; None: they don't."""
        self.sent: list[tuple[str, bytes, bytes]] = []
        self.fail: Failed = lambda _: None

    def open(self, failed: Failed, undelivered: Undelivered) -> FakeClient:
        """Stand in for `kafka_client(...)`."""
        self.fail = failed
        return FakeClient(self, undelivered)


class FakeClient:
    """One of them."""

    def __init__(self, kafka: FakeKafka, undelivered: Undelivered) -> None:
        """Hold nothing."""
        self._kafka = kafka
        self._undelivered = undelivered
        self._waiting: list[Message] = []

    def produce(self, topic: str, value: bytes, key: bytes) -> None:
        """Record it, or say that there is no room."""
        if len(self._waiting) >= self._kafka.room:
            raise BufferError
        self._kafka.sent.append((topic, key, value))
        self._waiting.append(Message(topic=topic, key=key))

    def poll(self, timeout: float) -> int:  # noqa: ARG002 - the client's signature
        """Answer everything, unless away."""
        answered, self._waiting = ([], self._waiting) if self._kafka.away else (self._waiting, [])
        if self._kafka.refuse:
            for message in answered:
                self._undelivered(self._kafka.refuse, message)
        return len(answered)

    def flush(self, timeout: float) -> int:
        """Answer everything, unless away, and return what is left."""
        self.poll(timeout)
        return len(self)

    def __len__(self) -> int:
        """Return how many records are not answered."""
        return len(self._waiting)
