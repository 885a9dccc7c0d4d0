"""What goes on the wire for a transaction or a label: topic, key, value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from producer.model import Label, Oracle, Transaction
from schemas.codec import Encoder
from schemas.registry import Registry
from schemas.topics import LABELS, ORACLE, TRANSACTIONS

TIMES: Final = ("eventTime", "releaseTime")
"""Fields that are milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A record's topic, key and fields."""

    topic: str
    key: str
    fields: dict[str, Any]


Record = Transaction | Label | Oracle


def addressed(record: Record) -> Addressed:
    """Return where a record belongs: transactions by card, labels by transaction."""
    if isinstance(record, Transaction):
        return Addressed(TRANSACTIONS, record.draft.holder.card_id, record.record())
    if isinstance(record, Oracle):
        return Addressed(ORACLE, record.label.transaction.transaction_id, record.label.record())
    return Addressed(LABELS, record.transaction.transaction_id, record.record())


def encoders(registry: Registry) -> dict[str, Encoder]:
    """Return what encodes records of each topic in the schema that is registered for it."""
    schemas = {TRANSACTIONS: "transaction", LABELS: "label", ORACLE: "label"}
    return {topic: Encoder.registered(schema, topic, registry) for topic, schema in schemas.items()}


class Wire:
    """Encodes records for their topics."""

    def __init__(self, encoders: Mapping[str, Encoder]) -> None:
        """Use one encoder a topic."""
        self._encoders = encoders

    @classmethod
    def registered(cls, registry: Registry) -> Wire:
        """Return what writes in the schemas that are registered for the topics."""
        return cls(encoders(registry))

    def written(self, record: Record) -> tuple[str, bytes, bytes]:
        """Return topic, key and value."""
        return self.encoded(addressed(record))

    def encoded(self, to: Addressed) -> tuple[str, bytes, bytes]:
        """Return topic, key and value of fields that have their address."""
        return to.topic, to.key.encode(), self._encoders[to.topic].encode(to.fields)


def json_line(record: Record) -> str:
    """Return the same for people: one line of JSON, times in ISO 8601."""
    return readable(addressed(record))


def readable(to: Addressed) -> str:
    """Return an addressed record as one line of JSON, times in ISO 8601."""
    value = {name: _readable(value) if name in TIMES else value for name, value in to.fields.items()}
    return json.dumps({"topic": to.topic, "key": to.key, "value": value}, ensure_ascii=False)


def _readable(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
