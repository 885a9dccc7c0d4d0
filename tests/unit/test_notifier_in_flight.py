"""Several calls under way: the order of each key, whatever the sink answers; the brake; the end."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from notifier.backlog import Backlog, Job
from notifier.calls import Calls, Undertaker
from notifier.dead_letter import FakeDeadLetters
from notifier.deliver import Backoff, Delivery, Outcome, Waiting, Watch
from notifier.envelope import Entry, Record
from notifier.metrics import Metrics
from notifier.pace import Pace
from notifier.progress import Progress
from notifier.sinks.base import Accepted, Refused, Result, ThrottledError
from notifier.sinks.fake import FakeSink
from schemas.errors import UnavailableError
from tests.harness import PATIENCE

KEYS = "abcde"


class Moody:
    """Takes, refuses and fails at random, in several threads at once, and remembers what it took."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - moods, not secrets
        self.taken: list[str] = []
        self.lock = threading.Lock()
        self.now = 0
        self.most = 0

    def check(self) -> None:
        pass

    def put(self, entries: Sequence[Entry]) -> list[Result]:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            mood = self.random.random()
        try:
            if mood < 0.1:
                raise UnavailableError("away")
            if mood < 0.2:
                raise ThrottledError("too much")
            with self.lock:
                return [self.result(entry) for entry in entries]
        finally:
            with self.lock:
                self.now -= 1

    def result(self, entry: Entry) -> Result:
        mood = self.random.random()
        if mood < 0.15:
            return Refused("ThrottlingException" if mood < 0.05 else "InternalFailure", "")
        if mood < 0.2:
            return Refused("MalformedDetail", "")
        self.taken.append(entry.detail)
        return Accepted("id")


def job(offset: int, key: str) -> Job:
    record = Record("t", 0, offset, key=key.encode())
    return Job(record, Entry("s", "t", f"{key}{offset}"), (record.topic, record.partition, record.key))


def calls_to(sink: Moody, backlog: Backlog, pace: Pace, finished: Callable[[Sequence[Job]], None]) -> Calls:
    metrics = Metrics(CollectorRegistry(), clock=lambda: 0.0)
    waiting = Waiting(Backoff(1, 1), pause=lambda _: True, draw=lambda most: most)
    undertaker = Undertaker(FakeDeadLetters(), 1_000_000, metrics)
    return Calls(
        sink=sink,
        backlog=backlog,
        undertaker=undertaker,
        waiting=waiting,
        metrics=metrics,
        finished=finished,
        pace=pace,
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000_000), st.lists(st.sampled_from(KEYS), max_size=150), st.integers(2, 8))
def test_no_record_overtakes_one_of_its_key_and_no_commit_passes_an_unfinished_one(
    seed: int, keys: list[str], count: int
) -> None:
    progress, lock = Progress(), threading.Lock()
    finished: set[int] = set()
    commits: list[tuple[int, set[int]]] = []

    def done(jobs: Sequence[Job]) -> None:
        with lock:
            for one in jobs:
                progress.finish(one.partition, one.record.offset)
                finished.add(one.record.offset)
            commits.extend((offset, set(finished)) for offset in progress.take_commits().values())

    sink, pace = Moody(seed), Pace(count)
    backlog = Backlog(max_jobs=10, max_bytes=10_000, pace=pace)
    calls = calls_to(sink, backlog, pace, done)
    for offset in range(len(keys)):
        progress.begin(("t", 0), offset)
    calls.start(count)
    for offset, key in enumerate(keys):
        backlog.put([job(offset, key)])
    assert backlog.wait_called({("t", 0)}, timeout_s=PATIENCE * 10)
    while not backlog.empty():
        backlog.wait_low(timeout_s=PATIENCE * 10)
        assert backlog.wait_called({("t", 0)}, timeout_s=PATIENCE * 10)
    calls.stop(timeout_s=PATIENCE * 10)
    assert calls.failure is None
    assert sink.most <= count
    assert finished == set(range(len(keys)))
    by_key: dict[str, list[int]] = defaultdict(list)
    for detail in sink.taken:
        by_key[detail[0]].append(int(detail[1:]))
    assert all(offsets == sorted(set(offsets)) for offsets in by_key.values())
    assert all(done_by_then >= set(range(offset)) for offset, done_by_then in commits)


def test_throttling_halves_the_calls_at_once_and_answers_bring_them_back_one_a_round() -> None:
    pace = Pace(8)
    for most in (4, 2, 1, 1):
        pace.throttled()
        assert pace.most == most
    pace.answered()
    assert pace.most == 2
    for _ in range(100):
        pace.answered()
    assert pace.most == 8


@pytest.mark.parametrize("answer", [ThrottledError("429"), [Refused("ThrottlingException", ""), Accepted("1")]])
def test_a_throttled_call_or_entry_slows_all_calls_down(answer: Exception | list[Result]) -> None:
    pace = Pace(8)
    seen: list[int] = []
    waiting = Waiting(Backoff(1, 1), pause=lambda _: not seen.append(pace.most), draw=lambda most: most)  # type: ignore[func-returns-value] # it remembers and goes on
    outcomes: dict[int, Outcome] = {}
    entries = [Entry("s", "t", "1"), Entry("s", "t", "2")]
    Delivery(FakeSink([answer]), waiting, Watch(), pace).deliver(entries, outcomes.update)
    assert seen == [4]
    assert sorted(outcomes) == [0, 1]


def test_a_service_that_fails_otherwise_slows_nobody_down() -> None:
    pace = Pace(8)
    waiting = Waiting(Backoff(1, 1), pause=lambda _: True, draw=lambda most: most)
    Delivery(FakeSink([UnavailableError("5xx")] * 3), waiting, Watch(), pace).deliver(
        [Entry("s", "t", "1")], lambda _: None
    )
    assert pace.most == 8


def test_no_more_calls_are_begun_than_the_pace_allows() -> None:
    pace = Pace(2)
    pace.throttled()
    backlog = Backlog(max_jobs=100, max_bytes=10_000, pace=pace)
    first = [job(n, "a") for n in range(2)]
    backlog.put(first)
    assert backlog.take() == first[:1]
    second: list[Job] = []
    taker = threading.Thread(target=lambda: second.extend(backlog.take()))
    taker.start()
    backlog.put([job(2, "b")])
    backlog.finish(first[:1])
    assert second == []
    backlog.ended()
    taker.join(PATIENCE * 10)
    assert sorted(one.record.offset for one in second) == [1, 2]


def test_a_call_that_was_woken_for_many_jobs_wakes_the_next() -> None:
    backlog = Backlog(max_jobs=100, max_bytes=10_000)
    took: list[list[Job]] = []
    takers = [threading.Thread(target=lambda: took.append(backlog.take())) for _ in range(3)]
    for taker in takers:
        taker.start()
    backlog.put([job(n, str(n)) for n in range(30)])
    for taker in takers:
        taker.join(PATIENCE * 10)
    assert [len(batch) for batch in took] == [10, 10, 10]
