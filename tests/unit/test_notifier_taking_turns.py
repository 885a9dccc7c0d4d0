"""The whole notifier while partitions come and go and the sink has moods: nothing is skipped, nothing hangs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from confluent_kafka import TIMESTAMP_CREATE_TIME, TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from notifier.calls import Undertaker
from notifier.consume import Notifier
from notifier.deliver import Backoff, Waiting
from notifier.envelope import Entry, Naming, Record
from notifier.mapping import Mapper
from notifier.metrics import Metrics
from notifier.settings import NotifierSettings
from notifier.sinks.base import Accepted, Refused, Result, ThrottledError
from schemas.codec import Decoder
from schemas.errors import BadRecordError, UnavailableError
from schemas.registry import FakeRegistry
from tests.harness import PATIENCE

TOPIC: Final = "notifications"
PARTITIONS: Final = range(3)
HANGS_S: Final = 120.0
"""No end of a test that works comes near it."""

Place = tuple[int, int]
"""A partition and an offset."""


@dataclass(frozen=True)
class Read:
    number: int
    at: int

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
        return b"card_%d" % (self.at % 3)

    def value(self) -> bytes | None:
        return b"nonsense" if self.at % 13 == 7 else None


class World:
    """Takes, refuses and fails at random, keeps letters or not, and remembers what is over; safe for threads."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - moods, not secrets
        self.lock = threading.Lock()
        self.over: set[Place] = set()
        self.sulks = True

    def mood(self) -> float:
        with self.lock:
            return self.random.random() if self.sulks else 1.0

    def check(self) -> None:
        pass

    def put(self, entries: Sequence[Entry]) -> list[Result]:
        mood = self.mood()
        if mood < 0.1:
            raise UnavailableError("away")
        if mood < 0.2:
            raise ThrottledError("too much")
        threading.Event().wait(mood / 1000)  # as long as a call takes
        return [self.result(entry) for entry in entries]

    def result(self, entry: Entry) -> Result:
        if self.mood() < 0.1:
            return Refused("InternalFailure", "")
        detail = json.loads(entry.detail)
        with self.lock:
            self.over.add((detail["partition"], detail["offset"]))
        return Accepted("id")

    def done(self, places: Sequence[Place]) -> bool:
        with self.lock:
            return self.over.issuperset(places)


@dataclass
class Letters:
    """Keeps dead letters when the world is in the mood for it."""

    world: World

    def put(self, record: Record, _: BadRecordError) -> None:
        if self.world.mood() < 0.1:
            raise UnavailableError("away")
        with self.world.lock:
            self.world.over.add((record.partition, record.offset))


