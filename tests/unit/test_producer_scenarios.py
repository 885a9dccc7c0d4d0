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
from producer.scenarios.theft import INDEX, Theft, mean_minor

NOON_MS = 1_767_268_800_000
seeds = st.integers(0, 2**32)
quick = settings(max_examples=25, deadline=None)


@cache
def people() -> Population:
    return build_population(7, 50, 1.9)


def theft(seed: int, difficulty: float = 0.5) -> Theft:
    holder = people().cardholders[seed % 50]
    return Theft(holder, NOON_MS, people().market.places[seed % len(people().market.places)], difficulty)


def play(name: str, seed: int, difficulty: float = 0.5) -> list[Draft]:
    return SCENARIOS[name].play(theft(seed, difficulty), people().market, np.random.default_rng(seed))


def lift(drafts: list[Draft]) -> list[float]:
    """Return how far the amounts lie above what is usual in such a shop, as logarithms."""
    return [float(np.log(d.amount_minor)) - d.holder.log_amount_means[INDEX[d.merchant.mcc]] for d in drafts]


@quick
@given(seed=seeds, name=st.sampled_from(sorted(SCENARIOS)), difficulty=st.floats(0, 1))
def test_every_scenario_uses_the_stolen_card_after_the_theft_in_order(seed: int, name: str, difficulty: float) -> None:
    drafts = play(name, seed, difficulty)
    times = [draft.event_ms for draft in drafts]
    assert drafts
    assert times == sorted(times)
    assert times[0] > NOON_MS
    assert {draft.holder for draft in drafts} == {theft(seed).holder}
    assert all(draft.amount_minor > 0 for draft in drafts)
    assert drafts == play(name, seed, difficulty)


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
    lifts = np.array([x for seed in range(60) for x in lift(play("stolen_card_spree", seed))])
    assert np.mean(lifts) > 0.4
    assert np.mean(lifts < 0) > 0.1


@pytest.mark.parametrize("name", ["impossible_travel", "stolen_card_spree", "compromised_terminal", "dormant_card"])
def test_a_careful_fraudster_stays_near_the_cards_habit_and_a_loud_one_does_not(name: str) -> None:
    loud, medium, careful = (
        float(np.mean([x for seed in range(80) for x in lift(play(name, seed, difficulty))]))
        for difficulty in (0.0, 0.5, 1.0)
    )
    assert loud > medium > careful
    assert abs(careful) < 0.35
    assert loud > 0.7


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"control", "compromised_terminal", "impossible_travel"}))
def test_a_careful_fraudster_uses_a_card_less_often(name: str) -> None:
    loud, careful = (sum(len(play(name, seed, difficulty)) for seed in range(80)) for difficulty in (0.0, 1.0))
    assert loud > careful


@quick
@given(seed=seeds)
def test_a_takeover_is_a_handful_from_one_new_device_far_above_the_mean(seed: int) -> None:
    drafts = play("account_takeover", seed)
    holder = drafts[0].holder
    assert 3 <= len(drafts) <= 6
    assert drafts[-1].event_ms - drafts[0].event_ms < 4 * HOUR_MS
    assert len({draft.device_id for draft in drafts}) == 1
    assert drafts[0].device_id not in {None, *holder.devices}
    assert all(draft.amount_minor > 2.2 * mean_minor(holder) for draft in drafts)


def test_most_takeovers_are_at_the_holders_night_from_abroad() -> None:
    firsts = [play("account_takeover", seed)[0] for seed in range(150)]
    hours = np.array([(d.event_ms / HOUR_MS + d.holder.home.utc_offset_h) % 24 for d in firsts])
    assert 0.6 < np.mean(hours < 5) < 0.85
    assert 0.4 < np.mean([d.country != d.holder.home.country for d in firsts]) < 0.9


@quick
@given(seed=seeds)
def test_a_bust_is_the_holders_own_and_far_above_the_mean(seed: int) -> None:
    drafts = play("bust_out", seed)
    holder = drafts[0].holder
    assert all(draft.amount_minor > 5 * mean_minor(holder) for draft in drafts)
    assert all(draft.device_id in {None, *holder.devices} for draft in drafts)
    assert all(d.event_ms < NOON_MS + 2 * HOUR_MS + 5 * MINUTE_MS for d in drafts if d.device_id is None)


@quick
@given(seed=seeds, difficulty=st.floats(0, 1))
def test_the_control_is_one_purchase_above_220_euros(seed: int, difficulty: float) -> None:
    (draft,) = play("control", seed, difficulty)
    assert draft.amount_minor > 22_000
    assert not draft.card_present


def test_the_mean_of_a_holder_is_the_mean_of_what_the_holder_pays() -> None:
    holder, rng = people().cardholders[0], np.random.default_rng(1)
    odds = np.diff((0, *holder.present_odds)) * (1 - holder.online_share)
    odds += np.diff((0, *holder.online_odds)) * holder.online_share
    picks = rng.choice(len(odds), 40_000, p=odds)
    means, sds = np.array(holder.log_amount_means), np.array(holder.log_amount_sds)
    paid = np.exp(means[picks] + sds[picks] * rng.standard_normal(40_000))
    assert mean_minor(holder) == pytest.approx(paid.mean(), rel=0.05)


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
    usual = counts[(counts[:, 1] > 1) & (counts[:, 1] < 2.5)]
    fraud, genuine = usual[:, 0].sum(), usual[:, 1].sum() * 14
    assert fraud / (fraud + genuine) == pytest.approx(1 / 3, abs=0.02)
