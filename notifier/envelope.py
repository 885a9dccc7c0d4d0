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
        return _bytes(self.source) + _bytes(self.detail_type) + _bytes(self.detail)


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
    headers = [java_json.obj([(name, connect_header.header(data))]) for name, data in record.headers]
    detail = (
        f'{{"topic":{java_json.string(record.topic)},"partition":{record.partition},"offset":{record.offset},'
        f'"timestamp":{"null" if record.timestamp_ms is None else record.timestamp_ms},'
        f'"timestampType":{java_json.string(record.timestamp_type)},"headers":{java_json.array(headers)},'
        f'"key":{"null" if record.key is None else java_json.string(java_json.utf8(record.key))},'
        f'"value":{"null" if value is None else value}}}'
    )
    return Entry(
        source=SOURCE_PREFIX + naming.connector_id,
        detail_type=naming.detail_type.replace("${topic}", record.topic),
        detail=detail,
    )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
