"""Plain days: those of cards of which nothing has to be asked, so that all their purchases are written down at once.

A card's day is plain when it is in one place all day, nothing is declined, no device is new, nothing is a burst, and
it has time for every way between two shops. Most days are. What is written down is what `spending` would come to
purchase by purchase; in doubt a day isn't plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from producer.geography import distances_km
from producer.intents import Floats, Intents, Ints
from producer.market import Market
from producer.model import HOUR_MS, MINUTE_MS, SECOND_MS, Cardholder, Draft, Merchant
from producer.travel import ACROSS_TOWN_MS, IN_TOWN_KM, IN_TOWN_KMH

Bools = NDArray[np.bool_]
Objects = NDArray[Any]
"""Of references to Python objects."""

NOBODY: Final = -1
NO_DEVICE: Final = np.array(None, object)
DOUBT_MS: Final = SECOND_MS
"""numpy's distances may differ from `travel`'s in the last digit: such a way takes much less than this."""
DOUBT_KM: Final = 1.0

_draft = partial(tuple.__new__, Draft)  # as Draft._make, without a call of Python for each


class PlainDays:
    """Finds and writes down plain days. Arrays are by card (C), merchant (M) or spot (S), or by intent (n)."""

    def __init__(self, market: Market, holders: Sequence[Cardholder], devices: Objects) -> None:
        """Take the market apart; `devices` are each card's, (C, most), and may change from day to day."""
        self._merchants = [shop for place in market.shops for shops in place for shop in shops]
        web = len(self._merchants)  # shops by place, category and quarter come first, then web shops by category
        self._merchants += [shop for shops in market.web_shops for shop in shops]
        self._index = {shop.merchant_id: index for index, shop in enumerate(self._merchants)}
        self._last_shop = np.full(len(holders), NOBODY)
        self._last_ms = np.zeros(len(holders), np.int64)
        self._devices = devices
        self._holder_at = _objects(holders)
        self._merchant_at = _objects(self._merchants)
        self._quarters = np.array([len(place[0]) for place in market.shops])
        counts = np.array([[len(shops) for shops in place] for place in market.shops])
        self._first_shop = (np.cumsum(counts) - counts.ravel()).reshape(counts.shape)
        self._first_web_shop = web + np.cumsum([0, *(len(shops) for shops in market.web_shops[:-1])])
        places = [shop.place.index for shop in self._merchants[:web] if shop.place]
        self._place_of = np.array(places)
        self._latitude = np.array([shop.latitude for shop in self._merchants[:web]], float)
        self._longitude = np.array([shop.longitude for shop in self._merchants[:web]], float)
        self._spots = web
        at_shops = [(shop.place.country, shop.latitude, shop.longitude) for shop in self._merchants[:web] if shop.place]
        online = [
            spot
            for place in market.places
            for spot in ((place.country, None, None), (place.country, place.latitude, place.longitude))
        ]
        self._spot_columns = tuple(_objects(column) for column in zip(*at_shops, *online, strict=True))

    def last(self, holder: int) -> tuple[Merchant | None, int]:
        """Return at whose terminal a card was last, and when."""
        shop = int(self._last_shop[holder])
        return None if shop == NOBODY else self._merchants[shop], int(self._last_ms[holder])

    def remember(self, holder: int, shop: Merchant | None, at_ms: int) -> None:
        """Note the same, after a day that wasn't plain."""
        self._last_shop[holder] = NOBODY if shop is None else self._index[shop.merchant_id]
        self._last_ms[holder] = at_ms

    def day(self, intents: Intents, base: Ints, restless: Bools) -> tuple[Bools, list[Draft]]:
        """Return which of a day's intents (n,) belong to plain days, and the drafts of these.

        Args:
            intents: by holder, then by time.
            base: index of the place where each card is: (C,).
            restless: cards that may be elsewhere too: (C,).
        """
        who, online = intents.holder, intents.online
        doubtful = ~intents.approved | (intents.gap_ms > 0) | online & (intents.new_device >= 0)
        restless = restless.copy()
        restless[who[doubtful]] = True
        shop = self._shop(intents, base)
        rows = np.flatnonzero(~online & ~restless[who])
        card, here, at_ms = who[rows], shop[rows], intents.at_ms[rows]
        before, before_ms = self._last_shop[card], self._last_ms[card]
        again = np.flatnonzero(card[1:] == card[:-1])
        before[again + 1], before_ms[again + 1] = here[again], at_ms[again]
        restless[card[~self._in_time(here, at_ms, before, before_ms)]] = True
        calm = ~restless[card]
        self._last_shop[card[calm]], self._last_ms[card[calm]] = here[calm], at_ms[calm]
        plain = ~restless[who]
        return plain, self._drafts(intents, np.flatnonzero(plain), base, shop)

    def _shop(self, intents: Intents, base: Ints) -> Ints:
        """Return the merchant of each intent: (n,)."""
        place = base[intents.holder]
        at_shop = self._first_shop[place, intents.shop_category] + intents.quarter % self._quarters[place]
        return np.where(intents.online, self._first_web_shop[intents.web_category] + intents.web_shop, at_shop)

    def _in_time(self, shop: Ints, at_ms: Ints, before: Ints, before_ms: Ints) -> Bools:
        """Tell of purchases in person (n,) whether the card is there in time from the shop before, in doubt not."""
        same_town = self._place_of[before] == self._place_of[shop]
        left_ms = at_ms - before_ms
        fine: Bools = (before == NOBODY) | same_town & (left_ms > ACROSS_TOWN_MS)
        near = np.flatnonzero(~fine & same_town)
        there, here = shop[near], before[near]
        km: Floats = distances_km(
            self._latitude[here], self._longitude[here], self._latitude[there], self._longitude[there]
        )
        way_ms = MINUTE_MS + km / IN_TOWN_KMH * HOUR_MS
        fine[near] = (km < IN_TOWN_KM - DOUBT_KM) & (left_ms[near] > way_ms + DOUBT_MS)
        return fine

    def _drafts(self, intents: Intents, rows: Ints, base: Ints, shop: Ints) -> list[Draft]:
        """Return what comes of some of the intents (rows), all of them approved."""
        who, online, shop = intents.holder[rows], intents.online[rows], shop[rows]
        foreign = intents.foreign_place[rows]
        place = np.where(foreign >= 0, foreign, base[who])
        spot = np.where(online, self._spots + 2 * place + intents.located[rows], shop)
        columns = (
            intents.at_ms[rows],
            self._holder_at[who],
            np.where(online, intents.web_minor[rows], intents.shop_minor[rows]),
            self._merchant_at[shop],
            np.where(online, self._devices[who, intents.device[rows]], NO_DEVICE),
            *(column[spot] for column in self._spot_columns),
            intents.approved[rows],
        )
        return list(map(_draft, zip(*(column.tolist() for column in columns), strict=True)))


def _objects(values: Iterable[Any]) -> Objects:
    listed = list(values)
    made = np.empty(len(listed), object)
    made[:] = listed
    return made
