"""The way to one target of one rule. Lanes share nothing but the disk, so one's trouble is never another's.

`pump` starts what can be started and sets an alarm for what can't yet; it runs when a delivery comes, a send
ends or the alarm rings. A lane without work has no task and no alarm.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from eventbus.delivery.backlog import Delivery
from eventbus.delivery.books import Books, Shared
from eventbus.delivery.burial import Burial
from eventbus.delivery.fate import State, Step
from eventbus.delivery.sending import Sending
from eventbus.delivery.tally import Tally
from eventbus.delivery.timing import Handle
from eventbus.model import Event, Target
from eventbus.store import journal
from eventbus.transform import path

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
        self.coming = 0
        """Deliveries that are being written to disk."""
        self.ended: Callable[[Lane], None] = lambda _: None
        """Called when the target is gone and nothing of it is left to do."""
        self._shared = shared
        self._sending, self._burial = Sending(self.books), Burial(self.books)
        self._alarm: Handle | None = None
        self._alarm_ms: int | None = None  # when it rings
        self._pumping = False

    def arrived(self, delivery: Delivery) -> None:
        """Take a new delivery that is on disk."""
        self.coming -= 1
        self.books.pending += 1
        self.books.backlog.arrived(delivery)
        self.pump_soon()

    def resume(self, pending: int) -> None:
        """Take up the deliveries that an earlier run left on disk."""
        self.books.pending = pending
        self.books.backlog.behind = True
        self.pump_soon()

    def lost(self) -> None:
        """Note that the disk didn't take a delivery."""
        self.coming -= 1
        self.pump_soon()

    def changed(self) -> None:
        """Look again at what the catalogue has: the target may be better now, or gone."""
        self._sending.unpause()
        self.pump_soon()

    @property
    def target(self) -> Target | None:
        """The target as it is now; None: it is gone."""
        rule = self._shared.catalogue.rule(self.books.rule_arn)
        return rule.target(self.books.target_id) if rule else None

    @property
    def paused_until_ms(self) -> int:
        """When the pause that the target asked for, or its rate, is over; it may be past."""
        return self._sending.paused_until_ms

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
        self.books.leaving = target is None
        if rule and target:
            self._burial.start(target, now_ms)
            self._sending.start(rule, target, now_ms)
        else:
            self._remove_all(now_ms)
        self._read_more(now_ms)
        self._set_alarm(target, now_ms)
        if self.books.leaving and not self.coming and self.books.idle:
            self.ended(self)

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
        except Exception as error:  # noqa: BLE001 - of whatever kind, what waits there is read later
            _log.error("can't read deliveries", error=repr(error))
            self.books.backlog.failed_reading(now_ms + _AGAIN_MS)
        else:
            self.books.backlog.end_reading([_delivery(row) for row in page.rows], page.next_ms)
        self.pump_soon()

    def _set_alarm(self, target: Target | None, now_ms: int) -> None:
        backlog = self.books.backlog
        on_disk = backlog.disk_due_ms if backlog.wants_more else None
        ready = self._sending.next_ms(target, now_ms) if target else None
        at_ms = min((each for each in (backlog.next_ms, ready, on_disk) if each is not None), default=None)
        if at_ms == self._alarm_ms:
            return
        self._cancel_alarm()
        if at_ms is not None:
            self._alarm = self._shared.time.call_later(max(at_ms - now_ms, 0) / _MS, self._ring)
            self._alarm_ms = at_ms

    def _ring(self) -> None:
        self._alarm, self._alarm_ms = None, None
        self.pump()

    def _cancel_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm, self._alarm_ms = None, None

    def close(self) -> None:
        """Start nothing more."""
        self.closed = True
        self._cancel_alarm()


def _delivery(row: Sequence[Any]) -> Delivery:
    seq, state, attempts, due_ms, code, message, exhausted, *event = row
    event_id, bus_arn, body, accepted_ms, hops = event
    again = Event(event_id, bus_arn, body, None, accepted_ms, hops, replay=_replay_of(body))
    return Delivery(seq, again, due_ms, State(state), attempts, code or "", message or "", exhausted or "")


def _replay_of(body: str) -> str:
    """Return the name of the replay that an event comes from, which only the bus itself writes at its top."""
    found = path.select(body, "$.replay-name") if '"replay-name"' in body else None
    return str(json.loads(found)) if found else ""
