"""What fraudsters know of the cards: who pays where today, which sleep, which were robbed already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.random import Generator

from producer.market import Market
from producer.model import DAY_MS, Cardholder, Draft, Place, one_of

REST_MS: Final = 14 * DAY_MS
"""A card that was stolen is left alone this long, so that scenarios don't mix."""
GLANCES: Final = 30
"""So many people are looked at for a suitable one."""


class Watch:
    """Looks at genuine spending, a day after the other."""

    def __init__(self, market: Market, cardholders: Sequence[Cardholder]) -> None:
        """Begin with nobody seen."""
        self.market = market
        self.day_ms = 0
        self.room_a_day = 0.0
        """How many transactions a day a campaign may add."""
        self._holders = cardholders
        # Arrays by card.
        self._used_ms = np.zeros(len(cardholders), np.int64)
        self._purchases = np.zeros(len(cardholders), np.int64)
        self._rests_until_ms = np.zeros(len(cardholders), np.int64)
        self._in_person: list[Draft] = []

    def day(self, day_ms: int, genuine: Sequence[Draft]) -> None:
        """Look at the genuine spending of the day from `day_ms`."""
        self.day_ms = day_ms
        self._in_person = [draft for draft in genuine if draft[3].place is not None]  # by number: every draft passes
        cards = np.array([draft[1].index for draft in genuine], np.int64)
        np.add.at(self._purchases, cards, 1)
        np.maximum.at(self._used_ms, cards, np.array([draft[0] for draft in genuine], np.int64))

    def robbed(self, holder: Cardholder, at_ms: int) -> None:
        """Leave the card alone for a while, and count its ordinary purchases anew."""
        self._rests_until_ms[holder.index] = at_ms + REST_MS
        self._purchases[holder.index] = 0

    def seen_paying(self, rng: Generator, least_purchases: int = 0) -> Draft | None:
        """Return a genuine purchase of today in person, by a card that isn't left alone.

        Args:
            rng: for this day alone.
            least_purchases: ordinary ones of the card that have to be behind it.
        """
        for _ in range(GLANCES if self._in_person else 0):
            draft = one_of(rng, self._in_person)
            if self._free(draft) and self._purchases[draft.holder.index] >= least_purchases:
                return draft
        return None

    def seen_in_town(self, town: Place) -> list[Draft]:
        """Return today's genuine purchases in person, in a town, by those who live there and aren't left alone."""
        return [d for d in self._in_person if d.merchant.place is town and d.holder.home is town and self._free(d)]

    def asleep(self, rng: Generator, silence_ms: int) -> Cardholder | None:
        """Return the holder of a card that was used before, but not for `silence_ms`."""
        silent = (self._used_ms > 0) & (self._used_ms <= self.day_ms - silence_ms)
        sleeping = np.flatnonzero(silent & (self._rests_until_ms <= self.day_ms)).tolist()
        return self._holders[one_of(rng, sleeping)] if sleeping else None

    def _free(self, draft: Draft) -> bool:
        return bool(self._rests_until_ms[draft.holder.index] <= draft.event_ms)
