"""Both stages by batches take of a stream what the core's chain takes of it, record for record."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from typing import Any, Final

import numpy as np
import pytest

from analyzer.batch.chain import BatchChain
from analyzer.batch.columns import Columns
from analyzer.batch.in_memory import columns_of
from analyzer.batch.store import CardStore
from analyzer.core.chain import Chain, Judges
from analyzer.core.detect import Duplicate, Judged, Late
from analyzer.core.model import Transaction
from analyzer.core.sighting import Sighting
from analyzer.wire import checked
from bench.analyzer.records import disordered
from tests import batch_input
from tests.analyzer_input import judge, judges, record, sight, stream, terminal_judge
from tests.batch_peer import state_codec

STREAM: Final = [checked(one) for one in disordered(stream(4_000, cards=60))]
"""Some of it late, some of it twice."""


def batches() -> Iterator[list[Transaction]]:
    """Yield the stream in batches of many sizes, an empty one first."""
    rng, rest = random.Random(7), iter(STREAM)  # noqa: S311 - input of a test
    yield []
    while batch := list(islice(rest, rng.choice((1, 7, 60, 900)))):
        yield batch


@pytest.mark.parametrize(
    "by",
    [
        judges(),
        Judges(judge(shadow=frozenset({"velocity"})), sight(online=True), terminal_judge(shadow=True)),
        Judges(judge(), sight=None, terminals=None),
    ],
)
def test_the_same_comes_of_every_record_as_by_the_core(by: Judges) -> None:
    chain, batch_chain = Chain(by), BatchChain(by, CardStore(state_codec()))
    for batch in batches():
        assert batch_chain.take(batch) == [chain.take(one) for one in batch]


def test_the_stream_has_some_of_every_kind() -> None:
    chain = Chain(judges())
    taken = [chain.take(one) for one in STREAM]
    kinds = {type(one.outcome) for one in taken}
    assert kinds == {Judged, Late, Duplicate}
    assert {isinstance(told.of, Sighting) for one in taken for told in one.told} == {False, True}


def test_columns_of_transactions_in_memory_are_those_of_their_records() -> None:
    ones = [*STREAM[:300], checked(record(merchantId="ł" * 200, latitude=-0.0, longitude=180.0, amountMinor=10**12))]
    ours, plain = columns_of(ones, 40), batch_input.columns_of(ones, 40)
    for one in fields(Columns):
        mine, theirs = getattr(ours, one.name), getattr(plain, one.name)
        if one.name == "transaction":
            assert [ours.transaction(at) for at in range(len(ones))] == ones
        elif callable(mine):
            with pytest.raises(LookupError, match="no record"):
                mine(0)
        else:
            assert same(mine, theirs), one.name


def same(one: Any, other: Any) -> bool:
    if not isinstance(one, np.ndarray):
        return bool(one == other)
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype == np.float64)
