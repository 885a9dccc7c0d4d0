"""What is judged in one step: records of a fetch in their order, not too many at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.portion import Portion, portions
from analyzer.ports import Batch
from tests.analyzer_input import batch


def records(partition: int, count: int) -> Batch:
    return batch(*[(10 * partition + at, b"k%d" % at, b"v") for at in range(count)], partition=partition)


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 12))
def test_portions_hold_all_records_in_order_and_are_full_but_for_the_last(counts: list[int], most: int) -> None:
    batches = [records(partition, count) for partition, count in enumerate(counts)]
    found = [Portion(some) for some in portions(batches, most)]
    assert [len(one) for one in found[:-1]] == [most] * (len(found) - 1)
    assert all(0 < len(one) <= most for one in found)
    everything = [one.record(at) for one in batches for at in range(len(one))]
    assert [one.record(at) for one in found for at in range(len(one))] == everything
    assert [offset for one in found for offset in one.offsets] == [one.offset for one in everything]
    assert [key for one in found for key in one.keys] == [one.key for one in everything]
    assert [value for one in found for value in one.values] == [one.value for one in everything]


def test_a_batch_that_fits_is_handed_on_as_it_is() -> None:
    one = records(0, 3)
    assert [some[0] is one for some in portions([one], 3)] == [True]
    assert Portion([one]).values is one.values
