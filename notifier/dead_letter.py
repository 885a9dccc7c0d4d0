"""Records that can't be used go, byte for byte and with the reason, to the dead-letter topic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from notifier.envelope import Record
from schemas.dead_letter import Header, Origin, dead_letter_topic, error_headers
from schemas.errors import BadRecordError, UnavailableError, UserError
from schemas.kafka import client_set_up
from schemas.settings import KafkaSettings

SERVICE: Final = "notifier"
_ACK_TIMEOUT_S: Final = 15.0
_MAX_BYTES: Final = 2 * 1024 * 1024
"""A letter is its record and what its headers say; records have 1 MB at most. topics.toml lets as much in."""


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
        place = f"{record.topic}[{record.partition}]@{record.offset}"
        self._outbox.put(topic, record.key, record.value, headers, place=place, timestamp_ms=record.timestamp_ms)


class Outbox:
    """Writes records one by one, each acknowledged before the next step. Safe for threads."""

    def __init__(self, kafka: KafkaSettings) -> None:
        """Connect when the first record is written."""
        config = {
            "enable.idempotence": True,
            "message.timeout.ms": int(_ACK_TIMEOUT_S * 1000),
            "message.max.bytes": _MAX_BYTES,
            "log_level": 0,
        }
        with client_set_up():
            self._producer = Producer({**kafka.librdkafka(), **config})

    def put(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[Header],
        *,
        place: str,
        partition: int = -1,
        timestamp_ms: int | None = None,
    ) -> None:
        """Write a record and wait until the broker has it.

        Args:
            topic: where to.
            key: its key.
            value: its value.
            headers: its headers, in order.
            place: where it was read, for messages.
            partition: number of the partition; -1: by the key.
            timestamp_ms: ms since 1970; None: now.

        Raises:
            UserError: it is too large for the topic.
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
        except KafkaException as error:
            raise _refusal(error.args[0], topic, place) from error
        except BufferError as error:
            raise UnavailableError(f"topic {topic} can't be written: {error}") from error
        if not reports:
            raise UnavailableError(f"topic {topic} did not acknowledge the record of {place}: timeout")
        if reports[0] is not None:
            raise _refusal(reports[0], topic, place)


def _refusal(error: KafkaError, topic: str, place: str) -> UserError | UnavailableError:
    """Tell a record that will never fit from a broker that is away."""
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return UserError(
            f"the record of {place} is too large for topic {topic}:"
            f" set its max.message.bytes to {_MAX_BYTES} and start again"
        )
    return UnavailableError(f"topic {topic} did not acknowledge the record of {place}: {error.str()}")
