"""Each scenario has the shape that its name promises."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.geography import distance_km
from producer.model import DAY_MS, HOUR_MS, MINUTE_MS, Draft
from producer.population import Population, build_population
from producer.scenarios import SCENARIOS
from producer.scenarios.theft import INDEX, Theft

NOON_MS = 1_767_268_800_000
seeds = st.integers(0, 2**32)
quick = settings(max_examples=25, deadline=None)


@cache
def people() -> Population:
    return build_population(7, 50, 1.9)


def theft(seed: int) -> Theft:
    holder = people().cardholders[seed % 50]
    return Theft(holder, NOON_MS, people().market.places[seed % len(people().market.places)])


def play(name: str, seed: int) -> list[Draft]:
    return SCENARIOS[name].play(theft(seed), people().market, np.random.default_rng(seed))


@quick
@given(seed=seeds, name=st.sampled_from(sorted(SCENARIOS)))
def test_every_scenario_uses_the_stolen_card_after_the_theft_in_order(seed: int, name: str) -> None:
    drafts = play(name, seed)
    times = [draft.event_ms for draft in drafts]
    assert drafts
    assert times == sorted(times)
    assert times[0] > NOON_MS
    assert {draft.holder for draft in drafts} == {theft(seed).holder}
    assert all(draft.amount_minor > 0 for draft in drafts)
    assert drafts == play(name, seed)


@quick
@given(seed=seeds)
def test_card_testing_is_many_small_ones_then_a_large_one_from_a_strange_device(seed: int) -> None:
    *tests, large = play("card_testing", seed)
    assert len([t for t in tests if t.event_ms < tests[0].event_ms + 10 * MINUTE_MS]) > 5
    assert all(100 <= t.amount_minor <= 2_400 and t.merchant.mcc in {"5815", "5947"} for t in tests)
    assert large.amount_minor > 50_000
    devices = {draft.device_id for draft in (*tests, large)}
    assert len(devices) == 1
    assert not devices & set(large.holder.devices)


def test_about_four_in_ten_card_tests_are_declined() -> None:
    tests = [draft for seed in range(60) for draft in play("card_testing", seed)[:-1]]
    assert 0.3 < np.mean([not draft.approved for draft in tests]) < 0.5


@quick
@given(seed=seeds)
def test_impossible_travel_is_faster_than_any_airliner(seed: int) -> None:
    here, first = theft(seed).place, play("impossible_travel", seed)[0]
    assert first.card_present
    assert first.latitude is not None
    assert first.longitude is not None
    km = distance_km(here.latitude, here.longitude, first.latitude, first.longitude)
    assert km / ((first.event_ms - NOON_MS) / HOUR_MS) > 1_000


@quick
@given(seed=seeds)
def test_a_spree_is_in_person_in_town_and_within_an_hour(seed: int) -> None:
    drafts = play("stolen_card_spree", seed)
    assert len(drafts) >= 5
    assert drafts[-1].event_ms - drafts[0].event_ms <= HOUR_MS
    assert all(draft.card_present and draft.merchant.place == theft(seed).place for draft in drafts)
    assert len({draft.merchant.merchant_id for draft in drafts}) > 2


def test_a_spree_is_above_the_cards_habit_but_not_always() -> None:
    lift = [
        np.log(draft.amount_minor) - draft.holder.log_amount_means[INDEX[draft.merchant.mcc]]
        for seed in range(60)
        for draft in play("stolen_card_spree", seed)
    ]
    assert np.mean(lift) > 0.4
    assert np.mean(np.array(lift) < 0) > 0.1


@quick
@given(seed=seeds)
def test_a_leak_is_online_for_two_weeks(seed: int) -> None:
    drafts = play("card_not_present_leak", seed)
    assert len(drafts) >= 3
    assert drafts[-1].event_ms <= NOON_MS + 14 * DAY_MS + 1
    assert not any(draft.card_present for draft in drafts)
    assert not {draft.device_id for draft in drafts} & set(theft(seed).holder.devices)


def test_a_leak_is_a_third_of_the_cards_transactions() -> None:
    counts = np.array([[len(play("card_not_present_leak", s)), theft(s).holder.purchases_per_day] for s in range(300)])
    usual = counts[counts[:, 1] > 1]
    fraud, genuine = usual[:, 0].sum(), usual[:, 1].sum() * 14
    assert fraud / (fraud + genuine) == pytest.approx(1 / 3, abs=0.02)
