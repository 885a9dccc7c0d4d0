"""The batch judge leaves the same states and says the same of every record as the scalar core, on any stream."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.features import Features
from analyzer.core.model import DAY_MS, HOUR_MS, MINUTE_MS, Finding, Transaction
from analyzer.core.window import MAX_RECENT, CardWindow
from analyzer.wire import checked
from tests.analyzer_input import NOON_MS, judge, record, sight
from tests.batch_input import columns_of
from tests.batch_peer import Batched, Scalar, consistent, plainly, told
from tests.batch_streams import RNGS, by_chance, stream


def hold_equal(batched: Batched, scalar: Scalar, ones: list[Transaction], first_offset: int, odd: float = 0.0) -> None:
    """Judge a batch in both ways; `odd` is the part of records that is left to the scalar reader."""
    rng = random.Random(first_offset)  # noqa: S311 - input of a test
    expected = [told(*scalar.take(one, first_offset + at)) for at, one in enumerate(ones)]
    columns = columns_of([None if rng.random() < odd else one for one in ones], first_offset)
    outcome = batched.take(columns, ones)
    assert plainly(outcome) == expected
    assert consistent(outcome)
    cards = {one.card_id for one in ones}
    assert batched.windows(cards) == {card: scalar.windows[card] for card in cards}


@settings(max_examples=20, deadline=None)
@given(RNGS, st.sampled_from([1, 5, 40, 150]), st.sampled_from([0.0, 0.0, 0.01, 0.1]))
def test_batches_are_judged_as_one_record_after_the_other(rng: random.Random, cards: int, disorder: float) -> None:
    by = by_chance(rng)
    batched, scalar = Batched(*by), Scalar(*by)
    ones, offset = stream(rng, 250, cards, disorder), 0
    while offset < len(ones):
        size = rng.choice([1, 8, 60, 200])
        hold_equal(batched, scalar, ones[offset : offset + size], offset, odd=disorder / 4)
        offset += size - rng.choice([0, 0, min(5, size - 1)])  # some of it is read again


@dataclass(frozen=True, slots=True)
class EveryThird:
    """A rule that nobody has written a screen for, and that looks at everything a window holds."""

    name: ClassVar[str] = "every_third"
    needs: ClassVar[frozenset[str]] = frozenset()

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        window = seen.window
        if window.judged % 3:
            return None
        assert window.habit == seen.habit
        assert (window.flags, window.silence, window.newest_ms()) == (seen.flags, seen.silence, seen.newest_ms)
        assert (window.judged, window.until(transaction.event_time_ms)) == (seen.judged, seen.before)
        plain = Features(window, transaction.recent(), transaction.device_id)
        assert (plain.country, plain.country_age_ms) == (seen.country, seen.country_age_ms)
        assert (plain.device, plain.device_age_ms) == (seen.device, seen.device_age_ms)
        return Finding(self.name, "it is the third", repr(window), window.judged, 0, 0.3)


@settings(max_examples=8, deadline=None)
@given(RNGS, st.sampled_from([0.0, 0.02, 0.1]))
def test_a_rule_without_a_screen_sees_each_window_as_it_was(rng: random.Random, disorder: float) -> None:
    by = judge(rules=(*judge().rules, EveryThird()), alert_threshold=0.3)
    batched, scalar = Batched(by, sight()), Scalar(by, sight())
    ones = stream(rng, 200, 30, disorder)
    hold_equal(batched, scalar, ones[:120], 0)
    hold_equal(batched, scalar, ones[120:], 120)


@settings(max_examples=8, deadline=None)
@given(RNGS)
def test_states_of_different_times_catch_up_when_records_are_read_again(rng: random.Random) -> None:
    ones = stream(rng, 300, 40, 0.02)
    by = by_chance(rng)
    scalar, at_checkpoint = Scalar(*by), Batched(*by)
    hold_equal(at_checkpoint, scalar, ones[:100], 0)
    restored, earlier = Batched(*by), dict(at_checkpoint.states())
    hold_equal(at_checkpoint, scalar, ones[100:200], 100)
    for card_id, value in at_checkpoint.states():
        first = earlier.get(card_id)
        if first is not None or rng.random() < 0.5:  # of a new card there may be no state yet
            restored.shelf.restore(card_id, first if first is not None and rng.random() < 0.5 else value)
    restored.take(columns_of(ones[100:200], 100), ones[100:200])
    assert restored.windows(scalar.windows) == scalar.windows
    hold_equal(restored, scalar, ones[200:], 200)


@settings(max_examples=5, deadline=None)
@given(RNGS)
def test_another_lateness_after_a_restart_changes_what_the_core_changes(rng: random.Random) -> None:
    ones, windows = stream(rng, 240, 20, 0.03), dict[str, CardWindow]()
    states: list[tuple[bytes, bytes]] = []
    for run, lateness_ms in enumerate((DAY_MS, 0, 3 * HOUR_MS)):
        by = judge(allowed_lateness_ms=lateness_ms)
        batched, scalar = Batched(by, None), Scalar(by, None, windows)
        for card_id, value in states:
            batched.shelf.restore(card_id, value)
        hold_equal(batched, scalar, ones[run * 80 : run * 80 + 80], run * 80)
        states = list(batched.states())


def test_a_card_that_was_used_in_many_countries_and_on_many_devices_forgets_the_oldest() -> None:
    batched, scalar = Batched(judge(), sight()), Scalar(judge(), sight())
    letters = "ABCDEFGHIJ"
    ones = [
        checked(
            record(
                transactionId=f"t-{number}",
                eventTime=NOON_MS + number * HOUR_MS,
                country=letters[number // 10 % 10] + letters[number % 10],
                deviceId=f"device-{number}",
            )
        )
        for number in range(100)
    ]
    for offset in range(0, 100, 10):
        hold_equal(batched, scalar, ones[offset : offset + 10], offset)


@pytest.mark.parametrize("max_recent", [20, MAX_RECENT])
def test_a_hot_card_is_judged_among_others(max_recent: int) -> None:
    by = judge(max_recent=max_recent)
    batched, scalar = Batched(by, sight()), Scalar(by, sight())
    ones = [
        checked(
            record(
                transactionId=f"t-{number}",
                cardId="hot" if number % 3 else f"card-{number % 50}",
                eventTime=NOON_MS + number * 60_000,
            )
        )
        for number in range(400)
    ]
    for offset in range(0, 400, 100):
        hold_equal(batched, scalar, ones[offset : offset + 100], offset)


def test_offsets_with_gaps_are_judged_as_they_come() -> None:
    batched, scalar = Batched(judge(), sight()), Scalar(judge(), sight())
    one, other = checked(record()), checked(record(transactionId="t-2", eventTime=NOON_MS + 1))
    hold_equal(batched, scalar, [one], 7)
    hold_equal(batched, scalar, [other], 1_000_000)
    hold_equal(batched, scalar, [one, other], 7)
    assert scalar.windows["card-1"].applied_offset == 1_000_000


def test_an_empty_batch_changes_nothing() -> None:
    batched = Batched(judge(), sight())
    assert plainly(batched.take(columns_of([]), [])) == []
    assert len(batched.shelf) == 0


def test_late_and_repeated_records_are_counted_and_the_core_is_not_asked() -> None:
    batched, scalar = Batched(judge(rules=()), None), Scalar(judge(rules=()), None)
    ones = [
        checked(record(transactionId=f"t-{number}", cardId=f"card-{number % 7}", eventTime=NOON_MS + number * HOUR_MS))
        for number in range(98)
    ]
    late = [checked(record(transactionId=f"late-{at}", cardId=f"card-{at}", eventTime=NOON_MS)) for at in range(7)]
    mixed = [*ones[:70], ones[69], *late, ones[68], *ones[70:72], *ones[70:72], *ones[72:], ones[97], ones[90]]
    for offset in range(0, len(mixed), 40):
        hold_equal(batched, scalar, mixed[offset : offset + 40], offset)
    assert batched.asked == 0
    windows = scalar.windows.values()
    assert (sum(one.late for one in windows), sum(one.duplicate for one in windows)) == (7, 6)


def test_of_a_card_with_a_record_out_of_order_what_came_before_is_judged_in_arrays() -> None:
    batched, scalar = Batched(judge(rules=()), None), Scalar(judge(rules=()), None)
    times_ms = [0, 10, 20, 30, 25, 40]
    ones = [checked(record(transactionId=f"t-{ms}", eventTime=NOON_MS + ms * MINUTE_MS)) for ms in times_ms]
    hold_equal(batched, scalar, ones, 0)
    assert batched.asked == 2


def test_a_batch_of_nothing_new_leaves_the_states_alone() -> None:
    batched, scalar = Batched(judge(), None), Scalar(judge(), None)
    late = checked(record(transactionId="t-2", eventTime=NOON_MS - 2 * HOUR_MS))
    hold_equal(batched, scalar, [checked(record())], 0)
    hold_equal(batched, scalar, [late, checked(record())], 1)
    batched.store.clean(batched.store.dirty())
    hold_equal(batched, scalar, [late, checked(record())], 1)
    assert batched.store.dirty() == []


def test_a_repetition_of_what_its_own_batch_made_the_card_forget_is_late() -> None:
    batched, scalar = Batched(judge(), None), Scalar(judge(), None)
    first, next_day = checked(record()), checked(record(transactionId="t-2", eventTime=NOON_MS + DAY_MS + HOUR_MS))
    hold_equal(batched, scalar, [first], 0)
    hold_equal(batched, scalar, [next_day, first], 1)
    assert scalar.windows["card-1"].late == 1
