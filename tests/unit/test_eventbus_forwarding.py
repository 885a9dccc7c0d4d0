"""Buses that forward to each other: an event goes on once, keeps its id, and never round in circles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from eventbus import targets
from eventbus.catalogue import Catalogue
from eventbus.delivery.timing import LoopTime
from eventbus.engine import Engine
from eventbus.model import Bus, Rule, Target
from eventbus.ports import Intake
from eventbus.settings import EventBusSettings
from eventbus.targets.senders import TargetSenders
from tests.eventbus_engine import SCOPE, event, until

A, B = SCOPE.bus("a"), SCOPE.bus("b")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made: list[TargetSenders] = []

    def senders(catalogue: Catalogue, _intake: Callable[[], Intake]) -> TargetSenders:
        made.append(targets.senders(catalogue))
        return made[0]

    opened = await Engine.open(EventBusSettings(data=tmp_path), senders)
    made[0].intake = opened.intake
    yield opened
    await opened.close()
    await made[0].close()


async def forward(engine: Engine, source: str, to: str) -> None:
    name = source.rpartition("/")[2]
    await engine.catalogue.save(Bus(source, name, 0, 0))
    target = Target("onward", to, {"Id": "onward", "Arn": to})
    pattern = '{"source": ["shop"]}'
    await engine.catalogue.save(Rule(SCOPE.rule("all", name), "all", source, 0, pattern=pattern, targets=(target,)))


async def test_two_buses_that_forward_to_each_other_pass_an_event_on_once(engine: Engine) -> None:
    await forward(engine, A, B)
    await forward(engine, B, A)
    await engine.intake.accept([event("e", LoopTime().now_ms(), bus_arn=A)])
    await until(lambda: engine.lanes.pending == 0 and any(each["given_up"] for each in engine.lanes.summaries()))
    found = {each["bus"]: each for each in engine.lanes.summaries()}
    assert (found["a"]["delivered"], found["a"]["given_up"]) == (1, 0)
    assert (found["b"]["delivered"], found["b"]["given_up"]) == (0, 1)
    assert "third" in found["b"]["error_message"]
    told = await engine.why.explain("e")
    assert told is not None
    assert [(each["bus"], each["forwarded"]) for each in told["occurrences"]] == [("b", True), ("a", False)]


async def test_a_bus_that_forwards_to_itself_does_so_once(engine: Engine) -> None:
    await forward(engine, A, A)
    await engine.intake.accept([event("e", LoopTime().now_ms(), bus_arn=A)])
    await until(lambda: engine.lanes.pending == 0 and engine.lanes.summaries()[0]["given_up"] == 1)
    assert engine.lanes.summaries()[0]["delivered"] == 1
