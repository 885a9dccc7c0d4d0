"""Window and judging against a model that remembers everything and recomputes it by definition."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.detect import Duplicate, Judged, Late, Outcome, Replayed
from analyzer.core.features import Features, Span, features
from analyzer.core.model import DAY_MS, HOUR_MS, MINUTE_MS, Transaction, Verdict
from analyzer.core.window import MAX_RECENT, CardWindow
from analyzer.wire import checked, state_record, window_of
from tests.analyzer_input import NOON_MS, judge, record

JUDGE = judge()


def transaction(name: str, after_ms: int = 0, amount_minor: int = 1_000, **changes: object) -> Transaction:
    return checked(record(transactionId=name, eventTime=NOON_MS + after_ms, amountMinor=amount_minor, **changes))


@dataclass
class Model:
    """The definition: a list of all that was judged, in order of arrival."""

    cap: int = MAX_RECENT
    judged: list[Transaction] = field(default_factory=list)
    before: list[Transaction] = field(default_factory=list)
    """What was remembered when the last one was judged."""

    applied: int = -1
    flagged: int = 0
    late: int = 0
    duplicate: int = 0

    def take(self, one: Transaction, offset: int) -> type[Outcome]:
        if offset <= self.applied:
            return Replayed
        self.applied = offset
        newest = max((known.event_time_ms for known in self.judged), default=None)
        remembered = sorted(self.judged, key=lambda known: known.event_time_ms)[-self.cap :]
        # Further back than any window and lateness nothing is remembered, and all of it is late anyway.
        oldest = -math.inf if newest is None else newest - DAY_MS - HOUR_MS
        if any(known.transaction_id == one.transaction_id and known.event_time_ms > oldest for known in remembered):
            self.duplicate += 1
            return Duplicate
        full = len(remembered) == self.cap and one.event_time_ms <= remembered[0].event_time_ms
        if full or (newest is not None and newest - one.event_time_ms > HOUR_MS):
            self.late += 1
            return Late
        self.before = remembered
        self.judged.append(one)
        return Judged

    def check_span(self, span: Span, one: Transaction, width_ms: int) -> None:
        known = [*self.before, one]
        inside = [t for t in known if one.event_time_ms - width_ms < t.event_time_ms <= one.event_time_ms]
        amounts = [t.amount_minor for t in inside]
        assert sorted(t.transaction_id for t in span.transactions) == sorted(t.transaction_id for t in inside)
        assert span.count == len(inside)
        assert span.sum_minor == sum(amounts)
        assert span.mean_minor == pytest.approx(statistics.mean(amounts))
        assert span.sd_minor == pytest.approx(statistics.stdev(amounts) if len(amounts) > 1 else 0.0)
        assert span.declined == sum(not t.approved for t in inside)
        assert span.merchants == len({t.merchant_id for t in inside})
        assert span.countries == len({t.country for t in inside})
        assert span.categories == len({t.merchant_category for t in inside})
        assert span.seconds == (one.event_time_ms - min(t.event_time_ms for t in inside)) / 1000

    def check_features(self, seen: Features, one: Transaction) -> None:
        """Check the features of `one`, which is the last that was judged."""
        self.check_span(seen.ten_minutes, one, 10 * MINUTE_MS)
        self.check_span(seen.hour, one, HOUR_MS)
        self.check_span(seen.day, one, DAY_MS)
        earlier = self.judged[:-1]
        approved = [math.log(t.amount_minor + 1) for t in earlier if t.approved]
        assert seen.judged == len(earlier)
        assert seen.habit.count == len(approved)
        assert seen.habit.mean == pytest.approx(statistics.mean(approved) if approved else 0.0)
        assert seen.habit.sd == pytest.approx(statistics.stdev(approved) if len(approved) > 1 else 0.0, abs=1e-9)
        countries = {t.country for t in earlier if t.approved}
        assert seen.new_country == (bool(countries) and one.country not in countries)
        before = [t for t in self.before if one.event_time_ms - DAY_MS < t.event_time_ms <= one.event_time_ms]
        last = max(before, key=lambda t: t.event_time_ms, default=None)
        gap = None if last is None else (one.event_time_ms - last.event_time_ms) / 1000
        assert seen.seconds_since_previous == gap


# Times crowd around the edges of windows and of the allowed lateness.
TIMES = st.one_of(
    st.integers(-2 * HOUR_MS, 30 * HOUR_MS),
    st.sampled_from([9 * DAY_MS, 40 * DAY_MS, 40 * DAY_MS + HOUR_MS]),
    st.sampled_from([0, 10 * MINUTE_MS, HOUR_MS, HOUR_MS + 1, DAY_MS, DAY_MS + 1, DAY_MS - 1, 25 * HOUR_MS]),
)
TRANSACTIONS = st.builds(
    transaction,
    name=st.sampled_from([f"t-{n}" for n in range(40)]),
    after_ms=TIMES,
    amount_minor=st.integers(0, 100_000),
    merchantId=st.sampled_from(["m-1", "m-2"]),
    merchantCategory=st.sampled_from(["5411", "5815"]),
    country=st.sampled_from(["DE", "FR", "BR"]),
    approved=st.booleans(),
    deviceId=st.sampled_from([None, "phone", "tablet", "other"]),
    channel=st.sampled_from(["CARD_PRESENT", "CARD_NOT_PRESENT"]),
    latitude=st.sampled_from([52.5, 52.6, -10.0]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TRANSACTIONS, max_size=40), st.sampled_from([1, 3, 8, MAX_RECENT]), st.data())
def test_window_and_judging_equal_the_definition_for_shuffled_late_duplicate_and_replayed_records(
    arriving: list[Transaction], cap: int, data: st.DataObject
) -> None:
    by, model, window = judge(max_recent=cap), Model(cap), CardWindow()
    for offset, one in enumerate(arriving):
        seen = features(window, one)
        after, outcome = by.judge(window, one, offset)
        assert type(outcome) is model.take(one, offset)
        if isinstance(outcome, Judged):
            model.flagged += outcome.verdict.flagged
            model.check_features(seen, one)
        assert after.judged + after.late + after.duplicate == offset + 1
        assert (after.judged, after.flagged, after.late, after.duplicate, after.applied_offset) == (
            len(model.judged),
            model.flagged,
            model.late,
            model.duplicate,
            model.applied,
        )
        again = data.draw(st.integers(0, offset), label="replayed offset")
        assert by.judge(after, arriving[again], again) == (after, Replayed())
        window = after


@settings(max_examples=50, deadline=None)
@given(st.lists(TRANSACTIONS, max_size=30), st.integers(0, 30))
def test_a_crash_anywhere_and_a_replay_from_anywhere_before_end_in_the_same_state(
    arriving: list[Transaction], crash: int
) -> None:
    strict = judge(alert_threshold=0.2)

    def run(window: CardWindow, start: int, stop: int) -> CardWindow:
        for offset in range(start, min(stop, len(arriving))):
            window, _ = strict.judge(window, arriving[offset], offset)
        return window

    stored = window_of(state_record(run(CardWindow(), 0, crash)))
    assert run(stored, 0, len(arriving)) == run(CardWindow(), 0, len(arriving))


@given(st.lists(TRANSACTIONS, max_size=30))
def test_a_state_comes_back_from_its_record_unchanged(arriving: list[Transaction]) -> None:
    window = CardWindow()
    for offset, one in enumerate(arriving):
        window, _ = JUDGE.judge(window, one, offset)
    assert window_of(state_record(window)) == window


def judged(*arriving: Transaction) -> tuple[CardWindow, Outcome]:
    window: CardWindow = CardWindow()
    outcome: Outcome = Replayed()
    for offset, one in enumerate(arriving):
        window, outcome = JUDGE.judge(window, one, offset)
    return window, outcome


def test_a_record_at_the_allowed_lateness_is_judged_and_an_older_one_is_late() -> None:
    newest = transaction("new", HOUR_MS)
    assert isinstance(judged(newest, transaction("in time", 0))[1], Judged)
    window, outcome = judged(newest, transaction("too late", -1))
    assert outcome == Late(behind_ms=HOUR_MS + 1)
    assert (window.judged, window.late) == (1, 1)


def test_a_late_record_is_placed_where_it_belongs() -> None:
    window, _ = judged(transaction("b", HOUR_MS), transaction("a", HOUR_MS // 2), transaction("c", 2 * HOUR_MS))
    assert [one.transaction_id for one in window.recent] == ["a", "b", "c"]


def test_what_comes_after_in_event_time_is_not_seen_by_a_late_record() -> None:
    late = transaction("a", 0)
    window, _ = judged(transaction("b", 1))
    assert features(window, late).day.count == 1


def test_a_duplicate_is_counted_once_and_not_judged_again() -> None:
    window, outcome = judged(transaction("a"), transaction("a", 5))
    assert outcome == Duplicate()
    assert (window.judged, window.duplicate, len(window.recent)) == (1, 1, 1)


def test_a_replayed_record_changes_nothing() -> None:
    window, _ = judged(transaction("a"), transaction("b"))
    for offset in (0, 1):
        assert JUDGE.judge(window, transaction("c"), offset) == (window, Replayed())


def test_a_busy_card_keeps_its_newest_transactions() -> None:
    window, _ = judged(*[transaction(f"t-{n}", n) for n in range(MAX_RECENT + 3)])
    assert len(window.recent) == MAX_RECENT
    assert window.recent[0].transaction_id == "t-3"
    assert window.judged == MAX_RECENT + 3


@pytest.mark.parametrize("forgotten", [0, 1, 2])
def test_a_duplicate_that_a_busy_card_has_forgotten_is_late_and_not_judged_twice(forgotten: int) -> None:
    busy = [transaction(f"t-{n}", n // 2 * 2) for n in range(MAX_RECENT + 3)]
    window, outcome = judged(*busy, busy[forgotten])
    assert isinstance(outcome, Late)
    assert (window.judged, window.late) == (MAX_RECENT + 3, 1)
    assert judged(*busy, busy[3])[1] == Duplicate()


def test_judging_is_a_function_of_its_arguments() -> None:
    window, _ = judged(*[transaction(f"t-{n}", n * MINUTE_MS) for n in range(6)])
    first, second = (JUDGE.judge(window, transaction("x", 6 * MINUTE_MS), 6) for _ in range(2))
    assert first == second
    outcome = first[1]
    assert isinstance(outcome, Judged)
    assert isinstance(outcome.verdict, Verdict)
