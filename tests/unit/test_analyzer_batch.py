"""The batch judge leaves the same states and says the same of every record as the scalar core, on any stream."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.detect import Judge
from analyzer.core.features import Features
from analyzer.core.model import DAY_MS, HOUR_MS, MINUTE_MS, Finding, Transaction
from analyzer.core.rules.base import Rule
from analyzer.core.sighting import Sight
from analyzer.core.window import MAX_RECENT, CardWindow
from analyzer.wire import checked
from tests.analyzer_input import NOON_MS, judge, record, sight
from tests.batch_input import columns_of
from tests.batch_peer import Batched, Scalar, consistent, plainly, told

STEPS_MS = (0, 0, 1, 1_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS)
LONG_STEPS_MS = (DAY_MS, 8 * DAY_MS, 30 * DAY_MS)
RNGS = st.integers(0, 2**32).map(random.Random)
BACK_MS = (1, MINUTE_MS, HOUR_MS, HOUR_MS + 1, DAY_MS)


def stream(rng: random.Random, count: int, cards: int, disorder: float) -> list[Transaction]:
    """Return transactions of which a part `disorder` are out of order, and a part are repeated."""
    at_ms, ids, made = NOON_MS, list[str](), list[Transaction]()
    for number in range(count):
        at_ms += rng.choice((*STEPS_MS, rng.randrange(2 * HOUR_MS)))
        at_ms += rng.choice(LONG_STEPS_MS) if rng.random() < 0.01 else 0
        name = rng.choice(ids[-20:]) if ids and rng.random() < disorder else f"t-{number}"
        ids.append(name)
        back_ms = rng.choice(BACK_MS) if rng.random() < disorder else 0
        card = int(rng.random() ** 2 * cards)
        made.append(checked(record(transactionId=name, cardId=f"card-{card}", eventTime=at_ms - back_ms, **use(rng))))
    return made


def use(rng: random.Random) -> dict[str, Any]:
    places = [(None, None), (52.5, 13.4), (52.6, 13.4), (-10.0, 100.0)]
    latitude, longitude = rng.choice(places)
    return {
        "amountMinor": rng.choice([0, 150, 1_000, 2_500, 9_000, 60_000, rng.randrange(100_000)]),
        "merchantId": f"merchant-{rng.randrange(4)}",
        "merchantCategory": rng.choice(["5411", "5815"]),
        "terminalId": rng.choice([None, "terminal-1"]),
        "country": rng.choice(["DE"] * 8 + ["BR", "FR", "US"]),
        "deviceId": rng.choice([None, None, "phone", "phone", "other", "third"]),
        "channel": rng.choice(["CARD_PRESENT", "CARD_NOT_PRESENT"]),
        "latitude": latitude,
        "longitude": longitude,
        "approved": rng.random() < 0.85,
    }


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


def varied(rng: random.Random, rule: Rule) -> Rule:
    """Return a rule with other thresholds, most of them easier to break."""
    thresholds = {one.name: getattr(rule, one.name) for one in dataclasses.fields(rule)}  # type: ignore[arg-type]  # it is one
    changed = {
        name: type(value)(value * rng.choice([0.2, 0.5, 1, 1.3]))
        for name, value in thresholds.items()
        if isinstance(value, int | float) and "score" not in name
    }
    return dataclasses.replace(rule, **changed)  # type: ignore[type-var]  # as above


def by_chance(rng: random.Random) -> tuple[Judge, Sight | None]:
    chosen = judge(
        rules=tuple(varied(rng, rule) for rule in judge().rules),
        alert_threshold=rng.choice([0.2, 0.5]),
        max_recent=rng.choice([3, 30, MAX_RECENT, MAX_RECENT]),
        allowed_lateness_ms=rng.choice([0, HOUR_MS, DAY_MS]),
        shadow=frozenset(rng.sample(["velocity", "first_seen", "follow_up"], rng.randrange(3))),
    )
    return chosen, rng.choice([sight(), sight(online=True, least_z=0.0), None])


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
@given(RNGS, st.sampled_from([0.0, 0.02]))
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
