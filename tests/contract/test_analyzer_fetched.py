"""Records taken by whole batches are those that aiokafka gives one by one, and what that relies on in aiokafka."""

from __future__ import annotations

import gc
import inspect
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher as fetching
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from analyzer.fetched import batch_of, in_runs
from analyzer.ports import Batch

PLACE = TopicPartition("transactions", 3)
AT_MS: Final = 1_767_265_199_991
GZIP: Final = 1
CONTROL: Final = 0x20
COMMIT, ABORT = struct.pack(">hh", 0, 1), struct.pack(">hh", 0, 0)


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be written."""

    key: bytes | None = b"k"
    value: bytes | None = b"v"
    headers: tuple[tuple[str, bytes | None], ...] = ()
    before: int = 0
    """Offsets before it that compaction has emptied."""


@dataclass(frozen=True, slots=True)
class Written:
    """A record batch to be written."""

    records: Sequence[Record]
    magic: int = 2
    codec: int = 0
    producer_id: int = -1
    marker: bytes | None = None
    """Of a control batch: what its only record says."""
    after: int = 0
    """Offsets at its end that compaction has emptied."""


def written(batches: Sequence[Written]) -> tuple[bytes, list[int]]:
    """Return batches as a broker sends them, the first at offset 0, and where each begins and the last ends."""
    sent, ends = b"", [0]
    for one in batches:
        data, size = _older(one, ends[-1]) if one.magic < 2 else _newer(one, ends[-1])
        sent += data
        ends.append(ends[-1] + size)
    return sent, ends


def _newer(batch: Written, base: int) -> tuple[bytes, int]:
    transactional = batch.producer_id >= 0
    builder = DefaultRecordBatchBuilder(2, batch.codec, int(transactional), batch.producer_id, 0, 0, 1_000_000)
    offset, records = -1, [Record(key=batch.marker)] if batch.marker else batch.records
    for one in records:
        offset += one.before + 1
        builder.append(offset, AT_MS + 7 * offset, one.key, one.value, list(one.headers))
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, base)
    struct.pack_into(">i", data, 23, offset + batch.after)
    if batch.marker:
        data[22] |= CONTROL
    struct.pack_into(">I", data, 17, calc_crc32c(bytes(data[21:])))
    return bytes(data), offset + batch.after + 1


def _older(batch: Written, base: int) -> tuple[bytes, int]:
    builder = LegacyRecordBatchBuilder(batch.magic, 0, 1_000_000)
    offset = base - 1
    for one in batch.records:
        offset += one.before + 1
        builder.append(offset, AT_MS if batch.magic else None, one.key, one.value)
    return bytes(builder.build()), offset - base + 1


def fetched(
    sent: bytes, position: int = 0, aborted: Sequence[tuple[int, int]] = (), isolation: int = 0
) -> fetching.FetchResult:
    """Return a fetch result as aiokafka makes it of what a broker answers."""
    parsed = fetching.PartitionRecords(
        PLACE, MemoryRecords(sent), list(aborted), position, None, None, check_crcs=True, isolation_level=isolation
    )
    state = SimpleNamespace(paused=False, position=position)
    state.consumed_to = lambda position: setattr(state, "position", position)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    return fetching.FetchResult(PLACE, assignment=assignment, partition_records=parsed, backoff=0)


def by_runs(*args: Any, **kwargs: Any) -> fetching.FetchResult:
    """Return one that gives its records by runs."""
    result = fetched(*args, **kwargs)
    in_runs([result])
    return result


def position(result: Any) -> int:
    """Return from where the client would read on."""
    return int(result._assignment.state_value(PLACE).position)


def taken(result: fetching.FetchResult, most: int) -> tuple[Batch | None, int, bool]:
    """Return what is taken, the position then, and whether there may be more."""
    records = result.getall(most)
    assert len(records) <= most
    return batch_of(PLACE, records) if records else None, position(result), result.has_more()


BYTES = st.none() | st.binary(max_size=200)
RECORDS = st.builds(
    Record,
    BYTES,
    BYTES,
    st.lists(st.tuples(st.text(max_size=4), BYTES), max_size=2).map(tuple),
    st.sampled_from([0, 0, 0, 1, 5]),
)
NEW = st.builds(
    Written,
    st.lists(RECORDS, max_size=6),
    codec=st.sampled_from([0, 0, GZIP]),
    producer_id=st.sampled_from([-1, 1, 2]),
    after=st.integers(0, 3),
)
MARKERS = st.builds(Written, st.just(()), producer_id=st.sampled_from([1, 2]), marker=st.sampled_from([COMMIT, ABORT]))
OLD = [st.builds(Written, st.lists(RECORDS, min_size=1, max_size=6), magic=st.just(magic)) for magic in (0, 1)]
BATCHES = st.one_of(*[st.lists(one, min_size=1, max_size=6) for one in (NEW | MARKERS, *OLD)])
"""aiokafka can't read batches of several formats in one answer."""


