"""Bytes to records and verdicts to bytes, with fastavro: schemas parsed once, logical types left as numbers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from uuid import UUID, uuid5

import fastavro

from bench.analyzer.peers.rules import Finding, Transaction, noisy_or

_HEADER = 18


class Wire:
    """Reads transactions and writes notifications, in Glue framing."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        """Parse the schemas of the rules file."""
        schemas = told["schemas"]
        ids = {topic: UUID(one["id"]).bytes for topic, one in schemas.items()}
        parsed = {topic: fastavro.parse_schema(_plain(one["definition"])) for topic, one in schemas.items()}
        self._readers = {ids["transactions"]: parsed["transactions"]}
        self._notification = parsed["notifications"]
        self._header = bytes((3, 0)) + ids["notifications"]
        self._ids = UUID(told["notification_ids"])

    def read(self, value: bytes) -> Transaction:
        """Return the transaction in a record."""
        stream = BytesIO(value)
        stream.seek(_HEADER)
        record: Any = fastavro.schemaless_reader(stream, self._readers[value[2:_HEADER]], None)
        return record  # type: ignore[no-any-return]  # the schema says what it is

    def write(self, transaction: Transaction, findings: Sequence[Finding]) -> bytes:
        """Return the notification of a flagged transaction."""
        detail = {
            "userId": transaction["userId"],
            "total": transaction["amountMinor"] / 100,
            "notificationId": str(uuid5(self._ids, transaction["transactionId"])),
            "transactionId": transaction["transactionId"],
            "cardId": transaction["cardId"],
            "cardLastFour": transaction["cardLastFour"],
            "totalMinor": transaction["amountMinor"],
            "currency": transaction["currency"],
            "merchantName": transaction["merchantName"],
            "country": transaction["country"],
            "eventTime": transaction["eventTime"],
            "detectionTime": time.time_ns() // 1_000_000,
            "score": noisy_or(findings),
            "findings": findings,
            "analyzerVersion": "bench",
        }
        out = BytesIO()
        out.write(self._header)
        record = {"source": "transactionAnalyzer", "eventType": "suspiciousActivity", "eventDetail": detail}
        fastavro.schemaless_writer(out, self._notification, record)
        return out.getvalue()


def _plain(schema: Any) -> Any:
    """Return a schema without logical types: times stay milliseconds, which is faster and what is compared."""
    if isinstance(schema, dict):
        return {key: _plain(value) for key, value in schema.items() if key != "logicalType"}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema
