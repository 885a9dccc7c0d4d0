"""The way to one target of one rule. Lanes share nothing but the disk, so one's trouble is never another's.

`pump` starts what can be started and sets an alarm for what can't yet; it runs when a delivery comes, a send
ends or the alarm rings. A lane without work has no task and no alarm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from eventbus.delivery.backlog import Delivery
from eventbus.delivery.books import Books, Shared
from eventbus.delivery.burial import Burial
from eventbus.delivery.fate import State, Step
from eventbus.delivery.sending import Sending
from eventbus.delivery.tally import Tally
from eventbus.delivery.timing import Handle
from eventbus.model import Event
from eventbus.pattern import parse_event
from eventbus.store import StorageError, journal

_MS: Final = 1000
_AGAIN_MS: Final = 1000
"""Pause after a read that failed."""

_log = structlog.get_logger(__name__)


class Lane:
    """Deliveries of one target."""

    def __init__(self, number: int, rule_arn: str, target_id: str, shared: Shared, tally: Tally | None = None) -> None:
        """Begin with nothing to do; `tally` has the counts of earlier runs."""
        self.books = Books(number, rule_arn, target_id, shared, tally)
        self.books.moved = self.pump_soon
        self.closed = False
        """Whether nothing more is started."""
        self._shared = shared
        self._sending, self._burial = Sending(self.books), Burial(self.books)
        self._alarm: Handle | None = None
        self._pumping = False

    def arrived(self, delivery: Delivery) -> None:
        """Take a new delivery that is on disk."""
        self.books.pending += 1
        self.books.backlog.arrived(delivery)
        self.pump_soon()

    def resume(self, pending: int) -> None:
        """Take up the deliveries that an earlier run left on disk."""
        self.books.pending = pending
        self.books.backlog.behind = True
        self.pump_soon()

    def pump_soon(self) -> None:
        """Pump once, however often this is called before."""
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        """Start what can be started now."""
        self._pumping = False
        if self.closed or self._shared.settler.stalled:
            return
        now_ms = self._shared.time.now_ms()
        self.books.backlog.wake(now_ms)
        rule = self._shared.catalogue.rule(self.books.rule_arn)
        target = rule.target(self.books.target_id) if rule else None
        if rule and target:
            self._burial.start(target, now_ms)
            self._sending.start(rule, target, now_ms)
        else:
            self._remove_all(now_ms)
        self._read_more(now_ms)
        self._set_alarm(now_ms)

    def _remove_all(self, now_ms: int) -> None:
        for delivery in self.books.backlog.take_all():
            self.books.move(delivery, Step(State.REMOVED), now_ms)

    def _read_more(self, now_ms: int) -> None:
        backlog = self.books.backlog
        if backlog.wants_more and (backlog.disk_due_ms or 0) <= now_ms:
            self._shared.begin(self._read(backlog.begin_reading(), now_ms))

    async def _read(self, known: frozenset[int], now_ms: int) -> None:
        most, most_bytes = self.books.backlog.page
        try:
            page = await self._shared.store.read(
                lambda db: journal.load(
                    db, self.books.number, known=known, now_ms=now_ms, most=most, most_bytes=most_bytes
                )
            )
        except StorageError as error:
            _log.error("can't read deliveries", error=str(error))
            self.books.backlog.failed_reading(now_ms + _AGAIN_MS)
        else:
            self.books.backlog.end_reading([_delivery(row) for row in page.rows], page.next_ms)
        self.pump_soon()

    def _set_alarm(self, now_ms: int) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        backlog = self.books.backlog
        on_disk = backlog.disk_due_ms if backlog.wants_more else None
        times = [each for each in (backlog.next_ms, self._sending.next_ms(now_ms), on_disk) if each is not None]
        if times:
            self._alarm = self._shared.time.call_later(max(min(times) - now_ms, 0) / _MS, self.pump)

    def close(self) -> None:
        """Start nothing more."""
        self.closed = True
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None


def _delivery(row: Sequence[Any]) -> Delivery:
    seq, state, attempts, due_ms, code, message, exhausted, *event = row
    event_id, bus_arn, body, accepted_ms, hops = event
    fields = parse_event(body)
    again = Event(event_id, bus_arn, body, fields, accepted_ms, hops, replay=str(fields.get("replay-name", "")))
    return Delivery(seq, again, due_ms, State(state), attempts, code or "", message or "", exhausted or "")
