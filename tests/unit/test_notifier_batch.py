from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from notifier.backlog import Backlog, Job
from notifier.batch import MAX_BYTES, MAX_ENTRIES, first_batch
from notifier.envelope import Entry, Record


@dataclass(frozen=True, eq=False)
class Item:
    size: int
    order_key: str | None = None


SIZES = st.integers(1, 200) | st.integers(MAX_BYTES // 4, MAX_BYTES + 10)
ITEMS = st.lists(st.builds(Item, SIZES), max_size=40)
KEYED = st.lists(st.builds(Item, SIZES, st.sampled_from([None, "a", "b", "c"])), max_size=40)


def emptied(items: list[Item]) -> list[list[Item]]:
    waiting, batches = list(items), []
    while waiting:
        batches.append(first_batch(waiting))
        waiting = [item for item in waiting if item not in batches[-1]]
    return batches


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
    assert len(first_batch([half, half])) == 1
    assert len(first_batch([half, Item(512 * 1024 - 1)])) == 2


def test_a_key_in_another_call_is_passed_over() -> None:
    items = [Item(1, "a"), Item(1, "b"), Item(1), Item(1, "a")]
    assert first_batch(items, busy={"a"}) == items[1:3]
    assert first_batch([Item(1, "a")], busy={"a"}) == []


def job(offset: int, key: str | None = None, partition: int = 0, size: int = 10) -> Job:
    return Job(Record("t", partition, offset), Entry("", "", "x" * size), key)


def test_a_job_goes_alone_when_nothing_else_waits_and_jobs_that_wait_go_together() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    jobs = [job(n) for n in range(4)]
    backlog.put(jobs[0])
    assert backlog.take() == jobs[:1]
    for one in jobs[1:]:
        backlog.put(one)
    assert backlog.take() == jobs[1:]


def test_the_next_job_of_a_key_waits_until_the_one_before_is_over() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    first, second = job(0, "a"), job(1, "a")
    backlog.put(first)
    backlog.put(second)
    assert backlog.take() == [first]
    took: list[Job] = []
    taker = threading.Thread(target=lambda: took.extend(backlog.take()))
    taker.start()
    assert took == []
    backlog.finish(first)
    taker.join(10)
    assert took == [second]


def test_a_backlog_is_full_by_jobs_or_by_bytes_until_half_of_it_is_gone() -> None:
    by_jobs, by_bytes = Backlog(max_jobs=4, max_bytes=10_000), Backlog(max_jobs=100, max_bytes=40)
    for backlog in (by_jobs, by_bytes):
        jobs = [job(n) for n in range(4)]
        for one in jobs:
            assert not backlog.full()
            backlog.put(one)
        assert backlog.full()
        for one in backlog.take()[:2]:
            backlog.finish(one)
        assert not backlog.full()
        assert backlog.low()


def test_dropped_partitions_leave_nothing_waiting_and_nothing_in_a_call_is_waited_for_in_vain() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    called, dropped, kept = job(0), job(1), job(2, partition=1)
    backlog.put(called)
    assert backlog.take() == [called]
    backlog.put(dropped)
    backlog.put(kept)
    backlog.drop({("t", 0)})
    assert not backlog.wait_called({("t", 0)}, timeout_s=0)
    assert backlog.wait_called({("t", 1)}, timeout_s=0)
    backlog.finish(called)
    assert backlog.wait_called({("t", 0)}, timeout_s=0)
    assert backlog.take() == [kept]
    backlog.finish(kept)
    assert backlog.empty()


def test_a_closed_backlog_hands_out_nothing() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    backlog.put(job(0))
    backlog.close()
    assert backlog.take() == []
