"""Rules that look further back than a day: strange devices, woken cards, busts, and what goes on after an alarm."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.detect import Judged
from analyzer.core.features import features
from analyzer.core.model import DAY_MS, HOUR_MS, MINUTE_MS, Finding, Transaction
from analyzer.core.rules.base import Rule
from analyzer.core.rules.bust_out import BustOut
from analyzer.core.rules.first_seen import FirstSeen
from analyzer.core.rules.follow_up import FollowUp
from analyzer.core.rules.strange_device import StrangeDevice
from analyzer.core.rules.woken_card import WokenCard
from analyzer.core.window import MAX_FLAGS, QUIET_MS, CardWindow, Country, Device, Flag, Habit, Silence
from analyzer.wire import checked
from tests.analyzer_input import NOON_MS, judge, record, rule

_ids = itertools.count(1)
PHONE: dict[str, Any] = {"channel": "CARD_NOT_PRESENT", "deviceId": "phone", "terminalId": None}
OTHER = PHONE | {"deviceId": "other"}


def transaction(after_ms: int = 0, **changes: Any) -> Transaction:
    return checked(record(transactionId=f"t-{next(_ids)}", eventTime=NOON_MS + after_ms, **changes))


def window_after(*history: Transaction, flagged: frozenset[str] = frozenset()) -> CardWindow:
    """Return a card's window after `history`, of which those with a device of `flagged` were flagged."""
    window = CardWindow()
    for offset, one in enumerate(history):
        hit = one.device_id in flagged
        window = window.with_transaction(
            one.recent(), one.device_id, offset, flagged=hit, on_its_own=hit, allowed_lateness_ms=HOUR_MS
        )
    return window


def check(by: Rule, *history: Transaction, flagged: frozenset[str] = frozenset()) -> Finding | None:
    """Return what `by` finds in the last of `history`."""
    seen = features(window_after(*history[:-1], flagged=flagged), history[-1])
    return by.check(seen, history[-1])


def with_phone(count: int, *, step_ms: int = 8 * HOUR_MS, amount: int = 2_000) -> list[Transaction]:
    return [transaction(n * step_ms, amountMinor=amount, **PHONE) for n in range(count)]


def test_purchases_of_a_strange_device_add_up_over_days() -> None:
    usual = with_phone(10)
    leak = [transaction((4 + 3 * n) * DAY_MS, amountMinor=4_500, **OTHER) for n in range(3)]
    by = rule(StrangeDevice, limit_z=2.0, young_days=14.0)
    assert check(by, *usual, leak[0]) is None
    found = check(by, *usual, *leak)
    assert found is not None
    assert found.evidence == (
        "3 purchases with a device first used 6.0 days before, usually 45.00 EUR: 2.8 standard errors above the usual"
        " 20.00 EUR of 10 other transactions, limit 2"
    )


def test_a_new_telephone_that_buys_as_usual_is_nothing_strange() -> None:
    usual = with_phone(10)
    new = [transaction((4 + n) * DAY_MS, amountMinor=2_000, **OTHER) for n in range(8)]
    assert [check(rule(StrangeDevice), *usual, *new[: n + 1]) for n in range(8)] == [None] * 8


def test_a_purchase_on_a_strange_device_that_is_no_more_than_usual_is_let_pass() -> None:
    leak = [transaction((4 + n) * DAY_MS, amountMinor=9_000, **OTHER) for n in range(3)]
    ordinary = transaction(7 * DAY_MS, amountMinor=2_000, **OTHER)
    by = rule(StrangeDevice, limit_z=2.0, least_z=0.5)
    assert check(by, *with_phone(10), *leak) is not None
    assert check(by, *with_phone(10), *leak, ordinary) is None


def test_a_device_is_strange_until_it_has_been_used_for_long_and_the_first_never_is() -> None:
    usual = with_phone(10)
    old = transaction(4 * DAY_MS, amountMinor=2_000, **OTHER)
    by = rule(StrangeDevice, limit_z=1.0, young_days=14.0)
    at = [transaction(4 * DAY_MS + 14 * DAY_MS + more_ms, amountMinor=90_000, **OTHER) for more_ms in (0, 1)]
    assert [check(by, *usual, old, one) is None for one in at] == [False, True]
    assert check(by, *usual, transaction(4 * DAY_MS, amountMinor=90_000, **PHONE)) is None


def test_a_strange_device_needs_a_habit_without_it() -> None:
    by = rule(StrangeDevice, least_history=8)
    large = transaction(4 * DAY_MS, amountMinor=90_000, **OTHER)
    assert check(by, *with_phone(7), large) is None
    assert check(by, *with_phone(8), large) is not None


