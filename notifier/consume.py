"""The consumer: reads records, keeps the group's membership alive, and commits what is done.

One thread polls; it never waits for the sink. When enough waits for a call, or the registry is away, the
partitions are paused and polling goes on, so heartbeats and the poll interval hold however long that takes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from notifier.backlog import Backlog, Job
from notifier.batch import MAX_ENTRIES
from notifier.calls import Calls, Undertaker
from notifier.deliver import Waiting
from notifier.envelope import Record
from notifier.kafka import to_record
from notifier.mapping import Mapper
from notifier.metrics import Metrics
from notifier.pace import Pace
from notifier.progress import Partition, Progress
from notifier.settings import NotifierSettings
from notifier.sinks.base import Sink
from schemas.errors import BadRecordError, UnavailableError, UserError

_POLL_S: Final = 0.1
_FETCH_AT_ONCE: Final = 200
_COMMIT_EVERY_S: Final = 0.5


class Notifier:
    """Reads the topic, hands jobs to the calls, commits up to the lowest unfinished record."""

    def __init__(
        self,
        source: Consumer,
        *,
        mapper: Mapper,
        sink: Sink,
        undertaker: Undertaker,
        waiting: Waiting,
        settings: NotifierSettings,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        """Put everything together; nothing runs before `run`."""
        self._consumer = source
        self._mapper = mapper
        self._undertaker = undertaker
        self._waiting = waiting
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._log = structlog.get_logger(__name__)
        self._lock = threading.Lock()
        self._progress = Progress()
        pace = Pace(settings.calls_in_flight)
        self._backlog = Backlog(max_jobs=settings.buffer_records, max_bytes=settings.buffer_bytes, pace=pace)
        self._calls = Calls(
            sink=sink,
            backlog=self._backlog,
            undertaker=undertaker,
            waiting=waiting,
            metrics=metrics,
            finished=self._finished,
            pace=pace,
        )
        self._raw: deque[Record] = deque()
        self._retry_at = 0.0
        self._attempt = 0
        self._paused: set[Partition] = set()
        self._commit_at = 0.0
        self._ended = False
        self.joined = False

    def run(self, stop: threading.Event, halt: threading.Event) -> None:
        """Work until `stop` is set, then finish what was begun.

        Args:
            stop: asks for the end.
            halt: set here when the time to finish is over, so that waits for a retry end.

        Raises:
            UserError: the worker can't go on; the message says why.
        """
        self._calls.start(self._settings.calls_in_flight)
        self._consumer.subscribe(
            [self._settings.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        try:
            while not stop.is_set() and self._calls.failure is None:
                self._step()
            self._drain()
        finally:
            halt.set()
            self._ended = True
            self._calls.stop(timeout_s=2)
            self._commit(wait=True)
            self._consumer.close()
        if self._calls.failure is not None:
            raise self._calls.failure

    def _step(self) -> None:
        self._read()
        self._map()
        self._throttle()
        if self._clock() >= self._commit_at:
            self._commit(wait=False)

    def _read(self) -> None:
        first = self._consumer.poll(_POLL_S)
        if first is not None:
            # Noted before the next call, which may take its partition away.
            self._note([first])
            # What has already been fetched comes along, without waiting for more.
            self._note(self._consumer.consume(_FETCH_AT_ONCE, 0))

    def _note(self, messages: list[Message]) -> None:
        records = [to_record(message) for message in messages if self._fine(message)]
        self._metrics.records.inc(len(records))
        with self._lock:
            for record in records:
                self._progress.begin((record.topic, record.partition), record.offset)
        self._raw.extend(records)

    def _fine(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}:
            raise UserError(f"Kafka refuses to let {self._settings.group} read {self._settings.topic}: {error.str()}")
        if error.fatal():
            raise UserError(f"the consumer can't go on: {error.str()}")
        self._log.warning("kafka", error=error.str())
        return False

    def _map(self) -> None:
        """Make jobs of what was read, a call's worth at a time; stop at a record that has to wait for a peer."""
        while self._raw and self._clock() >= self._retry_at:
            jobs: list[Job] = []
            try:
                while self._raw and len(jobs) < MAX_ENTRIES:
                    if job := self._job(self._raw[0]):
                        jobs.append(job)
                    self._raw.popleft()
                self._attempt = 0
            except UnavailableError as error:
                self._retry_at = self._clock() + self._waiting.draw(self._waiting.backoff.limit_s(self._attempt))
                self._attempt += 1
                self._log.warning("waiting for a peer", reason=str(error))
                return
            finally:
                self._backlog.put(jobs)

    def _job(self, record: Record) -> Job | None:
        """Return the job of a record; None when it became a dead letter."""
        try:
            entry = self._mapper.entry(record)
        except BadRecordError as error:
            self._undertaker.bury(record, error)
            with self._lock:
                self._progress.finish((record.topic, record.partition), record.offset)
            self._undertaker.check()
            return None
        ordered = self._settings.keep_order and record.key is not None
        return Job(record, entry, (record.topic, record.partition, record.key) if ordered else None)

    def _throttle(self) -> None:
        """Pause what is assigned while enough waits; resume what was paused when little does.

        Pausing throws away what was fetched ahead, so a sink that keeps up is given a moment first.
        """
        if not self._raw and not self._paused and self._backlog.full():
            self._backlog.wait_low(self._settings.pause_after_s)
        if self._raw or self._backlog.full():
            more = {(part.topic, part.partition) for part in self._consumer.assignment()} - self._paused
            if more:
                self._consumer.pause(_places(more))
                self._paused |= more
        elif self._paused and self._backlog.low():
            self._resume(self._paused)

    def _resume(self, partitions: set[Partition]) -> None:
        if partitions:
            self._consumer.resume(_places(partitions))
            self._paused = self._paused - partitions

    def _finished(self, jobs: Sequence[Job]) -> None:
        with self._lock:
            for job in jobs:
                self._progress.finish(job.partition, job.record.offset)

    def _commit(self, *, wait: bool) -> None:
        self._commit_at = self._clock() + _COMMIT_EVERY_S
        with self._lock:
            commits = self._progress.take_commits()
        if not commits:
            return
        offsets = [TopicPartition(topic, number, offset) for (topic, number), offset in commits.items()]
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets)
        except KafkaException as error:
            # Whoever reads the partition next begins at an older offset: repeated, not lost.
            self._log.warning("offsets not committed", error=str(error))

    def _assigned(self, _: Any, partitions: list[TopicPartition]) -> None:
        self.joined = True
        self._log.info("assigned", partitions=sorted(part.partition for part in partitions))

    def _revoked(self, _: Any, partitions: list[TopicPartition]) -> None:
        """Finish what is in a call, for a while, commit it, and forget the rest."""
        gone = self._forget_waiting(partitions)
        if not self._backlog.wait_called(gone, 0 if self._ended else self._settings.revoke_timeout_s):
            self._log.warning("handed over unfinished: some entries will be put twice")
        self._commit(wait=True)
        self._forget(gone)

    def _lost(self, _: Any, partitions: list[TopicPartition]) -> None:
        """Forget partitions that are somebody else's already: their offsets are no longer ours to commit."""
        self._forget(self._forget_waiting(partitions))

    def _forget_waiting(self, partitions: list[TopicPartition]) -> set[Partition]:
        gone = {(part.topic, part.partition) for part in partitions}
        kept = [record for record in self._raw if (record.topic, record.partition) not in gone]
        self._raw.clear()
        self._raw.extend(kept)
        self._backlog.drop(gone)
        self._resume(self._paused & gone)  # so that it is not paused if it comes back
        self._log.info("given up", partitions=sorted(part.partition for part in partitions))
        return gone

    def _forget(self, gone: set[Partition]) -> None:
        with self._lock:
            self._progress.forget(gone)

    def _drain(self) -> None:
        """Read nothing more; finish what was read, for a while."""
        deadline = self._clock() + self._settings.drain_timeout_s
        self._log.info("draining", records=self._progress.unfinished())
        while self._calls.failure is None and self._clock() < deadline and not self._done():
            self._consumer.pause(self._consumer.assignment())
            self._consumer.poll(_POLL_S)  # for the group's sake; what it may still return is read again later
            self._map()
        self._log.info("stopped", unfinished=self._progress.unfinished())

    def _done(self) -> bool:
        return not self._raw and self._backlog.empty()


def _places(partitions: set[Partition]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic, number in sorted(partitions)]
