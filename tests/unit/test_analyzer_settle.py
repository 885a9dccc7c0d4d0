"""What is told at once, what a checkpoint writes, in which order, and what happens when something fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from analyzer.metrics import Metrics
from analyzer.ports import Outgoing, State, Written
from analyzer.settle import MOST_UNTOLD_BYTES, FakePublisher, Limits, Result, Settler
from schemas.topics import CARDS_CHANGELOG, NOTIFICATIONS, SIGHTINGS
from tests.harness import PATIENCE

DEAD_LETTERS = "transactions.dlq"
NEVER_S = 3_600.0


@dataclass
class SnapshotFake:
    """States by card, as they were."""

    states: dict[str, str]
    on_written: Callable[[dict[str, str]], object]

    def __len__(self) -> int:
        return len(self.states)

    def __iter__(self) -> Iterator[State]:
        return (State(3, card.encode(), value.encode()) for card, value in self.states.items())

    def written(self) -> None:
        self.on_written(self.states)


@dataclass
class StatesFake:
    """States by card: those that changed, and those that were written."""

    changed: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    older: dict[str, str] = field(default_factory=dict)

    def snapshot(self) -> SnapshotFake:
        taken, self.changed = self.changed, {}
        return SnapshotFake(taken, self.written.update)

    def outlived(self) -> SnapshotFake:
        taken, self.older = self.older, {}
        return SnapshotFake(taken, self.written.update)


class Bench:
    """A settler with everything around it in memory."""

    def __init__(
        self,
        fail_on: Callable[[Outgoing], bool] = lambda _: False,
        limits: Limits = Limits(checkpoint_s=NEVER_S),  # noqa: B008 - it is frozen
    ) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.states = StatesFake()
        self.publisher = FakePublisher(fail_on=fail_on)
        self.now = 0.0
        self.written: list[Written] = []
        self.settler = Settler(
            self.publisher,
            CARDS_CHANGELOG,
            cast("Any", self.states),
            self.metrics,
            lambda: self.now,
            limits=limits,
            wrote=self.written.extend,
        )
        self.told: list[str] = []
        self.done: list[str] = []

    def add(self, name: str, *topics: str, state: str | None = None, card: str = "card", size: int = 0) -> None:
        """Add a result that is told and done as `name`; its card's state becomes `state`."""
        if state is not None:
            self.states.changed[card] = state
        outgoing = [Outgoing(topic, b"key", name.encode().ljust(size)) for topic in topics]
        self.settler.add(
            Result([3], 1, outgoing, lambda: self.told.append(name), lambda: self.done.append(name)),
        )

    async def settle(self) -> None:
        """Settle all that was added."""
        async with self.running():
            await self.drained()

    async def drained(self) -> None:
        await asyncio.wait_for(self.settler.drained(), PATIENCE * 5)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.settler.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def topics(self) -> list[str]:
        return [sent.topic for sent in self.publisher.sent]

    def values(self, topic: str) -> list[str]:
        return [(sent.value or b"").decode() for sent in self.publisher.sent if sent.topic == topic]


async def others_had_their_turn() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_notifications_and_dead_letters_come_before_states_and_states_before_acknowledging() -> None:
    bench = Bench()
    bench.add("a", NOTIFICATIONS, SIGHTINGS, state="1")
    bench.add("b", DEAD_LETTERS)
    await bench.settle()
    assert bench.topics() == [NOTIFICATIONS, SIGHTINGS, DEAD_LETTERS, CARDS_CHANGELOG]
    assert (bench.told, bench.done) == (["a", "b"], ["a", "b"])
    assert bench.states.written == {"card": "1"}


async def test_what_is_told_does_not_wait_for_the_checkpoint() -> None:
    bench = Bench()
    async with bench.running():
        bench.add("a", NOTIFICATIONS, state="1")
        bench.add("b")
        await others_had_their_turn()
        assert bench.topics() == [NOTIFICATIONS]
        assert (sorted(bench.told), bench.done) == (["a", "b"], [])
        await bench.drained()
    assert bench.done == ["a", "b"]


async def test_a_checkpoint_waits_until_all_that_was_told_before_is_acknowledged() -> None:
    bench = Bench()
    bench.publisher.held = asyncio.Event()
    async with bench.running():
        bench.add("a", NOTIFICATIONS, state="1")
        drained = asyncio.create_task(bench.drained())
        await others_had_their_turn()
        assert bench.topics() == [NOTIFICATIONS]
        bench.publisher.held.set()
        await drained
    assert bench.topics() == [NOTIFICATIONS, CARDS_CHANGELOG]


async def test_what_is_judged_while_a_checkpoint_is_written_belongs_to_the_next() -> None:
    bench = Bench()
    bench.publisher.held = asyncio.Event()
    async with bench.running():
        bench.add("a", NOTIFICATIONS, state="1")
        drained = asyncio.create_task(bench.drained())
        await others_had_their_turn()
        bench.add("b", NOTIFICATIONS, state="2")
        bench.publisher.held.set()
        await drained
    assert bench.values(CARDS_CHANGELOG) == ["1", "2"]
    assert bench.done == ["a", "b"]


