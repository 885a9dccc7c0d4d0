from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.progress import Progress

P = ("notifications", 0)
Q = ("notifications", 1)


OFFSETS = st.sets(st.integers(0, 1000), max_size=30).map(sorted)


@given(OFFSETS.flatmap(lambda offsets: st.tuples(st.just(offsets), st.permutations(offsets))))
def test_what_is_committed_never_passes_an_unfinished_record_and_reaches_the_end(
    orders: tuple[list[int], list[int]],
) -> None:
    begun, finished = orders
    progress = Progress()
    for offset in begun:
        progress.begin(P, offset)
    committed = -1
    for n, offset in enumerate(finished, start=1):
        progress.finish(P, offset)
        unfinished = finished[n:]
        committed = progress.take_commits().get(P, committed)
        assert committed <= min(unfinished, default=1001)
        assert progress.unfinished() == len(unfinished)
    assert committed == (begun[-1] + 1 if begun else -1)


def test_a_record_finished_after_its_partition_went_and_came_back_is_no_burden() -> None:
    progress = Progress()
    progress.begin(P, 1)
    progress.forget([P])
    progress.begin(P, 1)
    progress.finish(P, 1)
    progress.begin(P, 2)
    progress.finish(P, 1)
    assert progress.unfinished() == 1


def test_partitions_are_counted_apart() -> None:
    progress = Progress()
    for partition in (P, Q):
        for offset in (5, 6):
            progress.begin(partition, offset)
    progress.finish(P, 6)
    progress.finish(Q, 5)
    assert progress.take_commits() == {Q: 6}
    progress.finish(P, 5)
    assert progress.take_commits() == {P: 7}
    assert progress.take_commits() == {}


def test_a_partition_that_is_gone_commits_nothing_more() -> None:
    progress = Progress()
    progress.begin(P, 1)
    progress.begin(P, 2)
    progress.finish(P, 1)
    progress.forget([P])
    progress.finish(P, 2)
    assert progress.take_commits() == {}
    assert progress.unfinished() == 0


def test_a_partition_that_came_back_begins_anew() -> None:
    progress = Progress()
    progress.begin(P, 1)
    progress.forget([P])
    progress.begin(P, 1)
    progress.begin(P, 2)
    progress.finish(P, 2)
    assert progress.take_commits() == {}
    progress.finish(P, 1)
    assert progress.take_commits() == {P: 3}
