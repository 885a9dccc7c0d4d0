"""What is put: suspicious activities as the notifier puts them, about 1 kB each, all with an id of their own."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from bench.sample import FINDINGS, SCORE
from notifier.envelope import Naming, Record
from notifier.envelope import entry as notifier_entry

SOURCE: Final = "kafka-connect.cardwatch"
PATTERN: Final = {
    "detail": {"value": {"eventType": ["suspiciousActivity"], "source": ["transactionAnalyzer"]}},
    "detail-type": [{"prefix": "kafka-connect-notification"}],
}
"""The routing rule of the demo (infra/eventbridge/)."""
_ID: Final = re.compile(rb'"notificationId"\s*:\s*"([0-9a-f-]{36})"')
_EPOCH_MS: Final = 1_767_225_600_000


def notification_id(number: int) -> str:
    """Return the id of event `number`."""
    return f"00000000-0000-5000-8000-{number:012x}"


def id_in(body: bytes) -> str | None:
    """Return the id in an event as it was delivered; None when it holds none."""
    found = _ID.search(body)
    return found.group(1).decode() if found else None


def entry(number: int, bus: str) -> dict[str, str]:
    """Return entry `number` for PutEvents."""
    card = f"card-{number % 997:05d}"
    value = {"source": "transactionAnalyzer", "eventType": "suspiciousActivity", "eventDetail": _activity(number, card)}
    record = Record(
        topic="notifications",
        partition=number % 12,
        offset=number,
        timestamp_ms=_EPOCH_MS + number,
        timestamp_type="CreateTime",
        key=card.encode(),
    )
    made = notifier_entry(record, json.dumps(value, separators=(",", ":")), Naming())
    return {"EventBusName": bus, "Source": made.source, "DetailType": made.detail_type, "Detail": made.detail}


def _activity(number: int, card: str) -> dict[str, Any]:
    minor = 1_999 + number * 37 % 500_000
    return {
        "userId": f"user-{number % 997:05d}",
        "total": minor / 100,
        "notificationId": notification_id(number),
        "transactionId": f"11111111-0000-4000-8000-{number:012x}",
        "cardId": card,
        "cardLastFour": f"{number % 10_000:04d}",
        "totalMinor": minor,
        "currency": "EUR",
        "merchantName": "Papelaria Oliveira & Filhos",
        "country": "FR",
        "eventTime": _EPOCH_MS + number * 250,
        "detectionTime": _EPOCH_MS + number * 250 + 40,
        "score": SCORE,
        "findings": FINDINGS,
        "analyzerVersion": "0.1.0",
    }
