"""Partitions in one store: judged together as each would be alone; they come and go, and memory goes with them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch.judge import BatchJudge
from analyzer.card_states import CardStates
from analyzer.core.detect import Judge
from analyzer.core.model import Transaction
from analyzer.core.sighting import Sight
from analyzer.core.window import CardWindow
from analyzer.wire import checked
from tests.analyzer_input import NOON_MS, judge, record, sight
from tests.batch_input import columns_of
from tests.batch_peer import Scalar, consistent, plainly, state_codec, told
from tests.batch_streams import RNGS, by_chance, stream

PARTITIONS = (0, 3, 4)


class Partition:
    """A partition as the core sees it: where it is read, and what is written of it."""

    def __init__(self, judge: Judge, sight: Sight | None, ones: list[Transaction]) -> None:
        self.scalar, self.ones, self.position = Scalar(judge, sight), ones, 0
        self.written: tuple[int, dict[str, CardWindow]] = (0, {})

    def reads(self, count: int) -> list[Transaction]:
        self.position += count
        return self.ones[self.position - count : self.position]


class Member:
    """A worker's states, and its partitions."""

    def __init__(self, judge: Judge, sight: Sight | None, streams: Mapping[int, list[Transaction]]) -> None:
        self.judge, self.states = BatchJudge(judge, sight), CardStates(state_codec(), few=0)
        self.partitions = {number: Partition(judge, sight, ones) for number, ones in streams.items()}
        self.changelog: dict[tuple[int, bytes], bytes] = {}

    def take(self, counts: Mapping[int, int]) -> None:
        """Judge so many records of each partition at once, and hold it equal to the core."""
        ones, expected, offsets = list[Transaction](), list[object](), list[int]()
        spans = list[tuple[int, list[bytes]]]()
        for number, count in counts.items():
            partition = self.partitions[number]
            first, some = partition.position, partition.reads(count)
            ones += some
            offsets += range(first, first + len(some))
            expected += [told(*partition.scalar.take(one, first + at)) for at, one in enumerate(some)]
            spans.append((number, [one.card_id.encode() for one in some]))
        self.states.warm(spans)
        slots = [slot for span in spans for slot in self.states.slots(*span).tolist()]
        columns = replace(columns_of(ones), offsets=np.array(offsets, np.int64))
        outcome = self.judge.judge(self.states.store, np.array(slots, np.int64), columns, ones.__getitem__)
        assert plainly(outcome) == expected
        assert consistent(outcome)

    def checkpoint(self) -> None:
        snapshot = self.states.snapshot()
        self.changelog |= {(one.partition, one.key): one.value for one in snapshot}
        snapshot.written()
        for number, one in self.partitions.items():
            one.written = (one.position, dict(one.scalar.windows))
            assert self.states.applied_offset(number) == one.position - 1

    def loses(self, numbers: Sequence[int]) -> None:
        """Give partitions away, and get them back as they were at the last checkpoint."""
        self.states.keep(self.partitions.keys() - set(numbers))
        for number in numbers:
            one = self.partitions[number]
            one.position, one.scalar.windows = one.written[0], dict(one.written[1])
        for (number, key), value in self.changelog.items():
            if number in numbers:
                self.states.restored(number, key, value)

    def hold_equal(self) -> None:
        """Hold all states equal to the core's, and the memory in use to what they need."""
        for number, one in self.partitions.items():
            slots = self.states.slots(number, [card.encode() for card in one.scalar.windows]).tolist()
            assert list(map(self.states.store.window, slots)) == list(one.scalar.windows.values())
            assert [self.states.store.partition(slot) for slot in slots] == [number] * len(slots)
        windows = [window for one in self.partitions.values() for window in one.scalar.windows.values()]
        apart = sum(len(window.recent) for window in self.states.store.apart.values())
        assert len(self.states.store) == self.states.count() == len(windows)
        assert self.states.store.log.used == sum(len(window.recent) for window in windows) - apart


@settings(max_examples=12, deadline=None)
@given(RNGS, st.sampled_from([1, 20, 80]), st.sampled_from([0.0, 0.02, 0.15]))
def test_partitions_are_judged_together_as_each_would_be_alone(rng: random.Random, cards: int, disorder: float) -> None:
    streams = {number: stream(rng, 200, cards, disorder) for number in PARTITIONS}
    member = Member(*by_chance(rng), streams)
    for _ in range(8):
        member.take({number: rng.choice([0, 1, 5, 30]) for number in PARTITIONS})
        if rng.random() < 0.4:
            member.checkpoint()
        if rng.random() < 0.4:
            member.loses(rng.sample(PARTITIONS, rng.choice([1, 2, 3])))
        if rng.random() < 0.5:
            member.hold_equal()
    member.hold_equal()


def test_a_card_of_another_partition_is_another_card() -> None:
    one = [checked(record()), checked(record(transactionId="t-2", eventTime=NOON_MS + 1))]
    member = Member(judge(), sight(), {0: one, 3: one})
    member.take({0: 2, 3: 1})
    member.take({3: 1})
    member.checkpoint()
    member.loses([3])
    member.hold_equal()
    assert member.states.count() == 2


def test_slots_of_a_partition_that_is_gone_are_used_again() -> None:
    streams = {number: stream(random.Random(number), 100, 50, 0.05) for number in PARTITIONS}  # noqa: S311 - input
    member = Member(judge(), sight(), streams)
    store = member.states.store
    member.take(dict.fromkeys(PARTITIONS, 100))
    held = len(store.cards.device), len(store.log.earlier)
    for _ in range(20):
        member.loses(PARTITIONS)
        assert (len(store), store.log.used, store.dirty()) == (0, 0, [])
        assert (store.countries, store.devices, store.flags, store.apart) == ({}, {}, {}, {})
        member.take(dict.fromkeys(PARTITIONS, 100))
        member.hold_equal()
    assert (len(store.cards.device), len(store.log.earlier)) == held


def test_a_partition_that_is_dropped_while_its_states_are_written_stays_dropped() -> None:
    member = Member(judge(), sight(), {0: [checked(record())], 3: [checked(record())]})
    member.take({0: 1, 3: 1})
    snapshot = member.states.snapshot()
    member.states.drop(3)
    assert sorted(one.partition for one in snapshot) == [0, 3]
    snapshot.written()
    assert (member.states.applied_offset(0), member.states.applied_offset(3)) == (0, -1)
    assert member.states.count() == 1