async def test_of_a_card_only_the_newest_state_is_written_at_a_checkpoint() -> None:
    bench = Bench()
    for number in range(5):
        bench.add(str(number), state=str(number))
    bench.add("other", state="9", card="other")
    await bench.settle()
    assert {sent.key: sent.value for sent in bench.publisher.sent} == {b"card": b"4", b"other": b"9"}
    assert {sent.partition for sent in bench.publisher.sent} == {3}
    assert bench.metrics.states._value.get() == 2
    assert bench.metrics.state_bytes._value.get() == 2


async def test_it_is_told_where_states_are_once_the_broker_has_them() -> None:
    bench = Bench()
    bench.add("one", NOTIFICATIONS, state="1")
    bench.publisher.held = asyncio.Event()
    async with bench.running():
        draining = asyncio.create_task(bench.drained())
        await others_had_their_turn()
        assert bench.written == []
        bench.publisher.held.set()
        await draining
    assert bench.written == [Written(CARDS_CHANGELOG, 3, 1, 1)]


async def test_a_checkpoint_comes_by_itself_when_it_is_due() -> None:
    bench = Bench(limits=Limits(checkpoint_s=1.0))
    bench.now = 1.0
    async with bench.running():
        bench.add("a", state="1")
        await others_had_their_turn()
        assert bench.done == ["a"]
        bench.add("b", state="2")
        await others_had_their_turn()
        assert bench.done == ["a"]


async def test_when_too_many_records_wait_there_is_a_checkpoint_at_once_and_more_have_to_wait() -> None:
    bench = Bench(limits=Limits(NEVER_S, max_unsettled=2))
    bench.add("a", state="1")
    await asyncio.wait_for(bench.settler.room(), PATIENCE * 5)
    bench.add("b", state="2")
    waiting = asyncio.create_task(bench.settler.room())
    await others_had_their_turn()
    assert not waiting.done()
    async with bench.running():
        await asyncio.wait_for(waiting, PATIENCE * 5)
    assert bench.done == ["a", "b"]


async def test_when_too_many_bytes_are_being_told_more_have_to_wait() -> None:
    bench = Bench()
    bench.add("a", DEAD_LETTERS, size=MOST_UNTOLD_BYTES)
    waiting = asyncio.create_task(bench.settler.room())
    await others_had_their_turn()
    assert not waiting.done()
    async with bench.running():
        await asyncio.wait_for(waiting, PATIENCE * 5)
    assert bench.done == []


@pytest.mark.parametrize("broken", [NOTIFICATIONS, DEAD_LETTERS, CARDS_CHANGELOG])
async def test_a_failed_send_ends_the_settler_and_acknowledges_nothing(broken: str) -> None:
    bench = Bench(fail_on=lambda outgoing: outgoing.topic == broken)
    bench.add("a", NOTIFICATIONS, DEAD_LETTERS, state="1")
    drained = asyncio.create_task(bench.settler.drained())
    with pytest.raises(OSError, match="is away"):
        await asyncio.wait_for(bench.settler.run(), PATIENCE * 5)
    drained.cancel()
    assert (bench.done, bench.states.written) == ([], {})
    if broken != CARDS_CHANGELOG:
        assert CARDS_CHANGELOG not in bench.topics()


async def test_a_failed_notification_ends_the_settler_before_the_next_checkpoint_is_due() -> None:
    bench = Bench(fail_on=lambda outgoing: outgoing.topic == NOTIFICATIONS)
    bench.add("a", NOTIFICATIONS)
    with pytest.raises(OSError, match="is away"):
        await asyncio.wait_for(bench.settler.run(), PATIENCE * 5)


async def test_states_that_moved_on_without_being_told_of_are_never_written() -> None:
    bench = Bench(limits=Limits(checkpoint_s=0.0))
    async with bench.running():
        bench.add("a", state="1")
        bench.states.changed["card"] = "2, and judging failed before it said what to tell"
        bench.settler.halt()
        await others_had_their_turn()
    assert bench.publisher.sent == []


async def test_what_is_not_settled_when_partitions_are_taken_away_is_forgotten_and_named() -> None:
    bench = Bench()
    bench.add("a", state="1")
    assert bench.settler.abandon() == {3}
    assert bench.settler.abandon() == set()
    await bench.settle()
    assert bench.done == []


async def test_a_replayed_record_is_acknowledged_and_nothing_is_written() -> None:
    bench = Bench()
    bench.add("a")
    await bench.settle()
    assert (bench.done, bench.publisher.sent) == (["a"], [])


async def test_a_settler_that_is_stuck_says_for_how_long() -> None:
    bench = Bench()
    bench.now = 100.0
    assert bench.settler.behind_s() == 0
    bench.add("a")
    bench.now = 130.0
    assert bench.settler.behind_s() == 30
    await bench.settle()
    assert bench.settler.behind_s() == 0


async def test_states_that_an_older_one_follows_are_written_again_as_they_are() -> None:
    bench = Bench()
    bench.states.older = {"outlived": "7"}
    assert await bench.settler.write_again() == 1
    assert bench.publisher.sent == [Outgoing(CARDS_CHANGELOG, b"outlived", b"7", partition=3)]
    assert await bench.settler.write_again() == 0
