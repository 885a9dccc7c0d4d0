"""When which card is stolen: keeps the share of fraud where the preset wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from numpy.random import Generator

from producer.market import Market
from producer.model import DAY_MS, Draft, one_of
from producer.scenarios.theft import Scenario, Theft

REST_MS: Final = 14 * DAY_MS
"""A card that was stolen is left alone this long, so that scenarios don't mix."""
CATCH_UP: Final = 2.0
"""Most fraud that is begun in a day, in days' worth: what the warm-up lacks is spread out."""


class Fraudsters:
    """Launches scenarios so that fraud comes to `share` of all transactions.

    A day's share isn't planned ahead: what is due by the end of a day, from scenarios begun earlier too, is
    compared with what genuine spending asks for, and the difference is begun. Scenarios take turns in
    shuffled rounds, so each is begun as often as the others.
    """

    def __init__(self, market: Market, scenarios: Mapping[str, Scenario], share: float, start_ms: int) -> None:
        """Begin with no card stolen; days are counted from `start_ms`."""
        self._market = market
        self._scenarios = scenarios
        self._odds = share / (1 - share)
        self._start_ms = start_ms
        self._wanted = 0.0
        self._due = 0
        self._due_later: Counter[int] = Counter()
        self._round: list[str] = []
        self._rests_until_ms: dict[int, int] = {}

    def day(self, day_ms: int, genuine: Sequence[Draft], rng: Generator, *, steal: bool) -> Iterator[tuple[str, Draft]]:
        """Yield the fraud that begins in the day from `day_ms`, with its scenario's name, in no order.

        Args:
            day_ms: beginning of the day; days come one after the other, none is left out.
            genuine: the day's genuine spending.
            rng: for this day alone.
            steal: whether cards are stolen today; False: the share is made up for later.
        """
        quota = len(genuine) * self._odds
        self._wanted += quota
        self._due += self._due_later.pop(self._day_of(day_ms), 0)
        chances = [draft for draft in genuine if draft.merchant.place is not None]
        if not steal or not chances:
            return
        missing = min(self._wanted - self._due, CATCH_UP * quota)
        # A scenario is begun whole, so a day may give more than was missing: the next days give less.
        while missing >= 1:
            name = self._next_scenario(rng)
            drafts = self._scenarios[name].play(self._theft(chances, rng), self._market, rng)
            missing -= max(1, self._count(drafts, day_ms))
            yield from ((name, draft) for draft in drafts)

    def _count(self, drafts: Sequence[Draft], day_ms: int) -> int:
        """Book the transactions on their days and return how many are due today."""
        today = self._day_of(day_ms)
        days = Counter(max(today, self._day_of(draft.event_ms)) for draft in drafts)
        due = days.pop(today, 0)
        self._due += due
        self._due_later.update(days)
        return due

    def _next_scenario(self, rng: Generator) -> str:
        if not self._round:
            self._round = rng.permutation(list(self._scenarios)).tolist()
        return self._round.pop()

    def _theft(self, chances: Sequence[Draft], rng: Generator) -> Theft:
        for _ in range(20):
            draft = one_of(rng, chances)
            if self._rests_until_ms.get(draft.holder.index, 0) <= draft.event_ms:
                break
        place = draft.merchant.place or draft.holder.home
        self._rests_until_ms[draft.holder.index] = draft.event_ms + REST_MS
        return Theft(draft.holder, draft.event_ms, place)

    def _day_of(self, at_ms: int) -> int:
        return (at_ms - self._start_ms) // DAY_MS
