"""The cardholders, each with habits of their own, from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.market import CATEGORIES, Market, build_market, seeded
from producer.model import Cardholder

IDS: Final = UUID("6a1b4c1e-52a4-5f0b-9a57-0a6a7c9d1b11")
"""Namespace of every id that the generator makes up."""
USER_NAMES: Final = 200
SPARE_DEVICES: Final = (0.2, 0.05)
"""Shares of cardholders who have a second device, and a third."""


@dataclass(frozen=True, slots=True)
class Traits:
    """How cardholders differ from one another."""

    activity_shape: float = 3.0
    """Shape of the gamma distribution of purchases a day; smaller means more unequal."""
    taste_concentration: float = 25.0
    """Concentration of the Dirichlet distribution of categories; smaller means more unequal."""
    wealth_log_sd: float = 0.35
    """Standard deviation of ln(a person's amounts against the average's)."""
    category_log_sd: float = 0.2
    """The same for one category of one person, on top."""
    online_share_mean: float = 0.30
    online_share_sd: float = 0.12
    night_share_mean: float = 0.045
    """Mean share of purchases between midnight and six; exponential."""
    trips_per_year_mean: float = 9.0
    """Mean of journeys to another place; exponential, so a few people travel all the time."""
    shared_share: float = 0.012
    """Cards that a spouse in another town has a second one of."""
    sleeper_share: float = 0.08
    """Cards that are left alone for weeks."""


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody who spends, and where they can."""

    market: Market
    cardholders: tuple[Cardholder, ...]


def build_population(seed: int, cards: int, purchases_per_card_day: float, traits: Traits | None = None) -> Population:
    """Return `cards` cardholders and their market; the same arguments give the same people.

    Args:
        seed: start of all draws.
        cards: how many.
        purchases_per_card_day: mean over all of them.
        traits: how they differ.
    """
    rng = np.random.default_rng([seed, 0])
    market = build_market(rng, cards, cards * purchases_per_card_day)
    columns = _draw(rng, cards, purchases_per_card_day, market.quarters, traits or Traits())
    namespace = uuid5(IDS, f"population/{seed}")
    names = _user_names(rng)
    holders = tuple(_cardholder(i, namespace, names, market, columns) for i in range(cards))
    return Population(market, holders)


def _user_names(rng: Generator) -> list[str]:
    fake = seeded("en_GB", rng)
    return [fake.user_name() for _ in range(USER_NAMES)]


def _draw(rng: Generator, cards: int, per_day: float, quarters: int, traits: Traits) -> dict[str, NDArray[Any]]:
    """Draw every trait of everybody: one row a card."""
    share = np.array([c.share for c in CATEGORIES])
    online = np.array([c.online for c in CATEGORIES])
    taste = rng.dirichlet(traits.taste_concentration * share / share.sum(), cards) + 1e-4
    centre = np.log([c.median_minor for c in CATEGORIES])
    wealth = rng.normal(0, traits.wealth_log_sd, (cards, 1))
    activity = rng.gamma(traits.activity_shape, 1 / traits.activity_shape, cards)
    return {
        "present_odds": _cumulative(taste * (1 - online)),
        "online_odds": _cumulative(taste * online),
        "means": centre + wealth + rng.normal(0, traits.category_log_sd, taste.shape),
        "sds": np.array([c.log_amount_sd for c in CATEGORIES]) * rng.uniform(0.75, 1.2, taste.shape),
        "per_day": per_day * np.clip(activity, 0.1, 4.0),
        "online_share": np.clip(rng.normal(traits.online_share_mean, traits.online_share_sd, cards), 0.03, 0.9),
        "night_share": np.clip(rng.exponential(traits.night_share_mean, cards), 0.005, 0.4),
        "trips_per_day": np.clip(rng.exponential(traits.trips_per_year_mean, cards), 0, 60) / 365,
        "peak_hour": rng.normal(15.5, 2.0, cards),
        "hour_sd": rng.uniform(2.5, 4.5, cards),
        "last_four": rng.integers(10_000, size=cards),
        "name": rng.integers(USER_NAMES, size=cards),
        "home": rng.random(cards),
        "quarter": rng.integers(quarters, size=cards),
        "devices": 1 + (rng.random((cards, 2)) < SPARE_DEVICES).sum(axis=1),
        "second_home": rng.random(cards),
        "shared": rng.random(cards) < traits.shared_share,
        "sleeps": rng.random(cards) < traits.sleeper_share,
    }


def _cumulative(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    odds[:, -1] = 1.0
    return odds


def _cardholder(
    i: int, namespace: UUID, names: list[str], market: Market, columns: dict[str, NDArray[Any]]
) -> Cardholder:
    token = uuid5(namespace, f"card/{i}").hex
    home, second_home = (market.homes[int(columns[name][i] * len(market.homes))] for name in ("home", "second_home"))
    return Cardholder(
        index=i,
        card_id=f"card_{token[:16]}",
        last_four=f"{columns['last_four'][i]:04d}",
        user_id=f"{names[columns['name'][i]]}-{token[16:22]}",
        home=home,
        quarter=int(columns["quarter"][i]),
        devices=tuple(f"dev_{uuid5(namespace, f'device/{i}/{k}').hex[:12]}" for k in range(columns["devices"][i])),
        purchases_per_day=float(columns["per_day"][i]),
        online_share=float(columns["online_share"][i]),
        present_odds=tuple(columns["present_odds"][i].tolist()),
        online_odds=tuple(columns["online_odds"][i].tolist()),
        log_amount_means=tuple(columns["means"][i].tolist()),
        log_amount_sds=tuple(columns["sds"][i].tolist()),
        peak_hour=float(columns["peak_hour"][i]),
        hour_sd=float(columns["hour_sd"][i]),
        night_share=float(columns["night_share"][i]),
        trips_per_day=float(columns["trips_per_day"][i]),
        second_home=second_home if columns["shared"][i] and second_home is not home else None,
        sleeps=bool(columns["sleeps"][i]),
    )