def test_a_device_of_a_burst_stays_new_for_the_whole_burst() -> None:
    night_ms = 4 * DAY_MS - 10 * HOUR_MS
    burst = [transaction(night_ms + n * 40 * MINUTE_MS, amountMinor=9_000, **OTHER) for n in range(4)]
    by = rule(FirstSeen, young_hours=24.0)
    found = [check(by, *with_phone(10), *burst[: n + 1]) for n in range(4)]
    assert all(found)
    assert found[1] is not None
    assert found[1].evidence.startswith("first use with this device 0.7 h before, amount")
    assert check(rule(FirstSeen, young_hours=0.0), *with_phone(10), *burst) is None


def test_a_burst_after_a_long_silence_is_found_with_its_length() -> None:
    usual = with_phone(6)
    wakes_ms = 40 * HOUR_MS + 30 * DAY_MS
    burst = [transaction(wakes_ms + n * HOUR_MS, amountMinor=2_000, **PHONE) for n in range(3)]
    by = rule(WokenCard, limit=2, least_silence_days=25.0)
    assert check(by, *usual, *burst[:2]) is None
    found = check(by, *usual, *burst)
    assert found is not None
    assert found.evidence == "3 transactions in 2.0 h after 30 days without any, limit 2"
    assert (found.observed, found.threshold) == (3, 2)


def test_the_first_transaction_after_a_silence_is_enough_when_it_is_above_the_habit() -> None:
    wakes_ms = 40 * HOUR_MS + 30 * DAY_MS
    found = check(rule(WokenCard), *with_phone(6), transaction(wakes_ms, amountMinor=9_000, **PHONE))
    assert found is not None
    assert found.evidence == (
        "1 transactions in 0.0 h after 30 days without any, in the mean 3.0 standard deviations above habit, limit 0"
    )


@pytest.mark.parametrize(("days", "found"), [(24.99, False), (25.0, True)])
def test_a_silence_counts_from_its_limit_on(days: float, *, found: bool) -> None:
    last_ms = 40 * HOUR_MS
    wakes = transaction(last_ms + round(days * DAY_MS), amountMinor=9_000, **PHONE)
    by = rule(WokenCard, least_silence_days=25.0)
    assert (check(by, *with_phone(6), wakes) is not None) == found


def test_a_card_that_has_been_awake_for_a_day_is_like_any_other() -> None:
    wakes_ms = 40 * HOUR_MS + 30 * DAY_MS
    woken = [*with_phone(6), transaction(wakes_ms, amountMinor=2_000, **PHONE)]
    late = [transaction(wakes_ms + 24 * HOUR_MS + more_ms, amountMinor=90_000, **PHONE) for more_ms in (0, 1)]
    assert [check(rule(WokenCard, awake_hours=24.0), *woken, one) is None for one in late] == [False, True]


def test_several_large_purchases_in_a_day_are_a_bust() -> None:
    usual = with_phone(16)
    large = [
        transaction(6 * DAY_MS + n * 5 * HOUR_MS, amountMinor=10_000, merchantId=f"m-{n}", **PHONE) for n in range(3)
    ]
    by = rule(BustOut, limit=1, large_times=4.0, least_history=15)
    assert check(by, *usual, large[0]) is None
    found = check(by, *usual, *large)
    assert found is not None
    assert found.evidence == (
        "3 purchases in 10.0 h, 300.00 EUR in all, each at least 4 times the usual 20.00 EUR of 16 before the day,"
        " limit 1"
    )


def test_a_large_purchase_that_is_declined_and_tried_again_is_no_bust() -> None:
    retries = [transaction(6 * DAY_MS + n * MINUTE_MS, amountMinor=10_000, **PHONE) for n in range(4)]
    assert check(rule(BustOut, limit=1, large_times=4.0), *with_phone(16), *retries) is None


def test_the_bust_itself_does_not_become_the_usual() -> None:
    usual = with_phone(16)
    large = [
        transaction(6 * DAY_MS + n * MINUTE_MS, amountMinor=8_100, merchantId=f"m-{n}", **PHONE) for n in range(12)
    ]
    found = check(rule(BustOut, large_times=4.0), *usual, *large)
    assert found is not None
    assert "usual 20.00 EUR of 16 before the day" in found.evidence


def test_a_bust_needs_a_history_and_ordinary_purchases_are_none() -> None:
    large = [
        transaction(6 * DAY_MS + n * MINUTE_MS, amountMinor=10_000, merchantId=f"m-{n}", **PHONE) for n in range(4)
    ]
    assert check(rule(BustOut, least_history=15), *with_phone(14), *large) is None
    assert check(rule(BustOut, least_history=14), *with_phone(14), *large) is not None
    small = transaction(6 * DAY_MS + HOUR_MS, amountMinor=2_000, **PHONE)
    assert check(rule(BustOut), *with_phone(16), *large, small) is None


