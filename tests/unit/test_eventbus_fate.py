"""What follows an attempt: within the retry policy, at growing intervals, and never for ever."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from eventbus.delivery.fate import AGE_EXHAUSTED, ATTEMPTS_EXHAUSTED, Backoff, State, after_attempt, after_burial
from eventbus.model import Target
from eventbus.ports import DELIVERED, Outcome
from tests.eventbus_engine import dead_letters, policy, target

BUSY = Outcome("THROTTLING", "too many")
DAY_MS = 86_400_000
attempts_allowed = st.integers(0, 185)
ages_s = st.integers(60, 86_400)


@given(st.floats(0.01, 60), st.floats(0.01, 3600), st.integers(1, 500), st.integers())
def test_a_delay_lies_between_nought_and_a_limit_that_doubles_up_to_the_cap(
    base_s: float, cap_s: float, failures: int, seed: int
) -> None:
    backoff = Backoff(base_s, cap_s)
    assert 0 <= backoff.delay_s(failures, random.Random(seed)) <= backoff.limit_s(failures) <= cap_s  # noqa: S311 - jitter
    if 2 * backoff.limit_s(failures) <= cap_s and failures < 32:
        assert backoff.limit_s(failures + 1) == 2 * backoff.limit_s(failures)


def test_delays_are_spread_over_the_whole_interval() -> None:
    rng = random.Random(3)  # noqa: S311 - jitter
    delays = sorted(Backoff(1, 300).delay_s(4, rng) for _ in range(1000))
    assert delays[100] < 1.2
    assert delays[900] > 6.8


def schedule(
    aimed: Target, seed: int, backoff: Backoff, retry_after_s: float | None = None
) -> list[tuple[int, State, str]]:
    """Return time, state and exhausted limit after each attempt at a target that is always busy."""
    rng, now_ms = random.Random(seed), 0  # noqa: S311 - jitter
    found: list[tuple[int, State, str]] = []
    while True:
        step = after_attempt(
            Outcome("THROTTLING", "too many", retry_after_s=retry_after_s),
            aimed,
            attempts=len(found) + 1,
            accepted_ms=0,
            now_ms=now_ms,
            delay_s=backoff.delay_s(len(found) + 1, rng),
        )
        found.append((now_ms, step.state, step.exhausted))
        if step.state is not State.OPEN:
            return found
        now_ms = step.due_ms


@given(attempts_allowed, ages_s, st.integers())
def test_a_busy_target_is_tried_within_both_limits_and_then_dead_lettered(most: int, age_s: int, seed: int) -> None:
    aimed = target(**policy(most, age_s), **dead_letters())
    found = schedule(aimed, seed, Backoff(1, 300))
    times = [time_ms for time_ms, _, _ in found]
    assert times == sorted(times)
    assert len(found) <= most + 1
    assert times[-1] <= age_s * 1000
    _, state, exhausted = found[-1]
    assert state is State.BURIED
    if len(found) == most + 1:
        assert exhausted == ATTEMPTS_EXHAUSTED
    else:
        assert exhausted == AGE_EXHAUSTED
        assert times[-1] == age_s * 1000
        assert len(times) <= 2 or age_s * 1000 - times[-2] <= 1000  # the last attempt falls just before that


@given(st.floats(0, 100_000), st.integers())
def test_no_attempt_comes_before_the_time_that_was_asked_for(retry_after_s: float, seed: int) -> None:
    found = schedule(target(**policy(3, 86_400)), seed, Backoff(1, 300), retry_after_s)
    for (before_ms, _, _), (after_ms, _, _) in pairwise(found):
        assert after_ms - before_ms >= round(retry_after_s * 1000) or after_ms == DAY_MS


def test_what_cannot_succeed_is_not_tried_again() -> None:
    gone = Outcome("NO_RESOURCE", retry=False)
    step = after_attempt(gone, target(), attempts=1, accepted_ms=0, now_ms=0, delay_s=1)
    assert (step.state, step.exhausted) == (State.GIVEN_UP, "")
    step = after_attempt(gone, target(**dead_letters()), attempts=1, accepted_ms=0, now_ms=0, delay_s=1)
    assert step.state is State.BURIED


def test_a_dead_letter_queue_is_tried_for_a_day_longer_than_the_target() -> None:
    aimed = target(**policy(age_s=60), **dead_letters())
    just_before = after_burial(BUSY, aimed, accepted_ms=0, now_ms=60_000 + DAY_MS - 1, delay_s=5)
    assert (just_before.state, just_before.due_ms) == (State.BURIED, 60_000 + DAY_MS - 1 + 5000)
    assert after_burial(BUSY, aimed, accepted_ms=0, now_ms=60_000 + DAY_MS, delay_s=5).state is State.GIVEN_UP
    assert after_burial(DELIVERED, aimed, accepted_ms=0, now_ms=0, delay_s=5).state is State.DEAD_LETTERED
