"""The bounded way from the consumer to the calls: jobs wait here, and calls take batches of them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable, Sequence

from notifier.batch import Queue
from notifier.envelope import Entry, Record
from notifier.pace import Pace
from notifier.progress import Partition


class Job:
    """A record on its way, and the entry made of it; `size` is the entry's, in bytes."""

    __slots__ = ("entry", "order_key", "partition", "record", "size")

    def __init__(self, record: Record, entry: Entry, order_key: Hashable | None = None) -> None:
        self.record = record
        self.entry = entry
        self.order_key = order_key
        self.partition: Partition = (record.topic, record.partition)
        self.size = entry.size


class Backlog:
    """Jobs that wait and jobs that are in a call. Safe for threads.

    A batch is handed out as soon as somebody asks: with little to do a job goes alone and at once, with much
    to do the jobs that came while all calls were busy go together.
    """

    def __init__(self, *, max_jobs: int, max_bytes: int, pace: Pace | None = None) -> None:
        """Call itself full from `max_jobs` or `max_bytes` on, whichever comes first; `pace` bounds the calls."""
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._pace = pace
        self._waiting: Queue[Job] = Queue()
        self._called: set[Job] = set()
        self._calls = 0
        self._bytes = 0
        self._closed = False
        lock = threading.Lock()
        self._more = threading.Condition(lock)
        """Calls wait on it for jobs."""
        self._less = threading.Condition(lock)
        """The consumer waits on it for room."""
        self._over = threading.Condition(lock)
        """It waits on this for the end of calls."""

    def put(self, jobs: Sequence[Job]) -> None:
        """Add jobs behind all others."""
        with self._more:
            self._waiting.add(jobs)
            self._bytes += sum([job.size for job in jobs])
            self._more.notify()

    def take(self) -> list[Job]:
        """Wait for jobs and return the next batch; empty once it is closed. Each batch ends with `ended`."""
        with self._more:
            while not self._closed:
                if self._may_call() and (batch := self._waiting.take()):
                    self._called.update(batch)
                    self._calls += 1
                    if len(self._waiting):
                        self._more.notify()  # one was woken for many jobs
                    return batch
                self._more.wait()
            return []

    def _may_call(self) -> bool:
        return self._pace is None or self._calls < self._pace.most

    def finish(self, jobs: Collection[Job]) -> None:
        """Note that jobs of a call are over; the next of their keys may go."""
        with self._more:
            for job in jobs:
                self._called.discard(job)
                self._waiting.over(job)
                self._bytes -= job.size
            self._more.notify()
            self._over.notify_all()
            if self._low():
                self._less.notify_all()

    def ended(self) -> None:
        """Note that a call is over, settled or not."""
        with self._more:
            self._calls -= 1
            self._more.notify()

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget the jobs of these partitions that still wait."""
        with self._less:
            self._bytes -= sum(job.size for job in self._waiting.drop(lambda job: job.partition in partitions))
            self._less.notify_all()

    def wait_called(self, partitions: Collection[Partition], timeout_s: float) -> bool:
        """Wait until no call holds a job of these partitions; say whether it came to that."""
        with self._over:
            return self._over.wait_for(lambda: not any(job.partition in partitions for job in self._called), timeout_s)

    def wait_low(self, timeout_s: float) -> None:
        """Wait until little waits, or nothing more is handed out."""
        with self._less:
            self._less.wait_for(lambda: self._closed or self._low(), timeout_s)

    def full(self) -> bool:
        """Say whether enough waits."""
        with self._less:
            return len(self._waiting) >= self._max_jobs or self._bytes >= self._max_bytes

    def low(self) -> bool:
        """Say whether less than half of what is enough waits."""
        with self._less:
            return self._low()

    def _low(self) -> bool:
        return len(self._waiting) * 2 <= self._max_jobs and self._bytes * 2 <= self._max_bytes

    def empty(self) -> bool:
        """Say whether nothing waits and nothing is in a call."""
        with self._less:
            return not len(self._waiting) and not self._called

    def close(self) -> None:
        """Hand out nothing more."""
        with self._less:
            self._closed = True
            self._more.notify_all()
            self._less.notify_all()
