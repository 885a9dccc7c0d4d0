from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.eventbus.figures import Arrivals, Puts, figures
from bench.eventbus.targets import at_both
from bench.figures import middle, percentile, spread

S = 1_000_000_000
MS = 1_000_000


def puts(*names: str, refused: int = 0) -> Puts:
    return Puts(first_ns=0, last_ns=2 * S, accepted=dict.fromkeys(names, 0), refused=refused)


def test_rates_count_from_the_first_request_to_the_last_answer_and_the_last_distinct_arrival() -> None:
    found = figures(puts("a", "b"), Arrivals([("a", 1 * S), ("b", 4 * S), ("a", 9 * S)]))
    assert found.accepted_per_s == 1.0
    assert found.delivered_per_s == 0.5


def test_a_repeat_counts_once_and_is_told() -> None:
    found = figures(puts("a"), Arrivals([("a", 3 * MS), ("a", 2 * MS), ("a", 8 * MS)]))
    assert (found.arrived, found.repeated, found.lost, found.invented) == (1, 2, 0, 0)
    assert found.p50_ms == 2.0


def test_what_was_accepted_and_never_came_is_lost() -> None:
    found = figures(puts("a", "b", "c", refused=2), Arrivals([("b", S)]))
    assert (found.accepted, found.refused, found.arrived, found.lost) == (3, 2, 1, 2)


def test_what_came_and_was_never_accepted_is_invented_and_delivers_nothing() -> None:
    found = figures(puts("a"), Arrivals([("x", S), ("x", S)]))
    assert (found.arrived, found.lost, found.invented, found.repeated) == (0, 1, 1, 1)
    assert found.delivered_per_s == 0.0


def test_nameless_arrivals_count_up_to_what_was_accepted_and_have_no_latency() -> None:
    found = figures(puts("a", "b"), Arrivals([], [S, 2 * S, 2 * S]))
    assert (found.arrived, found.lost, found.nameless, found.repeated) == (2, 0, 2, 1)
    assert (found.delivered_per_s, found.p50_ms, found.p99_ms) == (1.0, None, None)


def test_nothing_put_is_no_division_by_zero() -> None:
    found = figures(Puts(0, 0, {}, 10), Arrivals([]))
    assert (found.accepted_per_s, found.delivered_per_s, found.lost) == (0.0, 0.0, 0)


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0.1, 1)])
def test_percentiles_are_nearest_rank(percent: float, value: float) -> None:
    assert percentile(range(1, 101), percent) == value


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50).map(sorted), st.floats(0, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values) * (1 - 1e-12)


def test_the_median_leaves_out_what_is_not_known() -> None:
    assert middle([3.0, None, 1.0, 2.0]) == 2.0
    assert middle([None, None]) is None


def test_the_spread_is_a_share_of_the_median() -> None:
    assert spread([90.0, 100.0, 120.0]) == 0.3
    assert spread([]) == 0.0


def test_an_event_for_two_targets_has_arrived_where_it_came_last() -> None:
    found = at_both(Arrivals([("a", 1), ("b", 2), ("a", 9)]), Arrivals([("a", 5), ("c", 6)]))
    assert found == Arrivals([("a", 5)], [])


def test_empty_bodies_at_one_of_two_targets_stand_for_as_many_events() -> None:
    assert at_both(Arrivals([("a", 1), ("b", 4)]), Arrivals([], [3, 2])) == Arrivals([], [2, 4])
