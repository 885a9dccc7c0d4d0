"""Whole batches are byte for byte what the readable way makes of each record, and go out in the same order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.batch import Batch, Batches, long, longs
from producer.flow import send
from producer.model import CURRENCY, Cardholder, Draft, Label, Merchant, Oracle, Place, Transaction
from producer.pace import Pace, at_once
from producer.plain import PlainDays
from producer.population import build_population
from producer.presets import make_plan
from producer.spending import Spending
from producer.timeline import LABEL_DELAY_MS, Stretch, first, stretches, transactions, with_oracle
from producer.wire import Wire, encoders
from schemas.codec import Decoder
from schemas.registry import FakeRegistry
from schemas.topics import LABELS, ORACLE, TRANSACTIONS

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
LONG = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
DEGREES = st.none() | st.floats(allow_nan=False)
IDS = st.uuids().map(str)

registry = FakeRegistry()
wire, batches = Wire.registered(registry), Batches(encoders(registry))


def one_by_one(stretch: Stretch) -> Batch:
    """Encode with fastavro, record by record."""
    batch = batches.encoded(stretch)
    written = [[wire.written(one) for one in (made, label, Oracle(label))] for made, label in stretch.pairs()]
    assert batch.event_ms == [draft.event_ms for draft in stretch.drafts]
    assert batch.labels.release_ms == [label.release_ms for _, label in stretch.pairs()]
    assert list(zip(batch.keys, batch.values, strict=True)) == [made[1:] for made, _, _ in written]
    assert list(zip(batch.labels.keys, batch.labels.values, strict=True)) == [label[1:] for _, label, _ in written]
    frauds = [i for i, scenario in enumerate(stretch.scenarios) if scenario is not None]
    assert batch.oracle == {i: written[i][2][2] for i in frauds}
    return batch


@pytest.mark.parametrize("preset", ["workshop", "handbook", "real"])
@pytest.mark.parametrize("seed", [7, 42, 2**63])
def test_every_generated_transaction_and_label_has_fastavros_bytes(preset: str, seed: int) -> None:
    parts = list(first(3_000, stretches(make_plan(seed, START_MS, preset, 120), 700)))
    assert sum(len(part.drafts) for part in parts) == 3_000
    for part in parts:
        one_by_one(part)


def holders() -> st.SearchStrategy[Cardholder]:
    home = Place(0, "Home", "DE", 1.0, 2.0, 0)
    odds = (1.0,)
    return st.builds(
        lambda card, four, user: Cardholder(0, card, four, user, home, 0, (), 1, 0, odds, odds, odds, odds, 1, 1, 0, 0),
        TEXT,
        TEXT,
        TEXT,
    )


def drafts() -> st.SearchStrategy[Draft]:
    merchants = st.builds(Merchant, TEXT, TEXT, TEXT, terminal_id=st.none() | TEXT)
    times = st.integers(-(2**62), 2**62)
    return st.builds(Draft, times, holders(), LONG, merchants, st.none() | TEXT, TEXT, DEGREES, DEGREES, st.booleans())


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(IDS, drafts(), st.none() | TEXT), min_size=1, max_size=8))
def test_odd_values_have_fastavros_bytes_too(rows: list[tuple[str, Draft, str | None]]) -> None:
    ids, made, scenarios = zip(*rows, strict=True)
    one_by_one(Stretch(np.array(ids, "S36"), made, scenarios))


def test_zero_and_minus_zero_degrees_stay_apart() -> None:
    part = next(stretches(make_plan(7, START_MS, "workshop", 20), 4))
    places = [(0.0, -0.0), (-0.0, 0.0), (0.0, 0.0), (-0.0, -0.0)]
    moved = [d._replace(latitude=a, longitude=b) for d, (a, b) in zip(part.drafts, places, strict=True)]
    for _ in range(2):
        one_by_one(Stretch(part.ids, moved, part.scenarios))


def test_what_is_encoded_is_read_again() -> None:
    part = next(stretches(make_plan(7, START_MS, "workshop", 20), 50))
    decoder, batch = Decoder(registry, logical_types=False), batches.encoded(part)
    for value, label, (made, told) in zip(batch.values, batch.labels.values, part.pairs(), strict=True):
        assert decoder.decode(value) == made.record()
        assert decoder.decode(label) == told.record()
        assert decoder.decode(value)["currency"] == CURRENCY


@given(values=st.lists(LONG, max_size=20))
def test_integers_are_encoded_alike_alone_and_together(values: list[int]) -> None:
    assert longs(np.array(values, np.int64)) == [long(value) for value in values]


@pytest.mark.parametrize(
    ("value", "form"),
    [(0, b"\x00"), (-1, b"\x01"), (1, b"\x02"), (63, b"\x7e"), (64, b"\x80\x01"), (8_192, b"\x80\x80\x01")],
)
def test_an_integer_has_the_form_that_avro_says(value: int, form: bytes) -> None:
    assert long(value) == form


class Outlet:
    """Keeps what it is given."""

    def __init__(self, stop_after: int = 1 << 60) -> None:
        self.by_topic: dict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
        self.stop_after = stop_after

    def send_all(self, topic: str, keys: Iterable[bytes], values: Iterable[bytes]) -> None:
        self.by_topic[topic] += zip(keys, values, strict=True)

    def stopping(self) -> bool:
        return len(self.by_topic[TRANSACTIONS]) >= self.stop_after


def sent(count: int, most: int, stop_after: int = 1 << 60) -> dict[str, list[tuple[bytes, bytes]]]:
    outlet = Outlet(stop_after)
    parts = first(count, stretches(make_plan(7, START_MS, "workshop", 60), most))
    send(map(batches.encoded, parts), outlet, Pace(at_once(), lambda: 0.0, lambda _: None), outlet.stopping)
    return outlet.by_topic


def expected(count: int) -> dict[str, list[tuple[bytes, bytes]]]:
    by_topic: dict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
    pairs = islice(transactions(make_plan(7, START_MS, "workshop", 60)), count)
    for topic, key, value in map(wire.written, with_oracle(pairs)):
        by_topic[topic].append((key, value))
    return by_topic


@pytest.mark.parametrize("most", [1, 7, 1_000])
def test_each_topic_gets_the_same_records_in_the_same_order_in_stretches_of_any_length(most: int) -> None:
    made = sent(1_200, most)
    assert made == expected(1_200)
    assert made[ORACLE]


def test_after_a_stop_what_was_sent_gets_its_labels_and_nothing_more_is_sent() -> None:
    made = sent(5_000, 10, stop_after=800)
    count = len(made[TRANSACTIONS])
    assert 800 <= count < 810
    assert made == expected(count)


def test_a_label_follows_once_its_time_has_come_and_not_before() -> None:
    now_ms: list[int] = []
    released: list[int] = []

    class Clocked(Outlet):
        def send_all(self, topic: str, keys: Iterable[bytes], values: Iterable[bytes]) -> None:
            super().send_all(topic, keys, values)
            fields = [Decoder(registry, logical_types=False).decode(value) for value in values]
            if topic == TRANSACTIONS:
                now_ms.append(max(one["eventTime"] for one in fields))
            elif topic == LABELS and len(self.by_topic[TRANSACTIONS]) < 900:
                released.extend(one["releaseTime"] for one in fields)
                assert max(one["releaseTime"] for one in fields) <= now_ms[-1]

    outlet = Clocked()
    parts = first(900, stretches(make_plan(7, START_MS, "workshop", 30), 20))
    send(map(batches.encoded, parts), outlet, Pace(at_once(), lambda: 0.0, lambda _: None), lambda: False)
    assert released
    assert released == sorted(released)
    assert released[0] >= START_MS + LABEL_DELAY_MS


class NoPlainDays(PlainDays):
    """Leaves every purchase to be played."""

    def day(self, intents: Any, base: Any, restless: Any) -> tuple[Any, list[Draft]]:
        del base, restless
        return np.zeros(len(intents.holder), bool), []


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), cards=st.sampled_from([1, 3, 40, 150]), per_day=st.sampled_from([0.2, 1.9, 9.0]))
def test_plain_days_are_what_playing_them_purchase_by_purchase_gives(seed: int, cards: int, per_day: float) -> None:
    population = build_population(seed, cards, per_day)
    at_once, played = Spending(population), Spending(population)
    played._plain = NoPlainDays(population.market, population.cardholders, played._devices)
    for day in range(25):
        rngs = [np.random.default_rng([seed, day]) for _ in range(2)]
        day_ms = START_MS + day * 86_400_000
        assert at_once.day(day_ms, rngs[0]) == played.day(day_ms, rngs[1])
        assert rngs[0].random() == rngs[1].random(), "both have drawn as often"


def test_most_days_are_plain() -> None:
    population = build_population(7, 200, 1.9)
    spending = Spending(population)
    plain: list[bool] = []

    class Counting(PlainDays):
        def day(self, intents: Any, base: Any, restless: Any) -> tuple[Any, list[Draft]]:
            found, made = super().day(intents, base, restless)
            plain.extend(found.tolist())
            return found, made

    spending._plain = Counting(population.market, population.cardholders, spending._devices)
    for day in range(20):
        spending.day(START_MS + day * 86_400_000, np.random.default_rng([7, day]))
    assert sum(plain) / len(plain) > 0.6


def test_pairs_of_a_stretch_are_transactions_and_their_labels() -> None:
    part = next(stretches(make_plan(7, START_MS, "workshop", 20), 30))
    for (made, label), draft in zip(part.pairs(), part.drafts, strict=True):
        assert made == Transaction(made.transaction_id, draft)
        assert label == Label(made, label.scenario, draft.event_ms + LABEL_DELAY_MS)
