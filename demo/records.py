"""Reading topics from their first record to their end.

The end is where the broker says so in its answer to a fetch. Its answer to ListOffsets is not used: on the
embedded broker it names the start of the last batch, plus one, and misses the rest of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from schemas.dead_letter import Header
from schemas.errors import UnavailableError
from schemas.settings import KafkaSettings

_TIMEOUT_S: Final = 30.0


def reader(kafka: KafkaSettings, group: str = "cardwatch-demo") -> Consumer:
    """Return a consumer that joins no group, commits nothing, and reports the end of each partition."""
    own: dict[str, Any] = {
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 100,
        "log_level": 0,
        "error_cb": lambda _: None,  # a broker that is away comes back, or its end is noticed elsewhere
    }
    return Consumer({**kafka.librdkafka(), **own})


def partitions(consumer: Consumer, topic: str) -> list[TopicPartition]:
    """Return the partitions of `topic` at their first record; empty when the topic doesn't exist."""
    found = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
    return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in found]


def is_end(message: Message) -> bool:
    """Say whether this is the report of a partition's end instead of a record.

    Raises:
        UnavailableError: it is the report of an error.
    """
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name in this library
        return True
    raise UnavailableError(f"topic {message.topic()} can't be read: {error.str()}")


def headers(message: Message) -> list[Header]:
    """Return the headers of a record as they are on the wire."""
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]


def read_to_end(kafka: KafkaSettings, topic: str, *, timeout_s: float = _TIMEOUT_S) -> Iterator[Message]:
    """Yield every record of `topic` up to the end of each partition as it is now.

    Raises:
        UnavailableError: nothing arrived for `timeout_s` seconds, and the end was not reached.
    """
    consumer = reader(kafka)
    try:
        assigned = partitions(consumer, topic)
        consumer.assign(assigned)
        left = {partition.partition for partition in assigned}
        deadline = time.monotonic() + timeout_s
        while left:
            for message in consumer.consume(1_000, timeout=0.2):
                deadline = time.monotonic() + timeout_s
                if is_end(message):
                    left.discard(message.partition() or 0)
                else:
                    yield message
            if time.monotonic() > deadline:
                raise UnavailableError(f"topic {topic} can't be read to its end: the broker is silent")
    finally:
        consumer.close()
