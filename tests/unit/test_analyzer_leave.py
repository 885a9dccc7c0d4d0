"""How a worker ends: cleanly when it is told to, and without a flush when it failed."""

from __future__ import annotations

import asyncio
import os
import signal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from analyzer.crew import Crew
from analyzer.ending import Ending
from analyzer.metrics import Metrics
from analyzer.settings import AnalyzerSettings
from analyzer.stage import CARDS, TERMINALS, Stage
from analyzer.worker import Worker
from schemas.errors import UnavailableError
from tests.harness import PATIENCE


class AppFake:
    """Starts, or fails to, and remembers whether it was stopped."""

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.consumer = SimpleNamespace()
        self.on_partitions_revoked = self.on_partitions_assigned = SimpleNamespace(connect=lambda _: None)

    def topic(self, *_: object, **__: object) -> None:
        """Not read in these tests."""

    def agent(self, *_: object, **__: object) -> Any:
        return lambda function: function

    async def start(self) -> None:
        self.started.set()
        if self.fails:
            raise UnavailableError("away")

    async def wait(self) -> None:
        await self.ended.wait()

    async def stop(self) -> None:
        self.ended.set()


def worker(app: AppFake, stage: Stage, ending: Ending) -> Worker:
    analyst = SimpleNamespace(states=None, metrics=Metrics(CollectorRegistry()), most=1)
    crew = Crew(stage, cast("Any", app), cast("Any", analyst), cast("Any", SimpleNamespace(wrote=None)))
    return Worker(crew, AnalyzerSettings(), ending)


async def both(cards: AppFake, terminals: AppFake) -> None:
    """Run a worker of each stage as the process does."""
    ending = Ending()
    ending.on_signals()
    await asyncio.gather(worker(cards, CARDS, ending).run(), worker(terminals, TERMINALS, ending).run())


async def test_a_worker_that_failed_leaves_without_flushing() -> None:
    app, other = AppFake(fails=True), AppFake(fails=False)
    with pytest.raises(UnavailableError, match="away"):
        await asyncio.wait_for(both(app, other), PATIENCE * 5)
    assert not app.ended.is_set()


@pytest.mark.parametrize("first", [True, False])
async def test_a_worker_whose_neighbour_failed_leaves_without_flushing_too(*, first: bool) -> None:
    cards, terminals = AppFake(fails=first), AppFake(fails=not first)
    with pytest.raises(UnavailableError, match="away"):
        await asyncio.wait_for(both(cards, terminals), PATIENCE * 5)
    assert not cards.ended.is_set()
    assert not terminals.ended.is_set()


async def test_a_worker_that_is_told_to_stop_leaves_cleanly() -> None:
    app, other = AppFake(fails=False), AppFake(fails=False)
    running = asyncio.create_task(both(app, other))
    await asyncio.wait_for(asyncio.gather(app.started.wait(), other.started.wait()), PATIENCE * 5)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, PATIENCE * 5)
    assert app.ended.is_set()
    assert other.ended.is_set()
