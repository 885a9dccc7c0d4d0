"""Records that can't be used go, byte for byte and with the reason, to the dead-letter topic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from notifier.envelope import Record
from schemas.dead_letter import Header, Origin, dead_letter_topic, error_headers
from schemas.errors import BadRecordError, UnavailableError
from schemas.settings import KafkaSettings

SERVICE: Final = "notifier"
_ACK_TIMEOUT_S: Final = 15.0


class DeadLetters(Protocol):
    """Where dead letters go."""

    def put(self, record: Record, error: BadRecordError) -> None:
        """Keep a record and why it was given up; return once it is safe.

        Raises:
            UnavailableError: it isn't, or nobody knows.
        """


@dataclass(slots=True)
class FakeDeadLetters:
    """Remembers dead letters, for tests; `away` counts down the times it fails."""

    put_away: list[tuple[Record, BadRecordError]] = field(default_factory=list)
    away: int = 0

    def put(self, record: Record, error: BadRecordError) -> None:
        """Remember."""
        if self.away:
            self.away -= 1
            raise UnavailableError("the broker is away")
        self.put_away.append((record, error))


class KafkaDeadLetters:
    """Dead letters in Kafka, beside the topic they come from."""

    def __init__(self, kafka: KafkaSettings) -> None:
        """Write to the cluster, all copies acknowledged."""
        self._outbox = Outbox(kafka)

    def put(self, record: Record, error: BadRecordError) -> None:
        """Write the letter and wait until the broker has it."""
        headers = error_headers(record.headers, Origin(record.topic, record.partition, record.offset), SERVICE, error)
        topic = dead_letter_topic(record.topic)
        self._outbox.put(topic, record.key, record.value, headers, timestamp_ms=record.timestamp_ms)


class Outbox:
    """Writes records one by one, each acknowledged before the next step. Safe for threads."""

    def __init__(self, kafka: KafkaSettings) -> None:
        """Connect when the first record is written."""
        config = {"enable.idempotence": True, "message.timeout.ms": int(_ACK_TIMEOUT_S * 1000), "log_level": 0}
        self._producer = Producer({**kafka.librdkafka(), **config})

    def put(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[Header],
        *,
        partition: int = -1,
        timestamp_ms: int | None = None,
    ) -> None:
        """Write a record and wait until the broker has it.

        Args:
            topic: where to.
            key: its key.
            value: its value.
            headers: its headers, in order.
            partition: number of the partition; -1: by the key.
            timestamp_ms: ms since 1970; None: now.

        Raises:
            UnavailableError: the broker did not acknowledge it.
        """
        reports: list[KafkaError | None] = []

        def report(error: KafkaError | None, _: Message) -> None:
            reports.append(error)

        try:
            self._producer.produce(
                topic,
                value,
                key,
                partition=partition,
                headers=list(headers),
                timestamp=timestamp_ms or 0,
                on_delivery=report,
            )
            self._producer.flush(_ACK_TIMEOUT_S + 5)
        except (KafkaException, BufferError) as error:
            raise UnavailableError(f"topic {topic} can't be written: {error}") from error
        if not reports or reports[0] is not None:
            raise UnavailableError(
                f"topic {topic} did not acknowledge a record: {reports[0] if reports else 'timeout'}"
            )
