"""Replays: every archived event of the range at least once, in order, through crashes, full disks and cancellations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eventbus.arn import Scope
from eventbus.catalogue import Catalogue
from eventbus.model import Archive, Bus, Replay
from eventbus.recording import RecordingIntake
from eventbus.replay import BATCH, MOST_PENDING, Replays, with_replay_name
from eventbus.store import StorageError, Store, journal
from tests.harness import PATIENCE

SCOPE = Scope("123456789012", "eu-central-1")
BUS = Bus(SCOPE.bus("cardwatch"), "cardwatch", 1, 1)
ARCHIVE = Archive(SCOPE.arn("archive/all"), "all", BUS.arn, 1)
NOW_MS = 1_000_000
REPLAY = Replay(
    arn=SCOPE.arn("replay/again"),
    name="again",
    archive_arn=ARCHIVE.arn,
    destination={"Arn": BUS.arn},
    from_ms=1_000,
    until_ms=5_000,
    state="STARTING",
    started_ms=NOW_MS,
)


class Stage:
    """A bus with one archive, and what its replays do."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self.store, self.catalogue, self.intake = store, catalogue, RecordingIntake()
        self.pending = 0
        self.slept: list[float] = []
        self.on_sleep: Callable[[], Any] = lambda: None
        self.replays = self.new_run()

    def new_run(self) -> Replays:
        """Return what a fresh process would have."""
        self.replays = Replays(
            self.store,
            self.catalogue,
            self.intake,
            clock_ms=lambda: NOW_MS,
            pending=lambda: self.pending,
            sleep=self.sleep,
        )
        return self.replays

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep()
        await asyncio.sleep(0)

    async def archive(self, times_ms: dict[str, int]) -> None:
        rows = [
            (ARCHIVE.arn, time_ms, 1, json.dumps({"id": event, "region": "r", "resources": [], "detail": {"n": 1.50}}))
            for event, time_ms in times_ms.items()
        ]
        await self.store.write(lambda db: journal.keep(db, journal.Accepted(archived=rows)))

    async def ended(self) -> Replay:
        changed = asyncio.Event()
        self.catalogue.listen(lambda _resource, _there: changed.set())
        async with asyncio.timeout(PATIENCE * 10):
            while self.state.state in {"STARTING", "RUNNING", "CANCELLING"}:
                await changed.wait()
                changed.clear()
        return self.state

    @property
    def state(self) -> Replay:
        replay = self.catalogue.replay(REPLAY.arn)
        assert replay is not None
        return replay

    @property
    def replayed(self) -> list[str]:
        return [event.id for event in self.intake.events]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = Store.open(tmp_path)
    catalogue = await Catalogue.open(store, lambda: NOW_MS)
    for resource in (BUS, ARCHIVE):
        await catalogue.save(resource)
    stage = Stage(store, catalogue)
    yield stage
    await stage.replays.close()
    store.close()


MANY = {f"e{number:04}": 1_000 + number % 7 for number in range(3 * BATCH + 1)}
IN_ORDER = sorted(MANY, key=lambda event: (MANY[event], event))


async def test_the_events_of_the_range_come_in_the_order_of_their_times(stage: Stage) -> None:
    times = {"before": 999, "third": 4_999, "first": 1_000, "second": 2_000, "same-time": 2_000, "end": 5_000}
    await stage.archive(times)
    started = await stage.replays.start(REPLAY)
    assert started.state == "STARTING"
    ended = await stage.ended()
    assert stage.replayed == ["first", "second", "same-time", "third"]
    assert (ended.state, ended.last_ms, ended.ended_ms) == ("COMPLETED", 4_999, NOW_MS)
    event = stage.intake.events[0]
    assert (event.bus_arn, event.replay, event.only_rules, event.accepted_ms) == (BUS.arn, "again", None, NOW_MS)
    assert event.fields["replay-name"] == "again"


async def test_only_the_rules_of_the_filter_see_it(stage: Stage) -> None:
    await stage.archive({"e": 1_000})
    rules = [SCOPE.rule("one", "cardwatch"), SCOPE.rule("two", "cardwatch")]
    await stage.replays.start(replace(REPLAY, destination={"Arn": BUS.arn, "FilterArns": rules}))
    await stage.ended()
    assert stage.intake.events[0].only_rules == frozenset(rules)


async def test_a_replay_of_nothing_completes_without_a_last_time(stage: Stage) -> None:
    await stage.replays.start(REPLAY)
    ended = await stage.ended()
    assert (ended.state, ended.last_ms, stage.replayed) == ("COMPLETED", None, [])


async def test_more_than_a_batch_comes_in_batches_with_the_progress_saved(stage: Stage) -> None:
    await stage.archive(MANY)
    progress: list[int | None] = []
    stage.intake.on_accept = lambda: progress.append(stage.state.last_ms)
    await stage.replays.start(REPLAY)
    await stage.ended()
    assert stage.replayed == IN_ORDER
    assert [len(batch) for batch in stage.intake.batches] == [BATCH, BATCH, BATCH, 1]
    assert progress == [None, *(MANY[IN_ORDER[at * BATCH - 1]] for at in (1, 2, 3))]


