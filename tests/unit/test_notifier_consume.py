"""The consumer's loop, step by step, with a consumer that does what it is told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TopicPartition
from prometheus_client import CollectorRegistry

from notifier.backlog import Job
from notifier.calls import Undertaker
from notifier.consume import Notifier
from notifier.dead_letter import FakeDeadLetters
from notifier.deliver import Backoff, Waiting
from notifier.envelope import Naming
from notifier.mapping import Mapper
from notifier.metrics import Metrics
from notifier.settings import NotifierSettings
from notifier.sinks.fake import FakeSink
from schemas.codec import Decoder
from schemas.registry import FakeRegistry

TOPIC = "notifications"


@dataclass(frozen=True)
class FakeMessage:
    number: int
    at: int
    data: bytes | None = None

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int]:
        return TIMESTAMP_CREATE_TIME, 1684841916831

    def headers(self) -> None:
        return None

    def key(self) -> bytes:
        return b"card"

    def value(self) -> bytes | None:
        return self.data


def places(*numbers: int) -> list[TopicPartition]:
    return [TopicPartition(TOPIC, number) for number in numbers]


@dataclass
class FakeConsumer:
    """Plays events: a message, or a function called as a rebalance is, in the middle of a read."""

    events: deque[FakeMessage | Callable[[], None]] = field(default_factory=deque)
    assigned: list[TopicPartition] = field(default_factory=lambda: places(0, 1))
    paused: set[int] = field(default_factory=set)
    commits: list[tuple[int, int]] = field(default_factory=list)
    resumed_in_vain: list[int] = field(default_factory=list)

    def poll(self, _: float) -> FakeMessage | None:
        read = self.consume(1, 0)
        return read[0] if read else None

    def consume(self, count: int, _: float) -> list[FakeMessage]:
        read: list[FakeMessage] = []
        while self.events and len(read) < count:
            event = self.events.popleft()
            if callable(event):
                event()
            elif event.number not in self.paused:
                read.append(event)
        return read

    def subscribe(self, topics: list[str], **_: object) -> None:
        assert topics == [TOPIC]

    def close(self) -> None:
        self.assigned = []

    def assignment(self) -> list[TopicPartition]:
        return self.assigned

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused |= {place.partition for place in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.resumed_in_vain += [place.partition for place in partitions if place.partition not in self.paused]
        self.paused -= {place.partition for place in partitions}

    def commit(self, *, offsets: list[TopicPartition], **_: object) -> None:
        self.commits += [(place.partition, place.offset) for place in offsets]


@pytest.fixture
def source() -> FakeConsumer:
    return FakeConsumer()


@pytest.fixture
def letters() -> FakeDeadLetters:
    return FakeDeadLetters()


@pytest.fixture
def notifier(source: FakeConsumer, letters: FakeDeadLetters) -> Notifier:
    metrics = Metrics(CollectorRegistry(), clock=lambda: 0.0)
    consumer: Any = source
    return Notifier(
        consumer,
        mapper=Mapper(Decoder(FakeRegistry(), logical_types=False), Naming()),
        sink=FakeSink(),
        undertaker=Undertaker(letters, 100, metrics),
        waiting=Waiting(Backoff(1, 1), pause=lambda _: True, draw=lambda most: most),
        settings=NotifierSettings(
            buffer_records=4, keep_order=False, revoke_timeout_s=0, pause_after_s=0, drain_timeout_s=86_400
        ),
        metrics=metrics,
        clock=iter(range(1_000_000)).__next__,
    )


def taken(notifier: Notifier) -> list[Job]:
    """Take a batch if there is one: `take` alone would wait for it."""
    return [] if notifier._backlog.empty() else notifier._backlog.take()


def where(jobs: list[Job]) -> list[tuple[int, int]]:
    return [(job.record.partition, job.record.offset) for job in jobs]


def test_what_is_read_while_partitions_change_hands_is_not_mislaid(source: FakeConsumer, notifier: Notifier) -> None:
    def rebalance() -> None:
        notifier._revoked(None, places(0, 1))
        notifier._assigned(None, places(0, 1))

    source.events.extend([rebalance, FakeMessage(0, 0), FakeMessage(1, 0)])
    notifier._step()
    assert where(taken(notifier)) == [(0, 0), (1, 0)]


def test_what_was_read_of_a_partition_that_is_taken_away_in_the_same_breath_is_left_to_the_next(
    source: FakeConsumer, notifier: Notifier
) -> None:
    source.events.extend([FakeMessage(0, 5), lambda: notifier._revoked(None, places(0)), FakeMessage(1, 0)])
    notifier._step()
    jobs = taken(notifier)
    assert where(jobs) == [(1, 0)]
    notifier._finished(jobs)
    notifier._commit(wait=True)
    assert source.commits == [(1, 1)]


def test_offsets_are_committed_up_to_the_lowest_unfinished_record(source: FakeConsumer, notifier: Notifier) -> None:
    source.events.extend(FakeMessage(0, offset) for offset in range(3))
    notifier._step()
    first, second, third = taken(notifier)
    for job, committed in ((third, []), (first, [(0, 1)]), (second, [(0, 1), (0, 3)])):
        notifier._finished([job])
        notifier._commit(wait=True)
        assert source.commits == committed


def test_a_dead_letter_counts_as_done_once_it_is_kept(
    source: FakeConsumer, letters: FakeDeadLetters, notifier: Notifier
) -> None:
    letters.away = 1
    source.events.append(FakeMessage(0, 7, data=b"nonsense"))
    notifier._step()
    assert letters.put_away == []
    assert source.commits == []
    for _ in range(10):
        notifier._step()
    assert [record.value for record, _ in letters.put_away] == [b"nonsense"]
    assert source.commits == [(0, 8)]


def test_partitions_are_paused_while_enough_waits_and_resumed_when_little_does(
    source: FakeConsumer, notifier: Notifier
) -> None:
    source.events.extend(FakeMessage(0, offset) for offset in range(4))
    notifier._step()
    assert source.paused == {0, 1}
    notifier._backlog.finish(taken(notifier))
    notifier._step()
    assert source.paused == set()
    assert source.resumed_in_vain == []


def test_a_partition_that_comes_while_enough_waits_is_paused_too(source: FakeConsumer, notifier: Notifier) -> None:
    source.events.extend(FakeMessage(0, offset) for offset in range(4))
    notifier._step()
    source.assigned = places(0, 1, 2)
    notifier._step()
    assert source.paused == {0, 1, 2}


def test_a_partition_that_went_paused_comes_back_unpaused(source: FakeConsumer, notifier: Notifier) -> None:
    source.events.extend(FakeMessage(1, offset) for offset in range(4))
    notifier._step()
    notifier._revoked(None, places(0))
    assert source.paused == {1}


def test_a_stop_finishes_what_was_read_with_several_calls_under_way_and_commits_it(
    source: FakeConsumer, notifier: Notifier
) -> None:
    stop, halt = threading.Event(), threading.Event()
    source.events.extend(FakeMessage(offset % 2, offset // 2) for offset in range(100))
    source.events.append(stop.set)
    notifier.run(stop, halt)
    assert halt.is_set()
    assert max(source.commits) == (1, 50)
    assert (0, 50) in source.commits
    assert source.assigned == []
