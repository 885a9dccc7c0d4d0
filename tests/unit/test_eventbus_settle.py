"""Results of deliveries: gathered, written together, and kept until the disk takes them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from eventbus.delivery.fakes import FakeTime
from eventbus.delivery.prune import Pruner
from eventbus.delivery.settle import LINGER_S, Settler
from eventbus.delivery.tally import Tally
from eventbus.store import StorageError, Store, journal
from tests.eventbus_engine import until

T = TypeVar("T")


class FailingStore(Store):
    """A store whose disk can be full."""

    full = False
    writes = 0

    def write(self, change: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        if self.full:
            failed: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            failed.set_exception(StorageError("the disk is full"))
            return failed
        self.writes += 1
        return super().write(change)


class Lane:
    def __init__(self) -> None:
        self.number, self.tally = 1, Tally()
        self.on_disk: list[int] = []

    def written(self, row: tuple[Any, ...]) -> None:
        self.on_disk.append(row[-2])


class Rig:
    def __init__(self, folder: Path) -> None:
        self.store = FailingStore.open(folder)
        self.time, self.lane = FakeTime(), Lane()
        pruner = Pruner(self.store, journal.Opened(10, 1, []), keep=1000, keep_bytes=1_000_000)
        self.settler = Settler(self.store, self.time, pruner)

    async def with_deliveries(self, count: int) -> Rig:
        rows = journal.Accepted(
            lanes=[(1, "arn:rule", "t")],
            events=[(seq, f"e{seq}", "arn:bus", 0, 0, 1, "{}") for seq in range(1, count + 1)],
            deliveries=[(seq, 1, 0) for seq in range(1, count + 1)],
        )
        await self.store.write(lambda db: journal.keep(db, rows))
        self.store.writes = 0
        return self

    def settle(self, seq: int, state: int = 2, attempts: int = 1) -> None:
        self.lane.tally.delivered += state == 2
        self.settler.settle((state, attempts, 0, 1, None, None, None, seq, 1), self.lane)

    async def states(self) -> list[tuple[int, int]]:
        query = "SELECT event_seq, state FROM delivery ORDER BY event_seq"
        return await self.store.read(lambda db: db.execute(query).fetchall())

    async def delivered(self) -> int:
        return await self.store.read(lambda db: db.execute("SELECT delivered FROM lane").fetchone()[0])

    async def turn(self, seconds: float) -> None:
        """Turn the clock, and let what is begun then come to its end."""
        self.time.advance(seconds)
        await asyncio.sleep(0)
        await until(lambda: self.settler._task is None)


async def test_results_of_a_moment_are_written_together(tmp_path: Path) -> None:
    rig = await Rig(tmp_path).with_deliveries(3)
    for seq in (1, 2, 3):
        rig.settle(seq)
    assert rig.store.writes == 0
    await rig.turn(LINGER_S)
    assert rig.store.writes == 1
    assert await rig.states() == [(1, 2), (2, 2), (3, 2)]
    assert sorted(rig.lane.on_disk) == [1, 2, 3]
    assert await rig.delivered() == 3
    rig.store.close()


async def test_results_outlast_a_full_disk(tmp_path: Path) -> None:
    rig = await Rig(tmp_path).with_deliveries(3)
    rig.store.full = True
    rig.settle(1)
    await rig.turn(LINGER_S)
    assert rig.settler.problem == "the disk is full"
    rig.settle(2)
    await rig.turn(5)
    assert rig.lane.on_disk == []
    rig.store.full = False
    await rig.turn(1)
    assert rig.settler.problem is None
    assert await rig.states() == [(1, 2), (2, 2), (3, 0)]
    assert await rig.delivered() == 2
    rig.store.close()


async def test_of_two_results_of_a_delivery_the_later_one_stays(tmp_path: Path) -> None:
    rig = await Rig(tmp_path).with_deliveries(1)
    rig.settle(1, state=0)
    rig.settler._start()
    rig.settle(1, state=2, attempts=2)  # while the first is being written
    await rig.settler.close(5)
    assert await rig.states() == [(1, 2)]
    assert rig.lane.on_disk == [1]
    rig.store.close()


async def test_so_many_results_that_the_disk_does_not_take_stop_deliveries_until_it_does(tmp_path: Path) -> None:
    rig = await Rig(tmp_path).with_deliveries(1)
    recovered: list[bool] = []
    rig.settler.recovered = lambda: recovered.append(True)
    rig.store.full = True
    for seq in range(20_000):
        rig.settle(seq)
    assert rig.settler.stalled
    rig.store.full = False
    await rig.settler.close(10)
    assert not rig.settler.stalled
    assert recovered == [True]
    rig.store.close()


async def test_a_close_with_a_full_disk_gives_up_in_time(tmp_path: Path) -> None:
    rig = await Rig(tmp_path).with_deliveries(1)
    rig.store.full = True
    rig.settle(1)
    await rig.settler.close(0.05)
    assert await rig.states() == [(1, 0)]
    rig.store.close()
