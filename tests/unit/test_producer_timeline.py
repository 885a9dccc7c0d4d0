"""What is generated: the same again, in order, with one label each, and as much fraud as was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import islice, pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.geography import distance_km
from producer.model import HOUR_MS, Draft, Label, Oracle, Transaction
from producer.presets import Plan, make_plan
from producer.timeline import LABEL_DELAY_MS, transactions, with_late_labels, with_oracle
from producer.wire import Wire, addressed, json_line
from schemas.codec import Decoder
from schemas.registry import FakeRegistry
from schemas.topics import ORACLE, TRANSACTIONS

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
seeds = st.integers(0, 2**63)


def plan(seed: int = 7, preset: str = "workshop", cards: int | None = 40) -> Plan:
    return make_plan(seed, START_MS, preset, cards)


@cache
def rows() -> list[tuple[Transaction, Label]]:
    return list(islice(transactions(plan()), 2_500))


def values(chosen: Plan, count: int) -> list[tuple[str, bytes, bytes]]:
    registry = FakeRegistry()
    wire = Wire.registered(registry)
    return [wire.written(record) for record in with_oracle(islice(transactions(chosen), count))]


@settings(max_examples=3, deadline=None)
@given(seed=seeds)
def test_the_same_seed_gives_the_same_bytes(seed: int) -> None:
    assert values(plan(seed), 300) == values(plan(seed), 300)


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    command = [sys.executable, "-m", "producer", "print", "--transactions", "1500", "--cards", "60", "--seed", "5"]
    printed = [
        subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) > 3_000


def test_another_seed_gives_other_cards_and_other_ids() -> None:
    first, second = (list(islice(transactions(plan(seed)), 500)) for seed in (1, 2))
    assert not {t.transaction_id for t, _ in first} & {t.transaction_id for t, _ in second}
    assert not {t.draft.holder.card_id for t, _ in first} & {t.draft.holder.card_id for t, _ in second}


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    assert list(islice(transactions(plan()), 300)) == list(islice(transactions(plan()), 900))[:300]


@pytest.mark.parametrize(
    "other",
    [
        plan(preset="handbook"),
        plan(cards=41),
        make_plan(7, START_MS + 1, "workshop", 40),
        make_plan(7, START_MS, "workshop", 40, difficulty=1),
    ],
)
def test_another_plan_with_the_same_seed_has_other_transaction_ids(other: Plan) -> None:
    first, second = (next(transactions(chosen))[0] for chosen in (plan(), other))
    assert first.transaction_id != second.transaction_id


@settings(max_examples=3, deadline=None)
@given(seed=seeds, cards=st.integers(1, 60))
def test_event_time_never_goes_back_and_ids_are_unique(seed: int, cards: int) -> None:
    made = [t for t, _ in islice(transactions(plan(seed, cards=cards)), 400)]
    assert all(a.draft.event_ms <= b.draft.event_ms for a, b in pairwise(made))
    assert made[0].draft.event_ms >= START_MS
    assert len({UUID(t.transaction_id) for t in made}) == 400


@settings(max_examples=3, deadline=None)
@given(seed=seeds, count=st.integers(0, 900))
def test_every_transaction_gets_one_label_late_and_in_order(seed: int, count: int) -> None:
    stream = list(with_late_labels(islice(transactions(plan(seed, cards=25)), count)))
    made = [record for record in stream if isinstance(record, Transaction)]
    labels = [record for record in stream if isinstance(record, Label)]
    assert len(made) == count
    assert Counter(label.transaction.transaction_id for label in labels) == {t.transaction_id: 1 for t in made}
    assert all(a.release_ms <= b.release_ms for a, b in pairwise(labels))
    now_ms = START_MS
    ended = max((i for i, record in enumerate(stream) if isinstance(record, Transaction)), default=-1)
    for position, record in enumerate(stream):
        if isinstance(record, Transaction):
            now_ms = record.draft.event_ms
        elif position < ended:
            # The clock is the next transaction's: it has passed the release, not much more.
            following = next(r.draft.event_ms for r in stream[position:] if isinstance(r, Transaction))
            assert now_ms < record.release_ms <= following
            assert record.release_ms == record.transaction.draft.event_ms + LABEL_DELAY_MS


def test_the_oracle_tells_of_each_fraudulent_transaction_at_once() -> None:
    stream = list(with_oracle(iter(rows())))
    told = [(before, record) for before, record in pairwise(stream) if isinstance(record, Oracle)]
    assert [record.label for _, record in told] == [label for _, label in rows() if label.scenario]
    assert all(before is record.label.transaction for before, record in told)
    assert [r for r in stream if not isinstance(r, Oracle)] == list(with_late_labels(iter(rows())))
    assert addressed(told[0][1]).topic == ORACLE
    assert addressed(told[0][1]).fields == told[0][1].label.record()


def test_a_label_says_whether_money_was_lost() -> None:
    assert {(label.record()["approved"], transaction.draft.approved) for transaction, label in rows()} == {
        (True, True),
        (False, False),
    }


def test_held_back_labels_are_those_of_the_last_seven_days_alone() -> None:
    held = most = 0
    last_ms = START_MS
    for record in with_late_labels(islice(transactions(plan(cards=20)), 1_500)):
        if isinstance(record, Transaction):
            held, last_ms = held + 1, record.draft.event_ms
            most = max(most, held)
        else:
            held -= 1
    assert last_ms - START_MS > 3 * LABEL_DELAY_MS
    assert most < 1_500 / 2


def test_genuine_spending_is_the_same_with_and_without_fraud() -> None:
    honest = make_plan(7, START_MS, "workshop", 60)
    peaceful = Plan(honest.seed, honest.start_ms, "peace", type(honest.preset)(60, 0.9, 0.0, 7))
    with_fraud = [t.draft for t, label in islice(transactions(honest), 2_500) if label.scenario is None]
    without = [t.draft for t, _ in islice(transactions(peaceful), len(with_fraud))]
    assert with_fraud == without
    assert len(with_fraud) < 2_500


def speed_kmh(a: Draft, b: Draft) -> float:
    km = distance_km(a.latitude or 0, a.longitude or 0, b.latitude or 0, b.longitude or 0)
    hours = (b.event_ms - a.event_ms) / HOUR_MS
    return km / hours if hours else float("inf") if km else 0.0


def fastest_kmh(made: list[tuple[Transaction, Label]]) -> float:
    last: dict[str, Draft] = {}
    fastest = 0.0
    for transaction, label in made:
        draft = transaction.draft
        if draft.card_present and label.scenario is None and draft.holder.second_home is None:
            before = last.get(draft.holder.card_id)
            fastest = max(fastest, speed_kmh(before, draft) if before else 0.0)
            last[draft.holder.card_id] = draft
    return fastest


@settings(max_examples=3, deadline=None)
@given(seed=seeds)
def test_no_seed_makes_a_genuine_card_too_fast(seed: int) -> None:
    assert fastest_kmh(list(islice(transactions(plan(seed, cards=15)), 1_000))) < 900


def test_records_are_valid_and_carry_no_card_number() -> None:
    registry = FakeRegistry()
    wire, decoder = Wire.registered(registry), Decoder(registry, logical_types=False)
    for pair in rows()[::5]:
        for record in pair:
            topic, key, value = wire.written(record)
            assert decoder.decode(value) == addressed(record).fields
            assert key.decode() == addressed(record).fields["cardId" if topic == TRANSACTIONS else "transactionId"]
            assert not any(isinstance(v, str) and v.isdigit() and len(v) > 4 for v in addressed(record).fields.values())


def test_a_place_is_known_in_person_and_a_device_online() -> None:
    for transaction, _ in rows():
        record = transaction.record()
        if record["channel"] == "CARD_PRESENT":
            assert record["terminalId"]
            assert record["deviceId"] is None
            assert -90 <= record["latitude"] <= 90
            assert -180 <= record["longitude"] <= 180
        else:
            assert record["terminalId"] is None
            assert record["deviceId"]
        assert record["amountMinor"] > 0


def test_a_line_for_people_says_topic_key_and_times_in_words() -> None:
    transaction, label = rows()[0]
    assert '"topic": "transactions"' in json_line(transaction)
    assert '"eventTime": "2026-01-01T0' in json_line(transaction)
    assert '"releaseTime": "2026-01-08T0' in json_line(label)