def test_the_device_of_a_flagged_transaction_is_found_again_with_its_transaction() -> None:
    flagged = transaction(4 * DAY_MS, **OTHER)
    again = transaction(5 * DAY_MS, **OTHER)
    found = check(rule(FollowUp), *with_phone(10), flagged, again, flagged=frozenset({"other"}))
    assert found is not None
    assert found.evidence == (
        f"the same device as in transaction {flagged.transaction_id}, flagged 24.0 h before; 1 flagged ones alike,"
        " limit 0"
    )


def test_the_country_of_a_flagged_transaction_counts_while_it_is_new() -> None:
    abroad = [transaction((4 + n) * DAY_MS, **(OTHER | {"country": "BR"})) for n in range(2)]
    elsewhere = transaction(5 * DAY_MS, **(PHONE | {"country": "BR"}))
    flags = frozenset({"other"})
    found = check(rule(FollowUp), *with_phone(10), abroad[0], elsewhere, flagged=flags)
    assert found is not None
    assert found.evidence.startswith("the same country as in transaction")
    home = transaction(5 * DAY_MS, **PHONE)
    assert check(rule(FollowUp), *with_phone(10), abroad[0], home, flagged=flags) is None


def test_an_alarm_about_the_holders_own_telephone_has_no_follow_up() -> None:
    assert check(rule(FollowUp), *with_phone(10), flagged=frozenset({"phone"})) is None


@pytest.mark.parametrize(("days", "found"), [(14.0, True), (14.01, False)])
def test_a_flagged_transaction_is_followed_up_for_some_days(days: float, *, found: bool) -> None:
    by = rule(FollowUp, within_days=14.0, trusted_days=100.0)
    again = transaction(4 * DAY_MS + round(days * DAY_MS), **OTHER)
    history = [*with_phone(10), transaction(4 * DAY_MS, **OTHER), again]
    assert (check(by, *history, flagged=frozenset({"other"})) is not None) == found


def test_what_is_flagged_for_being_like_another_does_not_make_the_next_one_like_it() -> None:
    known = window_after(*with_phone(10), transaction(4 * DAY_MS, **OTHER), flagged=frozenset({"other"}))
    strict = judge(rules=(rule(FollowUp, scores=(0.9, 0.9)),))
    after, outcome = strict.judge(known, transaction(5 * DAY_MS, **OTHER), 99)
    assert isinstance(outcome, Judged)
    assert outcome.verdict.flagged
    assert (after.flagged, after.flags) == (known.flagged + 1, known.flags)


def test_a_card_remembers_its_newest_flagged_transactions() -> None:
    busy = [transaction(n * HOUR_MS, **OTHER) for n in range(MAX_FLAGS + 2)]
    window = window_after(*busy, flagged=frozenset({"other"}))
    assert [flag.transaction_id for flag in window.flags] == [one.transaction_id for one in busy[2:]]
    assert window.flags[-1] == Flag(busy[-1].transaction_id, busy[-1].event_time_ms, "other", "DE")


def test_a_window_knows_since_when_and_for_how_much_each_device_and_country_is_used() -> None:
    tried = transaction(0, approved=False, **(OTHER | {"country": "BR"}))
    window = window_after(tried, *with_phone(3), transaction(DAY_MS, amountMinor=5_000, **OTHER))
    assert [(one.name, one.since_ms - NOON_MS, one.habit.count) for one in window.devices] == [
        ("phone", 0, 3),
        ("other", DAY_MS, 1),
    ]
    assert window.countries == (Country("DE", NOON_MS),)


def test_only_the_last_long_silence_is_remembered() -> None:
    times = [0, QUIET_MS, QUIET_MS + HOUR_MS, 3 * QUIET_MS, 4 * QUIET_MS - 1]
    window = window_after(*[transaction(at) for at in times])
    assert window.silence == Silence(NOON_MS + QUIET_MS + HOUR_MS, NOON_MS + 3 * QUIET_MS)
    assert window_after(transaction(0), transaction(QUIET_MS - 1)).silence is None


@given(st.lists(st.integers(0, 10**7), max_size=30), st.lists(st.integers(0, 10**7), max_size=30))
def test_a_habit_without_a_part_of_it_is_that_of_the_rest(part: list[int], rest: list[int]) -> None:
    def habit(amounts: list[int]) -> Habit:
        found = Habit()
        for amount in amounts:
            found = found.with_amount(amount)
        return found

    left = habit(part + rest).without(habit(part))
    assert left.count == len(rest)
    assert left.mean == pytest.approx(habit(rest).mean, abs=1e-6)
    assert left.sd == pytest.approx(habit(rest).sd, abs=1e-3)


def test_a_device_that_an_older_state_knew_has_long_been_used() -> None:
    old = CardWindow(judged=20, devices=(Device("phone", 0, Habit()), Device("tablet", 0, Habit())))
    seen = features(old, transaction(0, **(PHONE | {"deviceId": "tablet"})))
    assert seen.device_age_ms == NOON_MS
