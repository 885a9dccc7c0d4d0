"""The engine of the event bus on a clock that is turned by hand, with senders that do as told."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eventbus.arn import Scope
from eventbus.delivery.fakes import FakeSender, FakeSenders, FakeTime
from eventbus.engine import Engine
from eventbus.model import Bus, Event, Rule, Target
from eventbus.pattern import parse_event
from eventbus.settings import EventBusSettings
from tests.harness import PATIENCE

SCOPE = Scope("123456789012", "eu-central-1")
BUS = SCOPE.bus("orders")
DLQ = SCOPE.arn("dead", "sqs")
_LONGEST_TURN_S = 3600.0
"""What is ready is too old after a day: a send that takes the real clock a moment must not be given that long."""


class Rig:
    """One engine at a time on one folder, its clock and its senders."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.time = FakeTime()
        self.senders = FakeSenders()
        self.settings = EventBusSettings(data=folder, **settings)
        self.engine: Engine

    async def start(self) -> Rig:
        self.engine = await Engine.open(self.settings, lambda *_: self.senders, self.time, random.Random(7))  # noqa: S311 - jitter
        return self

    async def restart(self) -> None:
        """As after a crash: what only memory knew is lost."""
        await self.crash()
        await self.start()

    async def crash(self) -> None:
        for lane in self.engine.lanes._lanes.values():
            lane.close()
        tasks = list(self.engine.lanes._shared.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.time._alarms.clear()
        self.engine.store.close()

    def sender(self, name: str = "there", **given: Any) -> FakeSender:
        made = FakeSender(self.time, **given)
        self.senders.by_arn[SCOPE.arn(name, "sqs")] = made
        return made

    async def rule(
        self, *targets: Target, name: str = "all", pattern: str | None = '{"source": ["shop"]}', **given: Any
    ) -> Rule:
        if self.engine.catalogue.bus(BUS) is None:
            await self.engine.catalogue.save(Bus(BUS, "orders", 0, 0))
        rule = Rule(SCOPE.rule(name, "orders"), name, BUS, 0, pattern=pattern, targets=targets, **given)
        await self.engine.catalogue.save(rule)
        return rule

    async def put(self, *ids: str, **given: Any) -> None:
        await self.engine.intake.accept([event(each, self.time.now_ms(), **given) for each in ids])

    async def until(self, done: Callable[[], bool], *, turn: bool = True) -> None:
        """Let the engine work, turning the clock to its next alarm whenever it waits for that alone."""
        async with asyncio.timeout(PATIENCE * 20):
            while not done():
                await asyncio.sleep(0.002)
                if turn and not done():
                    self.time.to_next_alarm(_LONGEST_TURN_S)

    async def states(self) -> dict[str, list[int]]:
        """Return the states of each event's deliveries, as the disk has them."""
        await self.flushed()
        rows = await self.engine.store.read(
            lambda db: db.execute(
                "SELECT e.id, d.state FROM event e JOIN delivery d ON d.event_seq = e.seq ORDER BY d.event_seq, d.lane"
            ).fetchall()
        )
        found: dict[str, list[int]] = {}
        for event_id, state in rows:
            found.setdefault(event_id, []).append(state)
        return found

    async def flushed(self) -> None:
        """Wait until all results are on disk."""
        await self.engine.lanes._shared.settler.close(PATIENCE * 10)

    async def one(self, query: str, *values: Any) -> Sequence[Any]:
        return await self.engine.store.read(lambda db: db.execute(query, values).fetchone())

    def summary(self, target: str = "t") -> dict[str, Any]:
        return next(each for each in self.engine.lanes.summaries() if each["target"] == target)


async def until(done: Callable[[], bool]) -> None:
    """Poll for what happens by the real clock."""
    async with asyncio.timeout(PATIENCE * 20):
        while not done():  # noqa: ASYNC110 - what is asked for rings no bell
            await asyncio.sleep(0.005)


def event(event_id: str, accepted_ms: int, source: str = "shop", size: int = 0, **given: Any) -> Event:
    body = json.dumps(
        {
            "version": "0",
            "id": event_id,
            "detail-type": "order",
            "source": source,
            "account": SCOPE.account,
            "time": "2025-06-15T15:06:40Z",
            "region": SCOPE.region,
            "resources": [],
            "detail": {"n": event_id, "padding": "x" * size},
        }
    )
    return Event(event_id, given.pop("bus_arn", BUS), body, parse_event(body), accepted_ms, **given)


def target(name: str = "there", ident: str = "t", **spec: Any) -> Target:
    arn = SCOPE.arn(name, "sqs")
    return Target(ident, arn, {"Id": ident, "Arn": arn, **spec})


def policy(attempts: int | None = None, age_s: int | None = None) -> dict[str, Any]:
    given = {"MaximumRetryAttempts": attempts, "MaximumEventAgeInSeconds": age_s}
    return {"RetryPolicy": {name: value for name, value in given.items() if value is not None}}


def dead_letters(arn: str = DLQ) -> dict[str, Any]:
    return {"DeadLetterConfig": {"Arn": arn}}
