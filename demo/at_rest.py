"""What topics hold once a run has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from demo.collect import Collector
from demo.ledger import Card, Observed
from demo.records import read_to_end
from schemas import topics
from schemas.codec import Decoder, Record
from schemas.errors import BadRecordError
from schemas.settings import KafkaSettings
from score.core.facts import Fact, Oracle, label_of


def cards(kafka: KafkaSettings, decoder: Decoder) -> dict[tuple[int, str], Card]:
    """Return the analyzer's counters by partition and card id: of each the state that has applied most.

    That is not always the last one written: a worker that was thought dead may write an old state late.
    """
    furthest: dict[tuple[int, str], Record] = {}
    for message in read_to_end(kafka, topics.CARDS_CHANGELOG):
        value = message.value()
        if value is None:
            continue
        place, state = (
            (message.partition() or 0, (message.key() or b"").decode(errors="replace")),
            decoder.decode(value),
        )
        if place not in furthest or furthest[place]["appliedOffset"] <= state["appliedOffset"]:
            furthest[place] = state
    return {place: _card(state) for place, state in furthest.items()}


def truth(kafka: KafkaSettings, decoder: Decoder) -> Iterator[Fact]:
    """Yield the label of each transaction, and what the oracle told."""
    for topic, fact in ((topics.LABELS, label_of), (topics.ORACLE, lambda record: Oracle(label_of(record)))):
        for message in read_to_end(kafka, topic):
            with suppress(BadRecordError, KeyError):  # it labels nothing: what was flagged waits for its label
                yield fact(decoder.decode(message.value() or b""))


def observed(collector: Collector, counted: dict[tuple[int, str], Card]) -> Observed:
    """Return what the ledger is made of."""
    transactions = {number: n for (topic, number), n in collector.records.items() if topic == topics.TRANSACTIONS}
    return Observed(
        transactions=transactions,
        dead_transactions=Counter(each.partition for each in collector.dead if each.topic == topics.TRANSACTIONS),
        cards=counted,
        notifications=collector.notifications,
        notification_records=collector.count(topics.NOTIFICATIONS),
        undelivered=collector.undelivered,
        targets=collector.arrived,
    )


def _card(state: Record) -> Card:
    return Card(state["judged"], state["flagged"], state["late"], state["duplicate"])
