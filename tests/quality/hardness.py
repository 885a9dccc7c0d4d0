"""What a rule could look at, one figure at a time: features of a run, and how well each finds the fraud alone."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from math import log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producer.geography import distance_km
from producer.model import DAY_MS, HOUR_MS, MINUTE_MS, Draft, Label, Transaction
from producer.presets import make_plan
from producer.timeline import transactions

START_MS: Final = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SEED: Final = 7
SIZES: Final = {"real": 40_000, "handbook": 40_000, "workshop": 20_000}
"""Transactions of a run of each preset: real and handbook take three weeks, workshop seven."""
DIFFICULTIES: Final = (0.0, 0.5, 1.0)
FEATURES: Final = (
    "amount",
    "amount_z_score",
    "amount_against_mean",
    "in_ten_minutes",
    "in_an_hour",
    "in_a_day",
    "sum_of_a_day_against_mean",
    "merchants_in_an_hour",
    "declined_in_an_hour",
    "days_since_last",
    "new_device",
    "days_since_device_was_new",
    "abroad",
    "new_country",
    "new_merchant",
    "night",
    "speed_kmh",
    "online",
    "cards_at_terminal_in_a_day",
    "cards_at_terminal_in_three_days",
)


@dataclass(frozen=True)
class Sample:
    """A run as columns, one value a transaction."""

    columns: dict[str, NDArray[np.float64]]
    fraud: NDArray[np.bool_]
    scenarios: list[str | None]
    drafts: list[Draft]


@cache
def run(preset: str, difficulty: float = 0.5, seed: int = SEED) -> list[tuple[Transaction, Label]]:
    plan = make_plan(seed, START_MS, preset, difficulty=difficulty)
    return list(islice(transactions(plan), SIZES[preset]))


@cache
def sample(preset: str, difficulty: float = 0.5) -> Sample:
    rows = run(preset, difficulty)
    drafts = [transaction.draft for transaction, _ in rows]
    scenarios = [label.scenario for _, label in rows]
    columns = np.array(list(features(drafts)), dtype=float).T
    fraud = np.array([scenario is not None for scenario in scenarios])
    return Sample(dict(zip(FEATURES, columns, strict=True)), fraud, scenarios, drafts)


@dataclass
class Terminal:
    """What a rule may know of a terminal: who came in three days."""

    recent: deque[tuple[int, int]] = field(default_factory=deque)

    def cards(self, draft: Draft) -> tuple[int, int]:
        """Return how many different cards came in a day and in three, this one included."""
        self.recent.append((draft.event_ms, draft.holder.index))
        while self.recent[0][0] <= draft.event_ms - 3 * DAY_MS:
            self.recent.popleft()
        day = {card for at_ms, card in self.recent if at_ms > draft.event_ms - DAY_MS}
        return len(day), len({card for _, card in self.recent})


@dataclass
class Card:
    """What a rule may know of a card."""

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0
    total: int = 0
    day: deque[Draft] = field(default_factory=deque)
    last: Draft | None = None
    located: Draft | None = None
    devices: dict[str | None, int] = field(default_factory=dict)
    countries: set[str] = field(default_factory=set)
    merchants: set[str] = field(default_factory=set)

    def features(self, draft: Draft) -> tuple[float, ...]:
        now_ms = draft.event_ms
        while self.day and self.day[0].event_ms <= now_ms - DAY_MS:
            self.day.popleft()
        hour = [d for d in self.day if d.event_ms > now_ms - HOUR_MS]
        sd = max(0.5, sqrt(self.m2 / (self.count - 1))) if self.count > 5 else 0.0
        mean = self.total / self.count if self.count > 5 else 0.0
        first_ms = self.devices.get(draft.device_id, now_ms) if draft.device_id else None
        return (
            draft.amount_minor,
            (log(draft.amount_minor) - self.mean) / sd if sd else 0.0,
            draft.amount_minor / mean if mean else 1.0,
            1 + sum(d.event_ms > now_ms - 10 * MINUTE_MS for d in hour),
            1 + len(hour),
            1 + len(self.day),
            (draft.amount_minor + sum(d.amount_minor for d in self.day)) / mean if mean else 1.0,
            len({d.merchant.merchant_id for d in (*hour, draft)}),
            sum(not d.approved for d in (*hour, draft)),
            (now_ms - self.last.event_ms) / DAY_MS if self.last else 0.0,
            draft.device_id is not None and draft.device_id not in self.devices and bool(self.devices),
            100.0 if first_ms is None or self.count <= 5 else (now_ms - first_ms) / DAY_MS,
            draft.country != draft.holder.home.country,
            draft.country not in self.countries,
            draft.merchant.merchant_id not in self.merchants,
            (now_ms // HOUR_MS) % 24 < 6,
            kmh(self.located, draft),
            draft.device_id is not None,
        )

    def add(self, draft: Draft) -> None:
        self.count += 1
        delta = log(draft.amount_minor) - self.mean
        self.mean += delta / self.count
        self.m2 += delta * (log(draft.amount_minor) - self.mean)
        self.total += draft.amount_minor
        self.day.append(draft)
        self.last = draft
        if draft.device_id:
            self.devices.setdefault(draft.device_id, draft.event_ms)
        self.countries.add(draft.country)
        self.merchants.add(draft.merchant.merchant_id)
        self.located = draft if draft.device_id is None else self.located


def kmh(before: Draft | None, draft: Draft) -> float:
    """Return how fast the card would have moved between two terminals."""
    if before is None or draft.latitude is None or draft.device_id is not None:
        return 0.0
    km = distance_km(before.latitude or 0, before.longitude or 0, draft.latitude, draft.longitude or 0)
    return km / max(1 / 60, (draft.event_ms - before.event_ms) / HOUR_MS)


def features(drafts: Iterable[Draft]) -> Iterable[tuple[float, ...]]:
    """Yield the values of `FEATURES` for each transaction."""
    cards: dict[int, Card] = defaultdict(Card)
    terminals: dict[str, Terminal] = defaultdict(Terminal)
    for draft in drafts:
        card, terminal = cards[draft.holder.index], draft.merchant.terminal_id
        yield (*card.features(draft), *(terminals[terminal].cards(draft) if terminal else (0, 0)))
        card.add(draft)


def best_f1(values: NDArray[np.float64], fraud: NDArray[np.bool_]) -> float:
    """Return the highest F1 of any threshold, on either side of it."""
    scores = []
    for signed in (values, -values):
        order = np.argsort(-signed, kind="stable")
        found = np.cumsum(fraud[order])
        ends = np.append(np.flatnonzero(np.diff(signed[order])), len(signed) - 1)  # where a threshold can stand
        scores.append(float((2 * found[ends] / (ends + 1 + fraud.sum())).max()))
    return max(scores)


def overlap(values: NDArray[np.float64], fraud: NDArray[np.bool_], bins: int = 20) -> float:
    """Return the overlap coefficient of the genuine and the fraudulent distribution: 1 is equal, 0 is apart."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    edges = np.unique(values) if len(edges) <= bins // 2 else edges
    inside = np.searchsorted(edges, values, side="right")
    shares = [
        np.bincount(inside[chosen], minlength=len(edges) + 1) / max(1, chosen.sum()) for chosen in (fraud, ~fraud)
    ]
    return float(np.minimum(*shares).sum())
