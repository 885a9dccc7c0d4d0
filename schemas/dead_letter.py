"""Dead letters: the original record, byte for byte, with headers that say where it failed and why.

The headers are those that Kafka Connect writes (org.apache.kafka.connect.runtime.errors.
DeadLetterQueueReporter in Apache Kafka, KIP-298), so tools made for Connect read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.errors import BadRecordError

PREFIX: Final = "__connect.errors."
SUFFIX: Final = ".dlq"

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record stands: its topic, partition and offset."""

    topic: str
    partition: int
    offset: int


def dead_letter_topic(topic: str) -> str:
    """Return the name of the topic that takes the dead letters of `topic`."""
    return topic + SUFFIX


def error_headers(headers: Iterable[Header], origin: Origin, service: str, error: BadRecordError) -> list[Header]:
    """Return the record's own headers followed by the context of its failure.

    Args:
        headers: the original headers; context of an earlier failure is replaced.
        origin: where the record was read.
        service: who gave up on it: `analyzer`, `notifier`.
        error: why, and in which stage.
    """
    context = {
        "topic": origin.topic,
        "partition": str(origin.partition),
        "offset": str(origin.offset),
        "connector.name": service,
        "task.id": "0",
        "stage": error.stage,
        "class.name": f"{service}.{error.stage.lower()}",
        "exception.class.name": f"{type(error).__module__}.{type(error).__qualname__}",
        "exception.message": error.reason,
        "exception.stacktrace": f"{type(error).__qualname__}: {error.reason}",
    }
    return [*original_headers(headers), *((PREFIX + name, text.encode()) for name, text in context.items())]


def original_headers(headers: Iterable[Header]) -> list[Header]:
    """Return the headers without the context of a failure."""
    return [(name, value) for name, value in headers if not name.startswith(PREFIX)]


def origin(headers: Iterable[Header]) -> Origin | None:
    """Return where a dead letter came from, or None when its headers don't say."""
    found = {name.removeprefix(PREFIX): value for name, value in headers if name.startswith(PREFIX)}
    topic, partition, offset = found.get("topic"), found.get("partition"), found.get("offset")
    if topic is None or partition is None or offset is None:
        return None
    try:
        return Origin(topic.decode(), int(partition), int(offset))
    except ValueError:
        return None


def reason(headers: Iterable[Header]) -> str:
    """Return why a dead letter was given up, or an empty text when its headers don't say."""
    for name, value in headers:
        if name == PREFIX + "exception.message" and value is not None:
            return value.decode(errors="replace")
    return ""
