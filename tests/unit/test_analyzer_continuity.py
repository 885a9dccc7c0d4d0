from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.continuity import SIGHTINGS_OF_A_HOLE, Continuity, Run, Step


def continuity(position: int = 0) -> Continuity:
    one = Continuity()
    one.begin({3: position})
    return one


def steps(one: Continuity, *offsets: int) -> list[Step]:
    return [one.see(3, offset) for offset in offsets]


def test_records_in_order_are_each_the_next() -> None:
    assert steps(continuity(5), 5, 6, 7) == [Step.NEXT] * 3


def test_records_before_the_position_are_ignored() -> None:
    assert steps(continuity(5), 3, 4, 5, 5, 4) == [Step.IGNORE, Step.IGNORE, Step.NEXT, Step.IGNORE, Step.IGNORE]


def test_records_of_an_unknown_partition_are_ignored() -> None:
    assert continuity().see(4, 0) is Step.IGNORE


def test_a_missing_record_is_asked_for_once_while_later_ones_still_come() -> None:
    one = continuity()
    assert steps(one, 0, 5, 6, 7) == [Step.NEXT, Step.SEEK, Step.IGNORE, Step.IGNORE]
    assert one.positions() == {3: 1}
    assert steps(one, 1, 2) == [Step.NEXT, Step.NEXT]


def test_a_hole_in_the_topic_is_passed_when_it_is_there_a_third_time() -> None:
    found = steps(continuity(), 0, 5, 6, 5, 6, 5, 6)
    assert found == [Step.NEXT, Step.SEEK, Step.IGNORE, Step.SEEK, Step.IGNORE, Step.NEXT, Step.NEXT]


def test_records_that_are_missing_again_are_asked_for_again() -> None:
    assert steps(continuity(), 0, 5, 6, 6) == [Step.NEXT, Step.SEEK, Step.IGNORE, Step.SEEK]
    assert steps(continuity(), 0, 5, 6, 4) == [Step.NEXT, Step.SEEK, Step.IGNORE, Step.SEEK]


@given(
    held=st.sets(st.integers(0, 30)),
    drops=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=SIGHTINGS_OF_A_HOLE - 1),
    ahead=st.integers(1, 8),
)
def test_every_record_of_the_topic_is_the_next_once_and_in_order_whatever_is_dropped(
    held: set[int], drops: list[tuple[int, int]], ahead: int
) -> None:
    """A client that reads from a position, keeps a buffer over a seek, and drops some of what it hands over."""
    topic, one, taken, handed = sorted(held), continuity(), [], 0
    buffer: list[int] = []
    read_from = 0
    for _ in range(4_000):
        if not buffer:
            rest = [offset for offset in topic if offset >= read_from]
            if not rest:
                if one.positions()[3] > max(topic, default=-1):
                    break
                read_from = one.positions()[3]  # what the watch over idle partitions does
                continue
            buffer = rest[:ahead]
            read_from = buffer[-1] + 1
        offset = buffer.pop(0)
        handed += 1
        if any(start <= handed < start + length for start, length in drops):
            continue
        step = one.see(3, offset)
        if step is Step.NEXT:
            taken.append(offset)
        elif step is Step.SEEK:
            read_from = one.positions()[3]
    assert taken == topic


def test_an_end_without_records_is_read_again_and_then_passed_once() -> None:
    one = continuity(5)
    assert [one.nothing_until(3, 7) for _ in range(4)] == [Step.SEEK, Step.SEEK, Step.NEXT, Step.IGNORE]
    assert one.positions() == {3: 7}
    assert steps(one, 7) == [Step.NEXT]


def test_a_record_that_comes_keeps_the_end_from_being_passed() -> None:
    one = continuity(5)
    assert [one.nothing_until(3, 7) for _ in range(2)] == [Step.SEEK, Step.SEEK]
    assert steps(one, 5) == [Step.NEXT]
    assert one.nothing_until(3, 7) is Step.SEEK


def runs(one: Continuity, *batches: list[int]) -> list[Run]:
    return [one.take(3, batch) for batch in batches]


def test_a_batch_of_consecutive_records_is_the_next_in_one_step() -> None:
    one = continuity(5)
    assert runs(one, [5, 6, 7], [8]) == [Run(0, 3), Run(0, 1)]
    assert one.positions() == {3: 9}


def test_of_a_batch_that_was_here_in_part_the_rest_is_the_next() -> None:
    assert runs(continuity(5), [3, 4, 5, 6], [4, 5], []) == [Run(2, 4), Run(0, 0), Run(0, 0)]
    assert continuity().take(4, [0, 1]) == Run(0, 0)


def test_a_batch_with_a_hole_is_taken_up_to_it_and_the_partition_is_read_again() -> None:
    one = continuity(5)
    assert runs(one, [5, 6, 9, 10]) == [Run(0, 2, seek=9)]
    assert one.positions() == {3: 7}


def test_a_hole_within_a_batch_is_passed_when_it_is_there_a_third_time() -> None:
    found = runs(continuity(), [0, 5, 6], [5, 6], [5, 6, 8, 9])
    assert found == [Run(0, 1, seek=5), Run(0, 0, seek=5), Run(0, 2, seek=8)]


def test_a_batch_fetched_before_the_partition_is_read_again_is_ignored() -> None:
    assert runs(continuity(), [0, 5, 6], [7, 8], [1, 2]) == [Run(0, 1, seek=5), Run(0, 0), Run(0, 2)]


@given(st.lists(st.sets(st.integers(0, 12), min_size=1), max_size=12), st.integers(0, 5))
def test_a_batch_is_taken_as_its_records_would_be(batches: list[set[int]], position: int) -> None:
    whole, single = continuity(position), continuity(position)
    for offsets in map(sorted, batches):
        run = whole.take(3, offsets)
        found = [single.see(3, offset) for offset in offsets]
        assert [at for at, step in enumerate(found) if step is Step.NEXT] == list(range(run.start, run.stop))
        assert [offset for offset, step in zip(offsets, found, strict=True) if step is Step.SEEK] == (
            [] if run.seek is None else [run.seek]
        )
        assert whole.positions() == single.positions()
