from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from score.core.card_precision import DAY_MS, card_precision
from score.core.facts import Alert, Fact, Happened, Kind, Label, Oracle, alert_of, label_of
from score.core.known import InOrder
from score.core.scores import ALL, Caught, Cell, Scores
from score.core.tally import Tally

WEEK_MS = 7 * DAY_MS
SECOND_MS = 1_000


def fraud(
    name: str, card: str, at_ms: int, scenario: str = "spree", *, amount: int = 100, approved: bool = True
) -> Label:
    return Label(name, card, at_ms, amount, approved, scenario, at_ms + WEEK_MS)


def genuine(name: str, card: str, at_ms: int = 0) -> Label:
    return Label(name, card, at_ms, 100, approved=True, scenario=None, release_ms=at_ms + WEEK_MS)


def alert(label: Label, *rules: str, score: float = 0.9, kind: Kind = Kind.ALERT) -> Alert:
    return Alert(label.transaction_id, label.card_id, label.event_ms, score, rules or ("velocity",), kind)


def facts(labels: Sequence[Label], alerts: Sequence[Alert]) -> list[Fact]:
    happened: list[Fact] = [Happened(label.transaction_id, label.event_ms) for label in labels]
    return [*happened, *alerts, *labels, *(Oracle(label) for label in labels if label.fraud)]


def scores_of(found: Sequence[Fact], top_k: int = 10) -> Scores:
    tally = Tally()
    tally.take_all(found)
    return tally.scores(top_k)


def oracle(labels: Sequence[Label], alerts: Sequence[Alert]) -> Cell:
    return scores_of(facts(labels, alerts)).oracle.overall


def test_precision_and_recall_are_counted_by_transaction_and_by_card() -> None:
    labels = [fraud("1", "a", 1), fraud("2", "a", 2), fraud("3", "b", 3), genuine("4", "c"), genuine("5", "a")]
    found = oracle(labels, [alert(labels[0]), alert(labels[3]), alert(labels[4])])
    assert found.transactions == Caught(fraud=3, caught=1, false=2)
    assert found.cards == Caught(fraud=2, caught=1, false=1)
    assert (found.transactions.recall, found.cards.precision) == (1 / 3, 0.5)
    assert found.transactions.f1 == pytest.approx(1 / 3)


def test_an_alert_on_a_victims_genuine_transaction_alone_catches_nobody() -> None:
    labels = [fraud("1", "a", 1), genuine("2", "a")]
    assert oracle(labels, [alert(labels[1])]).cards == Caught(fraud=1, caught=0, false=1)


def test_money_is_saved_from_the_first_right_alert_on() -> None:
    labels = [
        genuine("0", "a", 0),
        fraud("1", "a", 10, amount=1),
        fraud("2", "a", 20, amount=20),
        fraud("3", "a", 30, amount=300),
        fraud("4", "a", 40, amount=4_000, approved=False),
        fraud("5", "b", 10, amount=50_000),
    ]
    found = oracle(labels, [alert(labels[0]), alert(labels[2])])
    assert (found.money_caught_minor, found.money_lost_minor) == (320, 50_001)


def test_time_to_detect_runs_from_the_first_fraud_to_the_first_right_alert() -> None:
    labels = [fraud(f"{card}{n}", f"c{card}", n * card * SECOND_MS) for card in range(1, 11) for n in range(2)]
    found = oracle(labels, [alert(label) for label in labels if label.transaction_id.endswith("1")])
    assert (found.detect_median_s, found.detect_p90_s) == (5.0, 9.0)


def test_each_scenario_and_rule_has_its_cell() -> None:
    labels = [fraud("1", "a", 1, "spree"), fraud("2", "b", 2, "leak"), genuine("3", "c")]
    alerts = [alert(labels[0], "velocity", "amount"), alert(labels[2], "amount")]
    cells = scores_of(facts(labels, alerts)).oracle.cells
    assert cells["spree", "velocity"].transactions == Caught(1, 1, 0)
    assert cells["spree", "amount"].cards == Caught(1, 1, 1)
    assert cells["leak", ALL].transactions == Caught(1, 0, 1)
    assert cells[ALL, "amount"].transactions == Caught(2, 1, 1)


def test_a_rule_on_trial_is_scored_and_alerts_nobody() -> None:
    labels = [fraud("1", "a", 1), genuine("2", "b")]
    found = scores_of(facts(labels, [alert(each, "trial", kind=Kind.SHADOW) for each in labels])).oracle
    assert (found.rules, found.shadow_rules) == ((), ("trial",))
    assert found.cells[ALL, "trial"].transactions == Caught(1, 1, 1)
    assert found.overall.alerts == 0


def test_the_bank_knows_only_what_was_released() -> None:
    labels = [fraud("1", "a", 0), fraud("2", "b", WEEK_MS), genuine("3", "c", 1)]
    found = scores_of(facts(labels, [alert(each) for each in labels]))
    assert found.clock_ms == WEEK_MS
    assert (found.bank.transactions, found.bank.waiting) == (1, 2)
    assert found.bank.overall.transactions == Caught(fraud=1, caught=1, false=0)
    assert found.oracle.overall.transactions == Caught(fraud=2, caught=2, false=1)


