"""How a worker takes batches: in parts, each judged and added in one step, until its partitions are taken away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry

from analyzer.crew import Crew
from analyzer.ending import Ending
from analyzer.metrics import Metrics
from analyzer.ports import Batch, Outgoing
from analyzer.schema_cache import SchemaCache
from analyzer.settings import AnalyzerSettings
from analyzer.stage import CARDS
from analyzer.transport import Fetch
from analyzer.worker import Worker
from schemas.registry import UnknownSchemaError
from tests.analyzer_input import batch
from tests.harness import PATIENCE

PARTITION, OTHER = TP(CARDS.source, 3), TP(CARDS.source, 4)


class SnapshotFake(list[Any]):
    """Of nothing."""

    def written(self) -> None:
        """Nothing to note."""


class AnalystFake:
    """Takes two records at once, remembers their offsets, and does what it is told to at one of them."""

    most = 2

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.states = SimpleNamespace(snapshot=self.snapshot, outlived=SnapshotFake, count=lambda: 0)
        self.parts: list[list[int]] = []
        self.snapshots = 0
        self.at: dict[int, Callable[[], object]] = {}

    def snapshot(self) -> SnapshotFake:
        self.snapshots += 1
        return SnapshotFake()

    def analyse(self, *batches: Batch) -> list[Outgoing]:
        offsets = [offset for one in batches for offset in one.offsets]
        for offset in offsets:
            self.at.get(offset, lambda: None)()
        self.parts.append(offsets)
        return []


class ConsumerFake:
    """Partition 3 from its beginning."""

    def __init__(self) -> None:
        self.committed: dict[int, int] = {}
        self.sought: list[int] = []
        self._thread = SimpleNamespace(_consumer=None)

    async def seek_to_committed(self) -> dict[TP, int]:
        return {}

    async def earliest_offsets(self, *_: TP) -> dict[TP, int]:
        return {}

    async def seek(self, _: TP, offset: int) -> None:
        self.sought.append(offset)

    async def _commit(self, offsets: dict[TP, int]) -> None:
        self.committed |= {tp.partition: offset for tp, offset in offsets.items()}


class RestorerFake:
    """Has nothing to restore; remembers what must be read anew."""

    def __init__(self) -> None:
        self.anew: set[int] = set()

    async def restore(self, _: object) -> None:
        """Nothing to read."""

    async def check(self, _: object) -> None:
        """Nothing to hold against anything."""

    def read_anew(self, partitions: set[int]) -> None:
        self.anew |= partitions

    def wrote(self, _: object) -> None:
        """Nothing is read from there."""


class Bench:
    """A worker that has partition 3, and what it works with."""

    def __init__(self) -> None:
        self.analyst, self.consumer, self.restorer = AnalystFake(), ConsumerFake(), RestorerFake()
        self.ending = Ending()
        signal = SimpleNamespace(connect=lambda _: None)
        app = SimpleNamespace(
            consumer=self.consumer,
            on_partitions_revoked=signal,
            on_partitions_assigned=signal,
            topic=lambda *_, **__: None,
            agent=lambda *_, **__: lambda function: function,
        )
        crew = Crew(CARDS, cast("Any", app), cast("Any", self.analyst), cast("Any", self.restorer))
        self.worker = Worker(crew, AnalyzerSettings(checkpoint_s=3_600.0, drain_timeout_s=PATIENCE * 5.0), self.ending)

    async def takes(self, *batches: Batch) -> None:
        """Assign the partition, let the worker take batches, and wait until it has."""
        await self.worker._on_assigned(None, assigned={PARTITION})
        stream = cast("Any", Stream([(one,) for one in batches]))
        await asyncio.wait_for(self.worker._watched(self.worker._consume(stream)), PATIENCE * 5)

    async def drained(self) -> None:
        await asyncio.wait_for(self.worker._drain("test"), PATIENCE * 5)


class Stream:
    """Hands over fetches as Faust does, then ends."""

    def __init__(self, fetches: Sequence[Fetch]) -> None:
        self.fetches = fetches

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for one in self.fetches:
            yield SimpleNamespace(value=one)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    settling = asyncio.create_task(one.worker._settler.run())
    yield one
    settling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await settling


def records(*offsets: int) -> Batch:
    return batch(*[(offset, b"card", b"value") for offset in offsets])


async def test_a_batch_is_judged_in_parts_and_committed_once_it_is_settled(bench: Bench) -> None:
    await bench.takes(records(0, 1, 2, 3, 4))
    assert bench.analyst.parts == [[0, 1], [2, 3], [4]]
    assert bench.consumer.committed == {}
    await bench.drained()
    assert bench.consumer.committed == {3: 5}
    assert bench.worker.health() is None


async def test_the_batches_of_a_fetch_are_judged_together_as_many_records_at_once_as_may_be(bench: Bench) -> None:
    await bench.worker._on_assigned(None, assigned={PARTITION, OTHER})
    fetch = (records(0, 1, 2), batch((0, b"card", b"value"), partition=OTHER.partition))
    await asyncio.wait_for(bench.worker._consume(cast("Any", Stream([fetch]))), PATIENCE * 5)
    await bench.drained()
    assert bench.analyst.parts == [[0, 1], [2, 0]]
    assert bench.consumer.committed == {3: 3, 4: 1}


async def test_a_partition_that_must_be_read_again_does_not_keep_the_others_of_a_fetch_waiting(bench: Bench) -> None:
    await bench.worker._on_assigned(None, assigned={PARTITION, OTHER})
    fetch = (records(5), batch((0, b"card", b"value"), partition=OTHER.partition))
    await asyncio.wait_for(bench.worker._consume(cast("Any", Stream([fetch]))), PATIENCE * 5)
    assert bench.consumer.sought[-1] == 0
    assert bench.analyst.parts == [[0]]
    await bench.drained()
    assert bench.consumer.committed == {4: 1}


async def test_when_partitions_are_taken_away_no_other_batch_of_the_fetch_is_judged(bench: Bench) -> None:
    await bench.worker._on_assigned(None, assigned={PARTITION, OTHER})
    revoked: list[asyncio.Task[None]] = []
    bench.analyst.at[1] = lambda: revoked.append(
        asyncio.create_task(bench.worker._on_revoked(None, revoked={PARTITION, OTHER}))
    )
    fetch = (records(0, 1), batch((0, b"card", b"value"), partition=OTHER.partition))
    await asyncio.wait_for(bench.worker._consume(cast("Any", Stream([fetch]))), PATIENCE * 5)
    await asyncio.wait_for(revoked[0], PATIENCE * 5)
    assert bench.analyst.parts == [[0, 1]]
    assert bench.consumer.committed == {3: 2}


async def test_records_that_were_here_are_passed_over_and_missing_ones_are_read_again(bench: Bench) -> None:
    await bench.takes(records(0, 1, 2), records(1, 2, 3), records(7, 8))
    assert bench.analyst.parts == [[0, 1], [2], [3]]
    assert bench.consumer.sought[-1] == 4


async def test_a_schema_is_fetched_and_the_part_is_judged_then(bench: Bench) -> None:
    cache = SchemaCache(lambda _: "schema")
    bench.analyst.at[2] = lambda: cache.definition(7)
    await bench.takes(records(0, 1, 2, 3))
    assert bench.analyst.parts == [[0, 1], [2, 3]]


async def test_what_the_registry_does_not_know_is_asked_for_once_a_part(bench: Bench) -> None:
    asked: list[object] = []

    def lookup(version: object) -> str:
        asked.append(version)
        raise UnknownSchemaError("unknown")

    def read() -> None:
        for _ in range(2):
            with contextlib.suppress(UnknownSchemaError):
                cache.definition(7)

    cache = SchemaCache(lookup)
    bench.analyst.at = {1: read, 2: read, 3: read}
    await bench.takes(records(0, 1, 2, 3))
    assert bench.analyst.parts == [[0, 1], [2, 3]]
    assert asked == [7, 7]


async def test_after_a_failure_in_judging_no_state_is_written(bench: Bench) -> None:
    def fail() -> None:
        raise ArithmeticError("a defect in a rule")

    bench.analyst.at[2] = fail
    await bench.takes(records(0, 1, 2, 3))
    assert bench.ending.failed
    with pytest.raises(ArithmeticError):
        bench.ending.check()
    drained = asyncio.create_task(bench.worker._settler.drained())
    for _ in range(50):
        await asyncio.sleep(0)
    drained.cancel()
    assert bench.analyst.snapshots == 0


async def test_when_partitions_are_taken_away_the_rest_of_a_batch_is_not_judged(bench: Bench) -> None:
    revoked: list[asyncio.Task[None]] = []
    bench.analyst.at[1] = lambda: revoked.append(
        asyncio.create_task(bench.worker._on_revoked(None, revoked={PARTITION}))
    )
    await bench.takes(records(0, 1, 2, 3))
    await asyncio.wait_for(revoked[0], PATIENCE * 5)
    assert bench.analyst.parts == [[0, 1]]
    assert bench.consumer.committed == {3: 2}
    assert bench.restorer.anew == set()
    assert bench.worker.health() == "cards: rebalancing"


async def test_states_that_are_ahead_when_partitions_are_taken_away_are_read_anew(bench: Bench) -> None:
    await bench.takes(records(0, 1))
    bench.ending._told.set()  # so that nothing is drained
    await bench.worker._on_revoked(None, revoked={PARTITION})
    assert bench.restorer.anew == {3}
    assert bench.consumer.committed == {}


async def test_the_time_until_all_is_told_is_measured_for_records_that_have_a_time(bench: Bench) -> None:
    await bench.takes(batch((0, b"card", b"value"), timestamp_ms=1_767_265_199_991), records(1, 2))
    (metric,) = bench.analyst.metrics.latency_seconds.collect()
    assert [one.value for one in metric.samples if one.name.endswith("_count")] == [1.0]
