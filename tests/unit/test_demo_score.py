from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.score import ALL, Caught, Truth, percentile, score

LABELS = {
    "t1": Truth("a", "spree"),
    "t2": Truth("a", "spree"),
    "t3": Truth("b", "testing"),
    "t4": Truth("c", None),
    "t5": Truth("a", None),
}


def test_precision_and_recall_are_counted_by_transaction_and_by_card() -> None:
    scores = {each.scenario: each for each in score(LABELS, {"t1", "t4", "t5"})}
    assert scores[ALL].transactions == Caught(fraud=3, flagged=1, false=2)
    assert scores[ALL].cards == Caught(fraud=2, flagged=1, false=1), "a false alarm on a victim's card found a victim"
    assert scores["spree"].transactions.recall == 0.5
    assert scores["spree"].transactions.precision == pytest.approx(1 / 3)
    assert scores["testing"].transactions.recall == 0


def test_without_fraud_or_flags_there_is_no_share_to_speak_of() -> None:
    (everything,) = score({}, set())
    assert (everything.transactions.recall, everything.transactions.precision) == (None, None)


def test_a_flagged_transaction_without_label_is_neither_right_nor_wrong() -> None:
    assert score(LABELS, {"unknown"})[0].transactions == Caught(fraud=3, flagged=0, false=0)


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([], 50) is None
    assert percentile([7], 99) == 7
    assert percentile(range(1, 101), 50) == 50
    assert percentile(range(1, 101), 99) == 99


@given(st.lists(st.integers(), min_size=1), st.integers(1, 100))
def test_a_percentile_is_not_exceeded_by_that_share(values: list[int], percent: int) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= len(values) * percent