def test_a_label_or_an_alert_for_an_unknown_transaction_is_counted_and_nothing_more() -> None:
    strange = fraud("x", "a", 0)
    found = scores_of([*facts([genuine("1", "a", WEEK_MS)], []), strange, Oracle(strange), alert(strange)])
    assert (found.unknown_labels, found.unknown_alerts) == (1, 1)
    assert found.oracle.overall == Cell(Caught(0, 0, 0), Caught(0, 0, 0), None, None, 0, 0)
    assert found.bank.transactions == 0


def test_without_facts_there_is_no_figure() -> None:
    found = scores_of([]).oracle
    assert (found.overall.transactions.recall, found.card_precision, found.per_1000(0)) == (None, None, None)
    assert found.overall.transactions.f1 is None


def test_two_notifications_of_one_transaction_are_one_alert() -> None:
    label = fraud("1", "a", 1)
    found = scores_of(facts([label], [alert(label, "card", score=0.6), alert(label, "terminal", score=0.8)]))
    assert found.oracle.rules == ("card", "terminal")
    assert found.oracle.overall.alerts == 1


def test_a_source_in_order_gives_the_same_as_one_that_is_remembered() -> None:
    labels = [fraud("1", "a", 0), genuine("2", "a", 5), genuine("3", "b", WEEK_MS)]
    ordered = Tally(InOrder())
    for label in labels:
        ordered.take_all(facts([label], [alert(label)]))
    assert ordered.scores() == scores_of(facts(labels, [alert(each) for each in labels]))


def test_a_transaction_that_is_flagged_after_its_label_finds_it_when_it_was_to_be_remembered() -> None:
    label = genuine("1", "a", 0)
    known = InOrder()
    ordered = Tally(known)
    known.remember(label)
    ordered.take_all([*facts([label], []), Happened("2", WEEK_MS), alert(label)])
    assert ordered.scores().bank.overall.transactions == Caught(fraud=0, caught=0, false=1)


def a_label(name: int, card: int, at_day: float, scenario: str | None) -> Label:
    at_ms = int(at_day * DAY_MS)
    return Label(f"t{name}", f"c{card}", at_ms, 100 + name, name % 3 > 0, scenario, at_ms + WEEK_MS)


@st.composite
def streams(draw: st.DrawFn) -> list[Fact]:
    """Facts of a few transactions on a few cards, some of them of transactions that never happened."""
    labels = [
        a_label(name, draw(st.integers(0, 3)), draw(st.floats(0, 20)), draw(st.sampled_from([None, "spree", "leak"])))
        for name in range(draw(st.integers(0, 8)))
    ]
    return list(_of(draw, labels))


def _of(draw: st.DrawFn, labels: list[Label]) -> Iterator[Fact]:
    some = st.integers(0, 3)
    for label in labels:
        if draw(some):
            yield Happened(label.transaction_id, label.event_ms)
        if draw(some):
            yield label
        if label.fraud and draw(some):
            yield Oracle(label)
        for kind in Kind:
            for rule in draw(st.lists(st.sampled_from(["velocity", "amount"]), max_size=2)):
                yield alert(label, rule, score=draw(st.sampled_from([0.5, 0.7])), kind=kind)


@given(streams(), st.randoms(use_true_random=False), st.lists(st.integers(0, 100)))
@settings(max_examples=100, deadline=None)
def test_scores_depend_neither_on_the_order_of_facts_nor_on_repeats(
    found: list[Fact], chance: object, again: list[int]
) -> None:
    shuffled = [*found, *(found[index % len(found)] for index in again if found)]
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert scores_of(shuffled) == scores_of(found)


@given(streams())
@settings(max_examples=25, deadline=None)
def test_scores_in_the_middle_of_a_stream_change_nothing(found: list[Fact]) -> None:
    looked_at = Tally()
    for fact in found:
        looked_at.take(fact)
        looked_at.scores()
    assert looked_at.scores() == scores_of(found)


def test_card_precision_ranks_cards_by_their_highest_score_of_the_day() -> None:
    frauds = [fraud("1", "a", 0), fraud("2", "b", 1), fraud("3", "a", DAY_MS), fraud("4", "c", DAY_MS)]
    shown = [
        *(alert(genuine("5", "x", 2), score=0.8), alert(frauds[0], score=0.9), alert(frauds[1], score=0.7)),
        *(alert(frauds[2], score=0.99), alert(frauds[3], score=0.6)),
    ]
    # Day 0: a and x of the first two, a is right. Day 1: a was found and drops out, c is right; nobody is second.
    assert card_precision(shown, frauds, DAY_MS, top_k=2) == (0.5, (2 + 1) / 4)
    assert card_precision(shown, frauds, 3 * DAY_MS, top_k=2)[0] == 0.25


def test_records_of_the_topics_become_facts() -> None:
    record = {
        "transactionId": "t",
        "cardId": "c",
        "eventTime": 5,
        "amountMinor": 7,
        "currency": "EUR",
        "fraud": True,
        "scenario": None,
        "approved": False,
        "releaseTime": 9,
    }
    assert label_of(record) == Label("t", "c", 5, 7, approved=False, scenario="unnamed", release_ms=9)
    assert label_of(record | {"fraud": False}).fraud is False
    detail = {
        "transactionId": "t",
        "cardId": "c",
        "eventTime": 5,
        "score": 0.7,
        "findings": [{"rule": "b"}, {"rule": "a"}],
    }
    assert alert_of({"eventDetail": detail}) == Alert("t", "c", 5, 0.7, ("a", "b"))