@given(batches=BATCHES, data=st.data())
def test_runs_give_the_records_the_positions_and_the_ends_that_aiokafka_gives(
    batches: list[Written], data: st.DataObject
) -> None:
    sent, ends = written(batches)
    begin = data.draw(st.integers(0, ends[-1]))
    aborted = data.draw(st.lists(st.tuples(st.sampled_from([1, 2]), st.sampled_from(ends)), max_size=3))
    isolation = data.draw(st.sampled_from([0, 1]))
    theirs, ours = (make(sent, begin, aborted, isolation) for make in (fetched, by_runs))
    while theirs.has_more():
        most = data.draw(st.integers(1, 8))
        assert taken(ours, most) == taken(theirs, most)
    assert not ours.has_more()


def test_a_batch_holds_what_the_records_hold() -> None:
    records = [Record(b"a", b"1"), Record(None, b"2", (("h", b"x"), ("h", None))), Record(b"c", None, (), 3)]
    sent, _ = written([Written(records)])
    for result in (fetched(sent), by_runs(sent)):
        assert batch_of(PLACE, result.getall(9)) == Batch(
            "transactions",
            3,
            [0, 1, 5],
            [b"a", None, b"c"],
            [b"1", b"2", None],
            [(), (("h", b"x"), ("h", None)), ()],
            [AT_MS, AT_MS + 7, AT_MS + 35],
        )


def test_a_record_that_was_changed_on_its_way_is_an_error_as_with_aiokafka() -> None:
    sent, _ = written([Written([Record()] * 3)])
    result = by_runs(sent[:-1] + b"?")
    with pytest.raises(CorruptRecordException):
        result.getall(9)


def test_nothing_is_taken_of_a_partition_that_is_paused_or_read_from_elsewhere() -> None:
    sent, _ = written([Written([Record()] * 3)])
    for name, value in (("paused", True), ("position", 7)):
        result = by_runs(sent)
        assert len(result.getall(1)) == 1
        setattr(cast("Any", result)._assignment.state_value(PLACE), name, value)
        assert result.getall(1) == []
        assert not result.has_more()


class FetcherFake:
    """Has fetched something of some partitions, as aiokafka's fetcher has it."""

    _subscriptions = SimpleNamespace(reassignment_in_progress=False)
    _wait_consume_future = None

    def __init__(self, *results: fetching.FetchResult) -> None:
        self._records = {TopicPartition("transactions", number): one for number, one in enumerate(results)}

    def _notify(self, _: Any) -> None:
        pass

    async def fetched_records(self, most: int) -> dict[int, list[int]]:
        in_runs(self._records.values())
        found = await fetching.Fetcher.fetched_records(cast("Any", self), [], timeout=0, max_records=most)
        return {place.partition: [one.offset for one in records] for place, records in found.items()}


async def test_the_fetcher_hands_over_at_most_so_many_records_of_all_partitions() -> None:
    sent, _ = written([Written([Record()] * 3), Written([Record()] * 2)])
    fetcher = FetcherFake(fetched(sent), fetched(sent, 2))
    assert await fetcher.fetched_records(4) == {0: [0, 1, 2, 3]}
    assert await fetcher.fetched_records(4) == {0: [4], 1: [2, 3, 4]}
    assert await fetcher.fetched_records(4) == {}
    assert fetcher._records == {}


def test_what_was_read_to_its_end_is_gone_without_a_look_for_garbage() -> None:
    sent, _ = written([Written([Record()] * 3)])
    gc.disable()
    try:
        result = by_runs(sent)
        gone = [weakref.ref(result), weakref.ref(cast("Any", result)._partition_records)]
        assert len(result.getall(2)) == 2
        assert len(result.getall(2)) == 1
        del result
        assert [one() for one in gone] == [None, None]
    finally:
        gc.enable()


def test_a_result_that_gives_its_records_one_by_one_already_goes_on_so() -> None:
    sent, _ = written([Written([Record()] * 3)])
    result = fetched(sent)
    assert [one.offset for one in result.getall(1)] == [0]
    in_runs([result])
    assert [one.offset for one in result.getall(9)] == [1, 2]


def test_errors_among_what_was_fetched_are_left_alone() -> None:
    error = fetching.FetchError(error=CorruptRecordException(), backoff=0)
    in_runs([error])
    assert "getall" not in vars(error)


def test_aiokafka_reads_batches_and_results_in_the_ways_that_are_stood_in_for() -> None:
    unpack = inspect.getsource(fetching.PartitionRecords._unpack_records)
    for what in (
        "records = self._records",
        "records.has_next()",
        "records.next_batch()",
        "for record in next_batch:",
        "record.offset < self.next_fetch_offset",
        "self._consumer_record(tp, record)",
        "self.next_fetch_offset = record.offset + 1",
    ):
        assert what in unpack, f"analyzer/fetched.py relies on it, and it has changed: {what}"
    of = inspect.getsource(fetching.Fetcher.fetched_records)
    assert "res_or_error.getall(max_records)" in of
    assert "len(drained[tp])" in of
