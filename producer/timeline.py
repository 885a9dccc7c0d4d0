"""Everything that happens, in order of event time, made a day at a time as it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producer.fraudsters import Fraudsters
from producer.model import DAY_MS, Draft, Label, Oracle, Transaction
from producer.population import build_population
from producer.presets import Plan
from producer.scenarios import SCENARIOS
from producer.spending import Spending

LABEL_DELAY_MS: Final = 7 * DAY_MS
"""How long a bank takes to learn the truth: seven days, as in the Fraud Detection Handbook."""
STRETCH: Final = 1_000
"""So many transactions are handled at once, unless told otherwise."""
STIR: Final = np.uint64(0x9E3779B97F4A7C15)
NUMBERS: Final = np.uint64((1 << 62) - 1)
VARIANT: Final = np.uint64(1 << 63)
HEX: Final = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)
"""Two hexadecimal digits in ASCII for each byte: (256,)."""
_GENUINE, _FRAUD = 1, 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some transactions in order of event time: of each its id, what it is and what made it."""

    ids: NDArray[np.bytes_]
    """UUIDs in ASCII: (n,), 36 bytes each."""
    drafts: Sequence[Draft]
    scenarios: Sequence[str | None]

    def pairs(self) -> Iterator[tuple[Transaction, Label]]:
        """Return them as objects, with their labels."""
        made = list(map(_transaction, zip(self.ids.astype("U").tolist(), self.drafts, strict=True)))
        releases = [draft.event_ms + LABEL_DELAY_MS for draft in self.drafts]
        return zip(made, map(_label, zip(made, self.scenarios, releases, strict=True)), strict=True)


# As their _make, without a call of Python for each.
_transaction = partial(tuple.__new__, Transaction)
_label = partial(tuple.__new__, Label)


def transactions(plan: Plan) -> Iterator[tuple[Transaction, Label]]:
    """Yield every transaction with its label, in order of event time, without end."""
    for stretch in stretches(plan):
        yield from stretch.pairs()


def stretches(plan: Plan, most: int = STRETCH) -> Iterator[Stretch]:
    """Yield the same in stretches of `most` at most.

    Genuine spending is drawn apart from fraud: it is the same whether cards are stolen or not.
    """
    ids = TransactionIds(f"{plan.name}/{plan.preset.cards}/{plan.seed}/{plan.start_ms}/{plan.difficulty}")
    for drafts, scenarios in _days(plan):
        for at in range(0, len(drafts), most):
            some = drafts[at : at + most]
            yield Stretch(ids.take(len(some)), some, scenarios[at : at + most])


def first(count: int, parts: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yield the first transactions of some stretches; 0: all."""
    left = count
    for part in parts:
        if not count or len(part.drafts) < left:
            yield part
            left -= len(part.drafts)
        else:
            yield Stretch(part.ids[:left], part.drafts[:left], part.scenarios[:left])
            return


class TransactionIds:
    """Different UUIDs without end, the same for the same plan.

    They are of version 8 (RFC 9562): 60 bits tell the plan, 62 the number of the transaction, stirred by an
    odd factor so that neighbours look different.
    """

    def __init__(self, plan: str) -> None:
        """Begin with number 1."""
        digest = blake2b(plan.encode(), digest_size=8).hexdigest()
        self._head = f"{digest[:8]}-{digest[8:12]}-8{digest[12:15]}-".encode()
        self._next = 1

    def take(self, count: int) -> NDArray[np.bytes_]:
        """Return the next ones: (count,) of 36 ASCII bytes."""
        numbers = np.arange(self._next, self._next + count, dtype=np.uint64)
        self._next += count
        stirred = VARIANT | numbers * STIR & NUMBERS
        digits = HEX[stirred.astype(">u8").view(np.uint8).reshape(count, 8)].view("S16").reshape(count)
        rows = np.empty((count, 36), np.uint8)
        rows[:, :19] = np.frombuffer(self._head, np.uint8)
        tail = digits.view(np.uint8).reshape(count, 16)
        rows[:, 19:23], rows[:, 23], rows[:, 24:] = tail[:, :4], ord("-"), tail[:, 4:]
        return rows.view("S36").reshape(count)


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


def _days(plan: Plan) -> Iterator[tuple[list[Draft], list[str | None]]]:
    """Yield what is due in each day, in order of event time, and what made each."""
    preset = plan.preset
    population = build_population(plan.seed, preset.cards, preset.purchases_per_card_day)
    spending = Spending(population)
    fraudsters = Fraudsters(
        population, SCENARIOS, share=preset.fraud_share, difficulty=plan.difficulty, start_ms=plan.start_ms
    )
    drafts: list[Draft] = []
    scenarios: list[str | None] = []
    for day in count():
        day_ms = plan.start_ms + day * DAY_MS
        genuine = spending.day(day_ms, np.random.default_rng([plan.seed, _GENUINE, day]))
        drafts += genuine
        scenarios += [None] * len(genuine)
        rng = np.random.default_rng([plan.seed, _FRAUD, day])
        for name, draft in fraudsters.day(day_ms, genuine, rng, steal=day_ms >= plan.fraud_from_ms):
            drafts.append(draft)
            scenarios.append(name)
        event_ms = np.array([draft[0] for draft in drafts], np.int64)
        order = np.argsort(event_ms, kind="stable")
        due = int(np.searchsorted(event_ms[order], day_ms + DAY_MS))
        drafts, scenarios = ([values[i] for i in order.tolist()] for values in (drafts, scenarios))
        yield drafts[:due], scenarios[:due]
        drafts, scenarios = drafts[due:], scenarios[due:]
