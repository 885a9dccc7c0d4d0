"""Who is robbed and when: as much as is asked for, of cards that suit the scenario, whatever they pay."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from itertools import islice, pairwise

import numpy as np
import pytest

from producer.difficulty import Knob, Span, between
from producer.fraudsters import Fraudsters
from producer.model import DAY_MS, Draft, Label, Transaction
from producer.population import build_population
from producer.presets import make_plan
from producer.scenarios import SCENARIOS
from producer.spending import Spending
from producer.timeline import transactions

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@cache
def rows() -> list[tuple[Transaction, Label]]:
    return list(islice(transactions(make_plan(11, START_MS, "workshop", 200)), 14_000))


def by_scenario(name: str) -> dict[str, list[Draft]]:
    found = defaultdict(list)
    for transaction, label in rows():
        if label.scenario == name:
            found[transaction.draft.holder.card_id].append(transaction.draft)
    return found


def genuine(card_id: str) -> list[Draft]:
    return [t.draft for t, label in rows() if label.scenario is None and t.draft.holder.card_id == card_id]


def test_a_dormant_card_has_slept_for_thirty_days() -> None:
    robbed = by_scenario("dormant_card")
    assert len(robbed) >= 3
    for card, drafts in robbed.items():
        before = [d.event_ms for d in genuine(card) if d.event_ms < drafts[0].event_ms]
        assert before
        assert drafts[0].event_ms - max(before) >= 30 * DAY_MS


def test_a_bust_comes_after_at_least_twenty_ordinary_purchases() -> None:
    robbed = by_scenario("bust_out")
    assert len(robbed) >= 3
    for card, drafts in robbed.items():
        assert sum(d.event_ms <= drafts[0].event_ms for d in genuine(card)) >= 20


def test_a_compromised_terminal_charges_many_cards_of_its_town_for_four_weeks_at_most() -> None:
    charges = defaultdict(list)
    for drafts in by_scenario("compromised_terminal").values():
        for draft in drafts:
            assert draft.merchant.place == draft.holder.home
            charges[draft.merchant.terminal_id].append(draft)
    assert charges
    most = max(charges.values(), key=len)
    assert len({draft.holder.card_id for draft in most}) > 8
    for drafts in charges.values():
        times = sorted(draft.event_ms for draft in drafts)
        assert times[-1] - times[0] <= 29 * DAY_MS
        assert max(Counter(draft.holder.card_id for draft in drafts).values()) <= 2


def test_a_card_is_charged_at_a_compromised_terminal_minutes_after_its_holder_paid_in_town() -> None:
    for card, drafts in by_scenario("compromised_terminal").items():
        own = [d for d in genuine(card) if d.card_present and d.merchant.place == d.holder.home]
        for draft in drafts:
            assert any(0 < draft.event_ms - d.event_ms <= 40 * 60_000 for d in own)


def test_nobody_is_robbed_twice_within_two_weeks_by_different_scenarios() -> None:
    last: dict[str, tuple[int, str]] = {}
    mixed = 0
    for transaction, label in rows():
        if label.scenario and label.scenario != "card_not_present_leak":  # which itself lasts two weeks
            card, at_ms = transaction.draft.holder.card_id, transaction.draft.event_ms
            before = last.get(card)
            mixed += before is not None and before[1] != label.scenario and at_ms - before[0] < 7 * DAY_MS
            last[card] = at_ms, label.scenario
    assert mixed == 0


def stolen(factor: int) -> list[tuple[str, int, str]]:
    """Return scenario, time and card of two months' fraud on people who pay `factor` times as much."""
    population = build_population(3, 80, 0.9)
    spending = Spending(population)
    thieves = Fraudsters(population, SCENARIOS, share=0.05, difficulty=0.5, start_ms=START_MS)
    found = []
    for day in range(60):
        day_ms = START_MS + day * DAY_MS
        drafts = spending.day(day_ms, np.random.default_rng([3, 1, day]))
        dear = [draft._replace(amount_minor=draft.amount_minor * factor) for draft in drafts]
        for name, draft in thieves.day(day_ms, dear, np.random.default_rng([3, 2, day]), steal=True):
            found.append((name, draft.event_ms, draft.holder.card_id))
    return found


def test_who_is_robbed_does_not_depend_on_what_people_pay() -> None:
    assert stolen(1) == stolen(1_000)
    assert len(stolen(1)) > 100


@pytest.mark.parametrize(("difficulty", "value"), [(0, 8), (0.25, 6.5), (1, 2)])
def test_a_difficulty_lies_on_the_straight_line_between_loud_and_careful(difficulty: float, value: float) -> None:
    assert between(8, 2, difficulty) == Knob(8, 2).at(difficulty) == value
    assert Span((8, 80), (2, 20)).at(difficulty) == (value, 10 * value)


def test_a_span_draws_between_its_ends_and_counts_both_ends_in() -> None:
    rng, span = np.random.default_rng(1), Span((1, 4), (3, 6))
    drawn = [span.draw(rng, 0.5) for _ in range(300)]
    assert min(drawn) >= 2
    assert max(drawn) <= 5
    assert {span.count(rng, 0.5) for _ in range(300)} == {2, 3, 4, 5}


def test_event_times_of_a_day_are_not_all_the_same() -> None:
    times = [t.draft.event_ms for t, _ in rows()[:200]]
    assert sum(a < b for a, b in pairwise(times)) > 190
