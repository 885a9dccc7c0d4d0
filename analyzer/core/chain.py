"""Both stages, one after the other: what is told of a record, and a whole stream judged without a broker between.

The services judge with the same values. Which transactions are flagged in the end is the same, as long as nothing is
late: see docs/decisions/0027-a-surge-is-a-property-of-the-set.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.core.detect import Judge, Judged, Outcome, counting_shadow
from analyzer.core.model import Transaction, Verdict
from analyzer.core.sighting import Sight, Sighting
from analyzer.core.terminal import Seen, TerminalJudge, TerminalWindow
from analyzer.core.window import CardWindow


@dataclass(frozen=True, slots=True)
class Judges:
    """Those of both stages."""

    cards: Judge
    sight: Sight | None
    """None: nothing is sighted, since the terminal stage has no rule."""

    terminals: TerminalJudge | None
    """None: its rule doesn't run."""


class Told(NamedTuple):
    """A flagged transaction, as it is told."""

    of: Transaction | Sighting
    verdict: Verdict
    """In the shadow: what it would be if the rules in the shadow counted."""

    shadow: bool = False
    """Whether only rules in the shadow say so: then nobody is alerted."""


class Taken(NamedTuple):
    """What came of a transaction."""

    outcome: Outcome
    """What it was to its card; its score is there."""

    told: tuple[Told, ...] = ()
    """Those that are flagged now: itself, and by the terminal stage others of before."""

    sighted: bool = False
    """Whether the terminal stage was told of it: then it may be flagged later."""


def told_of_card(transaction: Transaction, outcome: Outcome) -> tuple[Told, ...]:
    """Return what the card stage tells of a transaction."""
    if not isinstance(outcome, Judged):
        return ()
    verdict = outcome.verdict
    told = [Told(transaction, verdict)] if verdict.flagged else []
    if verdict.shadow and verdict.shadow_flagged:
        told.append(Told(transaction, counting_shadow(verdict), shadow=True))
    return tuple(told)


def told_of_terminal(judge: TerminalJudge, seen: Seen) -> tuple[Told, ...]:
    """Return what the terminal stage tells of a sighting: of the transactions that it made part of a surge."""
    return tuple(Told(one.sighting, one.verdict, judge.shadow) for one in seen.flagged)


@dataclass
class Terminals:
    """Judges the sightings of one stream; each terminal has its window here."""

    judge: TerminalJudge | None
    """None: nothing is kept."""

    windows: dict[str, TerminalWindow] = field(default_factory=dict)

    def take(self, sighting: Sighting, offset: int) -> tuple[Told, ...]:
        """Return what a sighting makes known."""
        if self.judge is None:
            return ()
        window = self.windows.get(sighting.terminal) or TerminalWindow()
        self.windows[sighting.terminal], outcome = self.judge.judge(window, sighting, offset)
        return told_of_terminal(self.judge, outcome) if isinstance(outcome, Seen) else ()


class Chain:
    """Judges one stream through both stages; each card and each terminal has its window here.

    It is what `analyzer.batch.chain.BatchChain` must equal.
    """

    def __init__(self, judges: Judges) -> None:
        """Judge by these."""
        self.judges = judges
        self.cards: dict[str, CardWindow] = {}
        self.terminals = Terminals(judges.terminals)
        self._offset = -1

    def take(self, transaction: Transaction) -> Taken:
        """Judge the next transaction of the stream."""
        self._offset += 1
        card, sight = transaction.card_id, self.judges.sight
        before = self.cards.get(card) or CardWindow()
        after, outcome = self.judges.cards.judge(before, transaction, self._offset)
        told, sighting = told_of_card(transaction, outcome), None
        if sight is not None:
            after, sighting = sight.sight(before, after, transaction, outcome)
            if sighting is not None:
                told += self.terminals.take(sighting, self._offset)
        self.cards[card] = after
        return Taken(outcome, told, sighting is not None)