@dataclass
class Group:
    """A consumer as librdkafka's: reads what is assigned and not paused, calls back in the middle of a read."""

    world: World
    ends: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PARTITIONS, 0))
    committed: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PARTITIONS, 0))
    positions: dict[int, int] = field(default_factory=dict)
    """Of what is assigned."""
    paused: set[int] = field(default_factory=set)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """Rebalances that the next reads come upon."""
    wrong: list[str] = field(default_factory=list)

    def poll(self, timeout_s: float) -> Read | None:
        read = self.consume(1, timeout_s)
        return read[0] if read else None

    def consume(self, count: int, timeout_s: float) -> list[Read]:
        read = self._read(self.world.random.randint(0, count) if self.waiting else count)
        if self.waiting:
            self.waiting.pop(0)()
            read = [one for one in read if one.number in self.positions and one.at < self.positions[one.number]]
        if not read and timeout_s:
            threading.Event().wait(0.0002)
        return read

    def _read(self, count: int) -> list[Read]:
        read: list[Read] = []
        for number in sorted(self.positions.keys() - self.paused):
            while self.positions[number] < self.ends[number] and len(read) < count:
                read.append(Read(number, self.positions[number]))
                self.positions[number] += 1
        return read

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, number) for number in self.positions]

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused |= {place.partition for place in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {place.partition for place in partitions}

    def commit(self, *, offsets: list[TopicPartition], **_: object) -> None:
        for place in offsets:
            number = place.partition
            if number not in self.positions:
                self.wrong.append(f"{number}: committed by who doesn't have it")
            if not self.world.done([(number, at) for at in range(place.offset)]):
                self.wrong.append(f"{number}: {place.offset} is committed, and what is before it isn't over")
            self.committed[number] = place.offset

    def hand_over(self, notifier: Notifier, kept: set[int], *, lost: bool, others: int) -> None:
        """Take all away, let another member get `others` records further with each, and give `kept` back."""
        before = self.assignment()
        (notifier._lost if lost else notifier._revoked)(None, before)
        self.positions = {}
        for number in PARTITIONS:
            to = min(self.ends[number], self.committed[number] + others)
            self.world.over |= {(number, at) for at in range(self.committed[number], to)}
            self.committed[number] = to
        self.positions = {number: self.committed[number] for number in kept}
        notifier._assigned(None, self.assignment())

    def settled(self) -> bool:
        return not self.waiting and self.committed == self.ends


def notifier_of(group: Group, *, buffer: int, calls: int, ordered: bool) -> Notifier:
    metrics = Metrics(CollectorRegistry(), clock=lambda: 0.0)
    source: Any = group
    return Notifier(
        source,
        mapper=Mapper(Decoder(FakeRegistry(), logical_types=False), Naming()),
        sink=group.world,
        undertaker=Undertaker(Letters(group.world), 1_000_000, metrics),
        waiting=Waiting(Backoff(1, 1), pause=lambda _: True, draw=lambda most: most),
        settings=NotifierSettings(
            buffer_records=buffer, calls_in_flight=calls, keep_order=ordered, revoke_timeout_s=0, pause_after_s=0
        ),
        metrics=metrics,
        clock=iter(range(10_000_000)).__next__,
    )


SHARES = st.sets(st.sampled_from(PARTITIONS))
EVENTS = st.one_of(
    st.tuples(st.just("new"), st.sampled_from(PARTITIONS), st.integers(1, 60)),
    st.tuples(st.just("hand over"), SHARES, st.booleans(), st.integers(0, 20)),
    st.tuples(st.just("steps"), st.integers(1, 5)),
)


def play(group: Group, notifier: Notifier, event: tuple[Any, ...]) -> None:
    match event:
        case ("new", number, count):
            group.ends[number] += count
        case ("hand over", kept, lost, others):
            group.waiting.append(lambda: group.hand_over(notifier, kept, lost=lost, others=others))
        case ("steps", count):
            for _ in range(count):
                notifier._step()


@settings(max_examples=30, deadline=None)
@given(
    events=st.lists(EVENTS, max_size=30),
    seed=st.integers(0, 10_000),
    buffer=st.integers(1, 8),
    calls=st.integers(1, 6),
    ordered=st.booleans(),
)
def test_whatever_comes_and_goes_all_is_put_and_no_commit_passes_what_is_not_over(
    events: list[tuple[Any, ...]], seed: int, buffer: int, calls: int, *, ordered: bool
) -> None:
    group = Group(World(seed))
    notifier = notifier_of(group, buffer=buffer, calls=calls, ordered=ordered)
    notifier._calls.start(calls)
    try:
        group.hand_over(notifier, set(PARTITIONS), lost=False, others=0)
        for event in events:
            play(group, notifier, event)
        play(group, notifier, ("hand over", set(PARTITIONS), False, 0))
        deadline = time.monotonic() + HANGS_S
        while not group.settled() and notifier._calls.failure is None:
            notifier._step()
            assert time.monotonic() < deadline, f"stuck: {group.committed} of {group.ends}, paused {group.paused}"
    finally:
        group.world.sulks = False
        notifier._calls.stop(timeout_s=PATIENCE * 10)
    assert notifier._calls.failure is None
    assert group.wrong == []
    assert group.world.done([(number, at) for number, end in group.ends.items() for at in range(end)])
