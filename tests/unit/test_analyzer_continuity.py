from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.continuity import SIGHTINGS_OF_A_HOLE, Continuity, Step


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
