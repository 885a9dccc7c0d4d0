"""Everything that happens, in order of event time, made a day at a time as it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Final
from uuid import uuid5

import numpy as np

from producer.fraudsters import Fraudsters
from producer.model import DAY_MS, Draft, Label, Oracle, Transaction
from producer.population import IDS, build_population
from producer.presets import Plan
from producer.scenarios import SCENARIOS
from producer.spending import Spending

LABEL_DELAY_MS: Final = 7 * DAY_MS
"""How long a bank takes to learn the truth: seven days, as in the Fraud Detection Handbook."""
_GENUINE, _FRAUD = 1, 2


def transactions(plan: Plan) -> Iterator[tuple[Transaction, Label]]:
    """Yield every transaction with its label, in order of event time, without end.

    Genuine spending is drawn apart from fraud: it is the same whether cards are stolen or not.
    """
    namespace = uuid5(IDS, f"{plan.name}/{plan.preset.cards}/{plan.seed}/{plan.start_ms}/{plan.difficulty}")
    for index, (draft, scenario) in enumerate(_drafts(plan)):
        transaction = Transaction(str(uuid5(namespace, str(index))), draft)
        yield transaction, Label(transaction, scenario, draft.event_ms + LABEL_DELAY_MS)


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
    ahead: list[tuple[int, int, Draft, str | None]] = []
    tie = count()
    for day in count():
        day_ms = plan.start_ms + day * DAY_MS
        genuine = spending.day(day_ms, np.random.default_rng([plan.seed, _GENUINE, day]))
        for draft in genuine:
            heappush(ahead, (draft.event_ms, next(tie), draft, None))
        rng = np.random.default_rng([plan.seed, _FRAUD, day])
        for name, draft in fraudsters.day(day_ms, genuine, rng, steal=day_ms >= plan.fraud_from_ms):
            heappush(ahead, (draft.event_ms, next(tie), draft, name))
        while ahead and ahead[0][0] < day_ms + DAY_MS:
            _, _, draft, scenario = heappop(ahead)
            yield draft, scenario
