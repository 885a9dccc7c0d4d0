"""For tests: a clock that is turned by hand, and senders that answer as told and write down what they sent."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from eventbus.model import Event, Rule, Target
from eventbus.ports import DELIVERED, Outcome, Outgoing, Sender


class FakeAlarm:
    """A call that can still be cancelled."""

    def __init__(self, callback: Callable[[], None]) -> None:
        """Not cancelled yet."""
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        """Don't make the call."""
        self.cancelled = True


class FakeTime:
    """Stands still until `advance` or `to_next_alarm`."""

    def __init__(self, now_ms: int = 1_750_000_000_000) -> None:
        """Begin at a time in 2025."""
        self._now_ms = now_ms
        self._alarms: list[tuple[int, int, FakeAlarm]] = []
        self._numbers = itertools.count()

    def now_ms(self) -> int:
        """Return milliseconds since 1970, UTC."""
        return self._now_ms

    def call_later(self, seconds: float, callback: Callable[[], None]) -> FakeAlarm:
        """Call `callback` when the clock has been turned by `seconds`."""
        alarm = FakeAlarm(callback)
        heapq.heappush(self._alarms, (self._now_ms + round(seconds * 1000), next(self._numbers), alarm))
        return alarm

    @property
    def alarms(self) -> int:
        """How many calls are still to come."""
        return sum(not alarm.cancelled for _, _, alarm in self._alarms)

    def advance(self, seconds: float) -> None:
        """Turn the clock, making the calls on the way at their time."""
        end_ms = self._now_ms + round(seconds * 1000)
        while self._alarms and self._alarms[0][0] <= end_ms:
            self.to_next_alarm()
        self._now_ms = max(self._now_ms, end_ms)

    def to_next_alarm(self, within_s: float = math.inf) -> None:
        """Turn the clock to the next call, if that is no later than `within_s` from now, and make it."""
        while self._alarms and self._alarms[0][0] <= self._now_ms + within_s * 1000:
            at_ms, _, alarm = heapq.heappop(self._alarms)
            if not alarm.cancelled:
                self._now_ms = max(self._now_ms, at_ms)
                alarm.callback()
                return


@dataclass(frozen=True, slots=True)
class Sent:
    """One call of `send`."""

    at_ms: int
    target: str
    events: tuple[str, ...]
    payloads: tuple[str, ...]
    troubled: bool


@dataclass(slots=True)
class FakeSender:
    """Answers each event by `answer`, after `before`."""

    time: FakeTime
    answer: Callable[[Event], Outcome] = lambda _: DELIVERED
    before: Callable[[], Awaitable[object]] | None = None
    """Awaited in each send."""
    batch: int = 1
    batch_bytes: int = 250_000
    concurrency: int = 8
    delays_s: list[float] = field(default_factory=list)
    """Answers of `delay_s`, used up from the front; then 0."""
    sent: list[Sent] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def delay_s(self, target: Target) -> float:
        """Return the next of `delays_s`."""
        del target
        return self.delays_s.pop(0) if self.delays_s else 0.0

    async def send(self, rule: Rule, target: Target, batch: Sequence[Outgoing], *, troubled: bool) -> Sequence[Outcome]:
        """Write down and answer."""
        del rule
        ids, payloads = tuple(each.event.id for each in batch), tuple(each.payload for each in batch)
        self.sent.append(Sent(self.time.now_ms(), target.id, ids, payloads, troubled))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.before:
                await self.before()
            return [self.answer(each.event) for each in batch]
        finally:
            self.under_way -= 1

    @property
    def events(self) -> list[str]:
        """Ids of all events that were sent, again and again if need be."""
        return [event for sent in self.sent for event in sent.events]


@dataclass(slots=True)
class FakeSenders:
    """A sender by the ARN of the target, and dead-letter queues that take all unless told otherwise."""

    by_arn: dict[str, FakeSender] = field(default_factory=dict)
    queue_answer: Callable[[Event], Outcome] = lambda _: DELIVERED
    dead: list[tuple[str, Event, dict[str, str]]] = field(default_factory=list)
    """What dead-letter queues took: ARN, event, attributes."""

    def of(self, target: Target) -> Sender | None:
        """Return the sender for the target's ARN."""
        return self.by_arn.get(target.arn)

    async def dead_letter(self, queue_arn: str, event: Event, attributes: dict[str, str]) -> Outcome:
        """Answer by `queue_answer`."""
        outcome = self.queue_answer(event)
        if outcome.delivered:
            self.dead.append((queue_arn, event, attributes))
        return outcome
