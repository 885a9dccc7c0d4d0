"""Streams of transactions, and judges, drawn by chance: input of the batch judge's tests."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from hypothesis import strategies as st

from analyzer.core.detect import Judge
from analyzer.core.model import DAY_MS, HOUR_MS, MINUTE_MS, Transaction
from analyzer.core.rules.base import Rule
from analyzer.core.sighting import Sight
from analyzer.core.window import MAX_RECENT
from analyzer.wire import checked
from tests.analyzer_input import NOON_MS, judge, record, sight

STEPS_MS = (0, 0, 1, 1_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS)
LONG_STEPS_MS = (DAY_MS, 8 * DAY_MS, 30 * DAY_MS)
RNGS = st.integers(0, 2**32).map(random.Random)
BACK_MS = (1, MINUTE_MS, HOUR_MS, HOUR_MS + 1, DAY_MS)


def stream(rng: random.Random, count: int, cards: int, disorder: float) -> list[Transaction]:
    """Return transactions of which a part `disorder` are out of order, and such parts are repeated."""
    at_ms, ids, made = NOON_MS, list[str](), list[Transaction]()
    for number in range(count):
        at_ms += rng.choice((*STEPS_MS, rng.randrange(2 * HOUR_MS)))
        at_ms += rng.choice(LONG_STEPS_MS) if rng.random() < 0.01 else 0
        name = rng.choice(ids[-20:]) if ids and rng.random() < disorder else f"t-{number}"
        ids.append(name)
        back_ms = rng.choice(BACK_MS) if rng.random() < disorder else 0
        card = int(rng.random() ** 2 * cards)
        made.append(checked(record(transactionId=name, cardId=f"card-{card}", eventTime=at_ms - back_ms, **use(rng))))
        if rng.random() < disorder:
            made.append(rng.choice(made[-20:]) if rng.random() < 0.5 else made[-1])
    return made[:count]


def use(rng: random.Random) -> dict[str, Any]:
    places = [(None, None), (52.5, 13.4), (52.6, 13.4), (-10.0, 100.0)]
    latitude, longitude = rng.choice(places)
    return {
        "amountMinor": rng.choice([0, 150, 1_000, 2_500, 9_000, 60_000, rng.randrange(100_000)]),
        "merchantId": f"merchant-{rng.randrange(4)}",
        "merchantCategory": rng.choice(["5411", "5815"]),
        "terminalId": rng.choice([None, "terminal-1"]),
        "country": rng.choice(["DE"] * 8 + ["BR", "FR", "US"]),
        "deviceId": rng.choice([None, None, "phone", "phone", "other", "third"]),
        "channel": rng.choice(["CARD_PRESENT", "CARD_NOT_PRESENT"]),
        "latitude": latitude,
        "longitude": longitude,
        "approved": rng.random() < 0.85,
    }


def varied(rng: random.Random, rule: Rule) -> Rule:
    """Return a rule with other thresholds, most of them easier to break."""
    thresholds = {one.name: getattr(rule, one.name) for one in dataclasses.fields(rule)}  # type: ignore[arg-type]  # it is one
    changed = {
        name: type(value)(value * rng.choice([0.2, 0.5, 1, 1.3]))
        for name, value in thresholds.items()
        if isinstance(value, int | float) and "score" not in name
    }
    return dataclasses.replace(rule, **changed)  # type: ignore[type-var]  # as above


def by_chance(rng: random.Random) -> tuple[Judge, Sight | None]:
    chosen = judge(
        rules=tuple(varied(rng, rule) for rule in judge().rules),
        alert_threshold=rng.choice([0.2, 0.5]),
        max_recent=rng.choice([3, 30, MAX_RECENT, MAX_RECENT]),
        allowed_lateness_ms=rng.choice([0, HOUR_MS, DAY_MS]),
        shadow=frozenset(rng.sample(["velocity", "first_seen", "follow_up"], rng.randrange(3))),
    )
    return chosen, rng.choice([sight(), sight(online=True, least_z=0.0), None])
