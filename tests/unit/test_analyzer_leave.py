"""How a worker ends: cleanly when it is told to, and without a flush when it failed."""

from __future__ import annotations

import asyncio
import os
import signal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from analyzer.metrics import Metrics
from analyzer.settings import AnalyzerSettings
from analyzer.worker import Worker
from schemas.errors import UnavailableError


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


def worker(app: AppFake) -> Worker:
    analyst = SimpleNamespace(states=None, metrics=Metrics(CollectorRegistry()))
    return Worker(cast("Any", app), cast("Any", analyst), cast("Any", None), AnalyzerSettings())


async def test_a_worker_that_failed_leaves_without_flushing() -> None:
    app = AppFake(fails=True)
    with pytest.raises(UnavailableError, match="away"):
        await asyncio.wait_for(worker(app).run(), 5)
    assert not app.ended.is_set()


async def test_a_worker_that_is_told_to_stop_leaves_cleanly() -> None:
    app = AppFake(fails=False)
    running = asyncio.create_task(worker(app).run())
    await asyncio.wait_for(app.started.wait(), 5)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 5)
    assert app.ended.is_set()
