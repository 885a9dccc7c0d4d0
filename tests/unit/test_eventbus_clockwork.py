"""Scheduled rules, with a clock that the test turns."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eventbus.arn import Scope
from eventbus.catalogue import Catalogue
from eventbus.clockwork import Clockwork
from eventbus.model import Rule, Target
from eventbus.recording import RecordingIntake
from eventbus.store import StorageError, Store
from tests.harness import PATIENCE

SCOPE = Scope("123456789012", "eu-central-1")
START = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
TARGET = Target("q", SCOPE.arn("q", "sqs"), {"Id": "q", "Arn": SCOPE.arn("q", "sqs")})


def rule(name: str, schedule: str | None, *, bus: str = "default", made: datetime = START) -> Rule:
    return Rule(SCOPE.rule(name, bus), name, SCOPE.bus(bus), milliseconds(made), schedule=schedule, targets=(TARGET,))


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class Stage:
    """A clock that jumps to wherever the clockwork would sleep to."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.intake, self.now = catalogue, RecordingIntake(), START
        self.until = START
        self.asleep = asyncio.Event()
        self.turned = asyncio.Event()
        self.clockwork = Clockwork(
            catalogue, self.intake, clock_ms=lambda: milliseconds(self.now), new_id=self.new_id, wait=self.wait
        )

    def new_id(self) -> str:
        return f"id-{len(self.intake.events)}"

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        wake = self.now + timedelta(seconds=seconds)
        while wake > self.until and not event.is_set():
            self.asleep.set()
            self.turned.clear()
            await self.turned.wait()
        if not event.is_set():
            self.now = max(self.now, wake)
        await asyncio.sleep(0)

    async def turn_to(self, moment: datetime) -> None:
        """Let time pass."""
        self.until = moment
        self.asleep.clear()
        self.turned.set()
        await asyncio.wait_for(self.asleep.wait(), PATIENCE * 10)
        self.now = max(self.now, moment)

    async def save(self, saved: Rule) -> None:
        await self.catalogue.save(saved)
        await self.turn_to(self.until)

    @property
    def fired(self) -> list[tuple[str, str]]:
        return [
            (event.fields["resources"][0].rpartition("/")[2], event.fields["time"][11:]) for event in self.intake.events
        ]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = Store.open(tmp_path)
    stage = Stage(await Catalogue.open(store, lambda: 1))
    task = asyncio.get_running_loop().create_task(stage.clockwork.run())
    yield stage
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    store.close()


async def test_a_scheduled_event_says_what_it_is_and_goes_to_its_rule_alone(stage: Stage) -> None:
    await stage.save(rule("noon", "cron(5 12 * * ? *)"))
    await stage.turn_to(START + timedelta(minutes=10))
    (event,) = stage.intake.events
    assert event.fields == {
        "version": "0",
        "id": "id-0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-01-01T12:05:00Z",
        "region": "eu-central-1",
        "resources": [SCOPE.rule("noon", "default")],
        "detail": {},
    }
    assert (event.id, event.bus_arn, event.replay) == ("id-0", SCOPE.bus("default"), "")
    assert event.only_rules == frozenset({SCOPE.rule("noon", "default")})
    assert event.accepted_ms == milliseconds(datetime(2026, 1, 1, 12, 5, tzinfo=UTC))


async def test_each_rule_fires_on_its_own_schedule_and_once_an_occurrence(stage: Stage) -> None:
    await stage.save(rule("often", "rate(2 minutes)", made=START - timedelta(minutes=1, seconds=10)))
    await stage.save(rule("five", "cron(0/5 * * * ? *)"))
    await stage.turn_to(START + timedelta(minutes=6))
    assert stage.fired == [
        ("often", "12:01:20Z"),
        ("often", "12:03:20Z"),
        ("five", "12:05:00Z"),
        ("often", "12:05:20Z"),
    ]


async def test_rules_that_are_due_at_once_are_put_at_once(stage: Stage) -> None:
    for name in ("a", "b"):
        await stage.save(rule(name, "cron(1 12 * * ? *)"))
    await stage.turn_to(START + timedelta(minutes=2))
    assert [len(batch) for batch in stage.intake.batches] == [2]


