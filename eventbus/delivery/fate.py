"""What happens to a delivery after an attempt: done, again later, to the dead-letter queue, or given up. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from eventbus.model import MAX_AGE_S, Target
from eventbus.ports import Outcome

ATTEMPTS_EXHAUSTED: Final = "MaximumRetryAttempts"
AGE_EXHAUSTED: Final = "MaximumEventAgeInSeconds"
_MS: Final = 1000
_LAST_MS: Final = 1000
"""How long before its greatest age an event's last attempt is due, unless the target asked to be left alone."""
_MOST_DOUBLINGS: Final = 32
"""Any base is above any cap by then; keeps the power small."""


class State(IntEnum):
    """Of a delivery, as in the table."""

    OPEN = 0
    """To be sent to its target."""
    BURIED = 1
    """To be sent to the dead-letter queue."""
    DELIVERED = 2
    DEAD_LETTERED = 3
    GIVEN_UP = 4
    REMOVED = 5
    """Its rule or target is no longer there."""

    @property
    def final(self) -> bool:
        """Whether nothing more happens."""
        return self >= State.DELIVERED


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with full jitter: each delay is drawn from nought to a limit that doubles up to the cap."""

    base_s: float = 1.0
    """Limit of the first delay."""
    cap_s: float = 300.0
    """Highest limit."""

    def limit_s(self, failures: int) -> float:
        """Return the longest delay after so many failures, the first being 1."""
        return float(min(self.cap_s, self.base_s * 2 ** min(failures - 1, _MOST_DOUBLINGS)))

    def delay_s(self, failures: int, rng: random.Random) -> float:
        """Return the delay after so many failures."""
        return rng.uniform(0, self.limit_s(failures))


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next."""

    state: State
    due_ms: int = 0
    """When to try again, for a state that isn't final."""
    exhausted: str = ""
    """Which limit of the retry policy was reached, if any."""


def after_attempt(
    outcome: Outcome, target: Target, *, attempts: int, accepted_ms: int, now_ms: int, delay_s: float
) -> Step:
    """Return what follows an attempt at the target.

    Args:
        outcome: how it went.
        target: with its retry policy and dead-letter queue.
        attempts: how many were made, this one included.
        accepted_ms: when the bus took the event.
        now_ms: the time now.
        delay_s: how long to wait before the next attempt, if there is one.
    """
    if outcome.delivered:
        return Step(State.DELIVERED)
    if not outcome.retry:
        return _failed(target, now_ms, "")
    if attempts > target.max_attempts:
        return _failed(target, now_ms, ATTEMPTS_EXHAUSTED)
    deadline = deadline_ms(target, accepted_ms)
    if now_ms >= deadline:
        return _failed(target, now_ms, AGE_EXHAUSTED)
    asked_ms, due_ms = now_ms + round((outcome.retry_after_s or 0.0) * _MS), now_ms + round(delay_s * _MS)
    if now_ms < deadline - _LAST_MS < due_ms:
        due_ms = deadline - _LAST_MS
    return Step(State.OPEN, min(max(due_ms, asked_ms), deadline))


def too_old(target: Target, now_ms: int) -> Step:
    """Return what follows when the event reached its greatest age: no attempt is begun from then on."""
    return _failed(target, now_ms, AGE_EXHAUSTED)


def after_burial(outcome: Outcome, target: Target, *, accepted_ms: int, now_ms: int, delay_s: float) -> Step:
    """Return what follows an attempt at the dead-letter queue: a day after the event's own limit it is given up."""
    if outcome.delivered:
        return Step(State.DEAD_LETTERED)
    if not outcome.retry or now_ms >= deadline_ms(target, accepted_ms) + MAX_AGE_S * _MS:
        return Step(State.GIVEN_UP)
    return Step(State.BURIED, now_ms + round(max(delay_s, outcome.retry_after_s or 0.0) * _MS))


def deadline_ms(target: Target, accepted_ms: int) -> int:
    """Return when the event reaches its greatest age."""
    return accepted_ms + target.max_age_s * _MS


def _failed(target: Target, now_ms: int, exhausted: str) -> Step:
    return Step(State.BURIED if target.dead_letter_queue else State.GIVEN_UP, now_ms, exhausted)
