"""Both stages over one stream in memory, by batches: what `analyzer.core.chain.Chain` takes of it, and much faster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzer.batch.in_memory import columns_of
from analyzer.batch.judge import BatchJudge
from analyzer.batch.outcome import BatchOutcome, Kind
from analyzer.batch.shelf import Shelf
from analyzer.batch.store import CardStore
from analyzer.core.chain import Judges, Taken, Terminals, told_of_card
from analyzer.core.detect import NOTHING_FOUND, Duplicate, Judged, Late, Outcome
from analyzer.core.model import Transaction
from analyzer.core.sighting import sighting

_NOTHING: Final = Judged(NOTHING_FOUND)
_ORDINARY: Final = Taken(_NOTHING)
"""What comes of most."""


class BatchChain:
    """Judges one stream through both stages: cards by batches, and terminals sighting by sighting."""

    def __init__(self, judges: Judges, store: CardStore) -> None:
        """Judge by these; `store` is empty and for this stream alone."""
        self._judge, self._store = BatchJudge(judges.cards, judges.sight), store
        self._shelf, self._terminals = Shelf(store, 0), Terminals(judges.terminals)
        self._offset = 0

    def take(self, transactions: Sequence[Transaction]) -> list[Taken]:
        """Judge the next transactions of the stream."""
        first = self._offset
        columns = columns_of(transactions, first)
        self._offset += len(transactions)
        slots = self._shelf.slots(columns.card_ids)
        of_cards = self._judge.judge(self._store, slots, columns, transactions.__getitem__)
        outcomes = [_outcome(of_cards, at, kind) for at, kind in enumerate(of_cards.kind.tolist())]
        sighted = of_cards.sighted.tolist()
        return [
            self._sighted(one, outcome, float(of_cards.amount_z[at]), first + at) if seen else _taken(one, outcome)
            for at, (one, outcome, seen) in enumerate(zip(transactions, outcomes, sighted, strict=True))
        ]

    def _sighted(self, one: Transaction, outcome: Outcome, amount_z: float, offset: int) -> Taken:
        verdict = outcome.verdict if isinstance(outcome, Judged) else NOTHING_FOUND
        of_terminal = self._terminals.take(sighting(one, amount_z, verdict), offset)
        return Taken(outcome, told_of_card(one, outcome) + of_terminal, sighted=True)


def _outcome(of_cards: BatchOutcome, at: int, kind: int) -> Outcome:
    if kind == Kind.JUDGED:
        verdict = of_cards.verdicts.get(at)
        return _NOTHING if verdict is None else Judged(verdict)
    return Late(of_cards.behind_ms[at]) if kind == Kind.LATE else Duplicate()


def _taken(one: Transaction, outcome: Outcome) -> Taken:
    return _ORDINARY if outcome is _NOTHING else Taken(outcome, told_of_card(one, outcome))