@pytest.mark.parametrize(
    "silent",
    [
        replace(rule("off", "rate(1 minute)"), state="DISABLED"),
        rule("elsewhere", "rate(1 minute)", bus="cardwatch"),
        replace(rule("aimless", "rate(1 minute)"), targets=()),
        replace(rule("patterned", None), pattern='{"source": ["x"]}'),
        rule("past", "cron(0 0 1 1 ? 2020)"),
    ],
    ids=lambda silent: silent.name,
)
async def test_these_never_fire(stage: Stage, silent: Rule) -> None:
    await stage.save(silent)
    await stage.turn_to(START + timedelta(hours=2))
    assert stage.fired == []


async def test_a_rule_that_is_enabled_again_or_gets_its_first_target_fires_from_then_on(stage: Stage) -> None:
    each = rule("each", "rate(1 minute)")
    await stage.save(replace(each, state="DISABLED"))
    await stage.turn_to(START + timedelta(minutes=2, seconds=10))
    await stage.save(each)
    await stage.turn_to(START + timedelta(minutes=3, seconds=10))
    await stage.save(replace(each, targets=()))
    await stage.turn_to(START + timedelta(minutes=4, seconds=10))
    assert stage.fired == [("each", "12:03:30Z")]


async def test_a_changed_rule_fires_on_its_new_schedule(stage: Stage) -> None:
    each = rule("each", "rate(10 minutes)")
    await stage.save(each)
    await stage.turn_to(START + timedelta(minutes=1))
    await stage.save(replace(each, schedule="cron(3 12 * * ? *)"))
    await stage.turn_to(START + timedelta(minutes=20))
    assert stage.fired == [("each", "12:03:00Z")]


async def test_a_change_that_leaves_the_schedule_does_not_move_it(stage: Stage) -> None:
    each = rule("each", "rate(10 minutes)")
    await stage.save(each)
    await stage.turn_to(START + timedelta(minutes=9))
    await stage.save(replace(each, targets=(TARGET, replace(TARGET, id="r"))))
    await stage.turn_to(START + timedelta(minutes=11))
    assert stage.fired == [("each", "12:10:30Z")]


async def test_a_removed_rule_fires_no_more(stage: Stage) -> None:
    each = rule("each", "rate(1 minute)")
    await stage.save(each)
    await stage.turn_to(START + timedelta(minutes=1, seconds=10))
    await stage.catalogue.remove(each)
    await stage.turn_to(START + timedelta(minutes=5))
    assert stage.fired == [("each", "12:01:30Z")]


async def test_what_came_while_the_bus_was_down_does_not_fire_later(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    catalogue = await Catalogue.open(store, lambda: 1)
    await catalogue.save(rule("hourly", "rate(1 hour)", made=START - timedelta(hours=7, minutes=59)))
    stage = Stage(catalogue)
    task = asyncio.get_running_loop().create_task(stage.clockwork.run())
    await stage.turn_to(START + timedelta(minutes=2))
    assert stage.fired == [("hourly", "12:01:30Z")]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    store.close()


async def test_what_came_while_the_machine_slept_is_dropped(stage: Stage) -> None:
    await stage.save(rule("each", "cron(2 12,15 * * ? *)"))
    stage.now = START + timedelta(hours=2)  # the clock ran on, the process did not
    await stage.turn_to(START + timedelta(hours=4))
    assert stage.fired == [("each", "15:02:00Z")]


async def test_a_full_disk_is_waited_for_but_no_longer_than_a_minute(stage: Stage) -> None:
    await stage.save(rule("each", "rate(5 minutes)"))
    stage.intake.failures = [StorageError("full")] * 3
    await stage.turn_to(START + timedelta(minutes=6))
    assert [event.accepted_ms - milliseconds(START + timedelta(minutes=5)) for event in stage.intake.events] == [3_000]
    stage.intake.failures = [StorageError("full")] * 90
    await stage.turn_to(START + timedelta(minutes=16))
    assert stage.fired == [("each", "12:05:30Z"), ("each", "12:15:30Z")]
