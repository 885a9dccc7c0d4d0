"""Sends what is ready to the target: in batches, so many at once, at its pace, and gently while it is in trouble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from eventbus.delivery import fate
from eventbus.delivery.backlog import Delivery
from eventbus.delivery.books import Books
from eventbus.delivery.fate import State, Step
from eventbus.delivery.payload import payload_of
from eventbus.model import Rule, Target
from eventbus.ports import Outcome, Outgoing, Sender

_TROUBLED_SHARE: Final = 8
"""A target in trouble gets this part of its sends at once, and one at least."""
_TROUBLED_PACE_MS: Final = 20
"""Least time between two sends to a target in trouble: fifty a second tell enough."""
_TELL_MS: Final = 10_000
"""A target that changes its mind more often than this isn't logged each time."""
_LONGEST_PAUSE_MS: Final = 60_000
"""Longest pause of a whole target that one answer can ask for; the event that it was for waits as long as it says."""
_MS: Final = 1000

_log = structlog.get_logger(__name__)


class Sending:
    """The part of a lane that knows the target's sender."""

    def __init__(self, books: Books) -> None:
        """Begin with the best opinion of the target."""
        self._books = books
        self._under_way = 0
        self._troubled = False
        self._pause_ms = 0
        self._told_ms: int | None = None  # when its trouble was logged

    @property
    def paused_until_ms(self) -> int:
        """When the pause that the target asked for, or its rate, is over."""
        return self._pause_ms

    def unpause(self) -> None:
        """Send again: what the target asked for was asked of how it was."""
        self._pause_ms = 0

    def next_ms(self, target: Target, now_ms: int) -> int | None:
        """Return when there is something to do with what is ready: a pause ends, or an event is too old."""
        backlog = self._books.backlog
        if not backlog.ready:
            return None
        too_old_ms = fate.deadline_ms(target, backlog.oldest_ms)
        return min(self._pause_ms, too_old_ms) if self._pause_ms > now_ms else too_old_ms

    def start(self, rule: Rule, target: Target, now_ms: int) -> None:
        """Start the sends that may start now."""
        sender = self._books.shared.senders.of(target)
        if sender is None:
            self._refuse_all(target, now_ms)
            return
        for delivery in self._books.backlog.take_older(now_ms - target.max_age_s * _MS):
            self._too_old(delivery, target, now_ms)
        while self._books.backlog.ready and self._free(sender) and self._paced(sender, target, now_ms):
            batch, sent = self._take(rule, target, sender, now_ms)
            if batch:
                self._under_way += 1
                self._books.shared.begin(self._send(sender, rule, target, batch, sent))

    def _free(self, sender: Sender) -> bool:
        most = max(1, sender.concurrency // _TROUBLED_SHARE) if self._troubled else sender.concurrency
        return self._under_way < most

    def _paced(self, sender: Sender, target: Target, now_ms: int) -> bool:
        if now_ms < self._pause_ms:
            return False
        wait_s = sender.delay_s(target)
        if wait_s > 0:
            self._books.meter.throttled += 1
            self._pause_ms = now_ms + max(1, round(wait_s * _MS))
            return False
        if self._troubled:
            self._pause_ms = now_ms + _TROUBLED_PACE_MS
        return True

    def _take(self, rule: Rule, target: Target, sender: Sender, now_ms: int) -> tuple[list[Delivery], list[Outgoing]]:
        batch: list[Delivery] = []
        sent: list[Outgoing] = []
        ready, size = self._books.backlog.ready, 0
        while ready and len(batch) < sender.batch:
            delivery = ready[0]
            try:
                text = payload_of(rule, target, delivery.event)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it stays wrong
                outcome = Outcome("INVALID_PARAMETER", f"the input transformer fails: {error!r}", retry=False)
                self._books.attempted(ready.popleft(), outcome, target, now_ms)
                continue
            size += len(text) if text.isascii() else len(text.encode())
            if batch and size > sender.batch_bytes:
                break
            batch.append(ready.popleft())
            sent.append(Outgoing(delivery.event, text))
        return batch, sent

    async def _send(
        self, sender: Sender, rule: Rule, target: Target, batch: Sequence[Delivery], sent: Sequence[Outgoing]
    ) -> None:
        books = self._books
        self._note_start(batch, books.shared.time.now_ms())
        outcomes = await self._outcomes(sender, rule, target, sent)
        now_ms = books.shared.time.now_ms()
        self._under_way -= 1
        current = books.shared.catalogue.rule(books.rule_arn)
        there = current is not None and current.target(books.target_id) is not None
        for delivery, outcome in zip(batch, outcomes, strict=True):
            if outcome.delivered:
                books.delivered(delivery, now_ms)
            elif there:
                books.attempted(delivery, outcome, target, now_ms)
            else:
                books.move(delivery, Step(State.REMOVED), now_ms)
            if outcome.retry_after_s:
                asked_ms = min(round(outcome.retry_after_s * _MS), _LONGEST_PAUSE_MS)
                self._pause_ms = max(self._pause_ms, now_ms + asked_ms)
        self._judge(outcomes, now_ms)
        books.moved()

    async def _outcomes(
        self, sender: Sender, rule: Rule, target: Target, sent: Sequence[Outgoing]
    ) -> Sequence[Outcome]:
        try:
            outcomes = await sender.send(rule, target, sent, troubled=self._troubled)
            if len(outcomes) == len(sent):
                return outcomes
            message = f"{len(outcomes)} outcomes for {len(sent)} events"
        except Exception as error:  # noqa: BLE001 - it must not end the lane
            _log.exception("sender failed unexpectedly", rule=rule.arn, target=target.id, target_arn=target.arn)
            message = repr(error)
        return [Outcome("INTERNAL_ERROR", message)] * len(sent)

    def _note_start(self, batch: Sequence[Delivery], now_ms: int) -> None:
        meter = self._books.meter
        retries = 0
        for delivery in batch:
            if delivery.attempts:
                retries += 1
            else:
                meter.start.add(now_ms - delivery.event.accepted_ms)
            delivery.attempts += 1
        meter.attempts += len(batch)
        meter.retries += retries
        self._books.tally.retried += retries

    def _judge(self, outcomes: Sequence[Outcome], now_ms: int) -> None:
        """A target is in trouble when nothing of a send got through and it may do so later."""
        self._troubled = all(not outcome.delivered and outcome.retry for outcome in outcomes)
        names = {"rule": self._books.rule_arn, "target": self._books.target_id}
        if self._troubled and self._told_ms is None:
            first = outcomes[0]
            _log.warning("target in trouble", **names, error=first.error_code, message=first.error_message[:200])
            self._told_ms = now_ms
        elif not self._troubled and self._told_ms is not None and now_ms >= self._told_ms + _TELL_MS:
            _log.info("target works again", **names)
            self._told_ms = None

    def _refuse_all(self, target: Target, now_ms: int) -> None:
        ready = self._books.backlog.ready
        outcome = Outcome("UNSUPPORTED_TARGET", f"this bus has no way to deliver to {target.arn}", retry=False)
        while ready:
            self._books.attempted(ready.popleft(), outcome, target, now_ms)

    def _too_old(self, delivery: Delivery, target: Target, now_ms: int) -> None:
        if not delivery.attempts:
            last, message = self._books.tally, f"not sent within {target.max_age_s} s"
            delivery.error_code, delivery.error_message = last.error_code or "TIMEOUT", last.error_message or message
        self._books.meter.failed += 1
        self._books.move(delivery, fate.too_old(target, now_ms), now_ms)