@pytest.mark.parametrize("batches", [1, 2, 3, 4])
async def test_after_a_crash_at_any_point_nothing_is_left_out(stage: Stage, batches: int) -> None:
    await stage.archive(MANY)
    crashed = asyncio.Event()

    def crash() -> None:
        if len(stage.intake.batches) == batches:
            crashed.set()
            raise asyncio.CancelledError

    stage.intake.on_accept = crash  # after the bus took the batch, before the progress is saved
    await stage.replays.start(REPLAY)
    await asyncio.wait_for(crashed.wait(), PATIENCE * 10)
    await stage.replays.close()
    assert stage.state.state == "RUNNING"
    stage.intake.on_accept = lambda: None
    stage.catalogue = await Catalogue.open(stage.store, lambda: NOW_MS)
    stage.new_run().resume()
    assert (await stage.ended()).state == "COMPLETED"
    repeated = IN_ORDER[(batches - 1) * BATCH : batches * BATCH]
    assert stage.replayed == [*IN_ORDER[: batches * BATCH], *repeated, *IN_ORDER[batches * BATCH :]]


async def test_a_full_disk_is_waited_for(stage: Stage) -> None:
    await stage.archive({"e": 1_000})
    stage.intake.failures = [StorageError("full"), StorageError("full")]
    await stage.replays.start(REPLAY)
    assert (await stage.ended()).state == "COMPLETED"
    assert stage.replayed == ["e"]
    assert len(stage.slept) == 2


async def test_any_other_failure_ends_it_with_the_reason(stage: Stage) -> None:
    await stage.archive({"e": 1_000})
    stage.intake.failures = [ValueError("what is this")]
    await stage.replays.start(REPLAY)
    ended = await stage.ended()
    assert (ended.state, ended.reason, ended.ended_ms) == ("FAILED", "ValueError: what is this", NOW_MS)


async def test_without_its_archive_or_its_bus_it_fails_and_says_so(stage: Stage) -> None:
    await stage.archive(MANY)
    await stage.catalogue.remove(ARCHIVE)
    await stage.replays.start(REPLAY)
    ended = await stage.ended()
    assert (ended.state, ended.reason) == ("FAILED", f"Archive {ARCHIVE.arn} does not exist.")
    assert stage.replayed == []


async def test_it_waits_while_many_deliveries_are_open(stage: Stage) -> None:
    await stage.archive({"e": 1_000})
    stage.pending = MOST_PENDING + 1
    seen: list[int] = []

    def settle_some() -> None:
        seen.append(len(stage.replayed))
        stage.pending -= len(seen) == 3

    stage.on_sleep = settle_some
    await stage.replays.start(REPLAY)
    await stage.ended()
    assert seen == [0, 0, 0]
    assert stage.replayed == ["e"]


async def test_a_cancelled_replay_stops_behind_the_batch_under_way(stage: Stage) -> None:
    await stage.archive(MANY)
    asked: list[asyncio.Task[Replay]] = []

    async def cancel() -> Replay:
        async with stage.catalogue.changing:
            return await stage.replays.cancel(stage.state)

    stage.intake.on_accept = lambda: asked.append(asyncio.get_running_loop().create_task(cancel()))
    await stage.replays.start(REPLAY)
    ended = await stage.ended()
    assert (ended.state, ended.ended_ms) == ("CANCELLED", NOW_MS)
    assert (await asked[0]).state == "CANCELLING"
    assert stage.replayed == IN_ORDER[: len(stage.intake.batches) * BATCH]
    assert len(stage.replayed) < len(MANY)


async def test_a_replay_that_was_being_cancelled_at_a_crash_is_cancelled_after_it(stage: Stage) -> None:
    await stage.archive(MANY)
    await stage.catalogue.save(replace(REPLAY, state="CANCELLING"))
    stage.replays.resume()
    assert (await stage.ended()).state == "CANCELLED"
    assert stage.replayed == []


async def test_a_bus_that_is_stopped_goes_on_later_without_repeating_anything(stage: Stage) -> None:
    await stage.archive(MANY)
    under_way = asyncio.Event()
    stage.intake.on_accept = under_way.set
    await stage.replays.start(REPLAY)
    await asyncio.wait_for(under_way.wait(), PATIENCE * 10)
    await stage.replays.close()
    assert stage.state.state == "RUNNING"
    stage.new_run().resume()
    await stage.ended()
    assert stage.replayed == IN_ORDER
    assert len(stage.intake.batches) > 1


async def test_one_that_has_ended_is_not_resumed(stage: Stage) -> None:
    await stage.archive(MANY)
    await stage.catalogue.save(replace(REPLAY, state="COMPLETED"))
    stage.replays.resume()
    await asyncio.sleep(0)
    assert stage.replayed == []


def test_the_name_stands_behind_the_region_and_all_else_stays_as_it_was() -> None:
    body = '{"version":"0","region":"eu-central-1" ,"resources":[],"detail":{"region": 1.50, "region":"x"}}'
    assert with_replay_name(body, "again-1") == (
        '{"version":"0","region":"eu-central-1","replay-name":"again-1" ,"resources":[],'
        '"detail":{"region": 1.50, "region":"x"}}'
    )
