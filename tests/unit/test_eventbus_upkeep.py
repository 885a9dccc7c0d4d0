"""Tasks without end: one that fails is begun again, at a bounded pace, and the bus says that it isn't well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventbus.delivery.fakes import FakeTime
from eventbus.upkeep import Upkeep
from tests.eventbus_engine import until
from tests.harness import PATIENCE


class Stage:
    def __init__(self) -> None:
        self.time = FakeTime()
        self.upkeep = Upkeep(self.time)
        self.failures: list[Exception | None] = []
        """What ends each run, None: nothing does but the end itself; then one that has no end."""
        self.begun_s: list[float] = []
        self.start_ms = self.time.now_ms()

    def begin(self, *failures: Exception | None) -> None:
        self.failures += failures
        self.task = asyncio.create_task(self.upkeep.keep("the clock", self.work))

    async def work(self) -> None:
        self.begun_s.append((self.time.now_ms() - self.start_ms) / 1000)
        if not self.failures:
            await asyncio.Event().wait()
        if failure := self.failures.pop(0):
            raise failure


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)


async def begun(stage: Stage, count: int) -> None:
    async with asyncio.timeout(PATIENCE * 20):
        while len(stage.begun_s) < count:
            for _ in range(5):  # the task does what it can before the clock is turned
                await asyncio.sleep(0)
            if len(stage.begun_s) < count and stage.upkeep.problem:
                stage.time.to_next_alarm()


async def test_a_task_that_fails_is_named_until_it_has_run_well_for_a_while(stage: Stage) -> None:
    stage.begin(KeyError("rule"))
    await until(lambda: stage.upkeep.problem is not None)
    assert stage.upkeep.problem == "the clock failed: KeyError: 'rule'"
    await begun(stage, 2)
    assert stage.begun_s == [0, 1]
    assert stage.upkeep.problem is not None
    stage.time.advance(10)
    assert stage.upkeep.problem is None


async def test_a_task_that_fails_again_and_again_is_begun_ever_more_rarely(stage: Stage) -> None:
    stage.begin(*[ValueError()] * 9)
    await begun(stage, 9)
    pauses_s = [after - before for before, after in zip(stage.begun_s, stage.begun_s[1:], strict=False)]
    assert pauses_s == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_task_that_just_ends_has_failed_too(stage: Stage) -> None:
    stage.begin(None)
    await until(lambda: stage.upkeep.problem is not None)
    assert "it came to an end" in (stage.upkeep.problem or "")
