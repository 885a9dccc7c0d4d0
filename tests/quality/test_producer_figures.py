"""Figures of a run of each preset at each difficulty: as much fraud as was asked for, and none too easy to find.

Synthetic data often gives itself away by one column. Here each feature that a rule could look at is given its
best threshold in hindsight, and still confuses fraud with people who travel, shop at night or in bursts.
"""

from __future__ import annotations

import numpy as np
import pytest

from producer.model import DAY_MS, Draft
from producer.presets import PRESETS
from producer.scenarios import SCENARIOS
from tests.quality import data_card
from tests.quality.hardness import DIFFICULTIES, FEATURES, START_MS, best_f1, kmh, overlap, run, sample

RUNS = [(preset, difficulty) for preset in PRESETS for difficulty in DIFFICULTIES]
every_run = pytest.mark.parametrize(("preset", "difficulty"), RUNS)


@every_run
def test_the_share_of_fraud_is_the_presets(preset: str, difficulty: float) -> None:
    fraud = sample(preset, difficulty).fraud
    wanted = PRESETS[preset].fraud_share * len(fraud)
    assert abs(fraud.sum() - wanted) <= 0.05 * wanted + 25, "a leak more or less, of 25 transactions"


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_stolen_before_habits_can_be_learnt(preset: str) -> None:
    first_ms = min(t.draft.event_ms for t, label in run(preset) if label.scenario)
    assert first_ms >= START_MS + PRESETS[preset].warm_up_days * DAY_MS


@every_run
def test_no_single_feature_finds_the_fraud(preset: str, difficulty: float) -> None:
    made = sample(preset, difficulty)
    found = {name: best_f1(made.columns[name], made.fraud) for name in FEATURES}
    assert {name: f1 for name, f1 in found.items() if f1 >= 0.5} == {}


def test_the_measure_knows_a_feature_that_does() -> None:
    fraud = sample("workshop").fraud
    assert best_f1(fraud.astype(float), fraud) == 1
    assert best_f1(-fraud.astype(float), fraud) == 1
    assert overlap(fraud.astype(float), fraud) == 0
    assert overlap(np.arange(len(fraud), dtype=np.float64) % 7, fraud) > 0.9


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("preset", ["handbook", "workshop"])  # in a run of real are too few scenarios
def test_fraudulent_amounts_lie_where_genuine_ones_do(preset: str, difficulty: float) -> None:
    made = sample(preset, difficulty)
    assert overlap(made.columns["amount"], made.fraud) > (0.2 if difficulty else 0.1), "loud fraud is far above habits"
    low, high = np.quantile(made.columns["amount"][made.fraud], [0.05, 0.95])
    genuine = made.columns["amount"][~made.fraud]
    assert np.mean((genuine >= low) & (genuine <= high)) > 0.5


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_scenario_is_played_in_a_workshop(difficulty: float) -> None:
    assert set(sample("workshop", difficulty).scenarios) == {None, *SCENARIOS}


def test_the_workshops_run_is_long_enough_for_a_card_to_sleep() -> None:
    made = sample("workshop").drafts
    assert 40 * DAY_MS < made[-1].event_ms - START_MS < 56 * DAY_MS
    assert 400 <= len({draft.holder.card_id for draft in made}) <= 450


def test_a_victim_goes_on_spending() -> None:
    rows = run("workshop")
    robbed_ms: dict[str, int] = {}
    for transaction, label in rows:
        if label.scenario not in {None, "dormant_card"}:
            robbed_ms.setdefault(transaction.draft.holder.card_id, transaction.draft.event_ms)
    end_ms = rows[-1][0].draft.event_ms
    early = {card for card, at_ms in robbed_ms.items() if at_ms < end_ms - 14 * DAY_MS}
    went_on = {
        t.draft.holder.card_id
        for t, label in rows
        if label.scenario is None and t.draft.event_ms > robbed_ms.get(t.draft.holder.card_id, end_ms)
    }
    assert len(early) > 20
    assert len(early - went_on) <= len(early) // 10, "a few spend hardly ever"


def test_genuine_cards_are_no_faster_than_an_airliner_but_for_shared_ones() -> None:
    fastest, too_fast = 0.0, 0
    for preset in PRESETS:
        last: dict[str, Draft] = {}
        for draft, scenario in zip(sample(preset).drafts, sample(preset).scenarios, strict=True):
            if draft.device_id is None and scenario is None:
                speed = kmh(last.get(draft.holder.card_id), draft)
                last[draft.holder.card_id] = draft
                if draft.holder.second_home:
                    too_fast += speed > 1_000
                else:
                    fastest = max(fastest, speed)
    assert 300 < fastest < 900
    assert 1 <= too_fast <= 40, "rarely"


@pytest.mark.parametrize(
    ("feature", "above", "least"),
    [
        ("night", 0, 0.02),
        ("abroad", 0, 0.02),
        ("in_an_hour", 2, 0.02),
        ("in_ten_minutes", 5, 0.0005),
        ("declined_in_an_hour", 0, 0.02),
        ("declined_in_an_hour", 4, 0.0005),
        ("new_device", 0, 0.001),
        ("amount_against_mean", 5, 0.01),
        ("days_since_last", 30, 0.0002),
    ],
)
def test_genuine_customers_do_what_fraudsters_do(feature: str, above: float, least: float) -> None:
    made = sample("workshop")
    assert np.mean(made.columns[feature][~made.fraud] > above) > least


def test_the_data_card_is_made_from_the_generator() -> None:
    assert data_card.PAGE.read_text() == data_card.page(), "run `make data-card`"
    assert {file.stem for file in data_card.PLOTS.glob("*.svg")} == set(data_card.TITLES)
