from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notifier.backlog import Backlog, Job
from notifier.batch import MAX_BYTES, MAX_ENTRIES, Queue
from notifier.envelope import Entry, Record
from tests.harness import PATIENCE


@dataclass(frozen=True, eq=False)
class Item:
    size: int
    order_key: str | None = None


SIZES = st.integers(1, 200) | st.integers(MAX_BYTES // 4, MAX_BYTES + 10)
ITEMS = st.lists(st.builds(Item, SIZES), max_size=40)
KEYED = st.lists(st.builds(Item, SIZES, st.sampled_from([None, "a", "b", "c"])), max_size=40)


def emptied(items: list[Item]) -> list[list[Item]]:
    queue: Queue[Item] = Queue()
    queue.add(items)
    batches: list[list[Item]] = []
    while len(queue):
        batches.append(queue.take())
        for item in batches[-1]:
            queue.over(item)
    return batches


def first(items: list[Item]) -> list[Item]:
    queue: Queue[Item] = Queue()
    queue.add(items)
    return queue.take()


@given(ITEMS)
def test_batches_hold_every_item_once_in_order(items: list[Item]) -> None:
    assert [item for batch in emptied(items) for item in batch] == items


@given(KEYED)
def test_a_batch_is_within_the_limits_unless_one_item_is_over_them(items: list[Item]) -> None:
    for batch in emptied(items):
        assert 1 <= len(batch) <= MAX_ENTRIES
        assert len(batch) == 1 or sum(item.size for item in batch) <= MAX_BYTES


@given(ITEMS)
def test_a_batch_ends_only_where_the_next_item_would_not_fit(items: list[Item]) -> None:
    batches = emptied(items)
    for batch, after in pairwise(batches):
        assert len(batch) == MAX_ENTRIES or sum(item.size for item in batch) + after[0].size > MAX_BYTES


@given(KEYED)
def test_items_of_one_key_go_in_order_and_never_together(items: list[Item]) -> None:
    batches = emptied(items)
    for key in "abc":
        went = [[item for item in batch if item.order_key == key] for batch in batches]
        assert all(len(together) <= 1 for together in went)
        assert [item for together in went for item in together] == [item for item in items if item.order_key == key]


def test_the_sum_of_sizes_stays_strictly_below_one_mebibyte() -> None:
    half = Item(512 * 1024)
    assert len(first([half, half])) == 1
    assert len(first([half, Item(512 * 1024 - 1)])) == 2


def test_a_key_in_another_call_is_passed_over_until_it_is_out_of_it() -> None:
    queue: Queue[Item] = Queue()
    first, second, other, free = Item(1, "a"), Item(1, "a"), Item(1, "b"), Item(1)
    queue.add([first])
    assert queue.take() == [first]
    queue.add([second, other, free])
    assert queue.take() == [other, free]
    assert queue.take() == []
    assert len(queue) == 1
    queue.over(first)
    assert queue.take() == [second]


class Played(RuleBasedStateMachine):
    """Puts, calls and ends in any order; what goes out must be what a search through all that wait would find."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: Queue[Item] = Queue()
        self.waiting: list[Item] = []
        self.out: list[Item] = []
        self.went: list[Item] = []
        self.came: list[Item] = []

    @rule(items=KEYED)
    def come(self, items: list[Item]) -> None:
        fresh = [Item(item.size, item.order_key) for item in items]
        self.queue.add(fresh)
        self.waiting += fresh
        self.came += fresh

    @rule()
    def call(self) -> None:
        batch = self.queue.take()
        busy = {item.order_key for item in self.out} - {None}
        may = [item for item in self.waiting if item.order_key not in busy]
        assert bool(batch) == bool(may)
        assert sum(item.size for item in batch) <= MAX_BYTES or len(batch) == 1
        keys = [item.order_key for item in batch if item.order_key]
        assert len(set(keys)) == len(keys)
        assert not busy & set(keys)
        self.waiting = [item for item in self.waiting if item not in batch]
        self.out += batch
        self.went += batch

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        over = data.draw(st.sampled_from(self.out))
        self.out.remove(over)
        self.queue.over(over)

    @rule(key=st.sampled_from([None, "a", "b", "c"]))
    def drop(self, key: str | None) -> None:
        gone = [item for item in self.waiting if item.order_key == key]
        assert set(self.queue.drop(lambda item: item.order_key == key)) == set(gone)
        self.waiting = [item for item in self.waiting if item.order_key != key]
        self.came = [item for item in self.came if item not in gone]

    @invariant()
    def nothing_is_lost_and_each_key_keeps_its_order(self) -> None:
        assert len(self.queue) == len(self.waiting)
        for key in "abc":
            went = [item for item in self.went if item.order_key == key]
            assert went == [item for item in self.came if item.order_key == key][: len(went)]


TestPlayed = Played.TestCase
TestPlayed.settings = settings(max_examples=30, deadline=None)


def job(offset: int, key: str | None = None, partition: int = 0, size: int = 10) -> Job:
    return Job(Record("t", partition, offset), Entry("", "", "x" * size), key)


def test_a_job_goes_alone_when_nothing_else_waits_and_jobs_that_wait_go_together() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    jobs = [job(n) for n in range(4)]
    backlog.put([jobs[0]])
    assert backlog.take() == jobs[:1]
    backlog.put(jobs[1:])
    assert backlog.take() == jobs[1:]


def test_the_next_job_of_a_key_waits_until_the_one_before_is_over() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    first, second = job(0, "a"), job(1, "a")
    backlog.put([first])
    backlog.put([second])
    assert backlog.take() == [first]
    took: list[Job] = []
    taker = threading.Thread(target=lambda: took.extend(backlog.take()))
    taker.start()
    assert took == []
    backlog.finish([first])
    taker.join(PATIENCE * 10)
    assert took == [second]


def test_a_backlog_is_full_by_jobs_or_by_bytes_until_half_of_it_is_gone() -> None:
    by_jobs, by_bytes = Backlog(max_jobs=4, max_bytes=10_000), Backlog(max_jobs=100, max_bytes=40)
    for backlog in (by_jobs, by_bytes):
        jobs = [job(n) for n in range(4)]
        for one in jobs:
            assert not backlog.full()
            backlog.put([one])
        assert backlog.full()
        backlog.finish(backlog.take()[:2])
        assert not backlog.full()
        assert backlog.low()


def test_dropped_partitions_leave_nothing_waiting_and_nothing_in_a_call_is_waited_for_in_vain() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    called, dropped, kept = job(0), job(1), job(2, partition=1)
    backlog.put([called])
    assert backlog.take() == [called]
    backlog.put([dropped])
    backlog.put([kept])
    backlog.drop({("t", 0)})
    assert not backlog.wait_called({("t", 0)}, timeout_s=0)
    assert backlog.wait_called({("t", 1)}, timeout_s=0)
    backlog.finish([called])
    assert backlog.wait_called({("t", 0)}, timeout_s=0)
    assert backlog.take() == [kept]
    backlog.finish([kept])
    assert backlog.empty()


def test_a_closed_backlog_hands_out_nothing() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    backlog.put([job(0)])
    backlog.close()
    assert backlog.take() == []
