"""The bounded way from the consumer to the calls: jobs wait here, and calls take batches of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Hashable
from dataclasses import dataclass

from notifier.batch import first_batch
from notifier.envelope import Entry, Record
from notifier.progress import Partition


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A record on its way, and the entry made of it."""

    record: Record
    entry: Entry
    order_key: Hashable | None = None

    @property
    def size(self) -> int:
        """Bytes of its entry."""
        return self.entry.size

    @property
    def partition(self) -> Partition:
        """Where it came from."""
        return self.record.topic, self.record.partition


class Backlog:
    """Jobs that wait and jobs that are in a call. Safe for threads.

    A batch is handed out as soon as somebody asks: with little to do a job goes alone and at once, with much
    to do the jobs that came while all calls were busy go together.
    """

    def __init__(self, *, max_jobs: int, max_bytes: int) -> None:
        """Call itself full from `max_jobs` or `max_bytes` on, whichever comes first."""
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._waiting: deque[Job] = deque()
        self._called: set[Job] = set()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, job: Job) -> None:
        """Add a job behind all others."""
        with self._changed:
            self._waiting.append(job)
            self._bytes += job.size
            self._changed.notify()

    def take(self) -> list[Job]:
        """Wait for jobs and return the next batch; empty once it is closed."""
        with self._changed:
            while not self._closed:
                busy = {job.order_key for job in self._called if job.order_key is not None}
                if batch := first_batch(self._waiting, busy):
                    taken = set(batch)
                    self._waiting = deque(job for job in self._waiting if job not in taken)
                    self._called |= taken
                    return batch
                self._changed.wait()
            return []

    def finish(self, job: Job) -> None:
        """Note that a job of a call is over; the next of its key may go."""
        with self._changed:
            self._called.discard(job)
            self._bytes -= job.size
            self._changed.notify_all()

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget the jobs of these partitions that still wait."""
        with self._changed:
            dropped = [job for job in self._waiting if job.partition in partitions]
            self._waiting = deque(job for job in self._waiting if job.partition not in partitions)
            self._bytes -= sum(job.size for job in dropped)

    def wait_called(self, partitions: Collection[Partition], timeout_s: float) -> bool:
        """Wait until no call holds a job of these partitions; say whether it came to that."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(job.partition in partitions for job in self._called), timeout_s
            )

    def full(self) -> bool:
        """Say whether enough waits."""
        with self._changed:
            return len(self._waiting) >= self._max_jobs or self._bytes >= self._max_bytes

    def low(self) -> bool:
        """Say whether less than half of what is enough waits."""
        with self._changed:
            return len(self._waiting) * 2 <= self._max_jobs and self._bytes * 2 <= self._max_bytes

    def empty(self) -> bool:
        """Say whether nothing waits and nothing is in a call."""
        with self._changed:
            return not self._waiting and not self._called

    def close(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
