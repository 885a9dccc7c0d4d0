"""Transactions leave when they are due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.pace import CATCH_UP_S, Pace, Schedule, at_once, at_rate, at_speed


class Wall:
    """A clock that only sleeping moves, or the test."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds

    def pace(self, schedule: Schedule) -> Pace:
        return Pace(schedule, self.clock, self.sleep)


def test_a_rate_puts_the_same_time_between_transactions() -> None:
    wall = Wall()
    pace = wall.pace(at_rate(4))
    for _ in range(9):
        pace.wait(0)
    assert wall.slept_s == [0.25] * 8


def test_the_first_transaction_is_due_at_once() -> None:
    wall = Wall()
    wall.pace(at_rate(0.001)).wait(0)
    assert wall.slept_s == []


def test_a_speed_follows_event_time() -> None:
    wall = Wall()
    pace = wall.pace(at_speed(60, 1_000))
    for event_ms in (1_000, 61_000, 61_000, 181_000):
        pace.wait(event_ms)
    assert wall.slept_s == [1.0, 2.0]


def test_without_a_pace_nothing_waits() -> None:
    wall = Wall()
    pace = wall.pace(at_once())
    for event_ms in range(100):
        wall.now_s += 1
        pace.wait(event_ms)
    assert wall.slept_s == []


@given(
    rate=st.floats(0.1, 1_000), works=st.lists(st.floats(0, 0.5), min_size=20, max_size=60), overhead=st.floats(0, 0.01)
)
def test_oversleeping_and_work_do_not_add_up(rate: float, works: list[float], overhead: float) -> None:
    wall = Wall()

    def oversleep(seconds: float) -> None:
        wall.sleep(seconds + overhead)

    pace = Pace(at_rate(rate), wall.clock, oversleep)
    for number, work in enumerate(works):
        pace.wait(0)
        late_s = wall.now_s - (100.0 + number / rate)
        assert late_s > -1e-6, "never early"
        wall.now_s += min(work, 0.5 / rate)  # work that fits between two transactions
        assert late_s <= overhead + 1e-6, "never later than one oversleep"


def test_a_short_stall_is_made_up_for() -> None:
    wall = Wall()
    pace = wall.pace(at_rate(10))
    pace.wait(0)
    wall.now_s += 0.8
    for _ in range(10):
        pace.wait(0)
    assert wall.now_s == pytest.approx(101.0)


@given(stall_s=st.floats(CATCH_UP_S + 0.2, 1e6))
def test_a_long_stall_is_not_followed_by_a_burst(stall_s: float) -> None:
    wall = Wall()
    pace = wall.pace(at_rate(10))
    pace.wait(0)
    wall.now_s += stall_s
    after_s = wall.now_s
    for _ in range(11):
        pace.wait(0)
    assert wall.now_s == pytest.approx(after_s + 1.0, abs=1e-3)


def test_what_has_become_due_meanwhile_leaves_together() -> None:
    wall = Wall()
    pace = wall.pace(at_rate(4))
    assert pace.due([0] * 9) == 1
    wall.now_s += 0.75
    assert pace.due([0] * 9) == 3
    assert pace.due([0] * 9) == 1
    assert wall.slept_s == [0.25]


def test_those_before_a_position_are_not_asked_for_again() -> None:
    wall = Wall()
    pace = wall.pace(at_speed(60, 0))
    event_ms = [0, 60_000, 60_500, 61_000]
    assert pace.due(event_ms) == 1
    wall.now_s += 1.01
    assert pace.due(event_ms, 1) == 2
    assert pace.due(event_ms, 3) == 1


def test_without_a_pace_everything_leaves_together() -> None:
    assert Wall().pace(at_once()).due(range(500)) == 500


def test_event_times_that_are_due_leave_together() -> None:
    wall = Wall()
    pace = wall.pace(at_speed(60, 0))
    assert pace.due([0, 60_000, 61_000]) == 1
    wall.now_s += 1.01
    assert pace.due([60_000, 60_500, 61_000]) == 2


def test_a_stall_moves_the_beginning_for_many_as_for_one() -> None:
    wall = Wall()
    pace = wall.pace(at_rate(4))
    pace.wait(0)
    wall.now_s += 60
    assert pace.due([0] * 9) == 1
    assert pace.due([0] * 9) == 1
    assert wall.slept_s == [0.25]
