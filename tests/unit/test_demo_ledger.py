from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.ledger import Arrived, Card, Flag, Line, Observed, Sighted, Terminal, lines


def balanced() -> Observed:
    return Observed(
        transactions={0: 10, 1: 4},
        dead_transactions={1: 1},
        cards={(0, "a"): Card(judged=7, flagged=2, late=2, duplicate=1, sighted=2), (1, "b"): Card(3, sighted=1)},
        sightings={"t1": Sighted("a", "T", flagged=True), "t3": Sighted("b", "T"), "t4": Sighted("a", "T")},
        sighting_records={4: 6},
        dead_sightings={4: 1},
        terminals={(4, "T"): Terminal(seen=3, flagged=1, late=1, duplicate=1)},
        notifications={"n1": Flag("t1", "a"), "n2": Flag("t2", "a"), "n3": Flag("t3", "b")},
        notification_records=4,
        undelivered=frozenset({"n3"}),
        targets={
            "log group": Arrived({"n1", "n2"}, records=3),
            "queue": Arrived({"n1", "n2"}, records=2),
            "webhook": Arrived({"n1"}, records=1, dead={"n2"}),
        },
    )


def arriving(events: AbstractSet[str], dead: AbstractSet[str] = frozenset()) -> Observed:
    return replace(balanced(), targets={"log group": Arrived(events, len(events), dead)})


def broken(seen: Observed) -> list[Line]:
    return [line for line in lines(seen) if not line.balances]


def test_what_went_in_and_came_out_balances_also_with_repeats_and_dead_letters() -> None:
    assert broken(balanced()) == []


def test_an_empty_run_balances() -> None:
    assert broken(Observed()) == []


def test_a_lost_transaction_is_found_in_its_partition() -> None:
    (line,) = broken(replace(balanced(), transactions={0: 11, 1: 4}))
    assert line.what == "transactions in"
    assert line.where == ("partition 0: 11 in, 10 out",)


def test_a_loss_and_a_double_count_do_not_make_up_for_each_other() -> None:
    (line,) = broken(replace(balanced(), transactions={0: 11, 1: 3}))
    assert line.left == line.right
    assert line.where == ("partition 0: 11 in, 10 out", "partition 1: 3 in, 4 out")


def test_a_flag_without_its_notification_names_the_card() -> None:
    seen = balanced()
    (line,) = broken(replace(seen, cards={**seen.cards, (1, "b"): replace(seen.cards[1, "b"], flagged=1)}))
    assert line.where == ("card b: 1 flagged, 0 notifications",)


def test_flags_of_cards_and_of_terminals_are_told_apart() -> None:
    line = lines(balanced())[3]
    assert line.what == "flagged (2 by cards, 1 by terminals)"
    assert (line.left, line.balances) == (3, True)


def test_a_card_does_not_make_up_for_a_terminal() -> None:
    seen = balanced()
    terminals = {(4, "T"): replace(seen.terminals[4, "T"], flagged=0)}
    (line,) = broken(replace(seen, cards={**seen.cards, (1, "b"): Card(3, 1, sighted=1)}, terminals=terminals))
    assert (line.left, line.right) == (3, 3)
    assert line.where == ("card b: 1 flagged, 0 notifications", "terminal T: 0 flagged, 1 notifications")


def test_a_sighting_that_was_not_written_names_its_card() -> None:
    seen = balanced()
    (line,) = broken(replace(seen, cards={**seen.cards, (1, "b"): Card(3, sighted=2)}))
    assert line.where == ("card b: 2 sighted, 1 sightings",)


def test_a_sighting_that_no_terminal_has_taken_in_is_found_in_its_partition() -> None:
    (line,) = broken(replace(balanced(), sighting_records={4: 7}))
    assert line.what == "sightings in"
    assert line.where == ("partition 4: 7 in, 6 out",)


@pytest.mark.parametrize("lost", ["n1", "n2"])
def test_a_notification_that_did_not_arrive_is_named(lost: str) -> None:
    (line,) = broken(arriving({"n1", "n2"} - {lost}))
    assert line.where == (f"not delivered: {lost}",)


def test_each_target_has_its_own_line_so_that_one_does_not_make_up_for_another() -> None:
    seen = balanced()
    (line,) = broken(replace(seen, targets={**seen.targets, "queue": Arrived({"n1"}, 1)}))
    assert line.terms == "1 distinct events at the queue + 1 dead-lettered"
    assert line.where == ("not delivered: n2",)


def test_what_is_in_the_dead_letter_queue_of_a_target_balances_that_target_alone() -> None:
    webhook = lines(balanced())[-1]
    assert (webhook.left, webhook.right, webhook.balances) == (3, 3, True)
    assert webhook.terms == "1 distinct events at the webhook + 2 dead-lettered"


def test_an_event_that_came_and_was_dead_lettered_too_counts_once() -> None:
    assert broken(arriving({"n1", "n2"}, dead={"n2"})) == []


@pytest.mark.parametrize("seen", [arriving({"n1", "n2", "x"}), arriving({"n1", "n2"}, dead={"x"})])
def test_an_event_from_nowhere_is_named(seen: Observed) -> None:
    (line,) = broken(seen)
    assert line.where == ("delivered from nowhere: x",)


def test_a_dead_letter_that_was_put_back_and_delivered_counts_once() -> None:
    assert broken(arriving({"n1", "n2", "n3"})) == []


def test_of_many_differences_a_few_are_named() -> None:
    (line,) = broken(arriving({"n1", "n2", *(f"x{n}" for n in range(20))}))
    assert len(line.where) == 6
    assert line.where[-1] == "and 15 more"


def test_a_card_with_states_of_two_partitions_is_counted_in_both() -> None:
    seen = balanced()
    half = replace(seen.cards[0, "a"], flagged=1)
    seen = replace(seen, cards={**seen.cards, (0, "a"): half, (2, "a"): half})
    line = lines(seen)[3]
    assert (line.left, line.balances) == (3, True)


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.text(max_size=3)),
        st.builds(Card, *[st.integers(0, 9)] * 4),
        min_size=1,
        max_size=5,
    )
)
def test_one_record_more_on_any_partition_never_balances(cards: dict[tuple[int, str], Card]) -> None:
    into: dict[int, int] = {}
    for (partition, _), card in cards.items():
        into[partition] = into.get(partition, 0) + card.judged + card.late + card.duplicate
    assert lines(Observed(transactions=into, cards=cards))[0].balances
    for partition in range(4):
        more = {**into, partition: into.get(partition, 0) + 1}
        assert not lines(Observed(transactions=more, cards=cards))[0].balances
