"""Where money can be spent: categories, places, and the merchants of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from faker import Faker
from numpy.random import Generator

from producer.model import Merchant, Place


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of merchant, by its ISO 18245 code."""

    mcc: str
    name: str
    share: float
    """Part of all purchases that an average cardholder makes here."""
    median_minor: int
    """Median amount in minor units."""
    log_amount_sd: float
    """Standard deviation of ln(amount)."""
    online: float
    """Part of its purchases made online."""


CATEGORIES: Final = (
    Category("5411", "groceries", 0.24, 2_800, 0.75, 0.05),
    Category("5812", "restaurant", 0.11, 3_200, 0.65, 0.10),
    Category("5814", "fast food", 0.12, 1_050, 0.55, 0.15),
    Category("5541", "fuel", 0.07, 5_200, 0.45, 0.0),
    Category("4111", "local transport", 0.08, 420, 0.90, 0.40),
    Category("5912", "pharmacy", 0.06, 1_700, 0.80, 0.10),
    Category("5651", "clothing", 0.06, 5_500, 0.85, 0.50),
    Category("5311", "department store", 0.05, 4_800, 0.95, 0.35),
    Category("5732", "electronics", 0.03, 13_000, 1.15, 0.55),
    Category("5944", "jewellery", 0.01, 15_000, 1.10, 0.20),
    Category("5947", "gifts", 0.04, 2_400, 0.90, 0.55),
    Category("5815", "digital goods", 0.08, 900, 0.85, 1.0),
    Category("7011", "hotel", 0.02, 17_000, 0.80, 0.50),
    Category("4511", "airline", 0.03, 21_000, 0.80, 1.0),
)

LOCALES: Final = ("de_DE", "fr_FR", "it_IT", "es_ES", "pt_PT")
"""Whose company names the merchants have."""
HOME_COUNTRIES: Final = ("DE", "FR", "IT", "ES", "NL", "DE", "FR", "BE", "IT", "PT")
"""One near place after the other is drawn from these; Faker knows at least five in each."""
NEAR_PLACES: Final = 30
PLACES: Final = 54
"""Places near and, after them, places all over the world to travel to."""
CARDS_OF_A_TOWN: Final = 55
"""So many cardholders share a home town, unless there are more than for all near places."""
FEWEST_HOMES: Final = 2
PURCHASES_OF_A_QUARTER: Final = 10.0
"""A home town has a quarter for so many purchases a day: a terminal is as busy in a town of any size."""
QUARTERS: Final = 5
"""Parts of a town, at least; each category has one shop in each."""
MOST_QUARTERS: Final = 100
QUARTER_SD_DEG: Final = 0.018
"""How far a quarter lies from the town's centre, about 2 km."""
SHOP_SD_DEG: Final = 0.001
"""How far a shop lies from the middle of its quarter, about 100 m."""
WEB_SHOPS: Final = 8
"""Web shops of each category."""
NAMES: Final = 400


@dataclass(frozen=True, slots=True)
class Market:
    """All merchants."""

    homes: tuple[Place, ...]
    """The places where cardholders live: the first of `places`."""
    places: tuple[Place, ...]
    shops: tuple[tuple[tuple[Merchant, ...], ...], ...]
    """Shops by place, category and quarter."""
    web_shops: tuple[tuple[Merchant, ...], ...]
    """Web shops by category."""

    @property
    def quarters(self) -> int:
        """How many quarters a home town has."""
        return len(self.shops[0][0])


def build_market(rng: Generator, cards: int, purchases_per_day: float) -> Market:
    """Draw names and places from Faker once, and merchants from them.

    Args:
        rng: for the market and the people.
        cards: how many people live there.
        purchases_per_day: of all of them.
    """
    fakes = [seeded(locale, rng) for locale in LOCALES]
    names = [fakes[i % len(fakes)].company() for i in range(NAMES)]
    places = _places(fakes[0])
    homes = places[: min(NEAR_PLACES, max(FEWEST_HOMES, round(cards / CARDS_OF_A_TOWN)))]
    wanted = round(purchases_per_day / len(homes) / PURCHASES_OF_A_QUARTER)
    quarters = min(MOST_QUARTERS, max(QUARTERS, wanted))
    shops = tuple(_shops_of(place, quarters if place in homes else QUARTERS, names, rng) for place in places)
    web_shops = tuple(
        tuple(
            Merchant(f"mer_w{category.mcc}{i:02d}", f"{names[int(rng.integers(NAMES))]} Online", category.mcc)
            for i in range(WEB_SHOPS)
        )
        for category in CATEGORIES
    )
    return Market(homes, places, shops, web_shops)


def seeded(locale: str, rng: Generator) -> Faker:
    """Return the Faker of a locale, which the next call for the same locale seeds anew.

    One Faker a locale: a Faker of several picks among them by the global random module.
    """
    fake = _faker(locale)
    fake.seed_instance(int(rng.integers(1 << 32)))
    return fake


@cache  # to make one takes longer than to draw all names from it
def _faker(locale: str) -> Faker:
    return Faker(locale)


def _places(fake: Faker) -> tuple[Place, ...]:
    found: dict[str, Place] = {}
    while len(found) < PLACES:
        i = len(found)
        here = None
        if i < NEAR_PLACES:
            here = fake.local_latlng(country_code=HOME_COUNTRIES[i % len(HOME_COUNTRIES)])
        latitude, longitude, name, country, _ = here or fake.location_on_land()
        offset_h = round(float(longitude) / 15)
        found.setdefault(name, Place(i, name, country, float(latitude), float(longitude), offset_h))
    return tuple(found.values())


def _shops_of(place: Place, quarters: int, names: list[str], rng: Generator) -> tuple[tuple[Merchant, ...], ...]:
    centre = np.array([place.latitude, place.longitude])
    middles = centre + np.clip(rng.normal(0, QUARTER_SD_DEG, (quarters, 2)), -0.04, 0.04)
    spots: list[list[list[float]]]
    spots = (middles + np.clip(rng.normal(0, SHOP_SD_DEG, (len(CATEGORIES), quarters, 2)), -0.003, 0.003)).tolist()
    picks = rng.integers(len(names), size=(len(CATEGORIES), quarters)).tolist()
    return tuple(
        tuple(
            Merchant(
                merchant_id=f"mer_{place.index:02d}{category.mcc}{quarter}",
                name=f"{names[picks[c][quarter]]} {place.name}",
                mcc=category.mcc,
                place=place,
                terminal_id=f"ter_{place.index:02d}{category.mcc}{quarter}",
                latitude=round(spots[c][quarter][0], 5),
                longitude=round(spots[c][quarter][1], 5),
            )
            for quarter in range(quarters)
        )
        for c, category in enumerate(CATEGORIES)
    )
