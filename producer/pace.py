"""When each transaction is due on the wall clock. Clock and sleep are passed in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

Schedule = Callable[[int, int], float]
"""Takes a transaction's number (from 0) and event time in ms; returns seconds from the beginning."""

CATCH_UP_S: Final = 1.0
"""Shorter delays are made up for; after a longer one the schedule moves instead."""


def at_rate(per_second: float) -> Schedule:
    """Return the schedule of so many transactions in a second of the wall clock."""
    return lambda number, _: number / per_second


def at_speed(times: float, start_ms: int) -> Schedule:
    """Return the schedule on which event time, from `start_ms`, passes so many times faster than wall time."""
    return lambda _, event_ms: (event_ms - start_ms) / 1_000 / times


def at_once() -> Schedule:
    """Return the schedule on which everything is due already."""
    return lambda _number, _event_ms: 0.0


class Pace:
    """Holds transactions back until they are due.

    Due times are counted from one beginning, so errors of single sleeps don't add up. After a stall of
    more than `CATCH_UP_S` the beginning moves by the stall, so what was missed isn't sent in a burst.
    """

    def __init__(self, schedule: Schedule, clock: Callable[[], float], sleep: Callable[[float], object]) -> None:
        """Begin at the first transaction; `clock` and `sleep` are in seconds, and a sleep may end early."""
        self._schedule = schedule
        self._clock = clock
        self._sleep = sleep
        self._number = 0
        self._began_s: float | None = None

    def wait(self, event_ms: int) -> None:
        """Sleep until the next transaction, of this event time, is due."""
        due_s = self._schedule(self._number, event_ms)
        self._number += 1
        now_s = self._clock()
        if self._began_s is None:
            self._began_s = now_s - due_s
        early_s = self._began_s + due_s - now_s
        if early_s > 0:
            self._sleep(early_s)
        elif early_s < -CATCH_UP_S:
            self._began_s -= early_s

    def due(self, event_ms: Sequence[int], at: int = 0) -> int:
        """Sleep until the transaction at a position is due; return how many then are, it and those after it.

        They are one at least, also when the sleep ended early.

        Args:
            event_ms: times of events in ascending order, for which a schedule doesn't go back.
            at: position of the next one.
        """
        self.wait(event_ms[at])
        passed_s = self._clock() - (self._began_s or 0.0)
        first = self._number - at - 1
        until = bisect_right(
            range(len(event_ms)), passed_s, at + 1, key=lambda i: self._schedule(first + i, event_ms[i])
        )
        self._number = first + until
        return until - at
