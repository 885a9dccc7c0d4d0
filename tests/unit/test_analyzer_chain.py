"""Both stages in one process flag what the services do, each of which reads its topic when it can."""

from __future__ import annotations

import random
from typing import Final

import pytest

from analyzer.core.chain import Chain, Judges, Told, told_of_card, told_of_terminal
from analyzer.core.detect import Duplicate, Judged
from analyzer.core.sighting import Sighting
from analyzer.core.terminal import Seen, TerminalWindow
from analyzer.core.window import CardWindow
from analyzer.wire import checked
from tests.analyzer_input import judge, judges, record, sight, stream, surge, terminal_judge

STREAM: Final = [checked(one) for one in stream(4_000, cards=60)]


def apart(order: random.Random, by: Judges) -> set[tuple[str, bool]]:
    """Return what two stages tell, the second of which reads its sightings in some order."""
    assert by.sight
    assert by.terminals
    cards: dict[str, CardWindow] = {}
    terminals: dict[str, TerminalWindow] = {}
    told: list[Told] = []
    sightings: list[Sighting] = []
    for offset, one in enumerate(STREAM):
        before = cards.get(one.card_id, CardWindow())
        after, outcome = by.cards.judge(before, one, offset)
        cards[one.card_id], sighting = by.sight.sight(before, after, one, outcome)
        sightings += [sighting] if sighting else []
        told += told_of_card(one, outcome)
    order.shuffle(sightings)
    for offset, each in enumerate(sightings):
        before_it = terminals.get(each.terminal, TerminalWindow())
        terminals[each.terminal], seen = by.terminals.judge(before_it, each, offset)
        assert isinstance(seen, Seen)
        told += told_of_terminal(by.terminals, seen)
    return {(one.of.transaction_id, one.shadow) for one in told}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shadow", [False, True])
def test_the_chain_tells_what_both_stages_tell_in_whatever_order_sightings_come(seed: int, *, shadow: bool) -> None:
    by = Judges(judge(shadow=frozenset({"velocity"})), sight(), terminal_judge(shadow=shadow))
    chain = Chain(by)
    told = [one for transaction in STREAM for one in chain.take(transaction).told]
    by_terminals = [one for one in told if isinstance(one.of, Sighting)]
    assert by_terminals, "the stream must hold a surge"
    assert {one.shadow for one in by_terminals} == {shadow}
    assert {(one.of.transaction_id, one.shadow) for one in told} == apart(random.Random(seed), by)  # noqa: S311 - input


def test_the_chain_gives_the_score_of_each_transaction_and_says_what_is_repeated() -> None:
    chain = Chain(judges())
    first = chain.take(checked(record()))
    assert isinstance(first.outcome, Judged)
    assert first.outcome.verdict.score == 0
    again = chain.take(checked(record()))
    assert (again.outcome, again.told) == (Duplicate(), ())
    assert chain.cards["card-1"].duplicate == 1


def test_without_its_rule_the_terminal_stage_keeps_nothing() -> None:
    chain = Chain(Judges(judge(), sight=None, terminals=None))
    assert not any(isinstance(one.of, Sighting) for each in STREAM for one in chain.take(each).told)
    assert chain.terminals.windows == {}
    assert {window.sighted for window in chain.cards.values()} == {0}


def test_what_a_surge_flags_scores_with_the_cards_own_findings() -> None:
    chain = Chain(Judges(judge(), sight(), terminal_judge(rule=surge(score=0.6))))
    told = [one for each in STREAM for one in chain.take(each).told if isinstance(one.of, Sighting)]
    assert {one.verdict.score for one in told} >= {0.6}
    assert all(one.verdict.flagged and one.verdict.score >= 0.6 for one in told)
