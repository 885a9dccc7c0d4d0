"""Sends events that couldn't be delivered to the target's dead-letter queue, in the shape of the service's own."""

from __future__ import annotations

from typing import Final

import structlog

from eventbus.delivery import fate
from eventbus.delivery.backlog import Delivery
from eventbus.delivery.books import Books
from eventbus.delivery.fate import State, Step
from eventbus.delivery.tally import shortened
from eventbus.model import Target
from eventbus.ports import Outcome

_AT_ONCE: Final = 4
"""Most sends of a lane to its dead-letter queue at once."""

_log = structlog.get_logger(__name__)


class Burial:
    """The part of a lane that knows the dead-letter queue."""

    def __init__(self, books: Books) -> None:
        """Begin with nothing under way."""
        self._books = books
        self._under_way = 0

    def start(self, target: Target, now_ms: int) -> None:
        """Start what may start now; without a queue, which may be gone by now, the event is given up."""
        buried = self._books.backlog.buried
        while buried and self._under_way < _AT_ONCE:
            delivery = buried.popleft()
            if not target.dead_letter_queue:
                self._books.move(delivery, Step(State.GIVEN_UP), now_ms)
                continue
            self._under_way += 1
            self._books.shared.begin(self._bury(delivery, target))

    async def _bury(self, delivery: Delivery, target: Target) -> None:
        books = self._books
        outcome = await self._outcome(delivery, target)
        now_ms = books.shared.time.now_ms()
        self._under_way -= 1
        delivery.burials += 1
        step = fate.after_burial(
            outcome,
            target,
            accepted_ms=delivery.event.accepted_ms,
            now_ms=now_ms,
            delay_s=books.shared.backoff.delay_s(delivery.burials, books.shared.rng),
        )
        if step.state is State.DEAD_LETTERED:
            books.meter.dead_lettered += 1
        else:
            self._failed(delivery, outcome, target, step)
        books.move(delivery, step, now_ms)
        books.moved()

    async def _outcome(self, delivery: Delivery, target: Target) -> Outcome:
        try:
            sent = attributes(self._books.rule_arn, target, delivery)
            return await self._books.shared.senders.dead_letter(target.dead_letter_queue, delivery.event, sent)
        except Exception as error:  # noqa: BLE001 - it must not end the lane
            _log.exception("sender failed unexpectedly", queue=target.dead_letter_queue)
            return Outcome("INTERNAL_ERROR", repr(error))

    def _failed(self, delivery: Delivery, outcome: Outcome, target: Target, step: Step) -> None:
        if step.state is not State.GIVEN_UP:
            return
        self._books.meter.not_dead_lettered += 1
        reason = f"; its dead-letter queue failed: {outcome.error_code} {outcome.error_message}"
        delivery.error_message = shortened(delivery.error_message[:_FIRST] + reason)
        _log.error("dead-letter queue failed", queue=target.dead_letter_queue, error=outcome.error_code)


_FIRST: Final = 500
"""Most characters of the target's own error where the queue's follows it."""


def attributes(rule_arn: str, target: Target, delivery: Delivery) -> dict[str, str]:
    """Return the message attributes. Source: EventBridge user guide, "Using dead-letter queues"."""
    found = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target.arn,
        "ERROR_CODE": delivery.error_code,
        "ERROR_MESSAGE": delivery.error_message or delivery.error_code,
        "RETRY_ATTEMPTS": str(max(delivery.attempts - 1, 0)),
    }
    return {**found, "EXHAUSTED_RETRY_CONDITION": delivery.exhausted} if delivery.exhausted else found
