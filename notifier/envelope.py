"""A Kafka record as an EventBridge entry, byte for byte as the Kafka connector for EventBridge 1.6.1 writes it."""

from __future__ import annotations

from dataclasses import dataclass

from notifier import connect_header, java_json

SOURCE_PREFIX = "kafka-connect."


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record as it was read.

    `timestamp_ms` is in ms since 1970, None when the record has none; `timestamp_type` is Kafka's name of
    what it tells: `CreateTime`, `LogAppendTime`, `NoTimestampType`.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None = None
    timestamp_type: str = "NoTimestampType"
    headers: tuple[tuple[str, bytes | None], ...] = ()
    key: bytes | None = None
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is put on the bus; `detail` is JSON text."""

    source: str
    detail_type: str
    detail: str

    @property
    def size(self) -> int:
        """Bytes that count against the limit of a call."""
        return sum(len(text.encode()) for text in (self.source, self.detail_type, self.detail))


@dataclass(frozen=True, slots=True)
class Naming:
    """How entries are named: the connector's id, and a template of detail-type where ${topic} is the topic."""

    connector_id: str = "cardwatch"
    detail_type: str = "kafka-connect-${topic}"


def entry(record: Record, value: str | None, naming: Naming) -> Entry:
    """Return the entry of `record`.

    Args:
        record: as it was read.
        value: its decoded value as JSON text; None for a tombstone, which is sent too.
        naming: source and detail-type.
    """
    headers = (java_json.obj([(name, connect_header.header(data))]) for name, data in record.headers)
    detail = java_json.obj(
        [
            ("topic", java_json.string(record.topic)),
            ("partition", str(record.partition)),
            ("offset", str(record.offset)),
            ("timestamp", "null" if record.timestamp_ms is None else str(record.timestamp_ms)),
            ("timestampType", java_json.string(record.timestamp_type)),
            ("headers", java_json.array(headers)),
            ("key", "null" if record.key is None else java_json.string(java_json.utf8(record.key))),
            ("value", "null" if value is None else value),
        ]
    )
    return Entry(
        source=SOURCE_PREFIX + naming.connector_id,
        detail_type=naming.detail_type.replace("${topic}", record.topic),
        detail=detail,
    )
