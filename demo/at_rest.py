"""What topics hold once a run has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from typing import Final, TypeVar

from demo.collect import Collector
from demo.ledger import Card, Observed, Sighted, Terminal
from demo.records import read_to_end
from schemas import topics
from schemas.codec import Decoder, Record
from schemas.errors import BadRecordError
from schemas.settings import KafkaSettings
from score.core.facts import Fact, Oracle, label_of

_SOURCES: Final = (topics.TRANSACTIONS, topics.SIGHTINGS)
_C = TypeVar("_C", Card, Terminal)


def states(kafka: KafkaSettings, decoder: Decoder, changelog: str) -> dict[tuple[int, str], Record]:
    """Return the analyzer's states by partition and key: of each the one that has applied most.

    That is not always the last one written: a worker that was thought dead may write an old state late.
    """
    furthest: dict[tuple[int, str], Record] = {}
    for message in read_to_end(kafka, changelog):
        value = message.value()
        if value is None:
            continue
        place, state = (
            (message.partition() or 0, (message.key() or b"").decode(errors="replace")),
            decoder.decode(value),
        )
        if place not in furthest or furthest[place]["appliedOffset"] <= state["appliedOffset"]:
            furthest[place] = state
    return furthest


def sightings(kafka: KafkaSettings, decoder: Decoder) -> dict[str, Sighted]:
    """Return the distinct sightings by transaction id."""
    found = {}
    for message in read_to_end(kafka, topics.SIGHTINGS):
        try:
            one = decoder.decode(message.value() or b"")
        except BadRecordError:
            continue  # a dead letter tells of it
        found[one["transactionId"]] = Sighted(one["cardId"], one["terminalId"] or one["merchantId"], one["flagged"])
    return found


def truth(kafka: KafkaSettings, decoder: Decoder) -> Iterator[Fact]:
    """Yield the label of each transaction, and what the oracle told."""
    for topic, fact in ((topics.LABELS, label_of), (topics.ORACLE, lambda record: Oracle(label_of(record)))):
        for message in read_to_end(kafka, topic):
            with suppress(BadRecordError, KeyError):  # it labels nothing: what was flagged waits for its label
                yield fact(decoder.decode(message.value() or b""))


def observed(collector: Collector, kafka: KafkaSettings, decoder: Decoder) -> Observed:
    """Return what the ledger is made of."""
    dead = {topic: Counter(each.partition for each in collector.dead if each.topic == topic) for topic in _SOURCES}
    return Observed(
        transactions=collector.by_partition(topics.TRANSACTIONS),
        dead_transactions=dead[topics.TRANSACTIONS],
        cards={place: _counted(Card, each) for place, each in states(kafka, decoder, topics.CARDS_CHANGELOG).items()},
        sightings=sightings(kafka, decoder),
        sighting_records=collector.by_partition(topics.SIGHTINGS),
        dead_sightings=dead[topics.SIGHTINGS],
        terminals={
            place: _counted(Terminal, each)
            for place, each in states(kafka, decoder, topics.TERMINALS_CHANGELOG).items()
        },
        notifications=collector.notifications,
        notification_records=collector.count(topics.NOTIFICATIONS),
        undelivered=collector.undelivered,
        targets=collector.arrived,
    )


def _counted(kind: type[_C], state: Record) -> _C:
    """Return the counters in a state; an older one may lack some."""
    return kind(**{field.name: state.get(field.name, 0) for field in fields(kind)})
