"""The calls in flight: threads that take batches, deliver them, and see each job to its end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from notifier.backlog import Backlog, Job
from notifier.dead_letter import DeadLetters
from notifier.deliver import Delivery, Outcome, StoppedError, Waiting
from notifier.envelope import Record
from notifier.metrics import Metrics
from notifier.pace import Pace
from notifier.sinks.base import Sink, TimedSink
from schemas.errors import BadRecordError, UnavailableError, UserError


@dataclass(slots=True)
class Undertaker:
    """Buries records that can't be used, and counts how many in a row. Safe for threads."""

    letters: DeadLetters
    most_in_a_row: int
    metrics: Metrics
    _in_a_row: int = 0
    _last_reason: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bury(self, record: Record, error: BadRecordError) -> None:
        """Put the record into the dead-letter topic.

        Raises:
            UnavailableError: it could not be kept.
        """
        self.letters.put(record, error)
        self.metrics.dead_letter(record, error)
        with self._lock:
            self._in_a_row += 1
            self._last_reason = error.reason

    def check(self) -> None:
        """Stop a worker that can use nothing: a poison deployment is not a poison record.

        Raises:
            UserError: too many dead letters in a row.
        """
        with self._lock:
            if self._in_a_row >= self.most_in_a_row:
                raise UserError(
                    f"{self._in_a_row} records in a row became dead letters, the last because: {self._last_reason}."
                    " Mend the cause, start again and run `python -m notifier redrive`;"
                    " NOTIFIER_MAX_DEAD_LETTERS_IN_A_ROW sets the limit"
                )

    def relieved(self) -> None:
        """Learn that a record could be used."""
        with self._lock:
            self._in_a_row = 0


class Calls:
    """Several threads, each with one call at a time."""

    def __init__(
        self,
        *,
        sink: Sink,
        backlog: Backlog,
        undertaker: Undertaker,
        waiting: Waiting,
        metrics: Metrics,
        finished: Callable[[Sequence[Job]], None],
        pace: Pace,
    ) -> None:
        """Deliver what is in `backlog`; `finished` is told the jobs that need nothing more, `pace` of throttling."""
        self._delivery = Delivery(TimedSink(sink, metrics.call), waiting, metrics, pace)
        self._backlog = backlog
        self._undertaker = undertaker
        self._waiting = waiting
        self._finished = finished
        self._threads: list[threading.Thread] = []
        self.failure: Exception | None = None

    def start(self, count: int) -> None:
        """Start `count` threads."""
        for number in range(count):
            # A thread may sit in a call that takes its time: it must not keep the process alive.
            thread = threading.Thread(target=self._work, name=f"call-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float) -> None:
        """Hand out nothing more and wait for the calls that are under way, `timeout_s` for all together."""
        self._backlog.close()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        try:
            while batch := self._backlog.take():
                self._deliver(batch)
        except StoppedError:
            return
        except Exception as error:  # noqa: BLE001 - the main thread raises it
            self.failure = self.failure or error

    def _deliver(self, batch: list[Job]) -> None:
        try:
            self._delivery.deliver([job.entry for job in batch], lambda outcomes: self._settle(batch, outcomes))
        finally:
            self._backlog.ended()

    def _settle(self, batch: list[Job], outcomes: Sequence[tuple[int, Outcome]]) -> None:
        accepted: list[Job] = []
        for index, outcome in outcomes:
            if isinstance(outcome, BadRecordError):
                self._accept(accepted)
                accepted = []
                self._bury(batch[index].record, outcome)
                self._end([batch[index]])
                self._undertaker.check()
            else:
                accepted.append(batch[index])
        self._accept(accepted)

    def _accept(self, jobs: list[Job]) -> None:
        if jobs:
            self._undertaker.relieved()
            self._end(jobs)

    def _bury(self, record: Record, error: BadRecordError) -> None:
        for attempt in itertools.count():
            try:
                self._undertaker.bury(record, error)
            except UnavailableError:
                self._waiting.before_retry(attempt)
            else:
                return

    def _end(self, jobs: list[Job]) -> None:
        self._finished(jobs)
        self._backlog.finish(jobs)
