"""Everything that happens, in order of event time, made a day at a time as it is asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import count
from typing import Final

import numpy as np

from producer.fraudsters import Fraudsters
from producer.model import DAY_MS, Draft, Label, Oracle, Transaction
from producer.population import build_population
from producer.presets import Plan
from producer.scenarios import SCENARIOS
from producer.spending import Spending

LABEL_DELAY_MS: Final = 7 * DAY_MS
"""How long a bank takes to learn the truth: seven days, as in the Fraud Detection Handbook."""
STIR: Final = 0x9E3779B97F4A7C15
NUMBERS: Final = (1 << 62) - 1
VARIANT: Final = 1 << 63
TAIL: Final = (1 << 48) - 1
_GENUINE, _FRAUD = 1, 2


def transactions(plan: Plan) -> Iterator[tuple[Transaction, Label]]:
    """Yield every transaction with its label, in order of event time, without end.

    Genuine spending is drawn apart from fraud: it is the same whether cards are stolen or not.
    """
    ids = transaction_ids(f"{plan.name}/{plan.preset.cards}/{plan.seed}/{plan.start_ms}/{plan.difficulty}")
    for transaction_id, (draft, scenario) in zip(ids, _drafts(plan), strict=False):
        transaction = Transaction(transaction_id, draft)
        yield transaction, Label(transaction, scenario, draft.event_ms + LABEL_DELAY_MS)


def transaction_ids(plan: str) -> Iterator[str]:
    """Yield different UUIDs without end, the same for the same plan.

    They are of version 8 (RFC 9562): 60 bits tell the plan, 62 the number of the transaction, stirred by an
    odd factor so that neighbours look different.
    """
    digest = blake2b(plan.encode(), digest_size=8).hexdigest()
    head = f"{digest[:8]}-{digest[8:12]}-8{digest[12:15]}-"
    for number in count(1):
        stirred = VARIANT | number * STIR & NUMBERS
        yield f"{head}{stirred >> 48:04x}-{stirred & TAIL:012x}"


def with_late_labels(pairs: Iterable[tuple[Transaction, Label]]) -> Iterator[Transaction | Label]:
    """Yield transactions, and each label once the virtual clock has passed its release.

    The clock is the event time of the transaction at hand. When `pairs` ends, the labels still held back
    follow in order, so that every transaction gets one.
    """
    held: deque[Label] = deque()
    for transaction, label in pairs:
        while held and held[0].release_ms <= transaction.draft.event_ms:
            yield held.popleft()
        yield transaction
        held.append(label)
    yield from held


def with_oracle(pairs: Iterable[tuple[Transaction, Label]]) -> Iterator[Transaction | Label | Oracle]:
    """Yield the same as `with_late_labels`, and after each fraudulent transaction the truth about it at once."""
    told: Oracle | None = None

    def listened() -> Iterator[tuple[Transaction, Label]]:
        nonlocal told
        for transaction, label in pairs:
            told = Oracle(label) if label.scenario else None
            yield transaction, label

    for record in with_late_labels(listened()):
        yield record
        if told and record is told.label.transaction:
            yield told


def _drafts(plan: Plan) -> Iterator[tuple[Draft, str | None]]:
    preset = plan.preset
    population = build_population(plan.seed, preset.cards, preset.purchases_per_card_day)
    spending = Spending(population)
    fraudsters = Fraudsters(
        population, SCENARIOS, share=preset.fraud_share, difficulty=plan.difficulty, start_ms=plan.start_ms
    )
    ahead: list[tuple[Draft, str | None]] = []
    for day in count():
        day_ms = plan.start_ms + day * DAY_MS
        genuine = spending.day(day_ms, np.random.default_rng([plan.seed, _GENUINE, day]))
        ahead += [(draft, None) for draft in genuine]
        rng = np.random.default_rng([plan.seed, _FRAUD, day])
        for name, draft in fraudsters.day(day_ms, genuine, rng, steal=day_ms >= plan.fraud_from_ms):
            ahead.append((draft, name))
        ahead.sort(key=_event_ms)
        due = bisect_left(ahead, day_ms + DAY_MS, key=_event_ms)
        yield from ahead[:due]
        del ahead[:due]


def _event_ms(one: tuple[Draft, str | None]) -> int:
    return one[0].event_ms
