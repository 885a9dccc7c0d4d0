"""The batch judge beside the scalar core, which it must equal: a stream in batches, and one record after the other."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analyzer.batch.columns import Columns
from analyzer.batch.judge import BatchJudge, card_ids_of
from analyzer.batch.outcome import BatchOutcome, Kind
from analyzer.batch.shelf import Shelf
from analyzer.batch.store import CardStore
from analyzer.core.detect import Duplicate, Judge, Judged, Late, Outcome, Replayed
from analyzer.core.model import Transaction, Verdict
from analyzer.core.sighting import Sight
from analyzer.core.window import CardWindow
from analyzer.wire import StateCodec
from schemas.codec import Decoder, Encoder
from schemas.registry import FakeRegistry

KINDS = {Judged: Kind.JUDGED, Late: Kind.LATE, Duplicate: Kind.DUPLICATE, Replayed: Kind.REPLAYED}


def state_codec() -> StateCodec:
    registry = FakeRegistry()
    encoder = Encoder.registered("card_state", "card-states", registry)
    return StateCodec(encoder, Decoder(registry, reader="card_state", logical_types=False))


@dataclass
class Scalar:
    """One record after the other, each card's window in a dict."""

    judge: Judge
    sight: Sight | None
    windows: dict[str, CardWindow] = field(default_factory=dict)

    def take(self, one: Transaction, offset: int) -> tuple[Outcome, float | None]:
        """Judge a record; return what it was, and its amount's z-score if it is sighted."""
        before = self.windows.get(one.card_id) or CardWindow()
        after, outcome = self.judge.judge(before, one, offset)
        sighting = None
        if self.sight is not None:
            after, sighting = self.sight.sight(before, after, one, outcome)
        self.windows[one.card_id] = after
        return outcome, sighting.amount_z if sighting else None


@dataclass
class Batched:
    """The same by batches."""

    judge: Judge
    sight: Sight | None
    store: CardStore = field(default_factory=lambda: CardStore(state_codec()))
    shelves: dict[int, Shelf] = field(default_factory=dict)
    asked: int = 0
    """How many records the core was asked about."""

    @property
    def shelf(self) -> Shelf:
        """The cards of the partition that is meant where none is named."""
        return self.of(0)

    def of(self, partition: int) -> Shelf:
        """Return the cards of a partition."""
        return self.shelves.setdefault(partition, Shelf(self.store, partition))

    def take(
        self, columns: Columns, ones: Sequence[Transaction], partitions: Sequence[int] | None = None
    ) -> BatchOutcome:
        """Judge a batch; `partitions` is where each record comes from."""

        def read(at: int) -> Transaction:
            self.asked += 1
            return ones[at]

        card_ids = card_ids_of(columns, ones.__getitem__)
        places = zip(partitions or [0] * len(ones), card_ids, strict=True)
        slots = np.array([self.of(partition).slot(card_id) for partition, card_id in places], np.int64)
        return BatchJudge(self.judge, self.sight).judge(self.store, slots, columns, read)

    def states(self) -> Iterable[tuple[bytes, bytes]]:
        """Return each card and its state as the changelog has it."""
        return [(card_id, self.shelf.value(card_id)) for card_id in self.shelf.card_ids()]

    def windows(self, cards: Collection[str], partition: int = 0) -> dict[str, CardWindow]:
        slots = [self.of(partition).slot(card.encode()) for card in cards]
        found = dict(zip(cards, map(self.store.window, slots), strict=True))
        codec = state_codec()
        assert [codec.decode(value) for value in self.store.encode_all(slots)] == list(found.values())
        return found


def plainly(outcome: BatchOutcome) -> list[tuple[Any, ...]]:
    """Return kind, verdict, lateness and z-score of each record."""
    return [
        (
            Kind(kind),
            outcome.verdicts.get(at),
            outcome.behind_ms.get(at),
            float(outcome.amount_z[at]) if outcome.sighted[at] else None,
        )
        for at, kind in enumerate(outcome.kind.tolist())
    ]


def told(outcome: Outcome, amount_z: float | None) -> tuple[Any, ...]:
    """Return the same of what the core says."""
    verdict = outcome.verdict if isinstance(outcome, Judged) else None
    behind_ms = outcome.behind_ms if isinstance(outcome, Late) else None
    return KINDS[type(outcome)], verdict if verdict and something(verdict) else None, behind_ms, amount_z


def something(verdict: Verdict) -> bool:
    return bool(verdict.findings or verdict.shadow)


def consistent(outcome: BatchOutcome) -> bool:
    """Tell whether there is a z-score where something is sighted, and nowhere else."""
    return all(
        math.isnan(z) != sighted for z, sighted in zip(outcome.amount_z.tolist(), outcome.sighted.tolist(), strict=True)
    )
