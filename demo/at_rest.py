"""What topics hold once a run has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from demo.collect import Collector
from demo.ledger import Card, Observed
from demo.records import read_to_end
from demo.score import Truth
from schemas import topics
from schemas.codec import Decoder
from schemas.settings import KafkaSettings


def cards(kafka: KafkaSettings, decoder: Decoder) -> dict[str, Card]:
    """Return the analyzer's counters by card id: the newest state of each in its changelog."""
    newest: dict[bytes, tuple[int, bytes | None]] = {}
    for message in read_to_end(kafka, topics.CARDS_CHANGELOG):
        newest[message.key() or b""] = message.partition() or 0, message.value()
    return {
        key.decode(errors="replace"): _card(partition, decoder.decode(value))
        for key, (partition, value) in newest.items()
        if value is not None
    }


def labels(kafka: KafkaSettings, decoder: Decoder, flagged: Collection[str]) -> dict[str, Truth]:
    """Return the labels of all fraud, and of whatever was flagged, by transaction id."""
    found = {}
    for message in read_to_end(kafka, topics.LABELS):
        label = decoder.decode(message.value() or b"")
        if label["fraud"] or label["transactionId"] in flagged:
            scenario = (label["scenario"] or "unnamed") if label["fraud"] else None
            found[label["transactionId"]] = Truth(label["cardId"], scenario)
    return found


def observed(collector: Collector, counted: dict[str, Card]) -> Observed:
    """Return what the ledger is made of."""
    transactions = {number: n for (topic, number), n in collector.records.items() if topic == topics.TRANSACTIONS}
    return Observed(
        transactions=transactions,
        dead_transactions=Counter(each.partition for each in collector.dead if each.topic == topics.TRANSACTIONS),
        cards=counted,
        notifications=collector.notifications,
        notification_records=collector.count(topics.NOTIFICATIONS),
        undelivered=collector.undelivered,
        events=collector.delivered_ms,
        event_records=collector.event_records,
    )


def _card(partition: int, state: dict[str, Any]) -> Card:
    return Card(partition, state["judged"], state["flagged"], state["late"], state["duplicate"])
