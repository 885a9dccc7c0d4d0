"""Fires the rules that run on a schedule: enabled ones, with targets, on a default bus, as the service does.

For the application: `Clockwork(...).run()`, a task for as long as the bus runs. An occurrence fires once at most;
one that came while the bus was down, asleep or without disk for a minute does not fire later.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from eventbus.arn import DEFAULT_BUS, parse
from eventbus.catalogue import Catalogue
from eventbus.model import Event, Resource, Rule
from eventbus.pattern import parse_event
from eventbus.ports import Intake
from eventbus.schedule import EPOCH, InvalidScheduleError, Schedule
from eventbus.schedule import parse as parse_schedule
from eventbus.store import StorageError

_LATEST: Final = timedelta(minutes=1)
"""An occurrence that is later than this is dropped: the service, too, promises no more than the minute."""
_LONGEST_S: Final = 30.0
"""Longest sleep, so that a clock that was set is noticed."""
_AGAIN_S: Final = 1.0
"""Pause after the disk failed."""

_log = structlog.get_logger(__name__)

Wait = Callable[[asyncio.Event, float], Awaitable[None]]
"""Waits for the event, or that many seconds."""


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but no longer than that."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


@dataclass(slots=True)
class _Alarm:
    rule: Rule
    schedule: Schedule
    due: datetime | None


class Clockwork:
    """Knows when each scheduled rule is due."""

    def __init__(
        self,
        catalogue: Catalogue,
        intake: Intake,
        *,
        clock_ms: Callable[[], int],
        new_id: Callable[[], str],
        wait: Wait = wait_for,
    ) -> None:
        """Begin with the rules of the catalogue, and follow its changes."""
        self._catalogue, self._intake = catalogue, intake
        self._clock_ms, self._new_id, self._wait = clock_ms, new_id, wait
        self._alarms: dict[str, _Alarm] = {}
        self._changed = asyncio.Event()
        catalogue.listen(self._on_change)

    async def run(self) -> None:
        """Fire rules, for ever."""
        self._plan()
        while True:
            await self._wait(self._changed, self._seconds_to_next())
            if self._changed.is_set():
                self._changed.clear()
                self._plan()
            try:
                await self._fire()
            except StorageError as error:
                _log.warning("scheduled rules wait for the disk", error=str(error))
                await self._wait(asyncio.Event(), _AGAIN_S)

    def _on_change(self, resource: Resource, _there: bool) -> None:  # noqa: FBT001 - as the catalogue calls it
        if isinstance(resource, Rule) and (resource.schedule or resource.arn in self._alarms):
            self._changed.set()

    def _plan(self) -> None:
        """Set an alarm for each rule that is to fire; one whose schedule is the same keeps its own."""
        before, now = self._alarms, self._now()
        self._alarms = {}
        for rule in filter(_fires, self._catalogue.all(Rule)):
            alarm = before.get(rule.arn)
            if alarm is None or _timing(alarm.rule) != _timing(rule):
                try:
                    schedule = parse_schedule(rule.schedule or "", since=_moment(rule.created_ms))
                except InvalidScheduleError as error:  # it was valid for the version of this program that kept it
                    _log.error("scheduled rule is left out", rule=rule.arn, error=str(error))
                    continue
                alarm = _Alarm(rule, schedule, schedule.next_after(now))
            alarm.rule = rule
            self._alarms[rule.arn] = alarm

    async def _fire(self) -> None:
        """Put an event for each rule that is due."""
        now = self._now()
        due = [(alarm.due, alarm) for alarm in self._alarms.values() if alarm.due is not None and alarm.due <= now]
        in_time = [(moment, alarm.rule) for moment, alarm in due if now - moment <= _LATEST]
        if in_time:
            await self._intake.accept([self._event(rule, moment) for moment, rule in in_time])
        for moment, alarm in due:
            if now - moment > _LATEST:
                _log.warning("a scheduled rule missed its time", rule=alarm.rule.arn, due=moment.isoformat())
            alarm.due = alarm.schedule.next_after(now)

    def _seconds_to_next(self) -> float:
        now = self._now()
        waits = ((alarm.due - now).total_seconds() for alarm in self._alarms.values() if alarm.due is not None)
        return max(0.0, min(_LONGEST_S, min(waits, default=_LONGEST_S)))

    def _event(self, rule: Rule, moment: datetime) -> Event:
        owner = parse(rule.arn)
        body = json.dumps(
            {
                "version": "0",
                "id": self._new_id(),
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": owner.account if owner else "",
                "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": owner.region if owner else "",
                "resources": [rule.arn],
                "detail": {},
            },
            separators=(",", ":"),
        )
        fields = parse_event(body)
        only = frozenset({rule.arn})
        return Event(fields["id"], rule.bus_arn, body, fields, accepted_ms=self._clock_ms(), only_rules=only)

    def _now(self) -> datetime:
        return _moment(self._clock_ms())


def _fires(rule: Rule) -> bool:
    return bool(rule.enabled and rule.schedule and rule.targets and rule.bus_arn.endswith(f":event-bus/{DEFAULT_BUS}"))


def _timing(rule: Rule) -> tuple[str | None, int]:
    """Return what decides when a rule fires."""
    return rule.schedule, rule.created_ms


def _moment(time_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=time_ms)
