"""Many cards spend above their habit at one terminal: somebody there uses what he has copied.

What is found is a function of the set of sightings that only grows with it, and so is the wording of each finding: in
which order sightings arrive changes nothing in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from analyzer.core.model import HOUR_MS, Finding
from analyzer.core.sighting import Sighting
from analyzer.core.units import Count, Deviations, Share, Span, YesNo


@dataclass(frozen=True, slots=True)
class TerminalSurge:
    """More cards above their habit at one terminal within some days than chance brings there."""

    name: ClassVar[str] = "terminal_surge"
    needs: ClassVar[frozenset[str]] = frozenset({"terminal"})

    limit_cards: Count
    """Different cards above their habit within the window that are still ordinary at a terminal."""

    limit_cards_online: Count
    """The same at a web shop, when purchases online are sighted."""

    window_hours: Span
    """Length of the sliding window, in event time."""

    least_z: Deviations
    """Standard deviations of ln(amount) above the card's habit from which a sighting counts."""

    least_z_found: Deviations
    """The same from which a sighting is found when the window holds too many that count."""

    look_back: YesNo
    """Whether those in the window that came before the limit was broken are found too."""

    score: Share
    """How likely a finding alone means fraud."""

    @property
    def window_ms(self) -> int:
        """Length of the window in milliseconds."""
        return max(1, round(self.window_hours * HOUR_MS))

    def limit(self, sighting: Sighting) -> int:
        """Return the limit where the sighting was."""
        return self.limit_cards_online if sighting.terminal_id is None else self.limit_cards

    def found(self, sightings: Sequence[Sighting], around_ms: int) -> set[str]:
        """Return the ids of the transactions that a sighting at `around_ms` may have made part of a surge.

        Args:
            sightings: those of one terminal, in event time, that one included.
            around_ms: its event time.
        """
        window_ms = self.window_ms
        near = [
            one
            for one in sightings
            if one.amount_z >= self.least_z_found and abs(one.event_time_ms - around_ms) < window_ms
        ]
        if not self._may_surge(near):
            return set()
        found: set[str] = set()
        done = 0  # windows overlap: each sighting is taken once
        for first, end in self._surges(near):
            found |= {one.transaction_id for one in near[max(first, done) : end]}
            done = end
        return found

    def _may_surge(self, near: Iterable[Sighting]) -> bool:
        # No window in `near` holds more cards than all of it; mostly that is too few.
        cards = {one.card_id for one in near if one.amount_z >= self.least_z}
        return len(cards) > min(self.limit_cards, self.limit_cards_online)

    def _surges(self, near: Sequence[Sighting]) -> Iterator[tuple[int, int]]:
        """Yield where in `near` each window that holds too many cards begins and ends, or its last moment alone."""
        cards: Counter[str] = Counter()
        window_ms = self.window_ms
        first = moment = 0
        for at, one in enumerate(near):
            cards.update(self._counted(one))
            while near[first].event_time_ms <= one.event_time_ms - window_ms:
                _take_out(cards, self._counted(near[first]))
                first += 1
            if near[moment].event_time_ms < one.event_time_ms:
                moment = at
            last_of_its_time = at + 1 == len(near) or near[at + 1].event_time_ms > one.event_time_ms
            if last_of_its_time and len(cards) > self.limit(one):
                yield first if self.look_back else moment, at + 1

    def _counted(self, sighting: Sighting) -> tuple[str, ...]:
        """Return its card, if it counts."""
        return (sighting.card_id,) if sighting.amount_z >= self.least_z else ()

    def finding(self, sighting: Sighting) -> Finding:
        """Return what is said of a transaction found; not how many cards there were, which the order may change."""
        limit = self.limit(sighting)
        kind = "web shop" if sighting.terminal_id is None else "terminal"
        return Finding(
            rule=self.name,
            reason="many cards spend above their habit at one terminal, as when it copies them",
            evidence=(
                f"at least {limit + 1} cards with amounts {self.least_z:g} or more standard deviations above their"
                f" habit at {kind} {sighting.terminal} within {self.window_hours:g} h, limit {limit}"
            ),
            observed=limit + 1,
            threshold=limit,
            score=self.score,
        )


def _take_out(cards: Counter[str], gone: Iterable[str]) -> None:
    for card_id in gone:
        cards[card_id] -= 1
        if not cards[card_id]:
            del cards[card_id]
