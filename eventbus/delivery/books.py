"""What a lane has to do and how far it came: the one place where a delivery changes its state."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from eventbus.catalogue import Catalogue
from eventbus.delivery import fate
from eventbus.delivery.backlog import Backlog, Delivery
from eventbus.delivery.fate import Backoff, State, Step
from eventbus.delivery.memory import Memory
from eventbus.delivery.settle import Row, Settler
from eventbus.delivery.tally import Tally, shortened
from eventbus.delivery.timing import Time
from eventbus.metrics import Metrics
from eventbus.model import Target
from eventbus.ports import Outcome, Senders
from eventbus.store import Store

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all lanes use."""

    store: Store
    catalogue: Catalogue
    senders: Senders
    settler: Settler
    metrics: Metrics
    time: Time
    backoff: Backoff
    rng: random.Random
    lane_events: int
    """Most deliveries of a lane in memory."""
    memory: Memory = field(default_factory=Memory)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Sends and reads under way, of all lanes."""

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a send or a read run."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery failed unexpectedly", exc_info=error)


class Books:
    """Of one lane."""

    def __init__(self, number: int, rule_arn: str, target_id: str, shared: Shared, tally: Tally | None) -> None:
        """Begin with nothing to do; `tally` has the counts of earlier runs, None: the lane is new."""
        self.number, self.rule_arn, self.target_id = number, rule_arn, target_id
        self.shared = shared
        self.meter = shared.metrics.rule(rule_arn)
        self.stored = tally is not None
        """Whether the disk knows the lane's number."""
        self.tally = tally or Tally()
        self.pending = 0
        """Deliveries that have not come to their end, on disk and in memory."""
        self.backlog = Backlog(shared.lane_events, shared.memory)
        self.leaving = False
        """Whether the target is gone."""
        self.moved: Callable[[], None] = lambda: None
        """Called when a delivery that waits on disk may have to be fetched, or a lane that leaves is done."""

    @property
    def idle(self) -> bool:
        """Whether nothing of it waits, here or on disk, nor for the disk."""
        return not self.pending and self.backlog.idle

    def attempted(self, delivery: Delivery, outcome: Outcome, target: Target, now_ms: int) -> None:
        """Take note of an attempt at the target that failed, and of what follows."""
        delivery.error_code, delivery.error_message = outcome.error_code, shortened(outcome.error_message)
        self.tally.error(outcome.error_code, outcome.error_message, now_ms)
        step = fate.after_attempt(
            outcome,
            target,
            attempts=delivery.attempts,
            accepted_ms=delivery.event.accepted_ms,
            now_ms=now_ms,
            delay_s=self.shared.backoff.delay_s(max(delivery.attempts, 1), self.shared.rng),
        )
        if step.state is not State.OPEN:
            self.meter.failed += 1
        self.move(delivery, step, now_ms)

    def delivered(self, delivery: Delivery, now_ms: int) -> None:
        """Take note of an attempt that succeeded."""
        self.meter.delivered += 1
        self.meter.success.add(now_ms - delivery.event.accepted_ms)
        self.move(delivery, _DELIVERED, now_ms)

    def move(self, delivery: Delivery, step: Step, now_ms: int) -> None:
        """Put a delivery, which is in none of the backlog's queues now, into its next state."""
        delivery.state, delivery.due_ms = step.state, step.due_ms
        delivery.exhausted = step.exhausted or delivery.exhausted
        final = step.state >= State.DELIVERED
        if final:
            self.pending -= 1
            self.tally.end(step.state)
            self.backlog.release(delivery.seq)
        elif self.backlog.behind and step.due_ms > now_ms:  # others may be due before it: it waits on disk
            self.backlog.release(delivery.seq)
        else:
            self.backlog.wait(delivery)
        row = (
            int(step.state),
            delivery.attempts,
            step.due_ms,
            now_ms if final else None,
            delivery.error_code or None,
            delivery.error_message or None,
            delivery.exhausted or None,
            delivery.seq,
            self.number,
        )
        self.shared.settler.settle(row, self)

    def written(self, row: Row) -> None:
        """Note that a result is on disk; what was put back there may have to be fetched again."""
        state, due_ms, seq = row[0], row[2], row[-2]
        fetch = self.backlog.written(seq, None if state >= State.DELIVERED else due_ms)
        if fetch or (self.leaving and self.idle):
            self.moved()


_DELIVERED: Final = Step(State.DELIVERED)
