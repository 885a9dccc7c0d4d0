"""What aiokafka's client has fetched, taken by whole record batches and handed over by columns.

aiokafka's own way is a generator's turn, a comparison, a few calls and an object for each record. What it skips
(aborted transactions, control batches, records before the position), checks (CRC) and remembers (the position) stays
its own here: it only believes that a batch holds a few large records. What that relies on is held in
tests/contract/test_analyzer_fetched.py.
"""
# ruff: noqa: SLF001 - it stands between private parts of aiokafka; the contract test holds them

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from inspect import GEN_CREATED, getgeneratorstate
from typing import Any
from weakref import proxy

from aiokafka.consumer.fetcher import FetchResult

from analyzer.ports import Batch


def batch_of(tp: Any, records: Sequence[Any]) -> Batch:
    """Return records of a partition, as aiokafka has them, as a batch; at least one."""
    first, last = records[0].offset, records[-1].offset
    dense = last - first == len(records) - 1
    return Batch(
        tp.topic,
        tp.partition,
        list(range(first, last + 1)) if dense else [one.offset for one in records],
        [one.key for one in records],
        [one.value for one in records],
        [tuple(one.headers) for one in records],
        [-1 if one.timestamp is None else one.timestamp for one in records],
    )


def in_runs(fetched: Iterable[Any]) -> None:
    """Let fetch results give their records a run at once, as they were parsed; others are left alone."""
    for result in fetched:
        if isinstance(result, FetchResult) and result.has_more() and "getall" not in vars(result):
            parsed = result._partition_records
            if getgeneratorstate(parsed._records_iterator) == GEN_CREATED:
                # Weak: what held itself would keep megabytes until Python looks for garbage.
                runs = _Runs(proxy(parsed), parsed._records)
                parsed._records, parsed._consumer_record = runs, _as_it_is
                result.getall = partial(_records, proxy(result), runs)


def _records(result: Any, runs: _Runs, most: int) -> list[Any]:
    """Return at most so many records of a fetch result, as its `getall` does."""
    if not result.check_assignment(result._topic_partition) or not result.has_more():
        return []
    runs.room = most
    records: list[Any] = []
    for run in result._partition_records:
        records += run.records
        if not runs.room:
            result._update_position()
            return records
    result._update_position()
    result._partition_records = None
    return records


def _as_it_is(_: Any, run: _Run) -> _Run:
    return run


class _Run:
    """Records one after the other, which pass for one record."""

    __slots__ = ("offset", "records")

    def __init__(self, records: list[Any]) -> None:
        self.records = records
        self.offset: int = records[-1].offset
        """aiokafka goes on after it."""


class _Runs:
    """Stands for the record batches of a fetch."""

    def __init__(self, parsed: Any, batches: Any) -> None:
        self.room = 0
        """Records that may still be taken."""
        self._parsed, self._batches = parsed, batches
        self.has_next = self._batches.has_next

    def next_batch(self) -> _Whole:
        return _Whole(self._batches.next_batch(), self)

    def of(self, records: list[Any]) -> Iterator[_Run]:
        """Yield the records of a batch from the position on, as many at once as there is room for."""
        begin, position = 0, self._parsed.next_fetch_offset
        while begin < len(records) and records[begin].offset < position:
            begin += 1  # a broker sends whole batches
        while begin < len(records):
            run = records[begin : begin + self.room] if begin or len(records) > self.room else records
            begin, self.room = begin + len(run), self.room - len(run)
            yield _Run(run)


class _Whole:
    """A record batch that is read at once; in all else it is aiokafka's."""

    def __init__(self, batch: Any, runs: _Runs) -> None:
        self._batch, self._runs = batch, runs
        self.validate_crc = batch.validate_crc
        self.is_control_batch = batch.is_control_batch
        self.next_offset = batch.next_offset

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[_Run]:
        return self._runs.of(list(self._batch))

    def __next__(self) -> Any:
        return next(self._batch)  # the marker in a control batch
