"""When which card is stolen: keeps the share of fraud where the preset wants it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from numpy.random import Generator

from producer.model import DAY_MS, Draft
from producer.population import Population
from producer.scenarios.theft import Campaign, Scenario, Theft
from producer.watch import Watch

CATCH_UP: Final = 2.0
"""Most fraud that is begun in a day, in days' worth: what the warm-up lacks is spread out."""
AHEAD_DAYS: Final = 4.0
"""Fraud that is due later may take so many days' worth; what is more counts as if it were due today."""
CAMPAIGNS_SHARE: Final = 0.6
"""Part of a day's fraud that campaigns may take, so that the other scenarios are played too."""

MISSED_ROUNDS: Final = 2
"""Turns of so many rounds are made up for by a scenario that found no card."""


class Fraudsters:
    """Launches scenarios so that fraud comes to `share` of all transactions.

    A day's share isn't planned ahead: what is due by the end of a day, from scenarios begun earlier too, is
    compared with what genuine spending asks for, and the difference is begun. Scenarios take turns in
    shuffled rounds, in which each is begun as often as its weight says; one that finds no card that suits it
    has its turn as soon as there is one.
    """

    def __init__(
        self,
        population: Population,
        scenarios: Mapping[str, Scenario],
        *,
        share: float,
        difficulty: float,
        start_ms: int,
    ) -> None:
        """Begin with no card stolen; days are counted from `start_ms`."""
        self._market = population.market
        self._watch = Watch(population.market, population.cardholders)
        self._scenarios = scenarios
        self._everybody = [name for name, scenario in scenarios.items() for _ in range(scenario.weight)]
        self._odds = share / (1 - share)
        self._difficulty = difficulty
        self._start_ms = start_ms
        self._wanted = 0.0
        self._due = 0
        self._due_later: Counter[int] = Counter()
        self._round: list[str] = []
        self._put_off: list[str] = []
        self._campaigns: list[tuple[str, Campaign]] = []

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
        self._watch.day(day_ms, genuine)
        self._campaigns = [(name, campaign) for name, campaign in self._campaigns if day_ms < campaign.until_ms]
        for name, campaign in self._campaigns:
            for theft in campaign.today(self._watch, rng):
                yield from self._misuse(name, theft, rng)
        if steal:
            yield from self._begin(quota, rng)

    def _begin(self, quota: float, rng: Generator) -> Iterator[tuple[str, Draft]]:
        """Begin scenarios until the day has its share; one is begun whole, so the next days may give less."""
        too_much_later = max(0.0, sum(self._due_later.values()) - AHEAD_DAYS * quota)
        missing = min(self._wanted - self._due - too_much_later, CATCH_UP * quota)
        again, self._put_off = deque(self._put_off), []
        turns = len(again) + 2 * len(self._everybody)
        while missing >= 1 and turns:
            turns -= 1
            name = again.popleft() if again else self._next(rng)
            taken = sum(campaign.cards_a_day for _, campaign in self._campaigns)
            self._watch.room_a_day = CAMPAIGNS_SHARE * quota - taken
            found = self._scenarios[name].find(self._watch, rng, self._difficulty)
            if isinstance(found, Theft):
                before = self._due
                yield from self._misuse(name, found, rng)
                missing -= max(1, self._due - before)
            elif found:
                self._campaigns.append((name, found))
            elif self._put_off.count(name) < MISSED_ROUNDS * self._scenarios[name].weight:
                self._put_off.append(name)
        self._put_off.extend(again)

    def _next(self, rng: Generator) -> str:
        if not self._round:
            self._round = rng.permutation(self._everybody).tolist()
        return self._round.pop()

    def _misuse(self, name: str, theft: Theft, rng: Generator) -> Iterator[tuple[str, Draft]]:
        """Yield a theft's transactions, booked on the days when they are due."""
        self._watch.robbed(theft.holder, theft.at_ms)
        drafts = self._scenarios[name].play(theft, self._market, rng)
        today = self._day_of(self._watch.day_ms)
        days = Counter(max(today, self._day_of(draft.event_ms)) for draft in drafts)
        self._due += days.pop(today, 0)
        self._due_later.update(days)
        yield from ((name, draft) for draft in drafts)

    def _day_of(self, at_ms: int) -> int:
        return (at_ms - self._start_ms) // DAY_MS
