"""Follows a run from outside: reads the topics as they grow, the groups' offsets, and where events arrive."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Message, TopicPartition

from demo.arrivals import Arrivals
from demo.ledger import Arrived, Flag
from demo.records import headers, is_end, partitions, reader
from demo.signals import held
from schemas import topics
from schemas.codec import Decoder
from schemas.dead_letter import Origin, dead_letter_topic, origin
from schemas.errors import BadRecordError, UnavailableError
from schemas.settings import KafkaSettings
from score.core.facts import Happened, alert_of
from score.core.tally import Tally

ANALYZER_GROUP: Final = "cardwatch-analyzer"
TERMINALS_GROUP: Final = "cardwatch-analyzer-terminals"
NOTIFIER_GROUP: Final = "cardwatch-notifier"
WORK: Final = (
    (ANALYZER_GROUP, topics.TRANSACTIONS),
    (TERMINALS_GROUP, topics.SIGHTINGS),
    (NOTIFIER_GROUP, topics.NOTIFICATIONS),
)
"""Who works on what, in the order in which work comes."""
_REMEMBERED: Final = 200_000
"""Transactions whose time is kept until their event arrives."""
_SILENCE_S: Final = 30.0
_LATENCIES: Final = 100_000
"""Newest latencies that the percentiles are taken from."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """A flagged transaction, for the eye."""

    card: str
    amount: str
    where: str
    score: float
    evidence: tuple[str, ...]
    """What each detection rule found, strongest first."""


class Collector:
    """What has been seen so far. `poll` often; it never waits for long."""

    def __init__(self, kafka: KafkaSettings, decoder: Decoder, targets: Sequence[Arrivals]) -> None:
        """Follow the topics of `kafka`, and what comes to `targets`; `decoder` leaves times in milliseconds."""
        self._decoder = decoder
        self._targets = targets
        self._consumer = reader(kafka)
        self._groups = {group: reader(kafka, group) for group, _ in WORK}
        self._produced_ms: OrderedDict[str, int] = OrderedDict()
        self._ids_at: dict[Origin, str] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._at_end: set[tuple[str, int]] = set()
        self.records: Counter[tuple[str, int]] = Counter()
        self.notifications: dict[str, Flag] = {}
        self.dead: set[Origin] = set()
        self.tally = Tally()
        """Who was caught, once labels are added; it knows what happened and what was flagged."""
        self.latencies_ms: deque[int] = deque(maxlen=_LATENCIES)
        worked_on = [topic for _, topic in WORK]
        followed = [*worked_on, *(dead_letter_topic(topic) for topic in worked_on)]
        self._assigned = [part for topic in followed for part in partitions(self._consumer, topic)]
        self._consumer.assign(self._assigned)

    def close(self) -> None:
        """Leave the broker."""
        for consumer in (self._consumer, *self._groups.values()):
            consumer.close()

    def poll(self, timeout_s: float = 0.05) -> list[Flagged]:
        """Take in what the topics hold by now and return the newly flagged transactions."""
        messages = self._consumer.consume(2_000, timeout=timeout_s)
        with held():  # what was noted as read is counted, too; what was not is read again by `catch_up`
            return self._taken_in(messages)

    def _taken_in(self, messages: Sequence[Message]) -> list[Flagged]:
        found = []
        for message in messages:
            where = Origin(message.topic() or "", message.partition() or 0, message.offset() or 0)
            part = where.topic, where.partition
            if is_end(message):
                self._at_end.add(part)
            else:
                self._at_end.discard(part)
                self._ends[part] = where.offset + 1
                self.records[part] += 1
                found += self._take(where, message)
        return found

    def catch_up(self) -> list[Flagged]:
        """Poll until every topic is read to the end that it has now, and take in what came to the targets.

        Raises:
            UnavailableError: the broker is silent.
        """
        self._at_end.clear()  # an end seen earlier may have moved since: ask for each again
        places = [(part.topic, part.partition, self._ends.get((part.topic, part.partition))) for part in self._assigned]
        self._consumer.assign([TopicPartition(t, p, OFFSET_BEGINNING if end is None else end) for t, p, end in places])
        found, deadline = [], time.monotonic() + _SILENCE_S
        while len(self._at_end) < len(self._assigned):
            before = self.records.total() + len(self._at_end)
            found += self.poll(0.1)
            if self.records.total() + len(self._at_end) > before:
                deadline = time.monotonic() + _SILENCE_S
            elif time.monotonic() > deadline:
                raise UnavailableError(f"the broker has been silent for {_SILENCE_S:g} s; see its log")
        self.poll_events()
        return found

    def poll_events(self) -> None:
        """Take in what has come to the targets; latencies are those of the first that tells when."""
        clock = next((target for target in self._targets if target.timed), None)
        for target in self._targets:
            with held():  # what a queue has handed out, it does not hand out again
                for event in target.look():
                    produced = self._produced_ms.pop(event.transaction_id, None) if target is clock else None
                    if produced is not None:
                        self.latencies_ms.append(event.time_ms - produced)

    def count(self, topic: str) -> int:
        """Return how many records of `topic` were seen."""
        return sum(count for (name, _), count in self.records.items() if name == topic)

    def by_partition(self, topic: str) -> dict[int, int]:
        """Return how many records of `topic` were seen, by partition."""
        return {number: count for (name, number), count in self.records.items() if name == topic}

    def lag(self, group: str, topic: str) -> int:
        """Return how many records of `topic` the group has not yet committed.

        Raises:
            KafkaException: the broker doesn't answer.
        """
        ends = {number: end for (name, number), end in self._ends.items() if name == topic}
        if not ends:
            return 0
        found = self._groups[group].committed([TopicPartition(topic, number) for number in ends], timeout=5)
        return sum(
            max(0, ends[part.partition] - (0 if part.offset <= OFFSET_INVALID else part.offset)) for part in found
        )

    @property
    def undelivered(self) -> frozenset[str]:
        """Ids of the notifications that were dead-lettered."""
        return frozenset(self._ids_at[where] for where in self.dead if where in self._ids_at)

    @property
    def arrived(self) -> Mapping[str, Arrived]:
        """What has come to each target, by its name."""
        return {each.name: Arrived(each.times_ms.keys(), each.records, each.dead) for each in self._targets}

    @property
    def all_delivered(self) -> bool:
        """Whether each notification seen has come to every target, or is dead-lettered."""
        undelivered = self.undelivered
        return all(
            self.notifications.keys() <= there.events | there.dead | undelivered for there in self.arrived.values()
        )

    def _take(self, where: Origin, message: Message) -> list[Flagged]:
        if where.topic not in {topics.TRANSACTIONS, topics.NOTIFICATIONS}:
            found = origin(headers(message))
            if found:
                self.dead.add(found)
            return []
        try:
            record = self._decoder.decode(message.value() or b"")
        except BadRecordError:
            return []  # a dead letter will tell of it
        if where.topic == topics.NOTIFICATIONS:
            return self._notified(where, record)
        if "transactionId" not in record or "eventTime" not in record:
            return []  # of another schema; the analyzer dead-letters it
        self.tally.take(Happened(record["transactionId"], record["eventTime"]))
        self._produced_ms[record["transactionId"]] = message.timestamp()[1]
        if len(self._produced_ms) > _REMEMBERED:
            self._produced_ms.popitem(last=False)
        return []

    def _notified(self, where: Origin, record: dict[str, Any]) -> list[Flagged]:
        detail = record.get("eventDetail") or {}
        if "notificationId" not in detail:
            return []
        self._ids_at[where] = detail["notificationId"]
        if detail["notificationId"] in self.notifications:
            return []
        self.tally.take(alert_of(record))
        self.notifications[detail["notificationId"]] = Flag(detail["transactionId"], detail["cardId"])
        return [flagged(detail)]


def flagged(detail: dict[str, Any]) -> Flagged:
    """Return a notification's detail as it is shown."""
    return Flagged(
        card=f"…{detail['cardLastFour']}",
        amount=f"{detail['total']:,.2f} {detail['currency']}",
        where=f"{detail['merchantName']}, {detail['country']}",
        score=detail["score"],
        evidence=tuple(f"{finding['rule']}: {finding['evidence']}" for finding in detail["findings"]),
    )
